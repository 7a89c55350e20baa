/** The exports of `jsmeets.mjs`, besides the globals of 2020. */

import type { Connection } from "./connection.ts";
import type { Identity } from "./identity.ts";
import type { NDArray } from "./ndarray.ts";
import type { State, createStates } from "./state.ts";
import { waitOptionsOfWith, type CallOptions, type PyResult } from "./results.ts";
import type { ExposeOptions, JsPyFunctionApi, PyFunctionInfo } from "./functions.ts";
import type { JsPyPubsubApi } from "./pubsub.ts";
import type { JsPyQueueApi, QueueKey } from "./queues.ts";
import type { JsPyTextSocketApi } from "./textsocket.ts";
import { optionsOf, type Timeout } from "./arguments.ts";

/**
 * A Python function. `Args` are its positional arguments, `Keywords` those of `callKwargs`, the last of which is the object of
 * keyword arguments.
 */
export interface PyInvoker<Result = any, Args extends readonly any[] = any[], Keywords extends readonly any[] = any[]> {
    /** Call it. Rejects with JsPyError. `for await` reads the stream that it returns. */
    (...args: Args): PyResult<Result>;
    /** Call it with keyword arguments, an object behind the others: `await py.move.callKwargs(point, { speed: 2 })`. */
    callKwargs(...args: Keywords): PyResult<Result>;
}

/** A Python function, and how its calls can be ended. */
export interface PyCaller<Result = any, Args extends readonly any[] = any[], Keywords extends readonly any[] = any[]>
    extends PyInvoker<Result, Args, Keywords> {
    /** Call it with options: `await py.slow.with({ signal, timeout: 2 })(1)`. A call that is given up is cancelled in Python. */
    with(options: CallOptions): PyInvoker<Result, Args, Keywords>;
}

/** An exposed Python function, or an exposed object with methods. Names that every JavaScript function has are not methods. */
export type PyExposed = PyCaller & { readonly [method: string]: PyExposed };

/** The exposed Python functions by name. The file that `jsmeets-local types` writes declares them; then there are no others. */
export interface PyApi {}

/** Topic -> what Python expects in a publication. The file that `jsmeets-local types` writes declares them. */
export interface PyTopics {}

/** Queues of Python by name. The file that `jsmeets-local types` writes declares them. */
export interface PyQueues {}

/** The names of an interface, for completion, or any other text. */
export type NameOf<Names> = (keyof Names & string) | (string & {});

/**
 * Every exposed Python function: `await py.add2(4, 7)`. A dot leads to a method: `py.model.fit(1)` is
 * `py["model.fit"](1)`.
 */
export type Py = {
    /** List the functions that Python exposes: `console.table(await py.$list())`. Rejects with JsPyError. */
    readonly $list: PyCaller<PyFunctionInfo[], []>;
} & (keyof PyApi extends never ? { readonly [key: string]: PyExposed } : PyApi);

/** The queues of one key, in both directions. */
export interface Queue extends AsyncIterable<any> {
    /** Push to Python's queue. Resolves to true once Python has the item, else to false. */
    push(data: any, options?: { timeout?: Timeout }): Promise<boolean>;
    /** Push to Python's queue without waiting. Throws if the item cannot be sent. */
    push_nowait(data: any): void;
    /** Take the newest item from Python. */
    pop(default_value?: any): any;
    /** Take the oldest item from Python. */
    shift(default_value?: any): any;
    /** Take the oldest item from Python, or wait for the next one. Rejects with a TimeoutError after the timeout. */
    get(timeout?: Timeout): Promise<any>;
    /** Return true if there is no item to take. */
    is_empty(): boolean;
    /** Take the items from Python as they arrive. */
    [Symbol.asyncIterator](): AsyncGenerator<any, never, undefined>;
}

export interface Pubsub {
    /**
     * Publish to a topic. `suppress` skips this page's own subscription. `retain` keeps the data as the last value of the
     * topic, which each later subscriber gets at once; `null` as the data clears it.
     */
    publish<Topic extends NameOf<PyTopics>>(
        topic: Topic, data: Topic extends keyof PyTopics ? PyTopics[Topic] : any, 
        options?: { suppress?: boolean; timeout?: Timeout; retain?: boolean },
    ): Promise<boolean>;
    subscribe(topic: NameOf<PyTopics>, func: (topic: string, data: any) => unknown, timeout?: Timeout): Promise<boolean>;
    unsubscribe(topic: string, timeout?: Timeout): Promise<boolean>;
}

/**
 * Let Python call a function: `expose("name", f)`, `expose(f)` under its own name, `expose({ f, g })`. It replaces the
 * one exposed before, whose running calls go on.
 */
export interface Expose {
    (key: string, func: (...args: any[]) => any, options?: boolean | ExposeOptions): boolean;
    (func: (...args: any[]) => any, options?: boolean | ExposeOptions): boolean;
    (functions: { readonly [key: string]: (...args: any[]) => any }, options?: boolean | ExposeOptions): boolean;
}

/**
 * The desktop window that shows this page (mode "window"). All methods reject with JsPyError if there is no window, or
 * if the page was launched without `window_api=True`. Sizes and positions are whole pixels.
 */
export interface Native {
    get_title(): Promise<string>;
    set_title(title: string): Promise<void>;
    /** Return the width and height of the content. */
    get_size(): Promise<[number, number]>;
    resize(width: number, height: number): Promise<void>;
    /** Return the position of the upper left corner, relative to that of the screen. */
    get_position(): Promise<[number, number]>;
    move(x: number, y: number): Promise<void>;
    get_confirm_close(): Promise<boolean | string>;
    /** Ask the user before the window closes, with a question of yours or in general; `false` closes it without asking. */
    set_confirm_close(confirm: boolean | string): Promise<void>;
    hide(): Promise<void>;
    show(): Promise<void>;
    minimize(): Promise<void>;
    maximize(): Promise<void>;
    /** Restore a minimized, maximized or full-screen window. */
    restore(): Promise<void>;
    /** Enter full screen, or leave it with `false`. */
    fullscreen(on?: boolean): Promise<void>;
    bring_to_front(): Promise<void>;
    /** Let the user choose files. Resolves to their paths, or to an empty array if the user cancels. */
    open_dialog(options?: { multiple?: boolean; directory?: string; file_types?: [string, string[]][] }): Promise<string[]>;
    /** Let the user choose where to save a file. Resolves to a path, or to `null` if the user cancels. Writes nothing. */
    save_dialog(filename?: string, options?: { directory?: string }): Promise<string | null>;
    /** Let the user choose a folder. Resolves to its path, or to `null` if the user cancels. */
    folder_dialog(options?: { directory?: string }): Promise<string | null>;
}

const WINDOW_METHODS = ["get_title", "set_title", "get_size", "resize", "get_position", "move", "get_confirm_close",
    "set_confirm_close", "hide", "show", "minimize", "maximize", "restore", "fullscreen", "bring_to_front", "open_dialog",
    "save_dialog", "folder_dialog"];

export function createPy({ call }: JsPyFunctionApi, { withKeywords }: Connection): Py {
    const callers = new Map<string, PyExposed>();

    /** Return the cached caller of a key, so that `py.f === py.f`. */
    function caller(key: string): PyExposed {
        const known = callers.get(key);
        if (known) {
            return known;
        }
        const callable = (options?: CallOptions): any => {
            const invoke = call(key, options);
            return Object.assign(invoke, { callKwargs: (...args: any[]) => invoke(...withKeywords(args, key)) });
        };
        const withOptions = (...given: any[]): any => {
            waitOptionsOfWith(given, key);
            return callable(given[0]);
        };
        const made = below(Object.assign(callable(), { with: withOptions }), `${key}.`) as PyExposed;
        callers.set(key, made);
        return made;
    }

    /** Let the names that `target` does not have lead to callers. */
    const below = (target: object, prefix: string): unknown => new Proxy(target, {
        get(_target, key) {
            if (typeof key === "symbol" || key in target) {
                return Reflect.get(target, key);
            }
            // `await` would call `then`, and JSON.stringify `toJSON`.
            return key === "then" || key === "toJSON" ? undefined : caller(prefix + key);
        },
    });

    return below(Object.freeze(Object.create(null)), "") as Py;
}

export function createExpose(functions: JsPyFunctionApi): Expose {
    function exposeOne(key: string, func: any, options?: boolean | ExposeOptions): boolean {
        if (!key) {
            throw new TypeError("expose: this function has no name; write expose(\"name\", function)");
        }
        if (typeof options === "string") {
            throw new TypeError(`expose: the name comes first; write expose("${options}", function)`);
        }
        const given = typeof options === "object" && options !== null ? options : { exclusive: options };
        return functions.expose(key, func, { replace: true, ...given });
    }

    return (what: any, second?: any, options?: boolean | ExposeOptions) => {
        if (typeof what === "function") {
            return exposeOne(what.name, what, second);
        }
        if (typeof what === "object" && what !== null) {
            return Object.entries(what).map(([key, value]) => exposeOne(key, value, second)).every(Boolean);
        }
        return exposeOne(what, second, options);
    };
}

export const createQueue = (queues: JsPyQueueApi) => (key: QueueKey): Queue => ({
    push: (data, options = {}) => queues.push(key, optionsOf(options, ["timeout"], `push to '${key}'`).timeout)(data),
    push_nowait: (data) => queues.push_nowait(key)(data),
    pop: (defaultValue) => queues.pop(key, defaultValue),
    shift: (defaultValue) => queues.shift(key, defaultValue),
    get: (timeout) => queues.get(key, timeout),
    is_empty: () => queues.is_empty(key),
    async *[Symbol.asyncIterator]() {
        for (;;) {
            yield await queues.get(key);
        }
    },
});

export const createPubsubModule = ({ publish, subscribe, unsubscribe }: JsPyPubsubApi): Pubsub => ({
    publish: (topic, data, options = {}) => {
        const { suppress = false, timeout = 0, retain = false } = optionsOf(options, ["suppress", "timeout", "retain"], `publish to '${topic}'`);
        return publish(topic, suppress, timeout, retain)(data);
    },
    subscribe,
    unsubscribe,
});

/** Resolves to a state, once Python has made it. */
export type StateGetter = <Fields extends object = Record<string, any>>() => Promise<State<Fields>>;

export function createState(
    connection: Connection, NDArrayType: typeof NDArray, load: () => Promise<{ createStates: typeof createStates }>,
): (name: string) => Promise<any> {
    let states: Promise<(name: string) => Promise<State>> | null = null;
    return async (name) => {
        states ??= load().then((loaded) => loaded.createStates(connection, NDArrayType));
        return (await states)(name);
    };
}

export function createNative({ call }: JsPyFunctionApi, identity: Identity): Native {
    const command = (method: string) => (...args: unknown[]) => call("$window")(identity.page, method, ...args);
    return Object.freeze(Object.fromEntries(WINDOW_METHODS.map((method) => [method, command(method)]))) as unknown as Native;
}

export const createReady = (textSocket: JsPyTextSocketApi, { JsPyError }: JsPyFunctionApi) => async (timeout?: Timeout): Promise<number> => {
    if (await textSocket.wait_ready(timeout)) {
        return textSocket.get_socket_id()!;
    }
    throw new JsPyError("Unable to communicate with the server @javascript");
};
