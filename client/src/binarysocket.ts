/** The global `JsPyBinarySocket`: a separate WebSocket for plain bytes, with or without JsPyTextSocket. */

import { version } from "../package.json";
import { hasDocument, type ScriptTag } from "./address.ts";
import { guard } from "./callbacks.ts";
import type { Connection } from "./connection.ts";

const DEFAULT_PATH = "/jsmeetspy/binarysocket";

type MessageHandler = (ws: WebSocket, data: ArrayBuffer) => unknown;

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

/** The address and the launch token of the server, from the connection if there is one, else from the script and document. */
class Server {
    constructor(private readonly script: ScriptTag | null, private readonly connection: () => Connection | undefined) {}

    socketUrl(path: string): string {
        const url = new URL(/^[a-z]+:\/\//i.test(path) ? path : this.root() + path);
        url.protocol = url.protocol.replace(/^http/, "ws");
        return url.href;
    }

    /** Return the launch token, or "" if there is none. */
    token(): string {
        const told = this.connection()?.identity.token;
        if (told || !hasDocument()) {
            return told ?? "";
        }
        const [, token] = /^#jsmeets=([\w~-]+)\./.exec(location.hash) ?? [];
        return token ?? this.storedToken();
    }

    private root(): string {
        return this.connection()?.address.root ?? this.scriptRoot();
    }

    /** Return the part of the script's URL before /jsmeetspy/, or its origin. */
    private scriptRoot(): string {
        const source = this.script?.src;
        const base = new URL(source || document.baseURI);
        const [, before] = /^(.*?)\/(?:jsmeetspy\/(?:JsPyBinarySocket|jsmeets)\.js$|static\/)/.exec(source ? base.pathname : "") ?? [];
        return base.origin + (before ?? "");
    }

    private storedToken(): string {
        const { pathname } = new URL(this.scriptRoot());
        const storedAt = pathname === "/" ? "jsmeets_local" : `jsmeets_local:${pathname}`;
        try {
            return String(JSON.parse(sessionStorage.getItem(storedAt) ?? "{}").token ?? "");
        } catch (error) {
            console.debug("JsPyBinarySocket: no launch token:", error);
            return "";
        }
    }
}

/** Call a user function. Its errors are logged and don't affect the socket. */
const report = (what: string, action: () => unknown): void =>
    guard(action, (error) => console.error(`JsPyBinarySocket: error in ${what}:`, error));

// In parentheses: V8 compiles the function with the file, off the main thread, and not a second time when it is called.
export const createBinarySocket = (function (
    script: ScriptTag | null, connection: () => Connection | undefined,
): JsPyBinarySocketConstructor {
    const server = new Server(script, connection);

    return class JsPyBinarySocket implements JsPyBinarySocketApi {
        static readonly VERSION = version;
        readonly VERSION = version;
        private _url_path: string;
        private _websocket: WebSocket | null = null;
        #closeEvents: Array<() => unknown> = [];
        #handler: MessageHandler | null = null;

        constructor(url_path = DEFAULT_PATH) {
            this._url_path = url_path;
            this.reconnect(url_path);
        }

        reconnect(url_path = this._url_path): boolean {
            const state = this._websocket?.readyState;
            if (state === WebSocket.OPEN || state === WebSocket.CONNECTING) {
                return false;
            }
            this._url_path = url_path;
            const token = server.token();
            this.#listen(new WebSocket(server.socketUrl(url_path), token ? ["jsmeets.binary", `jsmeets.token.${token}`] : []));
            return true;
        }

        #listen(socket: WebSocket): void {
            this._websocket = socket;
            socket.binaryType = "arraybuffer";
            socket.onmessage = (event) => this.#receive(socket, event.data);
            socket.onclose = () => {
                // Reset before the events run, because they may reconnect.
                this._websocket = this._websocket === socket ? null : this._websocket;
                [...this.#closeEvents].forEach((func) => report("a close event", func));
            };
        }

        #receive(socket: WebSocket, data: unknown): void {
            const handler = this.#handler;
            if (handler && data instanceof ArrayBuffer) {
                report("the message handler", () => handler(socket, data));
            } else if (typeof data === "string") {
                console.error("JsPyBinarySocket: dropped a text frame, expected bytes");
            }
        }

        close(): boolean {
            const socket = this._websocket;
            if (!socket || socket.readyState > WebSocket.OPEN) {
                return false;
            }
            socket.close();
            return true;
        }

        ready(): boolean {
            return this._websocket?.readyState === WebSocket.OPEN;
        }

        send(data: any): boolean {
            const isBytes = ArrayBuffer.isView(data) || /^(Shared)?ArrayBuffer$|^Blob$|^File$/.test(data?.[Symbol.toStringTag]);
            if (!isBytes) {
                console.error(`JsPyBinarySocket: only bytes can be sent, not ${typeof data}`);
                return false;
            }
            if (!this._websocket || !this.ready()) {
                return false;
            }
            this._websocket.send(data);
            return true;
        }

        set_message_handler(func: MessageHandler | null): void {
            this.#handler = func;
        }

        add_close_event(func: () => unknown): void {
            this.#closeEvents.push(func);
        }

        clear_close_event(): void {
            this.#closeEvents = [];
        }
    };
});
