// jsmeets_local 1.0.0, MIT License. Built from client/src: change it there, then run ./scripts/client.
/**
 * The names of jsmeets_local in a page, as a module (`import { py } from "/jsmeetspy/jsmeets.mjs"`) and as globals
 * (`<script src="/jsmeetspy/JsPyTextSocket.js">` and so on).
 *
 * Timeouts are in seconds. An omitted, `null`, 0 or negative timeout means no limit; a value that is not a finite number
 * is a TypeError. Values are JSON. `ArrayBuffer`, typed arrays and `DataView` are sent as binary, anywhere in a value.
 * `Map`, `Set` and `BigInt` keep their content. Functions, class instances and DOM nodes are sent by reference. A
 * `PyFunction` or `PyObject` is an object that Python has sent by reference.
 */

/** Calls of the page's functions by Python, and their cancellation. */
/** The last argument of a function that is exposed with `{ context: true }`. */
export interface CallContext {
    /** Aborts when Python no longer waits for the call, and when the session ends. */
    readonly signal: AbortSignal;
}
/** The reason that a call failed. */
export type JsPyErrorKind = 
/** The function raised an exception; `name` is its type. */
"raised"
/** No function of that name is exposed. */
 | "unknown"
/** The result cannot be sent. */
 | "unserializable"
/** The other side does not support this. */
 | "unavailable"
/** A limit or a rule of the library rejected the call. */
 | "refused"
/** No response arrived in time. */
 | "timeout"
/** The connection is closed, or was lost before the response. */
 | "disconnected" | "";
/** A custom message, for `send_json` and `add_protocol`. */
export interface CustomMessage {
    protocol: string;
    key: any;
    id: any;
    data: any;
    exception: any;
}
/** The error of a failed call. Its `stack` shows the call (for the first 16 calls of a turn), followed by Python's traceback. */
export declare class JsPyError extends Error {
    /** The type of the exception in Python, such as "ValueError", or UnknownFunction, TimeoutError or DisconnectedError. */
    name: string;
    /** The text of the exception in Python, unchanged. */
    message: string;
    kind: JsPyErrorKind;
    /** The name of the called function. */
    key: string;
    /** The socket number of this page at the time of the error. */
    socket_id: number | null;
    /** Python's traceback, or "" if there is none. */
    python_traceback: string;
    /** The attributes of the exception that can be sent, such as `error.fields.code`. */
    fields: Record<string, any>;
    /** The cause of the exception (`raise ... from`). */
    cause?: JsPyError;
    /** The members of an ExceptionGroup. */
    errors: JsPyError[];
    constructor(message?: string);
}
/** A file of Python, passed by `ref(path)`. It is read in pieces, on demand. */
export interface PyFile {
    readonly name: string;
    /** Bytes; null if Python does not know it in advance. */
    readonly size: number | null;
    /** The media type, or "". */
    readonly type: string;
    /** Milliseconds since 1970, as in `File`; null if unknown. */
    readonly lastModified: number | null;
    /** The content, read on demand. */
    stream(): ReadableStream<Uint8Array>;
    blob(): Promise<Blob>;
    bytes(): Promise<Uint8Array>;
    text(): Promise<string>;
    /** Save it as a download, in a native window with a dialog. False if the user cancels. */
    save(name?: string): Promise<boolean>;
    /** Let Python forget it now rather than after garbage collection. */
    destroy(): void;
}
/** Content that `download` saves. */
export type Downloadable = PyFile | Blob | ArrayBufferLike | ArrayBufferView | string;
/** Saves a file on the user's computer. Returns false if the user cancelled. */
export type Download = (name: string, data: Downloadable) => Promise<boolean>;
/** A generator or iterator of Python: `for await (const row of stream)`. Leaving the loop closes it. */
export interface PyStream<Item = any> extends AsyncIterableIterator<Item> {
    next(): Promise<IteratorResult<Item, any>>;
    /** Close it in Python. */
    return(value?: any): Promise<IteratorResult<Item, any>>;
    /** The same as `return`. */
    destroy(): void;
}
/** Validation of the arguments of public functions: timeouts, options, functions. */
/** A timeout in seconds. `undefined`, `null`, 0 and negative numbers mean no limit. */
export type Timeout = number | null | undefined;
/**
 * "connecting": not connected yet. "open": connected. "reconnecting": the connection is lost; calls, queue items and
 * publications wait, and none is lost or duplicated if it resumes in time. "lost": Python was gone for longer, or has
 * restarted; messages in flight may be lost, and the page keeps trying. "closed": closed by `close()` or by Python.
 */
export type ConnectionState = "connecting" | "open" | "reconnecting" | "lost" | "closed";
/** A separate WebSocket for plain bytes. It does not reconnect automatically. */
export interface JsPyBinarySocketApi {
    readonly VERSION: string;
    /** Open the socket again, by default at the same path. Returns false while it is open or connecting. */
    reconnect(url_path?: string): boolean;
    /** Close the socket. Returns false if it was closed already. */
    close(): boolean;
    /** Return true if the socket is open. */
    ready(): boolean;
    /** Send bytes. Returns false if the socket is not open or `data` is of another type. */
    send(data: ArrayBuffer | ArrayBufferView | Blob): boolean;
    /** Call `func(websocket, data)` for each message; `null` removes the handler. */
    set_message_handler(func: ((ws: WebSocket, data: ArrayBuffer) => unknown) | null): void;
    /** Call `func` each time the socket is lost or closed. */
    add_close_event(func: () => unknown): void;
    clear_close_event(): void;
}
export interface JsPyBinarySocketConstructor {
    /** Open a socket at a path below the application's root, or at an absolute URL. */
    new (url_path?: string): JsPyBinarySocketApi;
    readonly VERSION: string;
}
/** Result of a call of Python. `for await (const row of py.rows(9))` needs no second `await`. */
export type PyResult<Value = any> = Promise<Value> & AsyncIterable<Value extends AsyncIterable<infer Item> | Iterable<infer Item> ? Item : any>;
/** Options of a call: `py.slow.with({ signal, timeout: 2 })(1)`. */
export interface CallOptions {
    /** Cancels the call when it aborts; the call then rejects with the reason of the signal. */
    signal?: AbortSignal | null | undefined;
    /** Seconds; a stream that the call returns ends then, too. */
    timeout?: Timeout;
}
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
/** Arrays: the dtypes of their items, and NDArray for arrays that are not one-dimensional. */
/** Any typed array. */
export type TypedArray = Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array | BigInt64Array | BigUint64Array | Float32Array | Float64Array;
/** A one-dimensional array of bool. Python receives it as one; a Uint8Array without `dtype` arrives as bytes. */
export type BoolArray = Uint8Array & {
    readonly dtype: "bool";
};
/** A data frame of pandas or polars. `jsmeets_local.values.to_frame` converts it back. */
export interface Frame {
    /** The column names, in order. */
    readonly columns: ReadonlyArray<string | number>;
    /** Name -> values: typed arrays for numbers, dates (milliseconds since 1970) and durations, where NaN is missing; else arrays. */
    readonly data: {
        readonly [name: string]: TypedArray | BoolArray | any[];
    };
    /** The row labels, or `null` if the rows are only numbered. */
    readonly index: {
        readonly name: string | number | null;
        readonly data: TypedArray | any[];
        readonly dtype: string;
    } | null;
    /** Name -> dtype in the notation of pandas, such as "float64", "datetime64[us]" or "string". */
    readonly dtypes: {
        readonly [name: string]: string;
    };
}
/**
 * An array that is not one-dimensional, as numpy arrays arrive (one-dimensional ones arrive as typed arrays). It can be
 * sent back. The object is frozen; its `data` is not.
 */
export declare class NDArray {
    /** The items in C order (the last index changes fastest). */
    readonly data: TypedArray;
    /** The length of each dimension. */
    readonly shape: readonly number[];
    /** The dtype, such as "float64" or "bool". In browsers without Float16Array, the `data` of "float16" is a Float32Array. */
    readonly dtype: string;
    /** Throws TypeError if `data` does not fill `shape` or cannot hold `dtype`. `"bool"` takes a Uint8Array of 0 and 1. */
    constructor(data: TypedArray, shape: readonly number[], dtype?: string);
    /** Return the item at one index per dimension. Throws RangeError if out of range, TypeError if not an integer. */
    get(...indices: number[]): number | bigint;
    /** Return a view with one dimension less: an NDArray, or a typed array if one dimension is left. Throws as `get` does. */
    row(index: number): NDArray | TypedArray;
}
/**
 * Fields that Python and pages share. `s.freq = 4` changes the field on all sides. Arrays and objects in it are changed
 * as usual: `s.points[2].x = 1`, `s.tags.push("a")`. What is assigned is copied. A change of the content of a typed array
 * is not noticed: assign another one.
 */
export type State<Fields extends object = Record<string, any>> = Fields & {
    /**
     * Call `func(value)` when a field, or something in it, has changed, on whichever side. Several changes in one turn
     * are one call. Returns a function that ends this.
     */
    on<Field extends keyof Fields & string>(field: Field, func: (value: Fields[Field]) => unknown): () => void;
};
/** Publish and subscribe, with Python as the broker. */
export interface JsPyPubsubApi {
    readonly VERSION: string;
    /**
     * Publish to a topic. Resolves to true once the broker has the data, and to false after the timeout, if the
     * connection is lost, or if the data cannot be sent. `suppress` skips this page's own subscription. A number as the
     * second of two arguments is the timeout. `retain` keeps the data as the last value of the topic, which each later
     * subscriber gets at once; `null` as the data clears it.
     */
    publish(topic: string, suppress?: boolean | number | null, timeout?: Timeout, retain?: boolean): (data: any) => Promise<boolean>;
    /** Call `func(topic, data)` for each publication. Replaces an earlier subscriber. An async one runs one publication at a time. */
    subscribe(topic: string, func: (topic: string, data: any) => unknown, timeout?: Timeout): Promise<boolean>;
    /** End a subscription. Also resolves to false if there was none. */
    unsubscribe(topic: string, timeout?: Timeout): Promise<boolean>;
    /** Return the topics that this page subscribes to. */
    get_topics(): string[];
}
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
/**
 * Draw an image on a canvas and resize the canvas to it. The image is an NDArray of dtype uint8 and shape
 * [height, width] (gray), [height, width, 3] (RGB) or [height, width, 4] (RGBA). Throws TypeError for other values.
 */
export type Imshow = (canvas: HTMLCanvasElement | OffscreenCanvas, image: NDArray) => void;
/** The connection between this page and Python. It opens and reconnects automatically. */
export interface JsPyTextSocketApi {
    readonly VERSION: string;
    readonly NDArray: typeof NDArray;
    /**
     * Draw an image on a canvas and resize the canvas to it. The image is an NDArray of dtype uint8 and shape
     * [height, width] (gray), [height, width, 3] (RGB) or [height, width, 4] (RGBA). Throws TypeError for other values.
     */
    readonly imshow: Imshow;
    /** Open the connection after `close()`, or retry now instead of later. Returns false while it is open or connecting. */
    reconnect(url?: string): boolean;
    /** Alias of `reconnect`. */
    init(url?: string): boolean;
    /** Close the connection until `reconnect`. Returns false if it was closed already. */
    close(): boolean;
    /** Return true if the connection is open and Python has accepted this page. */
    ready(): boolean;
    /** Wait until the connection is ready. Resolves to true, or to false after the timeout or if it is closed. */
    wait_ready(timeout?: Timeout): Promise<boolean>;
    /** Send a custom message. Returns false if it cannot be sent; throws TypeError if a key is missing. */
    send_json(object: CustomMessage): boolean;
    /** Return the socket number of this page, or null if it has none. */
    get_socket_id(): number | null;
    /** Call `func` each time the connection becomes ready. */
    add_open_event(func: () => unknown): void;
    clear_open_event(): void;
    /** Call `func` each time the connection is lost, closed or refused. `get_socket_id()` still returns the old number. */
    add_close_event(func: () => unknown): void;
    clear_close_event(): void;
    /** Return the state of the connection, see `ConnectionState`. */
    state(): ConnectionState;
    /** Call `func(state)` when the state changes. "open" after "reconnecting" resumes the session; else it is a new one. */
    add_state_event(func: (state: ConnectionState) => unknown): void;
    clear_state_event(): void;
    /**
     * Call `func(restarted)` when a session begins, including the first one. `restarted` is true if Python is another
     * process than before, which knows nothing of this page except its subscriptions.
     */
    add_session_event(func: (restarted: boolean) => unknown): void;
    clear_session_event(): void;
    /** Disable the badge in this page with `false`. Enable it with `true` or without an argument. */
    set_badge(on?: boolean): void;
    /**
     * Return counts of pending requests, ignored responses (late, duplicate or unknown), results of cancelled functions,
     * connections so far, objects of this page that Python holds and of Python that this page holds, and open streams.
     */
    stats(): {
        pending: number;
        ignored: number;
        dropped: number;
        connections: number;
        references: {
            exported: number;
            imported: number;
        };
        streams: number;
    };
    /** Handle custom messages of the protocol `name`. */
    add_protocol(name: string, func: (message: CustomMessage) => unknown): void;
    /** Alias of `add_protocol`. */
    _add_protocol(name: string, func: (message: CustomMessage) => unknown): void;
    readonly _URL_PATH: string;
    /** The URL of the WebSocket. */
    _url: string | null;
    readonly _websocket: WebSocket | null;
    /** The reason that Python gave for closing the connection, or null. */
    readonly _disconnect_reason: string | null;
}
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
export interface PyCaller<Result = any, Args extends readonly any[] = any[], Keywords extends readonly any[] = any[]> extends PyInvoker<Result, Args, Keywords> {
    /** Call it with options: `await py.slow.with({ signal, timeout: 2 })(1)`. A call that is given up is cancelled in Python. */
    with(options: CallOptions): PyInvoker<Result, Args, Keywords>;
}
/** An exposed Python function, or an exposed object with methods. Names that every JavaScript function has are not methods. */
export type PyExposed = PyCaller & {
    readonly [method: string]: PyExposed;
};
/** The exposed Python functions by name. The file that `jsmeets-local types` writes declares them; then there are no others. */
export interface PyApi {
}
/** Topic -> what Python expects in a publication. The file that `jsmeets-local types` writes declares them. */
export interface PyTopics {
}
/** Queues of Python by name. The file that `jsmeets-local types` writes declares them. */
export interface PyQueues {
}
/** The names of an interface, for completion, or any other text. */
export type NameOf<Names> = (keyof Names & string) | (string & {});
/**
 * Every exposed Python function: `await py.add2(4, 7)`. A dot leads to a method: `py.model.fit(1)` is
 * `py["model.fit"](1)`.
 */
export type Py = {
    /** List the functions that Python exposes: `console.table(await py.$list())`. Rejects with JsPyError. */
    readonly $list: PyCaller<PyFunctionInfo[], [
    ]>;
} & (keyof PyApi extends never ? {
    readonly [key: string]: PyExposed;
} : PyApi);
/** The queues of one key, in both directions. */
export interface Queue extends AsyncIterable<any> {
    /** Push to Python's queue. Resolves to true once Python has the item, else to false. */
    push(data: any, options?: {
        timeout?: Timeout;
    }): Promise<boolean>;
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
    publish<Topic extends NameOf<PyTopics>>(topic: Topic, data: Topic extends keyof PyTopics ? PyTopics[Topic] : any, options?: {
        suppress?: boolean;
        timeout?: Timeout;
        retain?: boolean;
    }): Promise<boolean>;
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
    (functions: {
        readonly [key: string]: (...args: any[]) => any;
    }, options?: boolean | ExposeOptions): boolean;
}
/**
 * The desktop window that shows this page (mode "window"). All methods reject with JsPyError if there is no window, or
 * if the page was launched without `window_api=True`. Sizes and positions are whole pixels.
 */
export interface Native {
    get_title(): Promise<string>;
    set_title(title: string): Promise<void>;
    /** Return the width and height of the content. */
    get_size(): Promise<[
        number,
        number
    ]>;
    resize(width: number, height: number): Promise<void>;
    /** Return the position of the upper left corner, relative to that of the screen. */
    get_position(): Promise<[
        number,
        number
    ]>;
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
    open_dialog(options?: {
        multiple?: boolean;
        directory?: string;
        file_types?: [
            string,
            string[]
        ][];
    }): Promise<string[]>;
    /** Let the user choose where to save a file. Resolves to a path, or to `null` if the user cancels. Writes nothing. */
    save_dialog(filename?: string, options?: {
        directory?: string;
    }): Promise<string | null>;
    /** Let the user choose a folder. Resolves to its path, or to `null` if the user cancels. */
    folder_dialog(options?: {
        directory?: string;
    }): Promise<string | null>;
}
/** Resolves to a state, once Python has made it. */
export type StateGetter = <Fields extends object = Record<string, any>>() => Promise<State<Fields>>;
/** A function of Python that was passed to this page. */
export interface PyFunction {
    /** Call it. Rejects with JsPyError. */
    (...args: any[]): PyResult;
    /** Call it with keyword arguments, an object behind the others: `await f.callKwargs(1, { speed: 2 })`. */
    callKwargs(...args: any[]): PyResult;
    /** Call it without waiting for the end. Throws when it cannot be sent. */
    nowait(...args: any[]): void;
    /** Call it with options: `await f.with({ signal, timeout: 2 })(1)`. A call that times out or is aborted is cancelled in Python. */
    with(options: CallOptions): (...args: any[]) => PyResult;
    /** Let Python forget it now rather than after garbage collection. */
    destroy(): void;
}
/** An object of Python that was passed by `ref`. All other names are its methods: `await model.fit(1)`. */
export interface PyObject extends AsyncIterable<any> {
    /** Read an attribute. */
    get(name: string): Promise<any>;
    /** Set an attribute. */
    set(name: string, value: any): Promise<void>;
    /** Let Python forget it now rather than after garbage collection. */
    destroy(): void;
    readonly [method: string]: any;
}
declare const JsPyTextSocket$1: JsPyTextSocketApi;
declare const JsPyFunction$1: JsPyFunctionApi;
declare const JsPyQueue$1: JsPyQueueApi;
declare const JsPyPubsub$1: JsPyPubsubApi;
declare const JsPyBinarySocket$1: JsPyBinarySocketConstructor;
/** Draw an image on a canvas: `imshow(document.querySelector("canvas"), image)`. */
export declare const imshow: Imshow;
/** The exposed Python functions. Also the global `py`, unless the page defines that name. */
declare const py$1: Py;
/** Let Python call a function: `expose("name", f)`, `expose(f)` under its own name, `expose({ f, g })`. */
export declare const expose: Expose;
/** Return the queues of one key, in both directions. */
export declare const queue: (key: NameOf<PyQueues> | QueueKey) => Queue;
export declare const pubsub: Pubsub;
/** Save a file on the user's computer: `await download("report.csv", text)`. In a native window, a dialog opens. */
export declare const download: Download;
/** The desktop window that shows this page: `await native.resize(800, 600)`. */
export declare const native: Native;
/** Wait for the connection. Resolves to this page's socket number; rejects with JsPyError after the timeout or if closed. */
export declare const ready: (timeout?: Timeout) => Promise<number>;
/** Wait for the state that Python shares with all pages, `app.state(...)`: `const s = await state(); s.freq = 4`. */
export declare const state: StateGetter;
/** Wait for the state that Python shares with this page alone, `page.state(...)`. */
export declare const pageState: StateGetter;
declare global {
    var JsPyTextSocket: JsPyTextSocketApi;
    var JsPyFunction: JsPyFunctionApi;
    var JsPyQueue: JsPyQueueApi;
    var JsPyPubsub: JsPyPubsubApi;
    var JsPyBinarySocket: JsPyBinarySocketConstructor;
    var py: Py;
}

export {
    JsPyBinarySocket$1 as JsPyBinarySocket,
    JsPyFunction$1 as JsPyFunction,
    JsPyPubsub$1 as JsPyPubsub,
    JsPyQueue$1 as JsPyQueue,
    JsPyTextSocket$1 as JsPyTextSocket,
    py$1 as py,
};

export {};
