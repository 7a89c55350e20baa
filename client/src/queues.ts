/** Queues that Python fills, and pushes to Python's queues. */

import { version } from "../package.json";
import type { Connection } from "./connection.ts";
import { checkedFunction, inFirstCall, millisecondsOf, type Timeout } from "./arguments.ts";

/** The key of a queue. 5 and "5" are different queues. */
export type QueueKey = string | number | boolean | null;

/** Queues that Python fills, and pushes to Python's queues. */
export interface JsPyQueueApi {
    readonly VERSION: string;
    /** Push to Python's queue without waiting. Throws if the item cannot be sent. */
    push_nowait(key: QueueKey): (data: any) => void;
    /** Push to Python's queue. Resolves to true once Python has the item; to false on timeout, disconnect or unsendable data. */
    push(key: QueueKey, timeout?: Timeout): (data: any) => Promise<boolean>;
    /** Take the newest item that Python pushed, or return the default. */
    pop(key: QueueKey, default_value?: any): any;
    /** Take the oldest item that Python pushed, or return the default. */
    shift(key: QueueKey, default_value?: any): any;
    /** Take the oldest item, or wait for the next one. Rejects with a TimeoutError after the timeout. */
    get(key: QueueKey, timeout?: Timeout): Promise<any>;
    is_empty(key: QueueKey): boolean;
    /** Return true if the queue exists: it has received an item, and has not been removed since. */
    has(key: QueueKey): boolean;
    get_keys(): QueueKey[];
    /** Drop the items of a queue. Returns false if it does not exist. */
    clear(key: QueueKey): boolean;
    clear_all(): void;
    /** Remove a queue. Returns false if it does not exist. */
    remove(key: QueueKey): boolean;
    remove_all(): void;
    /** Call `func(key)` after each item that arrives. */
    add_callback(func: (key: QueueKey) => unknown): void;
    clear_callback(): void;
}

/** A deque. Array.shift would move all items on each call. */
class Items {
    private list: any[] = [];
    private first = 0;

    get size(): number {
        return this.list.length - this.first;
    }

    push(item: any): void {
        this.list.push(item);
    }

    pop(): any {
        const item = this.list.pop();
        this.tidy();
        return item;
    }

    shift(): any {
        const item = this.list[this.first];
        this.list[this.first] = undefined;
        this.first += 1;
        this.tidy();
        return item;
    }

    private tidy(): void {
        if (this.size === 0) {
            this.clear();
        } else if (this.first > 1024 && this.first * 2 > this.list.length) {
            this.list = this.list.slice(this.first);
            this.first = 0;
        }
    }

    clear(): void {
        this.list = [];
        this.first = 0;
    }
}

/** Return the `order` of pushes to a queue. Throws TypeError if `key` is not a valid key. */
function orderOf(key: unknown): string {
    const fits = key === null || typeof key === "string" || typeof key === "boolean" || Number.isFinite(key);
    if (!fits) {
        throw new TypeError(`The key of a queue must be a string, number, boolean or null, not ${typeof key}`);
    }
    return `push ${JSON.stringify(key)}`;
}

// In parentheses: V8 compiles the function with the file, off the main thread, and not a second time when it is called.
export const createQueues = (function (connection: Connection): JsPyQueueApi {
    const queues = new Map<QueueKey, Items>();
    /** Key -> callbacks that wait for the next items. */
    const waiters = new Map<QueueKey, Array<(item: any) => void>>();
    let callbacks: Array<(key: QueueKey) => unknown> = [];

    // ---------------------------------------------------------------- to Python

    function pushNowait(key: QueueKey, ...given: any[]): (data: any) => void {
        const order = orderOf(key);
        inFirstCall("push_nowait", key, given, 0, () => undefined);
        return (data) => {
            if (!connection.notify(["push", 0, key, data], data, "data", order)) {
                throw new Error("Could not send to server @javascript");
            }
        };
    }

    function push(key: QueueKey, ...given: any[]): (data: any) => Promise<boolean> {
        const order = orderOf(key);
        const limit = inFirstCall("push", key, given, 1, () => millisecondsOf(given[0]));
        return (data) => new Promise((resolve) => {
            try {
                connection.request({
                    message: (id) => ["push", id, key, data],
                    body: data,
                    label: "data",
                    order,
                    limit,
                    settle: (failure, value) => {
                        if (failure?.kind === "refused") {
                            console.error(`JsPyQueue: cannot push to '${key}': ${failure.message}`);
                        }
                        resolve(!failure && value === true);
                    },
                });
            } catch (error) {
                console.error(`JsPyQueue: cannot push to '${key}':`, error);
                resolve(false);
            }
        });
    }

    // ---------------------------------------------------------------- from Python

    /** Add a received item. `taken` is called once it is in the queue. */
    function receiveItem(key: QueueKey, data: any, taken = () => {}): void {
        const items = queues.get(key) ?? new Items();
        queues.set(key, items);
        items.push(data);
        taken();
        waiters.get(key)?.shift()?.(items.shift());
        for (const func of [...callbacks]) {
            connection.guard(`queue callback for '${key}'`, () => func(key));
        }
    }

    const isEmpty = (key: QueueKey): boolean => (queues.get(key)?.size ?? 0) === 0;
    const shift = (key: QueueKey, defaultValue?: any): any => (isEmpty(key) ? defaultValue : queues.get(key)!.shift());

    async function get(key: QueueKey, timeout?: Timeout): Promise<any> {
        orderOf(key);   // checks the key
        const limit = millisecondsOf(timeout);
        return isEmpty(key) ? nextItem(key, limit) : shift(key);
    }

    function nextItem(key: QueueKey, limit: number | null): Promise<any> {
        return new Promise((resolve, reject) => {
            const waiting = waiters.get(key) ?? [];
            waiters.set(key, waiting);
            const take = (item: any): void => (clearTimeout(timer), resolve(item));
            const late = (): void => {
                waiting.splice(waiting.indexOf(take), 1);
                reject(new DOMException(`No item arrived on queue '${key}' in time`, "TimeoutError"));
            };
            const timer = limit === null ? undefined : setTimeout(late, limit);
            waiting.push(take);
        });
    }

    connection.handle("push", ([, id, key, data], reply) =>
        receiveItem(key, data, () => void (id > 0 && reply(["return", id, true]))));
    // Messages of 2020, which user code builds by hand as its documentation shows.
    for (const protocol of ["queue", "queue_call"]) {
        connection.custom.addProtocol(protocol, ({ key, data }) => receiveItem(key, data));
    }
    return {
        VERSION: version,
        push_nowait: pushNowait,
        push,
        pop: (key, defaultValue) => (isEmpty(key) ? defaultValue : queues.get(key)!.pop()),
        shift,
        get,
        is_empty: isEmpty,
        has: (key) => queues.has(key),
        get_keys: () => [...queues.keys()],
        clear(key) {
            queues.get(key)?.clear();
            return queues.has(key);
        },
        clear_all: () => queues.forEach((items) => items.clear()),
        remove: (key) => queues.delete(key),
        remove_all: () => queues.clear(),
        add_callback: (func) => void callbacks.push(checkedFunction(func, "add_callback")),
        clear_callback: () => void (callbacks = []),
    };
});
