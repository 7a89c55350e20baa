/** Calls to user functions: results, errors, listeners and held deliveries. */

import { checkedFunction } from "./arguments.ts";

export const isThenable = (value: any): value is PromiseLike<any> =>
    value !== null && (typeof value === "object" || typeof value === "function") && typeof value.then === "function";

/** Call `action` and pass on its result or error; synchronously unless it returns a thenable. Returns true if it did. */
export function follow(action: () => any, done: (value: any) => void, failed: (error: any) => void): boolean {
    let result;
    try {
        result = action();
        if (isThenable(result)) {
            Promise.resolve(result).then(done, failed);
            return true;
        }
    } catch (error) {
        failed(error);
        return false;
    }
    done(result);
    return false;
}

/** Call `action`; pass its error to `failed` and discard its result. */
export function guard(action: () => any, failed: (error: unknown) => void): void {
    follow(action, () => undefined, failed);
}

/** The listeners of one event. */
export class Listeners<Args extends unknown[]> {
    private funcs: Array<(...args: Args) => unknown> = [];

    constructor(private readonly name: string) {}

    readonly add = (func: (...args: Args) => unknown): void => {
        this.funcs.push(checkedFunction(func, this.name));
    };

    readonly clear = (): void => {
        this.funcs = [];
    };

    run(...args: Args): void {
        for (const func of [...this.funcs]) {
            guard(() => func(...args), (error) => console.error("JsPyTextSocket: error in an event:", error));
        }
    }
}

/** Runs deliveries in order, holding them back until the document's scripts have run. */
export class Deliveries {
    private holds = 0;
    private waiting: Array<() => void> = [];

    get isHeld(): boolean {
        return this.holds > 0 || this.waiting.length > 0;
    }

    /** Hold back deliveries until the returned function is called. */
    hold(): () => void {
        let isOver = false;
        this.holds += 1;
        return () => {
            if (!isOver) {
                isOver = true;
                this.holds -= 1;
                this.drain();
            }
        };
    }

    run(delivery: () => void): void {
        if (this.isHeld) {
            this.waiting.push(delivery);
        } else {
            delivery();
        }
    }

    private drain(): void {
        try {
            while (this.holds === 0 && this.waiting.length) {
                this.waiting.shift()!();
            }
        } finally {
            if (this.holds === 0 && this.waiting.length) {
                queueMicrotask(() => this.drain());   // a delivery threw: run the remaining ones
            }
        }
    }
}
