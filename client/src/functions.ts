/** Functions that Python calls, and calls to Python functions. */

import { version } from "../package.json";
import { follow, isThenable } from "./callbacks.ts";
import type { Code, createCode } from "./code/index.ts";
import type { Connection, Handler, Reply } from "./connection.ts";
import { CallErrors, JsPyError } from "./errors.ts";
import { millisecondsOf, orNull, type Timeout } from "./arguments.ts";
import { instead } from "./suggestion.ts";

type AnyFunction = (...args: any[]) => any;

/** An exposed Python function. */
export interface PyFunctionInfo {
    name: string;
    /** The signature, such as "add2(a, b=1)", or "f(...)" if Python cannot determine it. */
    signature: string;
    /** The docstring, or "" if there is none. */
    doc: string;
    /** True if calls run one at a time. */
    exclusive: boolean;
}

/** Functions that Python calls, and calls to Python functions. */
export interface JsPyFunctionApi {
    readonly VERSION: string;
    readonly JsPyError: typeof JsPyError;
    /**
     * Let Python call `func` by the name `key`. The function may be async. With `exclusive`, calls run one at a time, in
     * the order of arrival. Returns false, without any effect, while an earlier function of that name is running.
     */
    expose(key: string, func: (...args: any[]) => any, exclusive?: boolean): boolean;
    /** Remove a function. Returns false if it does not exist or is running. */
    clear(key: string): boolean;
    is_running(key: string): boolean;
    get_keys(): string[];
    has(key: string): boolean;
    /** Call a Python function: `await call("add2")(4, 7)`. Rejects with JsPyError, or TypeError if an argument cannot be sent. */
    call(key: string, timeout?: Timeout): (...args: any[]) => Promise<any>;
    /** Call a Python function without waiting for its result. Throws if the call cannot be sent. */
    call_nowait(key: string): (...args: any[]) => void;
    /** List the functions that Python exposes: `console.table(await JsPyFunction.list())`. Rejects with JsPyError. */
    list(): Promise<PyFunctionInfo[]>;
}

interface Exposed {
    func: AnyFunction;
    exclusive: boolean;
    running: number;
    /** Resolves when the last call to an exclusive function has ended. */
    tail: Promise<void>;
}

/** Loads the code of `$eval`, `$cell` and `$describe` on demand. */
export type LoadCode = () => Promise<{ createCode: typeof createCode }>;

// In parentheses: V8 compiles the function with the file, off the main thread, and not a second time when it is called.
export const createFunctions = (function (connection: Connection, loadCode: LoadCode): JsPyFunctionApi {
    const exposed = new Map<string, Exposed>();
    const errors = new CallErrors(() => connection.socketId);
    let code: Code | null = null;

    // ---------------------------------------------------------------- calls to Python

    function checkedKey(key: unknown): void {
        if (typeof key !== "string") {
            throw new TypeError(`The key of a function must be a string, not ${typeof key}`);
        }
    }

    function call(key: string, timeout?: Timeout): (...args: any[]) => Promise<any> {
        checkedKey(key);
        const limit = millisecondsOf(timeout);
        return function invoke(...args) {
            const place = errors.placeOf(invoke);
            return new Promise((resolve, reject) => connection.request({
                message: (id) => ["call", id, key, args],
                body: args,
                label: "args",
                limit,
                settle: (failure, value) => (failure ? reject(errors.at(place, failure, key, timeout)) : resolve(value)),
            }));
        };
    }

    function callNowait(key: string): (...args: any[]) => void {
        checkedKey(key);
        return (...args) => {
            if (!connection.notify(["notify", key, args], args, "args")) {
                throw new Error("Could not send to server @javascript");
            }
        };
    }

    // ---------------------------------------------------------------- exposed functions

    const isRunning = (key: string): boolean => (exposed.get(key)?.running ?? 0) > 0;
    const keys = (): string[] => [...exposed.keys()];

    function expose(key: string, func: AnyFunction, exclusive = false): boolean {
        if (typeof key !== "string" || key === "" || key.startsWith("$")) {
            throw new TypeError(`expose: the key must be a string that is not empty and does not begin with "$", not ${String(key)}`);
        }
        if (typeof func !== "function") {
            throw new TypeError(`expose('${key}'): expected a function, not ${func === null ? "null" : typeof func}`);
        }
        if (isRunning(key)) {
            return false;
        }
        exposed.set(key, { func, exclusive: Boolean(exclusive), running: 0, tail: Promise.resolve() });
        return true;
    }

    function unknown(key: string): Error {
        const error = new Error(`The page exposes no function '${key}'${instead(key, keys())}`);
        Object.defineProperty(error, "jsmeets_kind", { value: "unknown" });   // not enumerable: fields are sent
        return Object.assign(error, { name: "UnknownFunction", stack: "" });
    }

    // ---------------------------------------------------------------- calls from Python

    /** Call an exposed function. Returns its value or a promise of it. */
    function run(entry: Exposed, args: any[]): any {
        entry.running += 1;
        let result;
        try {
            result = entry.exclusive ? runInOrder(entry, args) : entry.func(...args);
            if (isThenable(result)) {
                return Promise.resolve(result).finally(() => { entry.running -= 1; });
            }
        } catch (error) {
            entry.running -= 1;
            throw error;
        }
        entry.running -= 1;
        return result;
    }

    /** Queue a call to an exclusive function, in the order of arrival. */
    function runInOrder(entry: Exposed, args: any[]): Promise<any> {
        const result = entry.tail.then(() => entry.func(...args));
        entry.tail = result.then(() => undefined, () => undefined);   // an error does not affect the next call
        return result;
    }

    function serve(key: string, args: any[]): any {
        const entry = exposed.get(key);
        if (entry) {
            return run(entry, args);
        }
        switch (key) {
            case "$map":
                return map(args);
            case "$eval":
                return withCode(({ evaluate }) => evaluate(String(args[0])));
            case "$cell":
                return withCode(({ runCell }) => runCell(args[0], args[1], args[2]));
            case "$names":
                return keys().sort();
            case "$describe":
                return describe(String(args[0]));
            default:
                throw unknown(key);
        }
    }

    async function load(): Promise<Code> {
        const loaded = await loadCode();
        return code ??= loaded.createCode();
    }

    /** Run `action` with the loaded code. Deliveries are held back while the file loads, to keep the order. */
    function withCode(action: (loaded: Code) => any): any {
        if (code) {
            return action(code);
        }
        const release = connection.deliveries.hold();
        // Wrapped in an object: a promise as the value would hold back the deliveries until it settles.
        return load().then((loaded) => ({ value: action(loaded) })).finally(release).then(({ value }) => value);
    }

    async function describe(key: string): Promise<unknown> {
        const entry = exposed.get(key);
        if (!entry) {
            throw unknown(key);
        }
        return (code ?? await load()).describe(key, entry.func);
    }

    const receiveCall: Handler = ([, id, key, args], reply) => {
        follow(() => serve(key, args), (value) => answer(id, value, reply), (error) => reply(["error", id, failureOf(error)]));
    };

    function receiveNotify(key: string, args: any[]): void {
        connection.guard(`function '${key}'`, () => serve(key, args));
    }

    function answer(id: number, value: unknown, reply: Reply): void {
        try {
            reply(["return", id, orNull(value)], value, "result");
        } catch (error) {
            reply(["error", id, { kind: "unserializable", ...connection.errors.describe(error) }]);
        }
    }

    function failureOf(error: any): object {
        const isUnknown = error?.jsmeets_kind === "unknown";
        return { kind: isUnknown ? "unknown" : "raised", ...connection.errors.describe(error), ...(isUnknown && { trace: "" }) };
    }

    /**
     * Call a function once per list of arguments in `args`, whose last element is the key.
     *
     * Resolves after all calls, with their values or with the first failure.
     */
    function map(args: any[]): Promise<unknown> {
        const key = args.pop();
        return new Promise((done) => {
            const values = new Array(args.length);
            let failure: { place: number; error: object } | null = null;
            let open = args.length;
            const end = (): void => {
                open -= 1;
                if (open === 0) {
                    done(failure ?? values);
                }
            };
            args.forEach((own, place) => follow(() => serve(key, own), (value) => {
                values[place] = value;
                end();
            }, (error) => {
                failure = failure && failure.place < place ? failure : { place, error: failureOf(error) };
                end();
            }));
        });
    }

    connection.handle("call", receiveCall);
    connection.handle("notify", ([, key, args]) => receiveNotify(key, args));
    // Messages of 2020, which user code builds by hand. They get no response.
    for (const protocol of ["function", "function_call"]) {
        connection.addProtocol(protocol, ({ key, data }) => receiveNotify(key, data ?? []));
    }
    return {
        VERSION: version,
        JsPyError,
        expose,
        clear: (key) => !isRunning(key) && exposed.delete(key),
        is_running: isRunning,
        get_keys: keys,
        has: (key) => exposed.has(key),
        call,
        call_nowait: callNowait,
        list: () => call("$list")(),
    };
});
