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
            /** @type {Record<string, any>} */
            this.fields = {};
            /** @type {JsPyError[]} */
            this.errors = [];
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

    /** @type {((holder: object, below: Function) => void) | undefined} */
    const capture = /** @type {any} */ (Error).captureStackTrace;
    const TRACED = 16;   // calls of one turn that keep their place: it costs more than the call itself
    const UNTRACED = `    at one of more than ${TRACED} calls made at once`;
    let traced = 0;

    /** Where a call is made, which its error is to tell. @param {Function} below @returns {{stack?: string} | null} */
    function place_of(below) {
        if (traced === 0) {
            queueMicrotask(() => { traced = 0; });
        }
        traced += 1;
        if (traced > TRACED) {
            return null;
        }
        const place = capture ? {} : new Error();
        capture?.(place, below);   // begins at the page's own line, where supported
        return place;
    }

    /** @type {(place: {stack?: string} | null, failure: JsPyFailure, key: string, seconds: unknown) => JsPyError} */
    function error_at(place, failure, key, seconds) {
        const error = new JsPyError();
        const frames = place ? frames_of(link._without_token(place.stack ?? "")) : UNTRACED;
        const { name, message } = words_for(failure, key, seconds);
        const socket_id = globalThis.JsPyTextSocket.get_socket_id();
        Object.assign(error, { name, message, kind: failure.kind, key, socket_id, python_traceback: failure.trace });
        const python = failure.trace ? `\n\nIn Python:\n${failure.trace}` : "";
        error.stack = `${name}: ${message}\n${frames}${python}`;
        add_details(error, failure);
        return error;
    }

    /** What the exception carries. @type {(error: JsPyError, failure: JsPyFailure) => void} */
    function add_details(error, { fields = {}, cause, errors = [] }) {
        error.fields = fields;
        error.errors = errors.map((member) => nested_error(member, error));
        if (cause) {
            Object.defineProperty(error, "cause", { value: nested_error(cause, error), writable: true, configurable: true });
        }
    }

    /** A cause or a member of an exception. @type {(failure: JsPyFailure, { key, socket_id }: JsPyError) => JsPyError} */
    function nested_error(failure, { key, socket_id }) {
        const error = new JsPyError(failure.message);
        Object.assign(error, { name: failure.name, kind: failure.kind, key, socket_id, python_traceback: failure.trace });
        error.stack = failure.trace || `${failure.name}: ${failure.message}`;
        add_details(error, failure);
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
            const place = place_of(invoke);
            return new Promise((resolve, reject) => link._request({
                message: (id) => ["call", id, key, args],
                body: args,
                label: "args",
                limit,
                settle: (failure, value) => (failure ? reject(error_at(place, failure, key, timeout)) : resolve(value)),
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

    /** What Python exposes. */
    const list = () => call("$list")();

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
        if (key === "$map") {
            return map(args);
        }
        if (key === "$eval") {
            return evaluate(String(args[0]));
        }
        if (key === "$names") {
            return get_keys().sort();
        }
        if (key === "$describe") {
            return describe(String(args[0]));
        }
        throw unknown(key);
    }

    /** @param {string} key */
    function unknown(key) {
        const error = new Error(`Function key name is not registered @javascript: '${key}' (exposed: ${get_keys().join(", ")})`);
        Object.defineProperty(error, "jsmeets_kind", { value: "unknown" });   // no field of the error
        return Object.assign(error, { name: "UnknownFunction", stack: "" });
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
        const failed = (/** @type {any} */ error) => reply(["error", id, failure_of(error)]);
        follow(() => serve(key, args), (value) => answer(id, value, reply), failed);
    }

    /** @param {any} error */
    function failure_of(error) {
        const is_unknown = error?.jsmeets_kind === "unknown";
        const facts = link._describe(error);
        return { kind: is_unknown ? "unknown" : "raised", ...facts, ...(is_unknown && { trace: "" }) };
    }

    /**
     * One function, many times: its values, or the first of the calls that failed, when all have ended.
     * @param {any[]} args the arguments of each call, and then the key
     */
    function map(args) {
        const key = args.pop();
        return new Promise((done) => {
            const values = new Array(args.length);
            /** @type {{place: number, error: any} | null} */
            let failure = null;
            let open = args.length;
            const end = () => {
                open -= 1;
                if (open === 0) {
                    done(failure ?? values);
                }
            };
            args.forEach((own, place) => follow(() => serve(key, own), (value) => {
                values[place] = value;
                end();
            }, (error) => {
                failure = failure && failure.place < place ? failure : { place, error: failure_of(error) };
                end();
            }));
        });
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

    const FORBIDDEN = "the Content-Security-Policy of this page forbids it: "
        + "page.eval and %%js need 'unsafe-eval' in its script-src; calls of exposed functions need nothing";

    /** @type {(make: () => any) => any} the compiled code, or null where it does not parse */
    function compiled(make) {
        try {
            return make();
        } catch (error) {
            if (error instanceof SyntaxError) {
                return null;
            }
            throw error instanceof EvalError ? new EvalError(FORBIDDEN) : error;
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
            const in_comment = compiled(() => new AsyncFunction(`${head} (`));   // which hides the bracket
            const whole = tail.trim() && !in_comment && compiled(() => new AsyncFunction(head))
                && compiled(() => new AsyncFunction(`${head}\nreturn (${tail}\n);`));
            if (whole) {
                return whole;
            }
        }
        return null;
    }

    // ---------------------------------------------------------------- $describe

    /** @typedef {{name: string, default?: string, rest?: boolean}} JsPyParameter */

    const GAP = /^(?:\s|\/\/.*|\/\*[^]*?\*\/)*/;   // white space and comments

    /** Whether a text is a list of parameters, and does not end in a comment. @param {string} text */
    const are_parameters = (text) => Boolean(compiled(() => new Function(text, ""))) && !compiled(() => new Function(`${text} (`, ""));

    /** @param {string} key its parameters (null where they cannot be told), its signature, its documentation */
    async function describe(key) {
        const entry = exposed.get(key);
        if (!entry) {
            throw unknown(key);
        }
        const text = Function.prototype.toString.call(entry.func);
        const native = /\[native code\]\s*\}$/.test(text);
        const [listed, body] = (!native && attempt(() => split_head(text))) || [null, ""];
        const params = listed === null ? null : split_parameters(listed).map(parameter);
        const doc = await doc_before(key, text) || comment_text(/^\{?\s*(\/\*[^]*?\*\/|(?:\/\/.*\s*)+)/.exec(body)?.[1] ?? "");
        return { params, signature: params ? `${key}(${params.map(parameter_text).join(", ")})` : "", doc };
    }

    /** What a page forbids (`unsafe-eval`) or does not have is not told. @type {<T>(action: () => T) => T | null} */
    function attempt(action) {
        try {
            return action();
        } catch (error) {
            console.debug("JsPyFunction: $describe:", error);
            return null;
        }
    }

    /** What stands in front of the parameters of a function, a method or an arrow. @param {string} text */
    const is_head = (text) => [`(${text}() {})`, `({${text}() {}})`, `(${text}() => 1)`].some((whole) => compiled(() => new Function(whole)));

    /** The text of the parameters, and what follows; the engine tells where they end. @type {(text: string) => [string, string] | null} */
    function split_head(text) {
        const bare = /^(?:async\s+)?([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*=>\s*/u.exec(text);
        if (bare) {
            return [bare[1], text.slice(bare[0].length)];
        }
        const opens = [...text.matchAll(/\(/g)].slice(0, 20).filter(({ index }) => is_head(text.slice(0, index)));
        for (const { index: start } of opens) {
            for (const { index: end } of [...text.matchAll(/\)/g)].slice(0, 200)) {
                const rest = text.slice(end + 1).replace(GAP, "");
                if (end > start && /^(=>|\{)/.test(rest) && are_parameters(text.slice(start + 1, end))) {
                    return [text.slice(start + 1, end), rest.replace(/^=>\s*/, "")];
                }
            }
        }
        return null;
    }

    /** Cut at the commas behind which both sides are whole. @param {string} text @returns {string[]} */
    function split_parameters(text) {
        const cuts = [...text.matchAll(/,/g)].map((match) => /** @type {number} */ (match.index));
        const parts = [];
        let start = 0;
        for (const cut of [...cuts, text.length]) {
            if (are_parameters(text.slice(start, cut))) {
                parts.push(text.slice(start, cut));
                start = cut + 1;
            }
        }
        return parts.filter((part) => part.replace(GAP, "") !== "");
    }

    /** @param {string} text @returns {JsPyParameter} */
    function parameter(text) {
        const plain = (/** @type {string} */ part) => part.replace(/\/\*[^]*?\*\/|\/\/.*/g, "").trim();
        const equals = [...text.matchAll(/=/g)].map((match) => /** @type {number} */ (match.index))
            .find((at) => are_parameters(text.slice(0, at)) && are_parameters(`x =${text.slice(at + 1)}`));
        if (equals !== undefined) {
            return { name: plain(text.slice(0, equals)), default: text.slice(equals + 1).trim() };
        }
        const name = plain(text);
        return name.startsWith("...") ? { name: name.slice(3), rest: true } : { name };
    }

    /** @param {JsPyParameter} of */
    const parameter_text = (of) => (of.rest ? "..." : "") + of.name + (of.default === undefined ? "" : ` = ${of.default}`);

    /** Without the stars and slashes. @param {string} comment */
    const comment_text = (comment) => comment.trim().replace(/^\/\*+|\*+\/$/g, "").split("\n")
        .map((line) => line.trim().replace(/^(\*|\/\/) ?/, "")).join("\n").trim();

    /** The comment in front of the statement that the function stands in. @param {string} key @param {string} text */
    async function doc_before(key, text) {
        const before = (await sources()).flatMap((source) => texts_before(source, text));
        const docs = before.map((part) => /\/\*\*(?!\/)((?:(?!\*\/)[^])*)\*\/((?:(?!\/\*\*)[^;{}])*)$/.exec(part));
        // The same text may stand in several places: then the statement has to name the key.
        const name = new RegExp(`(?<![\\w$])${key.replace(/\W/g, "\\$&")}(?![\\w$])`);
        const doc = docs.length === 1 ? docs[0] : docs.find((found) => found && name.test(found[2] + text.slice(0, 200)));
        return doc && attempt(() => is_beginning(doc[2])) ? comment_text(doc[1]) : "";
    }

    /** What stands before each occurrence, as far as a comment may be away. @param {string} source @param {string} text */
    function texts_before(source, text) {
        const found = [];
        for (let at = source.indexOf(text); at >= 0 && found.length < 50; at = source.indexOf(text, at + 1)) {
            found.push(source.slice(Math.max(0, at - 10000), at));
        }
        return found;
    }

    /** Whether no statement, and no property of an object, has ended in it. @param {string} text */
    function is_beginning(text) {
        const begun = text.replace(GAP, "").replace(/^export(\s+default)?\s/, "");
        const ends = [...begun.matchAll(/[\n,](?!\s*[.(])/g)].map((match) => begun.slice(0, match.index));
        return !ends.some((head) => compiled(() => new Function(head)) ?? compiled(() => new Function(`({${head}})`)));
    }

    /** The scripts of this page and the cells that ran in it. @returns {Promise<string[]>} */
    async function sources() {
        const scripts = [...(globalThis.document?.scripts ?? [])];
        const loaded = performance.getEntriesByType("resource").map((entry) => entry.name).filter((name) => /\.m?js(\?|$)/.test(name));
        const files = new Set([...scripts.map((script) => script.src).filter(Boolean), ...loaded]);
        const ours = [...files].filter((name) => new URL(name).origin === location.origin && !name.includes("/jsmeetspy/"));
        const cells = (/** @type {any} */ (globalThis))[Symbol.for("jsmeets_local.cells")]?.sources.values() ?? [];
        return [...cells, ...scripts.filter((script) => !script.src).map((script) => script.text), ...await Promise.all(ours.map(read))];
    }

    /** A file as the page has it, from the browser's cache. @param {string} name */
    async function read(name) {
        try {
            return await (await fetch(name, { cache: "force-cache" })).text();
        } catch (error) {
            console.debug("JsPyFunction: $describe:", error);
            return "";
        }
    }

    link._handle("call", on_call);
    link._handle("notify", on_notify);
    // A message of the form of 2020, built by hand; nobody waits for an answer.
    const on_custom = (/** @type {any} */ { key, data }) => on_notify(["notify", key, data ?? []], () => undefined);
    ["function", "function_call"].forEach((protocol) => link._add_protocol(protocol, on_custom));
    globalThis.JsPyFunction = {
        VERSION: "1.0.0", JsPyError: /** @type {any} */ (JsPyError), expose, clear, is_running, get_keys, has, call, call_nowait, list,
    };
})();
