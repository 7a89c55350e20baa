/**
 * jsmeets_local as a module: import { py, expose, queue, pubsub, ready } from "/jsmeetspy/jsmeets.mjs";
 *
 * MIT License
 */
import "./JsPyTextSocket.js";
import "./JsPyFunction.js";
import "./JsPyQueue.js";
import "./JsPyPubsub.js";
import "./JsPyBinarySocket.js";
import "./badge.js";

export const { JsPyTextSocket, JsPyFunction, JsPyQueue, JsPyPubsub, JsPyBinarySocket } = globalThis;
export const { JsPyError } = JsPyFunction;
export const { NDArray, imshow } = JsPyTextSocket;

/** @typedef {typeof import("./jsmeets.d.mts")} Api */

// A module is not told by document.currentScript where it came from, and it connects in the microtask after this.
const internals = /** @type {any} */ (JsPyTextSocket);
internals._script_url ||= new URL("./JsPyTextSocket.js", import.meta.url).href;

/** @type {Map<string, (...args: any[]) => Promise<any>>} */
const callers = new Map();

/** @param {string} key the same function each time, so that `py.f === py.f` */
function caller(key) {
    const known = callers.get(key);
    if (known) {
        return known;
    }
    const made = JsPyFunction.call(key);
    callers.set(key, made);
    return made;
}

/** @type {Api["py"]} */
export const py = new Proxy(/** @type {any} */ (Object.freeze({})), {
    // Neither a thenable (await would call it) nor something with a JSON of its own.
    get: (_target, key) => (typeof key === "symbol" || key === "then" || key === "toJSON" ? undefined : caller(key)),
});

// For the console, where an import is a lot to type. A page may have a `py` of its own, also later.
if (!("py" in globalThis)) {
    Object.defineProperty(globalThis, "py", { value: py, configurable: true, writable: true, enumerable: false });
}

/** @param {string} key @param {any} func */
function expose_one(key, func, exclusive = false) {
    if (!key) {
        throw new TypeError("expose: this function has no name; write expose(\"name\", function)");
    }
    return JsPyFunction.expose(key, func, exclusive);
}

/** @type {Api["expose"]} */
export const expose = (/** @type {any} */ what, /** @type {any} */ func = undefined, /** @type {any} */ exclusive = false) => {
    if (typeof what === "function") {
        return expose_one(what.name, what);
    }
    if (typeof what === "object" && what !== null) {
        return Object.entries(what).map(([key, value]) => expose_one(key, value)).every(Boolean);
    }
    return expose_one(what, func, exclusive);
};

/** @type {Api["queue"]} */
export const queue = (key) => ({
    push: (data, { timeout = 0 } = {}) => JsPyQueue.push(key, timeout)(data),
    push_nowait: (data) => JsPyQueue.push_nowait(key)(data),
    pop: (default_value) => JsPyQueue.pop(key, default_value),
    shift: (default_value) => JsPyQueue.shift(key, default_value),
    get: (timeout) => JsPyQueue.get(key, timeout),
    is_empty: () => JsPyQueue.is_empty(key),
    async *[Symbol.asyncIterator]() {
        for (;;) {
            yield await JsPyQueue.get(key);
        }
    },
});

/** @type {Api["pubsub"]} */
export const pubsub = {
    publish: (topic, data, { suppress = false, timeout = 0 } = {}) => JsPyPubsub.publish(topic, suppress, timeout)(data),
    subscribe: JsPyPubsub.subscribe,
    unsubscribe: JsPyPubsub.unsubscribe,
};

/** @param {string} method @returns {(...args: any[]) => Promise<any>} */
const asking_window = (method) => (...args) => JsPyFunction.call("$window")(internals._page, method, ...args);

const WINDOW_METHODS = ["get_title", "set_title", "get_size", "resize", "get_position", "move", "minimize", "maximize", "restore",
    "fullscreen", "bring_to_front", "open_dialog", "save_dialog", "folder_dialog"];

/** @type {Api["native"]} */
export const native = /** @type {any} */ (
    Object.freeze(Object.fromEntries(WINDOW_METHODS.map((method) => [method, asking_window(method)]))));

/** @type {Api["ready"]} */
export const ready = async (timeout) => {
    if (await JsPyTextSocket.wait_ready(timeout)) {
        return /** @type {number} */ (JsPyTextSocket.get_socket_id());
    }
    throw new JsPyError("Unable to communicate with the server @javascript");
};
