/** Calls of the page's functions by Python, and their cancellation. */

import { follow } from "./callbacks.ts";

/** The last argument of a function that is exposed with `{ context: true }`. */
export interface CallContext {
    /** Aborts when Python no longer waits for the call, and when the session ends. */
    readonly signal: AbortSignal;
}

/** A call by Python. The AbortController is created when the signal is first read: most functions never do. */
export class Call implements CallContext {
    isCancelled = false;
    private reason: unknown;
    private controller: AbortController | null = null;

    get signal(): AbortSignal {
        if (!this.controller) {
            this.controller = new AbortController();
            this.abort();
        }
        return this.controller.signal;
    }

    /** Mark the call as cancelled. `abort` then aborts its signal. */
    cancel(reason: string): void {
        this.isCancelled = true;
        this.reason = new DOMException(reason, "AbortError");
    }

    abort(): void {
        if (this.isCancelled) {
            this.controller?.abort(this.reason);
        }
    }

    /** Return true if `error` is the reason of the signal, as `fetch` rejects with it. */
    isReason(error: unknown): boolean {
        return this.isCancelled && error === this.reason;
    }
}

/** The calls by Python that have not ended. */
export class Calls {
    /** The number of results that were dropped because their call was cancelled. */
    dropped = 0;
    /** Id of the request -> its call. A notification is its own key. */
    private readonly running = new Map<unknown, Call>();

    /**
     * Run `action` and pass on its result or error; neither, if Python has cancelled the call meanwhile.
     *
     * @param id the id of the request; null for a notification, whose errors are passed on even if its session has ended.
     */
    run(id: number | null, action: (call: Call) => any, done: (value: any) => void, failed: (error: any) => void): void {
        const call = new Call();
        const key = id ?? call;
        const end = (isPassedOn: boolean, pass: (outcome: any) => void, outcome: any): void => {
            if (this.running.get(key) === call) {
                this.running.delete(key);
            }
            if (isPassedOn) {
                pass(outcome);
            } else {
                this.dropped += 1;
            }
        };
        const isPending = follow(
            () => action(call),
            (value) => end(!call.isCancelled, done, value),
            (error) => end(id === null ? !call.isReason(error) : !call.isCancelled, failed, error),
        );
        if (isPending) {
            this.running.set(key, call);
        }
    }

    /** Cancel a call. One that has ended is ignored. */
    cancel(id: number): void {
        const call = this.running.get(id);
        if (call) {
            this.running.delete(id);
            call.cancel("Python no longer waits for this call");
            call.abort();
        }
    }

    /** Cancel all calls: their session has ended. The functions learn of it in a microtask, after the state has settled. */
    cancelAll(): void {
        const all = [...this.running.values()];
        this.running.clear();
        all.forEach((call) => call.cancel("the session with Python has ended"));
        if (all.length) {
            queueMicrotask(() => all.forEach((call) => call.abort()));
        }
    }
}
