/** Functions that Python calls, and calls to Python functions. */

import { version } from "../package.json";
import { hasDocument } from "./address.ts";
import { follow, isThenable } from "./callbacks.ts";
import type { Call } from "./calls.ts";
import type { Code, createCode } from "./code/index.ts";
import type { Connection, Handler } from "./connection.ts";
import { type JsPyError, unknownError } from "./errors.ts";
import { LateNames } from "./latenames.ts";
import { inFirstCall, optionsOf, type Timeout } from "./arguments.ts";
import { resultOf, waitOptionsOf, type CallOptions, type PyResult, type WaitOptions } from "./results.ts";
import { instead } from "./suggestion.ts";
import type { createView, View } from "./view/index.ts";

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

/** Options of an exposed function: `expose("load", async (url, call) => fetch(url, { signal: call.signal }), { context: true })`. */
export interface ExposeOptions {
    /** Run calls one at a time, in the order of arrival. */
    exclusive?: boolean | undefined;
    /** Pass a CallContext as the last argument. */
    context?: boolean | undefined;
    /** Replace the function exposed before even while it runs; its calls go on. The default of the module's `expose`. */
    replace?: boolean | undefined;
}

/** Functions that Python calls, and calls of Python's functions. */
export interface JsPyFunctionApi {
    readonly VERSION: string;
    readonly JsPyError: typeof JsPyError;
    /**
     * Let Python call `func` as `key`; it may be async. False, and nothing changes, while the one exposed before runs.
     * A boolean as the third argument is `exclusive`.
     */
    expose(key: string, func: (...args: any[]) => any, options?: boolean | ExposeOptions): boolean;
    /** False when it is absent or running. */
    clear(key: string): boolean;
    is_running(key: string): boolean;
    get_keys(): string[];
    has(key: string): boolean;
    /**
     * Call a Python function: `await call("add2")(4, 7)`. Rejects with JsPyError; with TypeError for what cannot be sent.
     * A call that ends by its timeout or signal is cancelled in Python.
     */
    call(key: string, options?: Timeout | CallOptions): (...args: any[]) => PyResult;
    /** Call without waiting for the end. Throws when it cannot be sent. */
    call_nowait(key: string): (...args: any[]) => void;
    /** List the functions that Python exposes: `console.table(await JsPyFunction.list())`. Rejects with JsPyError. */
    list(): Promise<PyFunctionInfo[]>;
}

interface Exposed {
    func: AnyFunction;
    exclusive: boolean;
    context: boolean;
    running: number;
    /** Resolves when the last call to an exclusive function has ended. */
    tail: Promise<void>;
}

/** Loads the code of `$eval`, `$cell` and `$describe` on demand. */
export type LoadCode = () => Promise<{ createCode: typeof createCode }>;

/** Loads the code of `$view`, and of the iframes of notebooks, on demand. */
export type LoadView = () => Promise<{ createView: typeof createView }>;

// In parentheses: V8 compiles the function with the file, off the main thread, and not a second time when it is called.
export const createFunctions = (function (connection: Connection, loadCode: LoadCode, loadView: LoadView): JsPyFunctionApi {
    const exposed = new Map<string, Exposed>();
    /** Function -> its entry, also after `clear`. */
    const owners = new WeakMap<AnyFunction, Exposed>();
    const { callErrors: errors } = connection;
    let isAnnounced = true;
    const late = new LateNames<Exposed>();
    let code: Code | null = null;
    let view: Promise<View> | null = null;

    // ---------------------------------------------------------------- calls to Python

    function checkedKey(key: unknown): void {
        if (typeof key !== "string") {
            throw new TypeError(`The key of a function must be a string, not ${typeof key}`);
        }
    }

    function call(key: string, ...given: any[]): (...args: any[]) => PyResult {
        checkedKey(key);
        return callWith(key, inFirstCall("call", key, given, 1, () => waitOptionsOf(given[0], `call of '${key}'`)));
    }

    function callWith(key: string, wait: WaitOptions): (...args: any[]) => PyResult {
        return function invoke(...args) {
            return resultOf(connection, invoke, { message: (id) => ["call", id, key, args], body: args, label: "args", key }, wait);
        };
    }

    function callNowait(key: string, ...given: any[]): (...args: any[]) => void {
        checkedKey(key);
        inFirstCall("call_nowait", key, given, 0, () => undefined);
        return (...args) => {
            if (!connection.notify(["notify", key, args], args, "args")) {
                throw new Error("Could not send to server @javascript");
            }
        };
    }

    // ---------------------------------------------------------------- exposed functions

    const isRunning = (key: string): boolean => (exposed.get(key)?.running ?? 0) > 0;
    const keys = (): string[] => [...exposed.keys()];

    function expose(key: string, func: AnyFunction, options?: boolean | ExposeOptions): boolean {
        if (typeof key !== "string" || key === "" || key.startsWith("$")) {
            throw new TypeError(`expose: the key must be a string that is not empty and does not begin with "$", not ${String(key)}`);
        }
        if (typeof func !== "function") {
            throw new TypeError(`expose('${key}'): expected a function, not ${func === null ? "null" : typeof func}`);
        }
        const { exclusive, context, replace } = typeof options === "string" || (typeof options === "object" && options !== null)
            ? optionsOf<ExposeOptions>(options, ["exclusive", "context", "replace"], `expose('${key}')`) : { exclusive: options };
        if (isRunning(key) && !replace) {
            return false;
        }
        const tail = exposed.get(key)?.tail ?? Promise.resolve();   // of running calls of the one that it replaces
        const entry = { func, exclusive: Boolean(exclusive), context: Boolean(context), running: 0, tail };
        exposed.set(key, entry);
        owners.set(func, entry);
        late.arrive(key, entry);
        announce();
        return true;
    }

    function clear(key: string): boolean {
        const isCleared = !isRunning(key) && exposed.delete(key);
        if (isCleared) {
            announce();
        }
        return isCleared;
    }

    /** Tell Python the names at the end of the turn. */
    function announce(): void {
        if (isAnnounced) {
            isAnnounced = false;
            queueMicrotask(() => {
                isAnnounced = true;
                connection.announceNames();
            });
        }
    }

    const unknown = (key: string): Error =>
        unknownError("UnknownFunction", `The page exposes no function '${key}'${instead(key, keys())}`);

    // ---------------------------------------------------------------- calls from Python

    /** Call an exposed function. Returns its value, or a promise of it. */
    function run(entry: Exposed, own: any[], call: Call): any {
        const args = entry.context ? [...own, call] : own;
        entry.running += 1;
        let result;
        try {
            result = entry.exclusive ? runInOrder(entry, args, call) : entry.func(...args);
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

    /** Queue a call of an exclusive function, in the order of arrival. It does not begin if it is cancelled meanwhile. */
    function runInOrder(entry: Exposed, args: any[], call: Call): Promise<any> {
        const result = entry.tail.then(() => (call.isCancelled ? undefined : entry.func(...args)));
        entry.tail = result.then(() => undefined, () => undefined);   // an error does not affect the next call
        return result;
    }

    function serve(key: string, args: any[], call: Call): any {
        const entry = exposed.get(key);
        if (entry) {
            return run(entry, args, call);
        }
        switch (key) {
            case "$map":
                return map(args, call);
            case "$eval":
                return withCode(({ evaluate }) => evaluate(String(args[0])));
            case "$cell":
                return withCode(({ runCell }) => runCell(args[0], args[1], args[2]));
            case "$view":
                return loadedView().then((loaded) => loaded.run(String(args[0]), args.slice(1)));
            case "$describe":
                return describe(String(args[0]), call);
            default:
                return late.wait(key, call, () => unknown(key)).then((arrived) => run(arrived, args, call));
        }
    }

    async function load(): Promise<Code> {
        const loaded = await loadCode();
        return code ??= loaded.createCode();
    }

    function loadedView(): Promise<View> {
        view ??= loadView().then(({ createView }) => createView());
        view.catch(() => { view = null; });   // the next call tries again
        return view;
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

    async function describe(key: string, call: Call): Promise<unknown> {
        const { func, context } = exposed.get(key) ?? await late.wait(key, call, () => unknown(key));
        return (code ?? await load()).describe(key, func, context);
    }

    const receiveCall: Handler = ([, id, key, args], reply) => {
        connection.calls.run(
            id, (call) => serve(key, args, call), (value) => connection.answer(id, value, reply),
            (error) => reply(["error", id, failureOf(error)]),
        );
    };

    function receiveNotify(key: string, args: any[]): void {
        connection.calls.run(
            null, (call) => serve(key, args, call), () => undefined, (error) => connection.fault(`function '${key}'`, error),
        );
    }

    const failureOf = (error: unknown): object => connection.errors.failure(error);

    /**
     * Call a function once per list of arguments in `args`, whose last element is the key.
     *
     * Resolves after all calls, with their values or with the first failure.
     */
    function map(args: any[], call: Call): Promise<unknown> {
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
            args.forEach((own, place) => follow(() => serve(key, own, call), (value) => {
                values[place] = value;
                end();
            }, (error) => {
                failure = failure && failure.place < place ? failure : { place, error: failureOf(error) };
                end();
            }));
        });
    }

    if (hasDocument() && /^jsmeets-.*-auto$/.test(String((globalThis as { name?: unknown }).name))) {   // in an iframe of a notebook, launched with height="auto"
        loadedView().then((loaded) => loaded.reportHeight(), (error) => console.warn("jsmeets_local: the height stays:", error));
    }
    connection.exposures = {
        names: keys,
        find: (name) => exposed.get(name)?.func,
        wait: (name, call, failure) => late.wait(name, call, failure).then(({ func }) => func),
        call: (func, owner, args, call) => {
            const entry = owners.get(func);
            return entry ? run(entry, args, call) : Reflect.apply(func, owner, args);
        },
    };
    connection.handle("call", receiveCall);
    connection.handle("notify", ([, key, args]) => receiveNotify(key, args));
    // Messages of 2020, which user code builds by hand. They get no response.
    for (const protocol of ["function", "function_call"]) {
        connection.custom.addProtocol(protocol, ({ key, data }) => receiveNotify(key, data ?? []));
    }
    return {
        VERSION: version,
        JsPyError: errors.JsPyError,
        expose,
        clear,
        is_running: isRunning,
        get_keys: keys,
        has: (key) => exposed.has(key),
        call,
        call_nowait: callNowait,
        list: () => call("$list")(),
    };
});
