/** Requests that wait for a response from Python. */

import { disconnected, timedOut } from "./errors.ts";
import type { Failure } from "./messages.ts";
import type { Packet } from "./packet.ts";

export type Settle = (failure: Failure | null, value?: any) => void;

interface Pending {
    settle: Settle;
    packet: Packet;
    timer: ReturnType<typeof setTimeout> | undefined;
}

/** Tracks pending requests. Each is settled exactly once: by a response, a timeout, or the end of its session. */
export class Requests {
    /** The number of responses without a pending request: late, duplicate or unknown. */
    ignored = 0;
    private nextId = 1;
    private readonly pending = new Map<number, Pending>();

    get size(): number {
        return this.pending.size;
    }

    newId(): number {
        const id = this.nextId;
        this.nextId = id === Number.MAX_SAFE_INTEGER ? 1 : id + 1;
        return id;
    }

    /** @param limit milliseconds; null means no limit. */
    add(id: number, packet: Packet, settle: Settle, limit: number | null): void {
        const timer = limit === null ? undefined : setTimeout(() => this.settle(id, timedOut()), limit);
        this.pending.set(id, { settle, packet, timer });
    }

    settle(id: number, failure: Failure | null, value?: unknown): void {
        const request = this.pending.get(id);
        if (!request) {
            this.ignored += 1;
            return;
        }
        this.pending.delete(id);
        clearTimeout(request.timer);
        request.packet.cancelled = true;   // don't send a request that is already settled
        request.settle(failure, value);
    }

    /** Fail the sent requests. With `all`, also fail the unsent ones, which would never settle. */
    disconnect(all: boolean): void {
        for (const [id, { packet }] of [...this.pending]) {
            if (all || packet.sent) {
                this.settle(id, disconnected(`the connection was lost${packet.sent ? ": it may or may not have run" : ""}`));
            }
        }
    }
}
