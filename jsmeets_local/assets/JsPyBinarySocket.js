/**
 * jsmeets_local: a WebSocket of its own for plain bytes. Works with or without JsPyTextSocket.js.
 *
 * MIT License
 */

(() => {
    "use strict";
    if (globalThis.JsPyBinarySocket?.VERSION) {
        return;
    }
    const VERSION = "1.0.0";
    const DEFAULT_PATH = "/jsmeetspy/binarysocket";
    const has_document = typeof document !== "undefined";
    const script = has_document ? /** @type {HTMLScriptElement | null} */ (document.currentScript) : null;

    /** What precedes /jsmeetspy/ in the address of this script, or the root. */
    function own_root() {
        const base = new URL(script?.src || document.baseURI);
        const [, before] = /^(.*?)\/(?:jsmeetspy\/(?:JsPyBinarySocket|jsmeets)\.js$|static\/)/.exec(script?.src ? base.pathname : "") ?? [];
        return base.origin + (before ?? "");
    }

    /** @param {string} path below the application's root, or a whole URL */
    function socket_url(path) {
        const root = /** @type {any} */ (globalThis.JsPyTextSocket)?._app_root?.() ?? own_root();
        const url = new URL(/^[a-z]+:\/\//i.test(path) ? path : root + path);
        url.protocol = url.protocol.replace(/^http/, "ws");
        return url.href;
    }

    /** @returns {string} "" where there is none */
    function launch_token() {
        const told = /** @type {any} */ (globalThis.JsPyTextSocket)?._token;
        if (told || !has_document) {
            return told ?? "";
        }
        const [, token] = /^#jsmeets=([\w~-]+)\./.exec(location.hash) ?? [];
        return token ?? stored_token();
    }

    function stored_token() {
        const { pathname } = new URL(own_root());
        const stored_at = pathname === "/" ? "jsmeets_local" : `jsmeets_local:${pathname}`;
        try {
            return String(JSON.parse(sessionStorage.getItem(stored_at) ?? "{}").token ?? "");
        } catch (error) {
            console.debug("JsPyBinarySocket: no launch token:", error);
            return "";
        }
    }

    class JsPyBinarySocket {
        /** @param {string} [url_path] */
        constructor(url_path = DEFAULT_PATH) {
            this.VERSION = VERSION;
            this._url_path = url_path;
            /** @type {WebSocket | null} */
            this._websocket = null;
            /** @type {Array<() => void>} */
            this._close_events = [];
            /** @type {((ws: WebSocket, data: ArrayBuffer) => unknown) | null} */
            this._handler = null;
            this.reconnect(url_path);
        }

        /** @param {string} [url_path] without one: where it was connected before */
        reconnect(url_path = this._url_path) {
            const state = this._websocket?.readyState;
            if (state === WebSocket.OPEN || state === WebSocket.CONNECTING) {
                return false;
            }
            this._url_path = url_path;
            const token = launch_token();
            this._listen(new WebSocket(socket_url(url_path), token ? ["jsmeets.binary", `jsmeets.token.${token}`] : []));
            return true;
        }

        /** @param {WebSocket} socket */
        _listen(socket) {
            this._websocket = socket;
            socket.binaryType = "arraybuffer";
            socket.onmessage = (event) => this._receive(socket, event.data);
            socket.onclose = () => this._lost(socket);
        }

        /** @param {WebSocket} socket @param {unknown} data */
        _receive(socket, data) {
            if (this._handler && data instanceof ArrayBuffer) {
                const handler = this._handler;
                guard("the message handler", () => handler(socket, data));
            } else if (typeof data === "string") {
                console.error("JsPyBinarySocket: a text frame arrived; it is dropped");
            }
        }

        /** @param {WebSocket} socket forgotten before the events run: they may connect again */
        _lost(socket) {
            this._websocket = this._websocket === socket ? null : this._websocket;
            [...this._close_events].forEach((func) => guard("a close event", func));
        }

        /** @returns {boolean} whether there was something to close */
        close() {
            const socket = this._websocket;
            if (!socket || socket.readyState > WebSocket.OPEN) {
                return false;
            }
            socket.close();
            return true;
        }

        ready() {
            return this._websocket?.readyState === WebSocket.OPEN;
        }

        /** @param {any} data ArrayBuffer, typed array, DataView or Blob */
        send(data) {
            const is_bytes = ArrayBuffer.isView(data) || /^(Shared)?ArrayBuffer$|^Blob$|^File$/.test(data?.[Symbol.toStringTag]);
            if (!is_bytes) {
                console.error(`JsPyBinarySocket: only bytes can be sent, not ${typeof data}`);
                return false;
            }
            if (!this._websocket || !this.ready()) {
                return false;
            }
            this._websocket.send(data);
            return true;
        }

        /** @param {((ws: WebSocket, data: ArrayBuffer) => unknown) | null} func */
        set_message_handler(func) {
            this._handler = func;
        }

        /** @param {() => void} func */
        add_close_event(func) {
            this._close_events.push(func);
        }

        clear_close_event() {
            this._close_events = [];
        }
    }
    JsPyBinarySocket.VERSION = VERSION;

    /** @param {string} what @param {() => unknown} action a user's error must not stop the socket */
    function guard(what, action) {
        const failed = (/** @type {unknown} */ error) => console.error(`JsPyBinarySocket: error in ${what}:`, error);
        try {
            Promise.resolve(action()).catch(failed);
        } catch (error) {
            failed(error);
        }
    }

    globalThis.JsPyBinarySocket = JsPyBinarySocket;
})();
