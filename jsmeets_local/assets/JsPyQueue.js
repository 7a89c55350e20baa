/**
 * jsmeets_local: queues that Python fills, and pushes to Python's queues. Needs JsPyTextSocket.js.
 *
 * MIT License
 */

(() => {
    "use strict";
    if (globalThis.JsPyQueue?.VERSION) {
        return;
    }
    const link = /** @type {JsPyInternals} */ (/** @type {unknown} */ (globalThis.JsPyTextSocket));
    if (!link) {
        throw new Error("Load JsPyTextSocket.js before JsPyQueue.js");
    }

    /** Taken from both ends; Array.shift alone would move all items each time. */
    class Items {
        constructor() {
            /** @type {any[]} */
            this.list = [];
            this.first = 0;
        }

        get size() {
            return this.list.length - this.first;
        }

        /** @param {any} item */
        push(item) {
            this.list.push(item);
        }

        pop() {
            const item = this.list.pop();
            this.tidy();
            return item;
        }

        shift() {
            const item = this.list[this.first];
            this.list[this.first] = undefined;
            this.first += 1;
            this.tidy();
            return item;
        }

        tidy() {
            if (this.size === 0) {
                this.clear();
            } else if (this.first > 1024 && this.first * 2 > this.list.length) {
                this.list = this.list.slice(this.first);
                this.first = 0;
            }
        }

        clear() {
            this.list = [];
            this.first = 0;
        }
    }

    /** @type {Map<QueueKey, Items>} */
    const queues = new Map();
    /** @type {Map<QueueKey, Array<(item: any) => void>>} who waits for the next item of a key */
    const waiting = new Map();
    /** @type {Array<(key: QueueKey) => unknown>} */
    let callbacks = [];

    // ---------------------------------------------------------------- to Python

    /** @typedef {import("./jsmeets.d.mts").QueueKey} QueueKey */

    /** @param {unknown} key @returns {string} the lane of its pushes: 5 and "5" are two queues */
    function lane_of(key) {
        const fits = key === null || typeof key === "string" || typeof key === "boolean" || Number.isFinite(key);
        if (!fits) {
            throw new TypeError(`The key of a queue must be a string, number, boolean or null, not ${typeof key}`);
        }
        return `push ${JSON.stringify(key)}`;
    }

    /** @param {any} data what has no JSON of its own is null, or the message would be cut short */
    const plain = (data) => (["undefined", "function", "symbol"].includes(typeof data) ? null : data);

    /** @param {QueueKey} key @returns {(data: any) => void} */
    function push_nowait(key) {
        const lane = lane_of(key);
        return (data) => {
            if (!link._notify(["push", 0, key, plain(data)], data, "data", lane)) {
                throw new Error("Could not send to server @javascript");
            }
        };
    }

    /** @param {QueueKey} key @param {number} [timeout] seconds @returns {(data: any) => Promise<boolean>} */
    function push(key, timeout) {
        const lane = lane_of(key);
        const limit = link._limit(timeout);
        return (data) => new Promise((resolve) => {
            try {
                link._request({
                    message: (id) => ["push", id, key, plain(data)],
                    body: data,
                    label: "data",
                    lane,
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

    /** @type {JsPyHandler} */
    function on_push([, id, key, data], reply) {
        const items = queues.get(key) ?? new Items();
        queues.set(key, items);
        items.push(data);
        if (id > 0) {
            reply(["return", id, true]);
        }
        hand_over(key, items);
        [...callbacks].forEach((func) => run(func, key));
    }

    /** @param {QueueKey} key @param {Items} items */
    function hand_over(key, items) {
        const first = waiting.get(key)?.shift();
        if (first) {
            first(items.shift());
        }
    }

    /** @type {(func: (key: QueueKey) => unknown, key: QueueKey) => void} */
    function run(func, key) {
        const failed = (/** @type {unknown} */ error) => link._fault(`queue callback for '${key}'`, error);
        try {
            const result = /** @type {any} */ (func(key));
            if (link._is_thenable(result)) {
                result.then(undefined, failed);
            }
        } catch (error) {
            failed(error);
        }
    }

    /** @type {(key: QueueKey) => boolean} */
    const is_empty = (key) => (queues.get(key)?.size ?? 0) === 0;
    /** @type {(key: QueueKey, default_value?: any) => any} the newest */
    const pop = (key, default_value) => (is_empty(key) ? default_value : queues.get(key)?.pop());
    /** @type {(key: QueueKey, default_value?: any) => any} the oldest */
    const shift = (key, default_value) => (is_empty(key) ? default_value : queues.get(key)?.shift());
    /** @type {(key: QueueKey) => boolean} */
    const has = (key) => queues.has(key);
    const get_keys = () => [...queues.keys()];

    /** @param {QueueKey} key */
    function clear(key) {
        queues.get(key)?.clear();
        return queues.has(key);
    }

    const clear_all = () => queues.forEach((items) => items.clear());
    /** @type {(key: QueueKey) => boolean} */
    const remove = (key) => queues.delete(key);
    const remove_all = () => queues.clear();

    /** @param {(key: QueueKey) => unknown} func */
    function add_callback(func) {
        if (typeof func !== "function") {
            throw new TypeError(`add_callback: a function is needed, not ${String(func)}`);
        }
        callbacks.push(func);
    }

    const clear_callback = () => void (callbacks = []);

    /** The oldest item, or the next to come. @param {QueueKey} key @param {number} [timeout] @returns {Promise<any>} */
    async function get(key, timeout) {
        lane_of(key);   // only for its check
        const limit = link._limit(timeout);
        return is_empty(key) ? next_item(key, limit) : shift(key);
    }

    /** @param {QueueKey} key @param {number | null} limit */
    function next_item(key, limit) {
        return new Promise((resolve, reject) => {
            const line = waiting.get(key) ?? [];
            waiting.set(key, line);
            const take = (/** @type {any} */ item) => (clearTimeout(timer), resolve(item));
            const late = () => {
                line.splice(line.indexOf(take), 1);
                reject(new DOMException(`Nothing came on the queue '${key}' in time`, "TimeoutError"));
            };
            const timer = limit === null ? undefined : setTimeout(late, limit);
            line.push(take);
        });
    }

    link._handle("push", on_push);
    // A message of the form of 2020, built by hand, as its documentation shows it.
    const on_custom = (/** @type {any} */ { key, data }) => on_push(["push", 0, key, data], () => undefined);
    ["queue", "queue_call"].forEach((protocol) => link._add_protocol(protocol, on_custom));
    globalThis.JsPyQueue = {
        VERSION: "1.0.0", push_nowait, push, pop, shift, get, is_empty, has, get_keys, clear, clear_all, remove, remove_all,
        add_callback, clear_callback,
    };
})();
