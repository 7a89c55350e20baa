/** The global `JsPyTextSocket`: the connection under its names of 2020. */

import { version } from "../package.json";
import { Address } from "./address.ts";
import { imshow, type Imshow } from "./canvas.ts";
import type { Connection, ConnectionState } from "./connection.ts";
import type { CustomMessage } from "./messages.ts";
import { NDArray } from "./ndarray.ts";
import type { Timeout } from "./arguments.ts";

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
    /** Calls that wait for Python; answers of Python that came too late, twice or to nothing; connections so far. */
    stats(): { pending: number; ignored: number; connections: number };
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

/** JsPyTextSocket with the connection that the other files of this library use. */
export interface TextSocket extends JsPyTextSocketApi {
    readonly _connection: Connection;
}

// In parentheses: V8 compiles the function with the file, off the main thread, and not a second time when it is called.
export const createTextSocket = (function (connection: Connection): TextSocket {
    const { address, opened, closed, stateChanged, sessionBegan, requests } = connection;
    const reconnect = (url?: string): boolean => connection.reconnect(url);
    const addProtocol: JsPyTextSocketApi["add_protocol"] = (name, func) => connection.addProtocol(name, func);
    return {
        VERSION: version,
        NDArray,
        imshow,
        reconnect,
        init: reconnect,
        close: () => connection.close(),
        ready: () => connection.isOpen,
        wait_ready: (timeout) => connection.waitReady(timeout),
        send_json: (object) => connection.sendCustom(object),
        get_socket_id: () => connection.socketId,
        add_open_event: opened.add,
        clear_open_event: opened.clear,
        add_close_event: closed.add,
        clear_close_event: closed.clear,
        state: () => connection.publicState,
        add_state_event: stateChanged.add,
        clear_state_event: stateChanged.clear,
        add_session_event: sessionBegan.add,
        clear_session_event: sessionBegan.clear,
        set_badge: (on = true) => connection.setBadge(Boolean(on)),
        stats: () => ({ pending: requests.size, ignored: requests.ignored, connections: connection.connections }),
        add_protocol: addProtocol,
        _add_protocol: addProtocol,
        _URL_PATH: Address.path,
        get _url() {
            return address.url;
        },
        set _url(url) {
            address.url = url;
        },
        get _websocket() {
            return connection.socket;
        },
        get _disconnect_reason() {
            return connection.disconnectReason;
        },
        _connection: connection,
    };
});
