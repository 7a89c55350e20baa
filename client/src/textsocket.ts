/** The global `JsPyTextSocket`: the connection under its names of 2020. */

import { version } from "../package.json";
import { Address } from "./address.ts";
import { createImshow, type Imshow } from "./canvas.ts";
import type { Connection, ConnectionState } from "./connection.ts";
import type { CustomMessage } from "./messages.ts";
import { NDArray } from "./ndarray.ts";
import type { Timeout } from "./arguments.ts";

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
        pending: number; ignored: number; dropped: number; connections: number;
        references: { exported: number; imported: number }; streams: number;
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

/** JsPyTextSocket with the connection that the other files of this library use. */
export interface TextSocket extends JsPyTextSocketApi {
    readonly _connection: Connection;
}

// In parentheses: V8 compiles the function with the file, off the main thread, and not a second time when it is called.
export const createTextSocket = (function (connection: Connection): TextSocket {
    const { address, custom, opened, closed, stateChanged, sessionBegan, requests } = connection;
    const reconnect = (url?: string): boolean => connection.reconnect(url);
    return {
        VERSION: version,
        NDArray,
        imshow: createImshow(),
        reconnect,
        init: reconnect,
        close: () => connection.close(),
        ready: () => connection.isOpen,
        wait_ready: (timeout) => connection.waitReady(timeout),
        send_json: custom.send,
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
        stats: () => ({
            pending: requests.size, ignored: requests.ignored, dropped: connection.calls.dropped, connections: connection.connections,
            references: { exported: connection.exports.size, imported: connection.imports.size }, streams: connection.streams.size,
        }),
        add_protocol: custom.addProtocol,
        _add_protocol: custom.addProtocol,
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
