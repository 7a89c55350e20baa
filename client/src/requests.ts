/** Requests that wait for a response from Python. */

import { ABORTED, disconnected, timedOut } from "./errors.ts";
import type { Failure } from "./messages.ts";
import type { Packet } from "./packet.ts";

export type Settle = (failure: Failure | null, value?: any) => void;

/** Outcome and limits of a request. */
export interface Expectation {
    settle: Settle;
    /** Milliseconds; null means no limit. */
    limit: number | null;
    /** Gives the request up when it aborts. It must not have aborted. */
    signal?: AbortSignal | undefined;
}

interface Pending {
    settle: Settle;
    packet: Packet;
    timer: ReturnType<typeof setTimeout> | undefined;
    /** Stops listening to the signal of the request. */
    detach: (() => void) | undefined;
    isCancellable: boolean;
}

/** Tracks pending requests. Each is settled exactly once: by a response, a timeout, its signal, or the end of its session. */
export class Requests {
    /** The number of responses without a pending request: late, duplicate or unknown. */
    ignored = 0;
    private nextId = 1;
    private readonly pending = new Map<number, Pending>();

    /** @param cancel tells Python that the response to a request is no longer needed. */
    constructor(private readonly cancel: (id: number, packet: Packet) => void) {}

    get size(): number {
        return this.pending.size;
    }

    newId(): number {
        const id = this.nextId;
        this.nextId = id === Number.MAX_SAFE_INTEGER ? 1 : id + 1;
        return id;
    }

    /** @param isCancellable Python stops the request when it is given up. */
    add(id: number, packet: Packet, { settle, limit, signal }: Expectation, isCancellable: boolean): void {
        const timer = limit === null ? undefined : setTimeout(() => this.giveUp(id, timedOut()), limit);
        this.pending.set(id, { settle, packet, timer, detach: signal && this.listen(id, signal), isCancellable });
    }

    private listen(id: number, signal: AbortSignal): () => void {
        const abort = (): void => this.giveUp(id, ABORTED);
        signal.addEventListener("abort", abort, { once: true });
        return () => signal.removeEventListener("abort", abort);
    }

    /** Fail a request that has stopped waiting. If it was not sent, it is never sent. */
    private giveUp(id: number, failure: Failure): void {
        const { packet, isCancellable } = this.pending.get(id)!;
        this.settle(id, failure);
        if (isCancellable) {
            this.cancel(id, packet);
        }
    }

    settle(id: number, failure: Failure | null, value?: unknown): void {
        const request = this.pending.get(id);
        if (!request) {
            this.ignored += 1;
            return;
        }
        this.pending.delete(id);
        clearTimeout(request.timer);
        request.detach?.();
        request.packet.cancelled = true;   // a settled request must not be sent later
        request.settle(failure, value);
    }

    /** Fail the requests that were sent or concern the session that ended; with `all`, also the others, which would never be settled. */
    disconnect(all: boolean): void {
        for (const [id, { packet }] of [...this.pending]) {
            if (all || packet.sent || packet.bound) {
                this.settle(id, disconnected(`the connection was lost${packet.sent ? ": it may or may not have run" : ""}`));
            }
        }
    }
}
