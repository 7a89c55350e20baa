/** Calls of names that the page has not exposed yet. */

import type { Call } from "./calls.ts";

/** Milliseconds from the load of the page in which a name may still be exposed. */
const WAIT_MS = 2000;

interface Waiter<Entry> {
    resolve: (entry: Entry) => void;
    giveUp: () => void;
}

/** Holds calls of unknown names until the name is exposed, up to 2 s from the load of the page. */
export class LateNames<Entry> {
    private readonly installed = performance.now();
    private readonly waiting = new Map<string, Set<Waiter<Entry>>>();
    private timer: ReturnType<typeof setTimeout> | undefined;

    /**
     * Return a promise of what is exposed as `key`; it never settles if the call is cancelled. Throws if it is too late for
     * the name. `unknown` creates the error.
     */
    wait(key: string, call: Call, unknown: () => Error): Promise<Entry> {
        const left = this.loaded() + WAIT_MS - performance.now();
        if (left <= 0) {
            throw unknown();
        }
        return new Promise((resolve, reject) => {
            const waiters = this.waiting.get(key) ?? new Set();
            const waiter = { resolve, giveUp: () => reject(unknown()) };
            this.waiting.set(key, waiters.add(waiter));
            call.signal.addEventListener("abort", () => waiters.delete(waiter), { once: true });
            this.timer ??= setTimeout(() => this.giveUp(), left);
        });
    }

    /** Continue the calls that wait for a name, in a microtask: the script that exposes it runs to its end first. */
    arrive(key: string, entry: Entry): void {
        this.waiting.get(key)?.forEach(({ resolve }) => resolve(entry));
        if (this.waiting.delete(key) && this.waiting.size === 0) {
            clearTimeout(this.timer);
            this.timer = undefined;
        }
    }

    /** Return when the scripts of the document had run, or when this one was installed, if that is later. */
    private loaded(): number {
        const [timing] = performance.getEntriesByType?.("navigation") ?? [];
        return Math.max(this.installed, (timing as PerformanceNavigationTiming | undefined)?.domContentLoadedEventStart ?? -Infinity);
    }

    private giveUp(): void {
        this.timer = undefined;
        const all = [...this.waiting];
        this.waiting.clear();
        all.forEach(([, waiters]) => waiters.forEach((waiter) => waiter.giveUp()));
    }
}
