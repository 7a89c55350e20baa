/**
 * jsmeets_local: functions that Python calls, and calls of Python's functions. Needs JsPyTextSocket.js.
 *
 * MIT License
 */

/**
 * @typedef {{func: (...args: any[]) => any, exclusive: boolean, running: number, tail: Promise<void>}} JsPyExposed
 */

(() => {
    "use strict";
    if (globalThis.JsPyFunction?.VERSION) {
        return;
    }
    const link = /** @type {JsPyInternals} */ (/** @type {unknown} */ (globalThis.JsPyTextSocket));
    if (!link) {
        throw new Error("Load JsPyTextSocket.js before JsPyFunction.js");
    }
    /** @type {Map<string, JsPyExposed>} */
    const exposed = new Map();

    // ---------------------------------------------------------------- errors that a caller sees

    /** @type {((error: Error, below: Function) => void) | undefined} */
    const capture = /** @type {any} */ (Error).captureStackTrace;

    /** A call failed: in Python (`kind` "raised", `name` is Python's type), or on the way. */
    class JsPyError extends Error {
        /** @param {string} [message] */
        constructor(message = "") {
            super(message);
            this.name = "JsPyError";
            /** @type {import("./jsmeets.d.mts").JsPyErrorKind} */
            this.kind = "";
            this.key = "";
            /** @type {number | null} */
            this.socket_id = null;
            this.python_traceback = "";
        }
    }

    /** @param {string} stack without the header that Chromium puts before the frames */
    function frames_of(stack) {
        const at = stack.indexOf("\n    at ");
        return at < 0 ? stack.replace(/^\w*Error\s*/, "") : stack.slice(at + 1);
    }

    /** @type {(message: string) => string} */
    const with_detail = (message) => (message ? `: ${message}` : "");

    /** @type {(failure: JsPyFailure, key: string, seconds: unknown) => {name: string, message: string}} */
    function words_for(failure, key, seconds) {
        if (failure.kind === "timeout") {
            const detail = `'${key}' did not answer within ${seconds} s`;
            return { name: "TimeoutError", message: `A timeout has occurred @javascript: ${detail}` };
        }
        if (failure.kind === "disconnected") {
            const message = "Unable to communicate with the server @javascript" + with_detail(failure.message);
            return { name: "DisconnectedError", message };
        }
        return { name: failure.kind === "unknown" ? "UnknownFunction" : failure.name, message: failure.message };
    }

    /**
     * The error was made where the call was, so its stack leads there; now it learns what happened.
     * @type {(error: JsPyError, failure: JsPyFailure, key: string, seconds: unknown) => JsPyError}
     */
    function fill(error, failure, key, seconds) {
        const frames = frames_of(link._without_token(error.stack ?? ""));
        const { name, message } = words_for(failure, key, seconds);
        const socket_id = globalThis.JsPyTextSocket.get_socket_id();
        Object.assign(error, { name, message, kind: failure.kind, key, socket_id, python_traceback: failure.trace });
        const python = failure.trace ? `\n\nIn Python:\n${failure.trace}` : "";
        error.stack = `${name}: ${message}\n${frames}${python}`;
        return error;
    }

    // ---------------------------------------------------------------- calling Python

    /** @param {unknown} key */
    function checked_key(key) {
        if (typeof key !== "string") {
            throw new TypeError(`The key of a function must be a string, not ${typeof key}`);
        }
        return key;
    }

    /** @param {string} key @param {number} [timeout] seconds @returns {(...args: any[]) => Promise<any>} */
    function call(key, timeout) {
        checked_key(key);
        const limit = link._limit(timeout);
        return function invoke(...args) {
            const error = new JsPyError();
            capture?.(error, invoke);   // begins at the page's own line, where supported
            return new Promise((resolve, reject) => link._request({
                message: (id) => ["call", id, key, args],
                body: args,
                label: "args",
                limit,
                settle: (failure, value) => (failure ? reject(fill(error, failure, key, timeout)) : resolve(value)),
            }));
        };
    }

    /** @param {string} key @returns {(...args: any[]) => void} */
    function call_nowait(key) {
        checked_key(key);
        return (...args) => {
            if (!link._notify(["notify", key, args], args, "args")) {
                throw new Error("Could not send to server @javascript");
            }
        };
    }

    // ---------------------------------------------------------------- being called by Python

    /** @type {(key: string, func: (...args: any[]) => any, exclusive?: boolean) => boolean} */
    function expose(key, func, exclusive = false) {
        if (typeof key !== "string" || key === "" || key.startsWith("$")) {
            throw new TypeError(`expose: the key must be a string that is not empty and does not begin with "$", not ${String(key)}`);
        }
        if (typeof func !== "function") {
            throw new TypeError(`expose('${key}'): a function is needed, not ${func === null ? "null" : typeof func}`);
        }
        if (is_running(key)) {
            return false;
        }
        exposed.set(key, { func, exclusive: Boolean(exclusive), running: 0, tail: Promise.resolve() });
        return true;
    }

    /** @param {string} key */
    const is_running = (key) => (exposed.get(key)?.running ?? 0) > 0;
    /** @param {string} key */
    const clear = (key) => !is_running(key) && exposed.delete(key);
    /** @type {(key: string) => boolean} */
    const has = (key) => exposed.has(key);
    const get_keys = () => [...exposed.keys()];

    /** @type {(entry: JsPyExposed, args: any[]) => any} the value, or a promise of it */
    function run(entry, args) {
        entry.running += 1;
        let result;
        try {
            result = entry.exclusive ? in_line(entry, args) : entry.func(...args);
            if (link._is_thenable(result)) {
                return Promise.resolve(result).finally(() => { entry.running -= 1; });
            }
        } catch (error) {
            entry.running -= 1;
            throw error;
        }
        entry.running -= 1;
        return result;
    }

    /** Strictly one at a time, in the order of arrival. @type {(entry: JsPyExposed, args: any[]) => Promise<any>} */
    function in_line(entry, args) {
        const result = entry.tail.then(() => entry.func(...args));
        entry.tail = result.then(() => undefined, () => undefined);   // the caller sees the error, not the line
        return result;
    }

    /** @param {string} key @param {any[]} args */
    function serve(key, args) {
        const entry = exposed.get(key);
        if (entry) {
            return run(entry, args);
        }
        if (key === "$eval") {
            return evaluate(String(args[0]));
        }
        if (key === "$names") {
            return get_keys().sort();
        }
        const error = new Error(`Function key name is not registered @javascript: '${key}' (exposed: ${get_keys().join(", ")})`);
        throw Object.assign(error, { name: "UnknownFunction", stack: "", jsmeets_kind: "unknown" });
    }

    /**
     * Calls, and hands over the end; at once where there is nothing to wait for.
     * @type {(action: () => any, done: (value: any) => void, failed: (error: any) => void) => void}
     */
    function follow(action, done, failed) {
        let result;
        try {
            result = action();
            if (link._is_thenable(result)) {
                Promise.resolve(result).then(done, failed);
                return;
            }
        } catch (error) {
            failed(error);
            return;
        }
        done(result);
    }

    /** @type {JsPyHandler} */
    function on_call([, id, key, args], reply) {
        const failed = (/** @type {any} */ error) => {
            const unknown = error?.jsmeets_kind === "unknown";
            const facts = link._describe(error);
            reply(["error", id, { kind: unknown ? "unknown" : "raised", ...facts, ...(unknown && { trace: "" }) }]);
        };
        follow(() => serve(key, args), (value) => answer(id, value, reply), failed);
    }

    /** @type {(id: number, value: any, reply: JsPyReply) => void} */
    function answer(id, value, reply) {
        try {
            // A function or a symbol has no JSON: it is null like undefined, or the answer would be cut short.
            const plain = ["undefined", "function", "symbol"].includes(typeof value) ? null : value;
            reply(["return", id, plain], value, "result");
        } catch (error) {
            reply(["error", id, { kind: "unserializable", ...link._describe(error) }]);
        }
    }

    /** @type {JsPyHandler} */
    function on_notify([, key, args]) {
        follow(() => serve(key, args), () => undefined, (error) => link._fault(`function '${key}'`, error));
    }

    // ---------------------------------------------------------------- $eval

    /** @type {any} */
    const AsyncFunction = (async () => undefined).constructor;

    /** @type {(make: () => any) => any} the compiled code, or null where it does not parse */
    function compiled(make) {
        try {
            return make();
        } catch (error) {
            if (error instanceof SyntaxError) {
                return null;
            }
            throw error;
        }
    }

    /** @param {string} code an expression, or statements whose last value counts; await is allowed */
    function evaluate(code) {
        const expression = compiled(() => new AsyncFunction(`return (\n${code}\n);`));
        if (expression) {
            return expression();
        }
        // A static block forbids await and return: what parses there is a plain script with a completion value.
        if (compiled(() => new Function(`class Check { static {\n${code}\n} }`))) {
            return (0, eval)(code);
        }
        const statements = with_last_value(code) ?? compiled(() => new AsyncFunction(code));
        return statements ? statements() : (0, eval)(code);   // eval says what is wrong with the code
    }

    /** Statements with await have no completion value: return the last one if it is an expression. @param {string} code */
    function with_last_value(code) {
        const text = code.trimEnd().replace(/;+$/, "");
        for (const end of [...text.matchAll(/;|[\n}](?=\s*[\p{L}\d_$"'{!])/gu)].reverse().slice(0, 100)) {
            const at = /** @type {number} */ (end.index) + 1;
            const [head, tail] = [text.slice(0, at), text.slice(at)];
            const whole = tail.trim() && compiled(() => new AsyncFunction(head))
                && compiled(() => new AsyncFunction(`${head}\nreturn (${tail}\n);`));
            if (whole) {
                return whole;
            }
        }
        return null;
    }

    link._handle("call", on_call);
    link._handle("notify", on_notify);
    globalThis.JsPyFunction = {
        VERSION: "1.0.0", JsPyError, expose, clear, is_running, get_keys, has, call, call_nowait,
    };
})();
