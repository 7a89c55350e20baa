// jsmeets_local 1.0.0, MIT License. Built from client/src: change it there, then run ./scripts/client.
"use strict";
(() => {
  // src/address.ts
  var hasDocument = () => typeof document !== "undefined";

  // package.json
  var version = "1.0.0";

  // src/callbacks.ts
  var isThenable = (value) => value !== null && (typeof value === "object" || typeof value === "function") && typeof value.then === "function";
  function follow(action, done, failed) {
    let result;
    try {
      result = action();
      if (isThenable(result)) {
        Promise.resolve(result).then(done, failed);
        return true;
      }
    } catch (error) {
      failed(error);
      return false;
    }
    done(result);
    return false;
  }
  function guard(action, failed) {
    follow(action, () => void 0, failed);
  }

  // src/binarysocket.ts
  var DEFAULT_PATH = "/jsmeetspy/binarysocket";
  var Server = class {
    constructor(script, connection) {
      this.script = script;
      this.connection = connection;
    }
    script;
    connection;
    socketUrl(path) {
      const url = new URL(/^[a-z]+:\/\//i.test(path) ? path : this.root() + path);
      url.protocol = url.protocol.replace(/^http/, "ws");
      return url.href;
    }
    /** Return the launch token, or "" if there is none. */
    token() {
      const told = this.connection()?.identity.token;
      if (told || !hasDocument()) {
        return told ?? "";
      }
      const [, token] = /^#jsmeets=([\w~-]+)\./.exec(location.hash) ?? [];
      return token ?? this.storedToken();
    }
    root() {
      return this.connection()?.address.root ?? this.scriptRoot();
    }
    /** Return the part of the script's URL before /jsmeetspy/, or its origin. */
    scriptRoot() {
      const source = this.script?.src;
      const base = new URL(source || document.baseURI);
      const [, before] = /^(.*?)\/(?:jsmeetspy\/(?:JsPyBinarySocket|jsmeets)\.js$|static\/)/.exec(source ? base.pathname : "") ?? [];
      return base.origin + (before ?? "");
    }
    storedToken() {
      const { pathname } = new URL(this.scriptRoot());
      const storedAt = pathname === "/" ? "jsmeets_local" : `jsmeets_local:${pathname}`;
      try {
        return String(JSON.parse(sessionStorage.getItem(storedAt) ?? "{}").token ?? "");
      } catch (error) {
        console.debug("JsPyBinarySocket: no launch token:", error);
        return "";
      }
    }
  };
  var report = (what, action) => guard(action, (error) => console.error(`JsPyBinarySocket: error in ${what}:`, error));
  var createBinarySocket = (function(script, connection) {
    const server = new Server(script, connection);
    return class JsPyBinarySocket {
      static VERSION = version;
      VERSION = version;
      _url_path;
      _websocket = null;
      #closeEvents = [];
      #handler = null;
      constructor(url_path = DEFAULT_PATH) {
        this._url_path = url_path;
        this.reconnect(url_path);
      }
      reconnect(url_path = this._url_path) {
        const state = this._websocket?.readyState;
        if (state === WebSocket.OPEN || state === WebSocket.CONNECTING) {
          return false;
        }
        this._url_path = url_path;
        const token = server.token();
        this.#listen(new WebSocket(server.socketUrl(url_path), token ? ["jsmeets.binary", `jsmeets.token.${token}`] : []));
        return true;
      }
      #listen(socket) {
        this._websocket = socket;
        socket.binaryType = "arraybuffer";
        socket.onmessage = (event) => this.#receive(socket, event.data);
        socket.onclose = () => {
          this._websocket = this._websocket === socket ? null : this._websocket;
          [...this.#closeEvents].forEach((func) => report("a close event", func));
        };
      }
      #receive(socket, data) {
        const handler = this.#handler;
        if (handler && data instanceof ArrayBuffer) {
          report("the message handler", () => handler(socket, data));
        } else if (typeof data === "string") {
          console.error("JsPyBinarySocket: dropped a text frame, expected bytes");
        }
      }
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
      send(data) {
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
      set_message_handler(func) {
        this.#handler = func;
      }
      add_close_event(func) {
        this.#closeEvents.push(func);
      }
      clear_close_event() {
        this.#closeEvents = [];
      }
    };
  });

  // src/install.ts
  var globals = globalThis;
  var currentScript = () => hasDocument() ? document.currentScript : null;
  function once(name, make) {
    if (!globals[name]?.VERSION) {
      globals[name] = make();
    }
    return globals[name];
  }
  var installBinarySocket = (script) => once("JsPyBinarySocket", () => createBinarySocket(script, () => globals.JsPyTextSocket?._connection));

  // src/entries/JsPyBinarySocket.ts
  installBinarySocket(currentScript());
})();
