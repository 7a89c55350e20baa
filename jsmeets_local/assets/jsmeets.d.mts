// jsmeets_local 1.0.0, MIT License. Built from client/src: change it there, then run ./scripts/client.
/**
 * The names of jsmeets_local in a page: as a module (`import { py } from "/jsmeetspy/jsmeets.mjs"`), and as globals
 * (`<script src="/jsmeetspy/JsPyTextSocket.js">` and so on).
 *
 * Timeouts are seconds; `null`, nothing, 0 or a negative number mean no limit; what is not a finite number is a TypeError.
 * Values are JSON; `ArrayBuffer`, typed arrays and `DataView` cross as binary, in any place of a value, `Map`, `Set` and
 * `BigInt` as what they are in Python. Functions, class instances and DOM nodes cross by reference: Python calls and uses
 * them here. `PyFunction` and `PyObject` are what Python sends by reference.
 */

/** Calls of the page's functions by Python, and their cancellation. */
/** The last argument of a function that is exposed with `{ context: true }`. */
export interface CallContext {
    /** Aborts when Python no longer waits for the call, and when the session ends. */
    readonly signal: AbortSignal;
}
/** Why a call failed. */
export type JsPyErrorKind = 
/** The function raised; `name` is the type of the exception. */
"raised"
/** There is no function of that key. */
 | "unknown"
/** The result cannot be sent. */
 | "unserializable"
/** The other side does not serve this. */
 | "unavailable"
/** A limit or a rule. */
 | "refused"
/** No answer in time. */
 | "timeout"
/** The connection is closed, or was lost before the answer. */
 | "disconnected" | "";
/** A user's own kind of message, for `send_json` and `add_protocol`. */
export interface CustomMessage {
    protocol: string;
    key: any;
    id: any;
    data: any;
    exception: any;
}
/** A call failed, in Python or on the way. Its `stack` leads to the call (to the first 16 of one turn), followed by Python's traceback. */
export declare class JsPyError extends Error {
    /** The exception's type in Python ("ValueError"), or UnknownFunction, TimeoutError, DisconnectedError. */
    name: string;
    /** Exactly the text of the exception in Python. */
    message: string;
    kind: JsPyErrorKind;
    /** The function that was called. */
    key: string;
    /** The socket of this page at that moment. */
    socket_id: number | null;
    /** Python's traceback, or "". */
    python_traceback: string;
    /** The exception's own attributes that could be sent: `error.fields.code`. */
    fields: Record<string, any>;
    /** What the exception was raised from (`raise ... from`). */
    cause?: JsPyError;
    /** The members of an ExceptionGroup. */
    errors: JsPyError[];
    constructor(message?: string);
}
/** A generator or iterator of Python: `for await (const row of stream)`. Leaving the loop closes it. */
export interface PyStream extends AsyncIterableIterator<any> {
    next(): Promise<IteratorResult<any>>;
    /** Close it in Python. */
    return(value?: any): Promise<IteratorResult<any>>;
    /** The same as `return`. */
    destroy(): void;
}
/** Validation of the arguments of public functions: timeouts, functions. */
/** Seconds; nothing, `null`, 0 or negative: no limit. */
export type Timeout = number | null | undefined;
/** A file of Python, passed by `ref(path)`. It is read in pieces when it is asked for. */
export interface PyFile {
    readonly name: string;
    /** Bytes; null where Python cannot tell before it is read. */
    readonly size: number | null;
    /** The media type, or "". */
    readonly type: string;
    /** Milliseconds, as in `File`; null where there is none. */
    readonly lastModified: number | null;
    /** The content, read as far as it is consumed. */
    stream(): ReadableStream<Uint8Array>;
    blob(): Promise<Blob>;
    bytes(): Promise<Uint8Array>;
    text(): Promise<string>;
    /** Save it as a download; in a native window, ask where. False if the user cancelled. */
    save(name?: string): Promise<boolean>;
    /** Let Python close it now, not only when it is collected as garbage. */
    destroy(): void;
}
/** What `download` saves. */
export type Downloadable = PyFile | Blob | ArrayBufferLike | ArrayBufferView | string;
/** Saves a file on the user's computer. Returns false if the user cancelled. */
export type Download = (name: string, data: Downloadable) => Promise<boolean>;
/**
 * "connecting": never connected yet. "open". "reconnecting": the connection is lost, and calls, queue items and
 * publications wait; back in time, nothing is lost and nothing comes twice. "lost": Python was away for longer, or is
 * another one; what was on its way may be lost, and the page still tries. "closed": by `close()` or by Python.
 */
export type ConnectionState = "connecting" | "open" | "reconnecting" | "lost" | "closed";
/** A WebSocket of its own for plain bytes. */
export interface JsPyBinarySocketApi {
    readonly VERSION: string;
    /** Without a path: where it was connected before. False while open or connecting. */
    reconnect(url_path?: string): boolean;
    close(): boolean;
    ready(): boolean;
    /** False when it is not open, or `data` is not bytes. */
    send(data: ArrayBuffer | ArrayBufferView | Blob): boolean;
    set_message_handler(func: ((ws: WebSocket, data: ArrayBuffer) => unknown) | null): void;
    add_close_event(func: () => unknown): void;
    clear_close_event(): void;
}
export interface JsPyBinarySocketConstructor {
    /** Opens at once. The path is below the application's root, or a whole URL. */
    new (url_path?: string): JsPyBinarySocketApi;
    readonly VERSION: string;
}
/** Promises of streams that are iterated over without `await`. */
/** What a call of Python returns: `for await (const row of py.rows(9))` needs no second `await`. */
export type PyResult<Value = any> = Promise<Value> & AsyncIterable<any>;
/** How a Python function is called: `py.slow.with({ signal, timeout: 2 })(1)`. */
export interface CallOptions {
    /** Cancels the call when it aborts; the call then rejects with the reason of the signal. */
    signal?: AbortSignal | null | undefined;
    /** Seconds. */
    timeout?: Timeout;
}
/** An exposed Python function. */
export interface PyFunctionInfo {
    name: string;
    /** "add2(a, b=1)"; "f(...)" where Python cannot tell. */
    signature: string;
    /** The docstring, or "". */
    doc: string;
    /** Whether its calls run one at a time. */
    exclusive: boolean;
}
/** How a function is exposed: `expose("load", async (url, call) => fetch(url, { signal: call.signal }), { context: true })`. */
export interface ExposeOptions {
    /** One call at a time, in the order of arrival. */
    exclusive?: boolean | undefined;
    /** Pass a CallContext as the last argument. */
    context?: boolean | undefined;
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
    /** What Python exposes: `console.table(await JsPyFunction.list())`. Rejects with JsPyError. */
    list(): Promise<PyFunctionInfo[]>;
}
/** Publish and subscribe, with Python as the broker. */
export interface JsPyPubsubApi {
    readonly VERSION: string;
    /**
     * True when the broker has it; false after the timeout, on a lost connection, for what cannot be sent.
     * `suppress`: not to this page's own subscription. A number alone in second place is the timeout.
     */
    publish(topic: string, suppress?: boolean | number | null, timeout?: Timeout): (data: any) => Promise<boolean>;
    /** One function per topic, again replaces it. An async one gets the next only after its promise has settled. */
    subscribe(topic: string, func: (topic: string, data: any) => unknown, timeout?: Timeout): Promise<boolean>;
    /** False when it was not subscribed. */
    unsubscribe(topic: string, timeout?: Timeout): Promise<boolean>;
    get_topics(): string[];
}
/** The key of a queue; 5 and "5" are two queues. */
export type QueueKey = string | number | boolean | null;
/** Queues that Python fills, and pushes to Python's queues. */
export interface JsPyQueueApi {
    readonly VERSION: string;
    /** Throws when it cannot be sent. */
    push_nowait(key: QueueKey): (data: any) => void;
    /** True when Python has it; false after the timeout, on a lost connection, for what cannot be sent. */
    push(key: QueueKey, timeout?: Timeout): (data: any) => Promise<boolean>;
    /** Take the newest item. */
    pop(key: QueueKey, default_value?: any): any;
    /** Take the oldest item. */
    shift(key: QueueKey, default_value?: any): any;
    /** Take the oldest item, or the next to come. Rejects with a TimeoutError. */
    get(key: QueueKey, timeout?: Timeout): Promise<any>;
    is_empty(key: QueueKey): boolean;
    /** Whether there was ever an item, until `remove`. */
    has(key: QueueKey): boolean;
    get_keys(): QueueKey[];
    /** Drop the items. False when there is no such queue. */
    clear(key: QueueKey): boolean;
    clear_all(): void;
    /** Drop the queue. False when there is no such queue. */
    remove(key: QueueKey): boolean;
    remove_all(): void;
    /** Call `func(key)` after each item that arrives. */
    add_callback(func: (key: QueueKey) => unknown): void;
    clear_callback(): void;
}
/** Arrays: the types of their items, and NDArray for those of other than one dimension. */
/** Any typed array. */
export type TypedArray = Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array | BigInt64Array | BigUint64Array | Float32Array | Float64Array;
/** An array of bool of one dimension: it comes back to Python as such, where a Uint8Array without `dtype` is bytes. */
export type BoolArray = Uint8Array & {
    readonly dtype: "bool";
};
/** A frame of pandas or polars; `jsmeets_local.values.to_frame` makes one of it again. */
export interface Frame {
    /** The names, in their order. */
    readonly columns: ReadonlyArray<string | number>;
    /** Name -> values: typed arrays for numbers, dates (milliseconds since 1970) and durations, where NaN is missing; else lists. */
    readonly data: {
        readonly [name: string]: TypedArray | BoolArray | any[];
    };
    /** The names of the rows; `null` where they are only counted. */
    readonly index: {
        readonly name: string | number | null;
        readonly data: TypedArray | any[];
        readonly dtype: string;
    } | null;
    /** Name -> type, as pandas writes it: "float64", "datetime64[us]", "string", ... */
    readonly dtypes: {
        readonly [name: string]: string;
    };
}
/**
 * An array of other than one dimension, as numpy arrays arrive (those of one dimension are the typed array itself).
 * It may be sent back as it is. Frozen; its `data` is not.
 */
export declare class NDArray {
    /** The items in C order (the last index runs fastest). */
    readonly data: TypedArray;
    /** The length in each dimension. */
    readonly shape: readonly number[];
    /** "float64", "int32", "bool", ...; "float16" also where the browser has Float32Array alone. */
    readonly dtype: string;
    /** Throws TypeError where `data` does not fill `shape`, or has no items of `dtype`. `"bool"` is for a Uint8Array of 0 and 1. */
    constructor(data: TypedArray, shape: readonly number[], dtype?: string);
    /** The item at an index for each dimension. RangeError where there is none; TypeError for what is no index. */
    get(...indices: number[]): number | bigint;
    /** A part of one dimension less that shares the memory: a typed array where one is left. RangeError, TypeError as `get`. */
    row(index: number): NDArray | TypedArray;
}
/**
 * Draw an image on a canvas, which takes its size: an NDArray of dtype uint8 and shape [height, width] (gray),
 * [height, width, 3] (red, green, blue) or [height, width, 4] (and opacity). TypeError for what is no image.
 */
export type Imshow = (canvas: HTMLCanvasElement | OffscreenCanvas, image: NDArray) => void;
/** The connection between this page and Python. It opens by itself and comes back by itself. */
export interface JsPyTextSocketApi {
    readonly VERSION: string;
    readonly NDArray: typeof NDArray;
    /**
     * Draw an image on a canvas, which takes its size: an NDArray of dtype uint8 and shape [height, width] (gray),
     * [height, width, 3] (red, green, blue) or [height, width, 4] (and opacity). TypeError for what is no image.
     */
    readonly imshow: Imshow;
    /** Open again after `close()`, or at once where a new attempt is due. False while open or connecting. */
    reconnect(url?: string): boolean;
    /** The same as `reconnect`. */
    init(url?: string): boolean;
    /** Close, and stay closed until `reconnect`. False when it was closed. */
    close(): boolean;
    /** Whether Python has welcomed this page. */
    ready(): boolean;
    /** True as soon as the connection is ready; false after the timeout, or where it is closed. */
    wait_ready(timeout?: Timeout): Promise<boolean>;
    /** Send a message of your own kind. False when it cannot be sent; throws TypeError where a key is missing. */
    send_json(object: CustomMessage): boolean;
    /** The number of this page's socket, or null while there is none. */
    get_socket_id(): number | null;
    /** Call `func` each time the connection has become ready. */
    add_open_event(func: () => unknown): void;
    clear_open_event(): void;
    /** Call `func` each time the connection is lost or closed, or Python refuses the page; `get_socket_id()` still tells the old number. */
    add_close_event(func: () => unknown): void;
    clear_close_event(): void;
    /** The state of the connection, see `ConnectionState`. */
    state(): ConnectionState;
    /** Call `func` each time the state changes. "open" after "reconnecting" is the same session; after anything else a new one. */
    add_state_event(func: (state: ConnectionState) => unknown): void;
    clear_state_event(): void;
    /**
     * Call `func` each time a new session has begun, also the first one: Python knows nothing of earlier ones, but the
     * subscriptions, which go with it. `restarted`: it is another Python process than before.
     */
    add_session_event(func: (restarted: boolean) => unknown): void;
    clear_session_event(): void;
    /** `false`: no badge in this page tells of a lost connection; `true` or nothing: it does again. */
    set_badge(on?: boolean): void;
    /**
     * Calls that wait for Python; answers of Python that came too late, twice or to nothing; results of functions for
     * which Python no longer waited; connections so far; objects of this page that Python holds, and of Python that this
     * page holds; streams that are being read, in both directions.
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
    /** Serve your own kind of messages. */
    add_protocol(name: string, func: (message: CustomMessage) => unknown): void;
    /** The same as `add_protocol`. */
    _add_protocol(name: string, func: (message: CustomMessage) => unknown): void;
    readonly _URL_PATH: string;
    /** The address of the socket. */
    _url: string | null;
    readonly _websocket: WebSocket | null;
    /** Why Python closed the connection, or null. */
    readonly _disconnect_reason: string | null;
}
/** A Python function. */
export interface PyCaller<Result = any> {
    /** Call it. Rejects with JsPyError. `for await` reads the stream that it returns. */
    (...args: any[]): PyResult<Result>;
    /** Call it with options: `await py.slow.with({ signal, timeout: 2 })(1)`. A call that is given up is cancelled in Python. */
    with(options: CallOptions): (...args: any[]) => PyResult<Result>;
}
/** An exposed Python function, or an exposed object with methods. Names that every JavaScript function has are not methods. */
export type PyExposed = PyCaller & {
    readonly [method: string]: PyExposed;
};
/**
 * Every exposed Python function: `await py.add2(4, 7)`. A dot leads to a method: `py.model.fit(1)` is
 * `py["model.fit"](1)`.
 */
export interface Py {
    /** What Python exposes: `console.table(await py.$list())`. Rejects with JsPyError. */
    readonly $list: PyCaller<PyFunctionInfo[]> & PyExposed;
    readonly [key: string]: PyExposed;
}
/** One queue key in both directions. */
export interface Queue extends AsyncIterable<any> {
    /** To Python's queue of this key. */
    push(data: any, options?: {
        timeout?: Timeout;
    }): Promise<boolean>;
    /** To Python's queue of this key; throws when it cannot be sent. */
    push_nowait(data: any): void;
    /** The newest item from Python. */
    pop(default_value?: any): any;
    /** The oldest item from Python. */
    shift(default_value?: any): any;
    /** The oldest item from Python, or the next to come. Rejects with a TimeoutError. */
    get(timeout?: Timeout): Promise<any>;
    is_empty(): boolean;
    [Symbol.asyncIterator](): AsyncGenerator<any, never, undefined>;
}
export interface Pubsub {
    /** `suppress`: not to this page's own subscription. */
    publish(topic: string, data: any, options?: {
        suppress?: boolean;
        timeout?: Timeout;
    }): Promise<boolean>;
    subscribe(topic: string, func: (topic: string, data: any) => unknown, timeout?: Timeout): Promise<boolean>;
    unsubscribe(topic: string, timeout?: Timeout): Promise<boolean>;
}
/** Lets Python call a function: `expose("name", f)`, `expose(f)` under its own name, `expose({ f, g })`. */
export interface Expose {
    (key: string, func: (...args: any[]) => any, options?: boolean | ExposeOptions): boolean;
    (func: (...args: any[]) => any, options?: boolean | ExposeOptions): boolean;
    (functions: {
        readonly [key: string]: (...args: any[]) => any;
    }, options?: boolean | ExposeOptions): boolean;
}
/**
 * The desktop window that shows this page (mode "window"). All of it rejects with JsPyError where there is none, and
 * where `launch(..., window_api=True)` was not said. Sizes and positions are whole pixels.
 */
export interface Native {
    get_title(): Promise<string>;
    set_title(title: string): Promise<void>;
    /** Width and height of the content. */
    get_size(): Promise<[
        number,
        number
    ]>;
    resize(width: number, height: number): Promise<void>;
    /** Of the upper left corner, from that of the screen. */
    get_position(): Promise<[
        number,
        number
    ]>;
    move(x: number, y: number): Promise<void>;
    minimize(): Promise<void>;
    maximize(): Promise<void>;
    /** Back from minimized, maximized or full screen. */
    restore(): Promise<void>;
    /** `false` ends it. */
    fullscreen(on?: boolean): Promise<void>;
    bring_to_front(): Promise<void>;
    /** The paths of files that the user chose; none where it was cancelled. */
    open_dialog(options?: {
        multiple?: boolean;
        directory?: string;
        file_types?: [
            string,
            string[]
        ][];
    }): Promise<string[]>;
    /** Where to save a file; `null` where it was cancelled. Nothing is written. */
    save_dialog(filename?: string, options?: {
        directory?: string;
    }): Promise<string | null>;
    /** The path of a folder; `null` where it was cancelled. */
    folder_dialog(options?: {
        directory?: string;
    }): Promise<string | null>;
}
/** A function of Python that was passed to this page. */
export interface PyFunction {
    /** Call it. Rejects with JsPyError. */
    (...args: any[]): PyResult;
    /** Call it without waiting for the end. Throws when it cannot be sent. */
    nowait(...args: any[]): void;
    /** Call it with options: `await f.with({ signal, timeout: 2 })(1)`. A call that is given up is cancelled in Python. */
    with(options: CallOptions): (...args: any[]) => PyResult;
    /** Let Python forget it now, not only when it is collected as garbage. */
    destroy(): void;
}
/** An object of Python that was passed by `ref`. All other names are its methods: `await model.fit(1)`. */
export interface PyObject extends AsyncIterable<any> {
    /** Read an attribute. */
    get(name: string): Promise<any>;
    /** Set an attribute. */
    set(name: string, value: any): Promise<void>;
    /** Let Python forget it now, not only when it is collected as garbage. */
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
/** Every exposed Python function; also the global `py`, where the page has no other one of that name. */
declare const py$1: Py;
/** Let Python call a function: `expose("name", f)`, `expose(f)` under its own name, `expose({ f, g })`. */
export declare const expose: Expose;
/** One queue key in both directions. */
export declare const queue: (key: QueueKey) => Queue;
export declare const pubsub: Pubsub;
/** Save a file on the user's computer: `await download("report.csv", text)`. In a native window it asks where. */
export declare const download: Download;
/** The desktop window that shows this page: `await native.resize(800, 600)`. */
export declare const native: Native;
/** The number of this page's socket, once it is connected. Rejects with JsPyError after the timeout, or when closed. */
export declare const ready: (timeout?: Timeout) => Promise<number>;
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
