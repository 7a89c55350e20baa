// jsmeets_local 1.0.0, MIT License. Built from client/src: change it there, then run ./scripts/client.
"use strict";
(() => {
  // src/address.ts
  var URL_PATH = "/jsmeetspy/textsocket";
  var hasDocument = () => typeof document !== "undefined";
  function socketUrl(path, base) {
    const url = new URL(path, base ?? (hasDocument() ? document.baseURI : void 0));
    url.protocol = url.protocol.replace(/^http/, "ws");
    url.hash = "";
    return url.href;
  }
  var Address = class {
    constructor(script2, source = "") {
      this.script = script2;
      this.source = script2?.src || source;
    }
    script;
    static path = URL_PATH;
    /** The URL of the WebSocket, once it is determined. */
    url = null;
    /** The URL of the script. A module has no script element and passes its own URL. */
    source;
    /** The URL of the WebSocket: from the tag's `data-url`, else from the script's URL, else below the root. */
    get socket() {
      return this.url ?? this.found();
    }
    /** Set the URL for the next connections. */
    set(url) {
      this.url = socketUrl(url);
    }
    found() {
      const { source } = this;
      const told = this.script?.dataset?.url;
      const path = source ? new URL(source).pathname : "";
      if (told) {
        return socketUrl(told);
      }
      if (/\/jsmeetspy\/(JsPyTextSocket\.js|jsmeets\.m?js)$/.test(path)) {
        return socketUrl("textsocket", source);
      }
      if (path.includes("/static/")) {
        return socketUrl(path.slice(0, path.indexOf("/static/")) + URL_PATH, source);
      }
      return socketUrl(URL_PATH);
    }
    /** The root of the application: the part of the URL before /jsmeetspy/. */
    get root() {
      const url = new URL(this.socket);
      const at = url.pathname.lastIndexOf(URL_PATH);
      return `${url.protocol}//${url.host}${at < 0 ? "" : url.pathname.slice(0, at)}`;
    }
    /** Return the URL of a file of this library. */
    asset(name) {
      return `${this.root.replace(/^ws/, "http")}/jsmeetspy/${name}`;
    }
    /** Return the HTTP URL of `name` next to the WebSocket, or "" if that is not same-origin with the document. */
    http(name) {
      const url = new URL(this.socket);
      url.protocol = url.protocol.replace(/^ws/, "http");
      if (!hasDocument() || url.origin !== globalThis.origin || !url.pathname.endsWith(URL_PATH)) {
        return "";
      }
      url.pathname = url.pathname.slice(0, -"textsocket".length) + name;
      return url.href;
    }
  };

  // src/badge.ts
  var PATIENCE = 600;
  var WORDS = {
    "reconnecting": "Reconnecting…",
    "lost": "Python is not responding. Retrying…",
    "closed": "Disconnected from Python.",
    "restarting": "Python is restarting…",
    "broken": "Python is not running.\nSee the terminal for the reason.",
    "no token": "This URL has no launch token.\nOpen the URL that Python printed.",
    "other token": "Python has restarted.\nOpen the URL that it printed.",
    "refused": "Python refused this page.\nSee its log for the reason."
  };
  var REASONS = [
    [/^the Python program has ended$/, "The Python program has ended."],
    [/^the kernel was restarted$/, "The kernel was restarted: run the cell again."],
    [/^the kernel has ended$/, "The kernel has ended."],
    [/^stopped by Python$/, "Stopped by Python."],
    [/^closed by Python$/, "Closed by Python."],
    [/connection limit/, "Python accepts no more pages."],
    [/^this Python speaks /, "This page has another version than Python."]
  ];
  var CSS = `
    :host {
        all: initial !important;
        position: fixed !important;
        inset: auto max(16px, env(safe-area-inset-right)) max(16px, env(safe-area-inset-bottom)) auto !important;
        z-index: 2147483647 !important;
        color-scheme: light dark !important;
    }
    div[role="status"] { display: flex; justify-content: flex-end; margin-left: 16px; }
    .pill {
        display: flex; align-items: center; gap: 10px;
        padding: 9px 16px 9px 14px; border-radius: 20px;
        font: 500 13px/1.4 system-ui, sans-serif; text-wrap: balance;
        color: #24292f; background: #ffffffeb; border: 1px solid #0000001a;
        box-shadow: 0 1px 2px #00000014, 0 8px 24px #0000001f;
        backdrop-filter: blur(12px); -webkit-backdrop-filter: blur(12px);
        animation: rise 0.25s ease-out;
    }
    .hint { display: block; font-weight: 400; opacity: 0.75; }
    .dot { flex: none; width: 8px; height: 8px; border-radius: 50%; background: #d97706; }
    .waits .dot { animation: breathe 1.4s ease-in-out infinite; }
    .fails .dot { background: #dc2626; }
    .ended .dot { background: #6b7280; }
    button {
        all: unset; flex: none; padding: 2px 10px; margin: -2px -8px -2px 2px; border-radius: 12px; cursor: pointer;
        font-weight: 600; color: #0b5cd5;
    }
    button:hover { background: #0b5cd51a; }
    button:focus-visible { outline: 2px solid currentColor; }
    @keyframes rise { from { opacity: 0; transform: translateY(6px); } }
    @keyframes breathe { 50% { opacity: 0.25; } }
    @media (prefers-color-scheme: dark) {
        .pill { color: #e6e8eb; background: #24272deb; border-color: #ffffff24; box-shadow: 0 8px 24px #00000080; }
        .dot { background: #fbbf24; }
        .fails .dot { background: #f87171; }
        .ended .dot { background: #9ca3af; }
        button { color: #7fb4ff; }
        button:hover { background: #7fb4ff26; }
    }
    @media (prefers-reduced-motion: reduce) { .pill, .waits .dot { animation: none; } }
    @media print { .pill { display: none; } }
`;
  var isSupported = () => typeof document !== "undefined" && "adoptedStyleSheets" in document;
  function element(tag, properties, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }
  function makeStatus() {
    const host = document.createElement("jsmeets-badge");
    const root = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    root.adoptedStyleSheets = [sheet];
    const status = element("div", { lang: "en", dir: "ltr" });
    status.setAttribute("role", "status");
    root.append(status);
    document.documentElement.append(host);
    return status;
  }
  function wordsFor(trouble, reason) {
    const isEnd = trouble === "lost" || trouble === "closed";
    return isEnd && REASONS.find(([said]) => said.test(reason))?.[1] || WORDS[trouble] || "";
  }
  function lookOf(trouble, words) {
    if (trouble === "closed" || trouble === "lost" && words !== WORDS.lost) {
      return "ended";
    }
    return trouble === "reconnecting" || trouble === "restarting" ? "waits" : "fails";
  }
  function makePill(trouble, words) {
    const [what, hint] = words.split("\n");
    const lines = [new Text(what), ...hint ? [new Text(" "), element("span", { className: "hint", textContent: hint })] : []];
    const pill = element(
      "div",
      { className: `pill ${lookOf(trouble, words)}` },
      element("span", { className: "dot" }),
      element("span", {}, ...lines)
    );
    if (trouble === "closed") {
      pill.append(element("button", { type: "button", textContent: "Reload", onclick: () => location.reload() }));
    }
    return pill;
  }
  function createBadge(connection) {
    if (!isSupported() || connection.badge) {
      return;
    }
    let status = null;
    let shown = "";
    let timer;
    function show(trouble, words) {
      shown = words;
      status?.replaceChildren(...words ? [makePill(trouble, words)] : []);
    }
    connection.badge = (trouble, reason) => {
      clearTimeout(timer);
      const words = wordsFor(trouble, reason);
      if (words === shown) {
        return;
      }
      if (shown || !words) {
        show(trouble, words);
        return;
      }
      status ??= makeStatus();
      timer = setTimeout(show, PATIENCE, trouble, words);
    };
  }

  // package.json
  var version = "1.0.0";

  // src/arguments.ts
  function millisecondsOf(timeout) {
    if (timeout === void 0 || timeout === null || typeof timeout === "number" && timeout <= 0) {
      return null;
    }
    if (typeof timeout !== "number" || !Number.isFinite(timeout)) {
      throw new TypeError(`timeout must be a number of seconds (0 or omitted for no limit), not ${codeOf(timeout)}`);
    }
    return Math.min(timeout * 1e3, 2147483647);
  }
  function codeOf(value) {
    if (typeof value === "string") {
      return JSON.stringify(value.slice(0, 60));
    }
    const isCode = value === null || typeof value !== "object" && typeof value !== "function";
    return isCode ? String(value) : Array.isArray(value) ? "[...]" : typeof value === "function" ? "function" : "{...}";
  }
  function inFirstCall(name, key, given, most, check) {
    const call = key === void 0 ? name : `${name}(${codeOf(key)})`;
    let reason = `${call} takes no ${most ? "more than its options" : "values"}`;
    if (given.length <= most) {
      try {
        return check();
      } catch (error) {
        reason = error.message;
      }
    }
    throw new TypeError(`${reason}; pass the arguments in a second call: ${call}(${given.map(codeOf).join(", ")})`);
  }
  function checkOptions(options, name, where) {
    if (typeof options !== "object" || options === null || Array.isArray(options)) {
      throw new TypeError(`${where}: the options must be an object, such as { ${name}: ... }, not ${codeOf(options)}`);
    }
  }
  function optionsOf(options, known, where) {
    checkOptions(options, known.at(-1), where);
    const other = Object.keys(options).find((name) => !known.includes(name));
    if (other !== void 0) {
      const names = known.map((name) => `'${name}'`);
      throw new TypeError(`${where}: no option '${other}'; ${names.length > 1 ? `there are ${names.slice(0, -1).join(", ")} and` : "there is"} ${names.at(-1)}`);
    }
    return options;
  }
  function checkedFunction(func, where) {
    if (typeof func !== "function") {
      throw new TypeError(`${where}: expected a function, not ${codeOf(func)}`);
    }
    return func;
  }

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
  var Listeners = class {
    constructor(name) {
      this.name = name;
    }
    name;
    funcs = [];
    add = (func) => {
      this.funcs.push(checkedFunction(func, this.name));
    };
    clear = () => {
      this.funcs = [];
    };
    run(...args) {
      for (const func of [...this.funcs]) {
        guard(() => func(...args), (error) => console.error("JsPyTextSocket: error in an event:", error));
      }
    }
  };
  var Deliveries = class {
    holds = 0;
    waiting = [];
    get isHeld() {
      return this.holds > 0 || this.waiting.length > 0;
    }
    /** Hold back deliveries until the returned function is called. */
    hold() {
      let isOver = false;
      this.holds += 1;
      return () => {
        if (!isOver) {
          isOver = true;
          this.holds -= 1;
          this.drain();
        }
      };
    }
    run(delivery) {
      if (this.isHeld) {
        this.waiting.push(delivery);
      } else {
        delivery();
      }
    }
    drain() {
      try {
        while (this.holds === 0 && this.waiting.length) {
          this.waiting.shift()();
        }
      } finally {
        if (this.holds === 0 && this.waiting.length) {
          queueMicrotask(() => this.drain());
        }
      }
    }
  };

  // src/binarysocket.ts
  var DEFAULT_PATH = "/jsmeetspy/binarysocket";
  var Server = class {
    constructor(script2, connection) {
      this.script = script2;
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
  var createBinarySocket = (function(script2, connection) {
    const server = new Server(script2, connection);
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

  // src/calls.ts
  var Call = class {
    isCancelled = false;
    reason;
    controller = null;
    get signal() {
      if (!this.controller) {
        this.controller = new AbortController();
        this.abort();
      }
      return this.controller.signal;
    }
    /** Mark the call as cancelled. `abort` then aborts its signal. */
    cancel(reason) {
      this.isCancelled = true;
      this.reason = new DOMException(reason, "AbortError");
    }
    abort() {
      if (this.isCancelled) {
        this.controller?.abort(this.reason);
      }
    }
    /** Return true if `error` is the reason of the signal, as `fetch` rejects with it. */
    isReason(error) {
      return this.isCancelled && error === this.reason;
    }
  };
  var Calls = class {
    /** The number of results that were dropped because their call was cancelled. */
    dropped = 0;
    /** Id of the request -> its call. A notification is its own key. */
    running = /* @__PURE__ */ new Map();
    /**
     * Run `action` and pass on its result or error; neither, if Python has cancelled the call meanwhile.
     *
     * @param id the id of the request; null for a notification, whose errors are passed on even if its session has ended.
     */
    run(id, action, done, failed) {
      const call = new Call();
      const key = id ?? call;
      const end = (isPassedOn, pass, outcome) => {
        if (this.running.get(key) === call) {
          this.running.delete(key);
        }
        if (isPassedOn) {
          pass(outcome);
        } else {
          this.dropped += 1;
        }
      };
      const isPending = follow(
        () => action(call),
        (value) => end(!call.isCancelled, done, value),
        (error) => end(id === null ? !call.isReason(error) : !call.isCancelled, failed, error)
      );
      if (isPending) {
        this.running.set(key, call);
      }
    }
    /** Cancel a call. One that has ended is ignored. */
    cancel(id) {
      const call = this.running.get(id);
      if (call) {
        this.running.delete(id);
        call.cancel("Python no longer waits for this call");
        call.abort();
      }
    }
    /** Cancel all calls: their session has ended. The functions learn of it in a microtask, after the state has settled. */
    cancelAll() {
      const all = [...this.running.values()];
      this.running.clear();
      all.forEach((call) => call.cancel("the session with Python has ended"));
      if (all.length) {
        queueMicrotask(() => all.forEach((call) => call.abort()));
      }
    }
  };

  // src/messages.ts
  var ProtocolError = class extends Error {
    name = "ProtocolError";
  };
  var CUSTOM_KEYS = ["protocol", "key", "id", "data", "exception"];
  var ERROR_KINDS = ["raised", "unknown", "unserializable", "unavailable", "refused", "uncaught"];
  var RECEIVE_DEPTH = 2e3;
  var isString = (value) => typeof value === "string";
  var isBoolean = (value) => typeof value === "boolean";
  var isNumber = (value) => typeof value === "number";
  var isValue = (value) => value !== void 0;
  var isArray = (value) => Array.isArray(value);
  var isStrings = (value) => Array.isArray(value) && value.every(isString);
  var isQueueKey = (value) => value === null || ["string", "number", "boolean"].includes(typeof value);
  var isCount = (value) => Number.isSafeInteger(value) && value >= 0;
  var isId = (value) => Number.isSafeInteger(value) && value >= 1;
  var isJsonObject = (value) => typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  var isError = (value) => isJsonObject(value) && ERROR_KINDS.includes(value.kind) && isString(value.name) && isString(value.message) && isString(value.trace) && (value.fields === void 0 || isJsonObject(value.fields)) && (value.cause === void 0 || isError(value.cause)) && (value.errors === void 0 || isArray(value.errors) && value.errors.every(isError));
  var isCustom = (value) => isJsonObject(value) && CUSTOM_KEYS.every((key) => Object.hasOwn(value, key));
  var isSteps = (value) => isArray(value) && value.length > 0 && value.every(isArray);
  var isReleases = (value) => isArray(value) && value.every((pair) => isArray(pair) && pair.length === 2 && pair.every(isId));
  var isChanges = (value) => isArray(value) && value.every((change) => isArray(change) && isArray(change[0]) && change[0].length > 0);
  var isOptionalError = (value) => value === void 0 || value === null || isError(value);
  var isOptionalArray = (value) => value === void 0 || isArray(value);
  var isOptionalCount = (value) => value === void 0 || isCount(value);
  var SHAPES = new Map(Object.entries({
    hello: [isString, isString, isStrings],
    welcome: [isId, isString, isJsonObject],
    goodbye: [],
    close: [isString, isBoolean],
    call: [isId, isString, isArray],
    notify: [isString, isArray],
    return: [isId, isValue],
    error: [isId, isError],
    fault: [isString, isError],
    push: [isCount, isQueueKey, isValue],
    subscribe: [isId, isString],
    unsubscribe: [isId, isString],
    publish: [isCount, isString, isValue, isBoolean],
    retain: [isCount, isString, isValue, isBoolean],
    follow: [isString],
    state: [isString, isCount, isJsonObject],
    patch: [isString, isCount, isChanges],
    patched: [isString, isCount, (value) => value === null || isChanges(value), isOptionalError],
    custom: [isCustom],
    use: [isCount, isCount, isSteps],
    cancel: [isId],
    release: [isReleases],
    pull: [isId, isId],
    items: [isId, isArray, isOptionalArray, isOptionalCount],
    end: [isId, isOptionalError],
    stop: [isId],
    names: [isStrings],
    credit: [isCount, isId],
    decline: [isCount],
    ack: [isCount],
    ping: [isNumber],
    pong: [isNumber]
  }));
  function checkMessage(message) {
    const shape = Array.isArray(message) ? SHAPES.get(message[0]) : void 0;
    if (!shape) {
      throw new ProtocolError("message of unknown kind");
    }
    if (!shape.every((fits, index) => fits(message[index + 1]))) {
      throw new ProtocolError(`a '${message[0]}' message of the wrong shape`);
    }
  }
  function parseJson(text) {
    const value = attempt(() => JSON.parse(text), "not JSON");
    if (text.length > 2 * RECEIVE_DEPTH && Array.isArray(value) && isTooDeep(value, RECEIVE_DEPTH)) {
      throw new ProtocolError(`nested deeper than ${RECEIVE_DEPTH} levels`);
    }
    return value;
  }
  function isTooDeep(value, room) {
    if (room === 0) {
      return true;
    }
    for (const item of Array.isArray(value) ? value : Object.values(value)) {
      if (typeof item === "object" && item !== null && isTooDeep(item, room - 1)) {
        return true;
      }
    }
    return false;
  }
  function attempt(action, reason) {
    try {
      return action();
    } catch (error) {
      throw new ProtocolError(`${reason}: ${error instanceof Error ? error.message : error}`);
    }
  }

  // src/chunks.ts
  var CHUNK_BYTES = 262144;
  var CHUNK_HEAD = 16;
  var MAX_STREAMS = 64;
  var CHUNK_WINDOW = 16;
  var MAX_MESSAGE_BYTES = 268435456;
  var strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  var decodeUtf8 = (bytes) => attempt(() => strictUtf8.decode(bytes), "not UTF-8");
  var viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  var hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  var sizeOf = (parts) => parts.reduce((size, part) => size + part.length, 0);
  function join(parts, whole) {
    parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
    return whole;
  }
  var SpareMemory = class {
    spare = null;
    /** Return memory of this size, zeroed or with earlier content. */
    take(size) {
      const found = this.spare?.deref();
      if (!found || found.byteLength < size || found.byteLength >= 2 * size) {
        return new Uint8Array(size);
      }
      this.spare = null;
      return new Uint8Array(found, 0, size);
    }
    /** Take back memory that is no longer in use. */
    give({ buffer }) {
      this.spare = new WeakRef(buffer);
    }
  };
  var ChunkedContent = class {
    total;
    size;
    chunks;
    constructor(parts, size = CHUNK_BYTES, memory = new SpareMemory()) {
      this.total = sizeOf(parts);
      this.size = size;
      this.chunks = memory.take(this.total + CHUNK_HEAD * Math.ceil(this.total / size));
      join(parts, this);
    }
    /** Copy bytes to an offset of the content. */
    set(bytes, at) {
      for (let from = 0; from < bytes.length; ) {
        const [piece, inside] = [Math.floor((at + from) / this.size), (at + from) % this.size];
        const part = bytes.subarray(from, from + this.size - inside);
        this.chunks.set(part, piece * (CHUNK_HEAD + this.size) + CHUNK_HEAD + inside);
        from += part.length;
      }
    }
  };
  var Chunker = class {
    constructor(content, isText, stream) {
      this.content = content;
      this.isText = isText;
      this.stream = stream;
    }
    content;
    isText;
    stream;
    offset = 0;
    get done() {
      return this.offset >= this.content.chunks.length;
    }
    /** Return the next chunk, a view that is valid until another Chunker writes headers into the content. */
    next() {
      const { chunks, size, total } = this.content;
      const frame = chunks.subarray(this.offset, this.offset + CHUNK_HEAD + size);
      this.offset += frame.length;
      const view = viewOf(frame);
      view.setUint32(0, 2 | (this.done ? 1 : 0) << 8 | (this.isText ? 2 : 0) << 8, true);
      view.setUint32(4, this.stream, true);
      view.setBigUint64(8, BigInt(total), true);
      return frame;
    }
  };
  var Assembler = class {
    constructor(maxBytes = MAX_MESSAGE_BYTES, size = CHUNK_BYTES) {
      this.maxBytes = maxBytes;
      this.size = size;
    }
    maxBytes;
    size;
    open = /* @__PURE__ */ new Map();
    accept(frame) {
      const flags = frame[1];
      if ((flags & 4) !== 0) {
        return this.acceptOffered(frame);
      }
      if (frame.length <= CHUNK_HEAD || frame.length > CHUNK_HEAD + this.size || frame[0] !== 2 || flags > 3) {
        throw new ProtocolError("malformed chunk");
      }
      const view = viewOf(frame);
      const [stream, total] = [view.getUint32(4, true), Number(view.getBigUint64(8, true))];
      const part = this.open.get(stream) ?? this.begin(stream, total, flags >= 2);
      this.append(part, frame, total);
      return { stream, content: part.taken < total ? null : this.whole(stream, part) };
    }
    /** Accept a frame of an offer. The first frame carries the secret; the last one marks its place in the order. */
    acceptOffered(frame) {
      const flags = frame[1];
      const [isText, isLast] = [(flags & 2) !== 0, (flags & 1) !== 0];
      if (frame[0] !== 2 || flags > 7 || frame.length !== (isLast ? CHUNK_HEAD : 2 * CHUNK_HEAD)) {
        throw new ProtocolError("malformed offer");
      }
      const view = viewOf(frame);
      const [stream, total] = [view.getUint32(4, true), Number(view.getBigUint64(8, true))];
      const part = this.open.get(stream);
      if (isLast ? part?.taken !== total || part.total !== total || part.isText !== isText : part) {
        throw new ProtocolError("offer does not match its stream");
      }
      if (part) {
        return { stream, content: this.whole(stream, part) };
      }
      this.begin(stream, total, isText, new Uint8Array(0));
      return { stream, content: null, offer: { stream, total, secret: hexOf(frame.subarray(CHUNK_HEAD)) } };
    }
    /** Set the fetched content of an offer. */
    fill({ stream, total }, content) {
      Object.assign(this.open.get(stream), { content, taken: total });
    }
    /** Drop a declined stream; Python sends its content in chunks. */
    drop(stream) {
      this.open.delete(stream);
    }
    whole(stream, part) {
      this.open.delete(stream);
      return part.isText ? decodeUtf8(part.content) : part.content;
    }
    begin(stream, total, isText, content) {
      if (total > this.maxBytes || this.open.size >= MAX_STREAMS) {
        throw new ProtocolError("message too large, or too many streams at once");
      }
      const part = { content: content ?? attempt(() => new Uint8Array(total), "too large"), isText, taken: 0, total };
      this.open.set(stream, part);
      return part;
    }
    append(part, frame, total) {
      const end = part.taken + frame.length - CHUNK_HEAD;
      const isLast = (frame[1] & 1) === 1;
      if (total !== part.content.length || frame[1] >= 2 !== part.isText || end > total || isLast !== (end === total)) {
        throw new ProtocolError("chunks of one stream disagree about its content");
      }
      part.content.set(frame.subarray(CHUNK_HEAD), part.taken);
      part.taken = end;
    }
  };

  // src/custom.ts
  function createCustomMessages(connection) {
    const protocols = /* @__PURE__ */ new Map();
    connection.handle("custom", ([, object]) => {
      const func = protocols.get(object.protocol);
      if (func) {
        connection.guard(`protocol '${object.protocol}'`, () => func(object));
      } else {
        connection.warnOnce(`no handler for protocol '${object.protocol}': its messages are dropped`);
      }
    });
    return {
      addProtocol(name, func) {
        protocols.set(name, checkedFunction(func, `add_protocol('${name}')`));
      },
      send(object) {
        const missing = CUSTOM_KEYS.filter((key) => !(key in Object(object)));
        if (missing.length) {
          throw new TypeError(`send_json: the object lacks ${missing.join(", ")}`);
        }
        if (typeof object.protocol !== "string") {
          throw new TypeError("send_json: protocol must be a string");
        }
        const full = { ...object };
        for (const key of CUSTOM_KEYS) {
          full[key] = full[key] ?? null;
        }
        return connection.notify(["custom", full], full, "object", `custom ${full.protocol}`);
      }
    };
  }

  // src/errors.ts
  var JsPyError = class extends Error {
    kind;
    /** The name of the called function. */
    key;
    /** The socket number of this page at the time of the error. */
    socket_id;
    /** Python's traceback, or "" if there is none. */
    python_traceback;
    /** The attributes of the exception that can be sent, such as `error.fields.code`. */
    fields;
    /** The members of an ExceptionGroup. */
    errors;
    constructor(message = "") {
      super(message);
      this.name = "JsPyError";
      this.kind = "";
      this.key = "";
      this.socket_id = null;
      this.python_traceback = "";
      this.fields = {};
      this.errors = [];
    }
  };
  function addDetails(error, { fields = {}, cause, errors = [] }) {
    error.fields = fields;
    error.errors = errors.map((member) => nestedError(member, error));
    if (cause) {
      Object.defineProperty(error, "cause", { value: nestedError(cause, error), writable: true, configurable: true });
    }
  }
  function nestedError(failure, { key, socket_id }) {
    const error = new JsPyError(failure.message);
    Object.assign(error, { name: failure.name, kind: failure.kind, key, socket_id, python_traceback: failure.trace });
    error.stack = failure.trace || `${failure.name}: ${failure.message}`;
    addDetails(error, failure);
    return error;
  }
  var withoutToken = (stack) => stack.replace(/#jsmeets=[\w~-]*\.[^;:\s]*;?/g, "#");
  var ABORTED = { kind: "", name: "AbortError", message: "", trace: "" };
  var timedOut = (what = "did not answer") => ({ kind: "timeout", name: "TimeoutError", message: what, trace: "" });
  var disconnected = (message) => ({ kind: "disconnected", name: "DisconnectedError", message, trace: "" });
  function unknownError(name, message) {
    const error = new Error(message);
    Object.defineProperty(error, "jsmeets_kind", { value: "unknown" });
    return Object.assign(error, { name, stack: "" });
  }
  var TRACED = 16;
  var UNTRACED = `    at one of more than ${TRACED} calls in one turn`;
  var captureStackTrace = Error.captureStackTrace;
  var CallErrors = class {
    constructor(socketId) {
      this.socketId = socketId;
    }
    socketId;
    /** The class of these errors: every file of this library has a copy of its own. */
    JsPyError = JsPyError;
    traced = 0;
    /** Capture the stack of a call below the function `below`. Returns null beyond the limit per turn. */
    callSite(below) {
      if (this.traced === 0) {
        queueMicrotask(() => {
          this.traced = 0;
        });
      }
      this.traced += 1;
      if (this.traced > TRACED) {
        return null;
      }
      const site = captureStackTrace ? {} : new Error();
      captureStackTrace?.(site, below);
      return site;
    }
    at(site, failure, key, seconds) {
      const error = new JsPyError();
      const frames = site ? framesOf(withoutToken(site.stack ?? "")) : UNTRACED;
      const { name, message } = wordsFor2(failure, key, seconds);
      const python = failure.trace ? `

In Python:
${failure.trace}` : "";
      Object.assign(error, {
        name,
        message,
        kind: failure.kind,
        key,
        socket_id: this.socketId(),
        python_traceback: failure.trace
      });
      error.stack = `${name}: ${message}
${frames}${python}`;
      addDetails(error, failure);
      return error;
    }
  };
  function framesOf(stack) {
    const at = stack.indexOf("\n    at ");
    return at < 0 ? stack.replace(/^\w*Error\s*/, "") : stack.slice(at + 1);
  }
  function wordsFor2(failure, key, seconds) {
    if (failure.kind === "timeout") {
      const detail = `'${key}' ${failure.message} within ${seconds} s`;
      return { name: "TimeoutError", message: `A timeout has occurred @javascript: ${detail}` };
    }
    if (failure.kind === "disconnected") {
      const detail = failure.message ? `: ${failure.message}` : "";
      return { name: "DisconnectedError", message: `Unable to communicate with the server @javascript${detail}` };
    }
    return { name: failure.kind === "unknown" && failure.name !== "UnknownReference" ? "UnknownFunction" : failure.name, message: failure.message };
  }

  // src/literals.ts
  function isObjectLiteral(value) {
    if (typeof value !== "object" || value === null || Symbol.toStringTag in value) {
      return false;
    }
    const prototype = Object.getPrototypeOf(value);
    return prototype === null || Object.getPrototypeOf(prototype) === null;
  }
  var define = (target, key, value) => void Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });

  // src/sparse.ts
  var MOST_HOLES = 1e6;
  function isSparse(value) {
    if (!Array.isArray(value) || value.length <= MOST_HOLES) {
      return false;
    }
    let holes = 0;
    for (let index = 0; index < value.length && holes <= MOST_HOLES; index += 1) {
      holes += value[index] === void 0 && !(index in value) ? 1 : 0;
    }
    return holes > MOST_HOLES;
  }
  var sparseText = (value) => `an array with too many holes (its length is ${value.length}) cannot be sent; send its entries, Object.entries(array)`;

  // src/specials.ts
  var INDEXES = /* @__PURE__ */ new Map([
    ["call", [3, 4, 2]],
    ["notify", [2, 3, 2]],
    ["return", [2, 3, 1]],
    ["push", [3, 4, 1]],
    ["publish", [3, 5, 1]],
    ["retain", [3, 5, 1]],
    ["use", [3, 4, 3]],
    ["items", [2, 3, 2]],
    ["state", [3, 4, 2]],
    ["patch", [3, 4, 3]],
    ["patched", [3, 5, 3]]
  ]);
  var isStream = (value) => typeof value.next === "function" ? Symbol.iterator in value || Symbol.asyncIterator in value : typeof value.getReader === "function" && tagOf(value) === "ReadableStream";
  var isFile = (value) => typeof value.slice === "function" && typeof value.arrayBuffer === "function" && /^(Blob|File)$/.test(tagOf(value));
  var isForeignType = (type) => type === "function" || type === "bigint" || type === "symbol";
  var ByReference = class {
    constructor(value) {
      this.value = value;
    }
    value;
  };
  var isPlainLiteral = (value) => isObjectLiteral(value) && typeof value.toJSON !== "function";
  var answerOf = (value) => isPlainLiteral(value) && Object.values(value).some((item) => typeof item === "function") ? new ByReference(value) : value;
  var Keywords = class {
    constructor(given) {
      this.given = given;
    }
    given;
  };
  function withKeywords(args, name) {
    const given = args.at(-1);
    if (!isObjectLiteral(given)) {
      throw new TypeError(`callKwargs of '${name}': the last argument must be an object of keyword arguments, such as { speed: 2 }`);
    }
    return [...args.slice(0, -1), new Keywords(given)];
  }
  function nameFrom(read) {
    try {
      const name = read();
      return typeof name === "string" ? name : "";
    } catch {
      return "";
    }
  }
  var tagOf = (value) => nameFrom(() => Object.prototype.toString.call(value).slice(8, -1));
  function isMap(value) {
    try {
      return tagOf(value) === "Map" && (Map.prototype.has.call(value, 0) || true);
    } catch {
      return false;
    }
  }
  var traitOf = (value) => Array.isArray(value) ? ["array"] : isMap(value) ? ["map"] : [];
  var classNameOf = (value) => nameFrom(() => value.constructor?.name) || tagOf(value) || "Object";
  var factsOfFile = (file) => ({ name: nameFrom(() => file.name), size: file.size, type: file.type, modified: file.lastModified ?? null });
  function keyTrouble(key, taken) {
    let same = "";
    if (typeof key === "boolean" || typeof key === "bigint" || Number.isInteger(key)) {
      same = String(BigInt(key));
    } else if (key === null || typeof key === "string" || Number.isFinite(key)) {
      same = JSON.stringify(key);
    } else {
      return `a Map cannot be sent with a key of type ${typeof key}: use strings, finite numbers, booleans, null or BigInt`;
    }
    const isTwice = taken.has(same);
    taken.add(same);
    return isTwice ? `a Map cannot be sent with the key ${String(key)}: Python takes it for the same as an earlier one` : "";
  }
  var Specials = class {
    constructor(exports, imports) {
      this.exports = exports;
      this.imports = imports;
    }
    exports;
    imports;
    list = [];
    /** Numbers of exports, once for each time that one is sent. */
    exported = [];
    /** Numbers of imports that the message refers to. */
    uses = [];
    /** Record a value if it is a special one. Returns whether it is. */
    take(value, path) {
      switch (typeof value) {
        case "bigint":
          return this.add(path, "bigint", value.toString());
        case "symbol":
          throw new TypeError("a symbol cannot be sent");
      }
      const target = value instanceof ByReference ? value.value : value;
      const imported = this.imports.of(target);
      if (imported) {
        if (imported.state !== "live") {
          throw new TypeError(`this ${imported.kind} of Python was destroyed, or its session has ended`);
        }
        this.uses.push(imported.number);
        return this.add(path, "own", imported.number);
      }
      if (target !== value) {
        return this.referObject(target, path);
      }
      if (typeof value === "function") {
        return this.refer(value, path, "function", nameFrom(() => value.name));
      }
      if (isFile(value)) {
        return this.refer(value, path, "file", factsOfFile(value));
      }
      return isStream(value) && this.refer(value, path, "stream");
    }
    /** Record an object that crosses by reference. */
    refer(value, path, kind, ...facts) {
      const number = this.exports.add(value);
      this.exported.push(number);
      return this.add(path, kind, number, ...facts);
    }
    /** Record an object that is not data. */
    referObject(value, path) {
      return this.refer(value, path, "object", classNameOf(value), ...traitOf(value));
    }
    add(path, kind, ...facts) {
      this.list.push([[...path], kind, ...facts]);
      return true;
    }
    /** Release the recorded objects: the message is not sent. */
    undo() {
      this.exported.forEach((number) => this.exports.release(number, 1));
    }
  };
  var isString2 = (value) => typeof value === "string";
  var isPath = (value) => Array.isArray(value) && value.length > 0 && value.every((step) => isString2(step) || isCount(step));
  var FACTS = new Map(Object.entries({
    bigint: [(fact) => isString2(fact) && /^-?\d+$/.test(fact)],
    map: [],
    keywords: [],
    function: [isId, isString2],
    object: [isId, isString2],
    stream: [isId],
    file: [isId, isJsonObject],
    own: [isId]
  }));
  var specialsOf = (message) => message[INDEXES.get(message[0])?.[1] ?? message.length];
  function withSpecials(message, list) {
    const whole = [...message];
    whole[INDEXES.get(message[0])?.[1] ?? message.length] = list;
    return whole;
  }
  function checkSpecials(message) {
    const specials = specialsOf(message);
    if (specials === void 0) {
      return;
    }
    const isSpecial = (special) => Array.isArray(special) && isPath(special[0]) && FACTS.get(special[1])?.every((fits, index) => fits(special[index + 2])) === true;
    if (!Array.isArray(specials) || !specials.every(isSpecial)) {
      throw new ProtocolError(`a '${message[0]}' message with malformed specials`);
    }
  }
  function revive(message, exports, imports) {
    const [start, at, shortest] = INDEXES.get(message[0]);
    const specials = message[at];
    let failure = null;
    message.splice(at, 1);
    const places = specials.map(([path, kind]) => path[0] === start && path.length >= shortest ? placeOf(message, path, kind) : nowhere());
    for (const [index, [, kind, ...facts]] of specials.entries()) {
      const [parent2, step] = places[index];
      if (kind !== "map" && kind !== "keywords" && parent2[step] !== null) {
        nowhere();
      }
      try {
        parent2[step] = valueOf(parent2[step], kind, facts, exports, imports);
      } catch (error) {
        failure ??= error;
      }
    }
    return failure;
  }
  var hasStep = (parent2, step) => (Array.isArray(parent2) ? isCount(step) : typeof step === "string" && isJsonObject(parent2)) && Object.hasOwn(parent2, step);
  function placeOf(message, path, kind) {
    let parent2 = message;
    for (const [index, step] of path.entries()) {
      if (!hasStep(parent2, step)) {
        break;
      }
      const value = parent2[step];
      if (index < path.length - 1) {
        parent2 = value;
      } else if (kind === "keywords" ? isJsonObject(value) : kind === "map" ? Array.isArray(value) && value.every((pair) => Array.isArray(pair) && pair.length === 2) : value === null) {
        return [parent2, step];
      }
    }
    return nowhere();
  }
  function nowhere() {
    throw new ProtocolError("a special whose path leads nowhere, or to another value");
  }
  function valueOf(found, kind, facts, exports, imports) {
    switch (kind) {
      case "bigint":
        return BigInt(facts[0]);
      case "map":
        return new Map(found);
      case "keywords":
        return found;
      case "own":
        return exports.get(facts[0]);
      default:
        return imports.take(facts[0], kind, facts.slice(1));
    }
  }

  // src/description.ts
  var MOST_ERRORS = 16;
  var FIELD_ROOM = 16384;
  var FIELD_DEPTH = 8;
  var NO_FIELDS = ["name", "message", "stack", "cause"];
  var isErrorLike = (error) => typeof error === "object" && error !== null && typeof error.message === "string";
  function isOfPython(error) {
    try {
      return typeof error === "object" && error !== null && "python_traceback" in error;
    } catch {
      return false;
    }
  }
  var ErrorDescriptions = class {
    told = /* @__PURE__ */ new WeakSet();
    wasTold(error) {
      return this.told.has(error);
    }
    /** Describe a thrown value of any type. Never throws, not even for a value with throwing getters. */
    describe(error) {
      return this.describeIn({ errors: MOST_ERRORS, characters: FIELD_ROOM, seen: /* @__PURE__ */ new Set() }, error);
    }
    /** Describe an error for the caller of a function. Never throws, like `describe`. */
    failure(error) {
      const isUnknown = nameFrom(() => error.jsmeets_kind) === "unknown";
      return { kind: isUnknown ? "unknown" : "raised", ...this.describe(error), ...isUnknown && { trace: "" } };
    }
    describeIn(room, error) {
      let facts = { name: "Error", message: "an error that cannot be shown", trace: "" };
      try {
        facts = isErrorLike(error) ? describeErrorLike(error) : describeOther(error);
        if (isErrorLike(error)) {
          this.told.add(error);
          room.seen.add(error);
          this.addDetails(facts, error, room);
        }
      } catch (inner) {
        console.debug("JsPyTextSocket: cannot describe an error in full:", inner);
      }
      return facts;
    }
    /** Add the error's own properties, its cause and its members, within the limits. */
    addDetails(facts, error, room) {
      const fields = fieldsOf(error, room);
      if (Object.keys(fields).length) {
        facts.fields = fields;
      }
      const cause = Object.hasOwn(error, "cause") && error.cause !== void 0 ? this.nested(error.cause, room) : null;
      if (cause) {
        facts.cause = cause;
      }
      const errors = membersOf(error).map((member) => this.nested(member, room)).filter((member) => member !== null);
      if (errors.length) {
        facts.errors = errors;
      }
    }
    nested(error, room) {
      if (room.errors === 0 || room.seen.has(error)) {
        return null;
      }
      room.errors -= 1;
      return { kind: "raised", ...this.describeIn(room, error) };
    }
  };
  function describeErrorLike(error) {
    const name = typeof error.name === "string" ? error.name : "Error";
    const stack = typeof error.stack === "string" ? withoutToken(error.stack) : "";
    const header = error.message ? `${name}: ${error.message}` : name;
    return { name, message: error.message, trace: stack.startsWith(name) ? stack : `${header}
${stack}` };
  }
  function describeOther(value) {
    const type = value?.constructor?.name;
    return { name: typeof type === "string" ? type : typeof value, message: textOf(value), trace: "" };
  }
  function textOf(value) {
    try {
      return typeof value === "object" ? String(JSON.stringify(value)) : String(value);
    } catch (error) {
      return `a value that cannot be shown (${error})`;
    }
  }
  function membersOf({ errors }) {
    return Array.isArray(errors) && errors.every(isErrorLike) ? errors.slice(0, MOST_ERRORS) : [];
  }
  function fieldsOf(error, room) {
    const source = isOfPython(error) ? Object(error.fields) : error;
    const fields = {};
    for (const key of Object.keys(source).filter((name) => !NO_FIELDS.includes(name))) {
      const before = room.characters;
      try {
        define(fields, key, plainCopy(source[key], room, 0));
      } catch {
        room.characters = before;
      }
    }
    return fields;
  }
  function plainCopy(value, room, depth) {
    room.characters -= typeof value === "string" ? value.length + 2 : 8;
    if (depth > FIELD_DEPTH || room.characters < 0) {
      throw new RangeError("too much");
    }
    if (value === null || ["string", "boolean"].includes(typeof value) || Number.isFinite(value)) {
      return value;
    }
    if (tagOf(value) === "Date") {
      return value.toJSON();
    }
    if (Array.isArray(value) && !isSparse(value)) {
      return value.map((item) => plainCopy(item, room, depth + 1));
    }
    if (!isJsonObject(value)) {
      throw new TypeError("not plain data");
    }
    const copy = {};
    for (const key of Object.keys(value)) {
      room.characters -= key.length;
      define(copy, key, plainCopy(value[key], room, depth + 1));
    }
    return copy;
  }

  // src/references.ts
  var DISPOSE = Symbol.dispose ?? /* @__PURE__ */ Symbol.for("Symbol.dispose");
  var Exports = class {
    /** Called with each object that is forgotten. */
    whenForgotten = () => void 0;
    nextNumber = 1;
    entries = /* @__PURE__ */ new Map();
    numbers = /* @__PURE__ */ new Map();
    get size() {
      return this.entries.size;
    }
    /** Return the number of an object, and count that it is sent. */
    add(value) {
      const known = this.numbers.get(value);
      if (known !== void 0) {
        this.entries.get(known).count += 1;
        return known;
      }
      const number = this.nextNumber;
      this.nextNumber += 1;
      this.entries.set(number, { value, count: 1 });
      this.numbers.set(value, number);
      return number;
    }
    has(number) {
      return this.entries.has(number);
    }
    /** Return the object of a number. Throws UnknownReference. */
    get(number) {
      const entry = this.entries.get(number);
      if (!entry) {
        throw unknownError("UnknownReference", `The page has no object ${number} any more: it was released, or its session ended`);
      }
      return entry.value;
    }
    /** Python no longer uses an object, which it has received `count` times. */
    release(number, count) {
      const entry = this.entries.get(number);
      if (entry) {
        entry.count -= count;
        if (entry.count <= 0) {
          this.forget(number);
        }
      }
    }
    /** Remove an object, however often it was sent. */
    forget(number) {
      const entry = this.entries.get(number);
      if (entry) {
        this.entries.delete(number);
        this.numbers.delete(entry.value);
        this.whenForgotten(entry.value);
      }
    }
    /** Forget all objects but those of the given numbers, which the next session sends, once for each time that one is listed. */
    keep(numbers) {
      const counts = /* @__PURE__ */ new Map();
      numbers.forEach((number) => counts.set(number, (counts.get(number) ?? 0) + 1));
      for (const [number, entry] of [...this.entries]) {
        entry.count = counts.get(number) ?? 0;
        if (entry.count === 0) {
          this.forget(number);
        }
      }
    }
  };
  var Imports = class {
    /** @param send sends the numbers and counts of dropped objects. */
    constructor(send) {
      this.send = send;
    }
    send;
    /** Kind -> the function that makes its proxies. */
    makers = /* @__PURE__ */ new Map();
    /** Kind -> the function that lets Python forget an object. Kinds without one send `release`. */
    droppers = /* @__PURE__ */ new Map();
    entries = /* @__PURE__ */ new Map();
    known = /* @__PURE__ */ new WeakMap();
    registry = null;
    released = [];
    get size() {
      return this.entries.size;
    }
    /** Return the facts about a value that is a proxy; undefined for other values. */
    of(value) {
      return this.known.get(value);
    }
    /** Return the proxy of a received reference. */
    take(number, kind, facts) {
      const entry = this.entries.get(number);
      const proxy = entry?.proxy.deref();
      if (entry && proxy) {
        entry.imported.count += 1;
        return proxy;
      }
      return this.make({ number, kind, facts, count: 1, state: "live" });
    }
    make(imported) {
      const proxy = this.makers.get(imported.kind)(imported);
      this.registry ??= new FinalizationRegistry((dropped) => this.drop(dropped));
      this.registry.register(proxy, imported, imported);
      this.entries.set(imported.number, { imported, proxy: new WeakRef(proxy) });
      this.known.set(proxy, imported);
      return proxy;
    }
    /** Let Python forget an object whose proxy is collected or destroyed. Its number may have a newer proxy by now. */
    drop(imported) {
      const dropper = this.droppers.get(imported.kind);
      if (dropper) {
        dropper(imported);
      } else if (this.remove(imported, "destroyed")) {
        if (this.released.length === 0) {
          setTimeout(() => this.sendReleased());
        }
        this.released.push(imported);
      }
    }
    /** Remove an object that Python has forgotten already: a stream that has ended. */
    forget(imported) {
      this.remove(imported, "ended");
    }
    remove(imported, state) {
      if (imported.state !== "live") {
        return false;
      }
      imported.state = state;
      this.registry?.unregister(imported);
      if (this.entries.get(imported.number)?.imported === imported) {
        this.entries.delete(imported.number);
      }
      return true;
    }
    sendReleased() {
      const released = this.released.map(({ number, count }) => [number, count]);
      this.released = [];
      if (released.length) {
        this.send(released);
      }
    }
    /** Mark all objects as unusable: their session has ended. */
    end() {
      this.entries.forEach(({ imported }) => this.forget(imported));
      this.released = [];
    }
  };

  // src/results.ts
  async function* itemsOf() {
    const value = await this;
    if (typeof value?.[Symbol.asyncIterator] !== "function" && typeof value?.[Symbol.iterator] !== "function") {
      throw new TypeError(`Python returned no stream that \`for await\` can read, but a value of type ${value === null ? "null" : typeof value}`);
    }
    yield* value;
  }
  var iterable = (promise) => {
    promise[Symbol.asyncIterator] = itemsOf;
    return promise;
  };
  var NO_LIMIT = { signal: void 0, timeout: null, limit: null };
  function waitOptionsOf(given, where) {
    if (typeof given !== "object" || given === null) {
      return { signal: void 0, timeout: given, limit: millisecondsOf(given) };
    }
    const { signal, timeout } = optionsOf(given, ["signal", "timeout"], where);
    if (signal && typeof signal.addEventListener !== "function") {
      throw new TypeError(`${where}: the signal must be an AbortSignal, not ${String(signal)}`);
    }
    return { signal: signal ?? void 0, timeout, limit: millisecondsOf(timeout) };
  }
  function waitOptionsOfWith([options = {}, ...others], key) {
    const where = `call of '${key}'`;
    inFirstCall("with({ timeout: 2 })", void 0, [options, ...others], 1, () => checkOptions(options, "timeout", where));
    return waitOptionsOf(options, where);
  }
  function resultOf(connection, below, request, wait = NO_LIMIT) {
    const { message, body, label, key, holder, failure = null } = request;
    const { signal, timeout, limit } = wait;
    if (signal?.aborted) {
      return iterable(Promise.reject(signal.reason));
    }
    const { callErrors, streams } = connection;
    const site = callErrors.callSite(below);
    const start = limit === null ? 0 : performance.now();
    return iterable(new Promise((resolve, reject) => {
      const settle = (problem, value) => {
        void holder;
        if (problem) {
          reject(problem === ABORTED ? signal.reason : callErrors.at(site, problem, key, timeout));
          return;
        }
        if (signal || limit !== null) {
          const left = limit && Math.max(0, start + limit - performance.now());
          streams.follow(value, { signal, left, late: (reader) => callErrors.at(reader, timedOut("did not end"), key, timeout) });
        }
        resolve(value);
      };
      if (failure) {
        settle(failure);
      } else {
        connection.request({ message, body, label, limit, signal, settle });
      }
    }));
  }

  // src/pyproxy.ts
  function failureOf({ state, kind }) {
    switch (state) {
      case "live":
        return null;
      case "ended":
        return disconnected(`the session of this ${kind} has ended`);
      default:
        return { kind: "unknown", name: "UnknownReference", message: `This ${kind} of Python is destroyed`, trace: "" };
    }
  }
  function createProxies(connection) {
    const { imports, callErrors } = connection;
    const targets = /* @__PURE__ */ new WeakMap();
    function use({ imported, holder }, steps, body, label, below, wait = NO_LIMIT) {
      const message = (id) => ["use", id, imported.number, steps];
      const request = { message, body, label, key: nameOf(imported, steps), holder, failure: failureOf(imported) };
      return resultOf(connection, below, request, wait);
    }
    const destroy = (proxy) => imports.drop(imports.of(proxy));
    const functionMethods = Object.create(Function.prototype, {
      nowait: {
        value: function nowait(...args) {
          const { imported, before } = targets.get(this);
          const failure = failureOf(imported);
          const steps = [...before, ["call", args]];
          if (failure) {
            throw callErrors.at(callErrors.callSite(nowait), failure, nameOf(imported, steps), null);
          }
          if (!connection.notify(["use", 0, imported.number, steps], args, "args")) {
            throw new Error("Could not send to server @javascript");
          }
        }
      },
      callKwargs: {
        value: function callKwargs(...args) {
          const target = targets.get(this);
          const sent = withKeywords(args, this.name);
          return use(target, [...target.before, ["call", sent]], sent, "args", callKwargs);
        }
      },
      with: {
        value(...given) {
          const target = targets.get(this);
          const wait = waitOptionsOfWith(given, this.name);
          return function invoke(...args) {
            return use(target, [...target.before, ["call", args]], args, "args", invoke, wait);
          };
        }
      }
    });
    const ownedMethods = Object.create(functionMethods, {
      destroy: { value: function() {
        destroy(this);
      } },
      [DISPOSE]: { value: function() {
        destroy(this);
      } }
    });
    function makeCaller(imported, before, name, owner) {
      const caller = (...args) => use(target, [...before, ["call", args]], args, "args", caller);
      const target = { imported, before, holder: owner ?? caller };
      Object.defineProperty(caller, "name", { value: name, configurable: true });
      Object.setPrototypeOf(caller, owner ? functionMethods : ownedMethods);
      targets.set(caller, target);
      return caller;
    }
    imports.makers.set("function", (imported) => makeCaller(imported, [], imported.facts[0], null));
    const objectMethods = {
      get(name) {
        return use(targets.get(this), [["get", name]], name, "name", objectMethods.get);
      },
      set(name, value) {
        return use(targets.get(this), [["set", name, value]], value, "value", objectMethods.set);
      },
      destroy() {
        destroy(this);
      },
      [DISPOSE]() {
        destroy(this);
      },
      [Symbol.toPrimitive]() {
        return Object.prototype.toString.call(this);
      },
      async *[Symbol.asyncIterator]() {
        yield* await use(targets.get(this), [["iterate"]], null, "", objectMethods[Symbol.asyncIterator]);
      }
    };
    const notMethods = ["then", "toJSON"];
    function makeObject(imported) {
      const methods = /* @__PURE__ */ new Map();
      const proxy = new Proxy(Object.create(objectMethods), {
        get(target, key) {
          if (typeof key === "symbol" || Object.hasOwn(objectMethods, key)) {
            return key === Symbol.toStringTag ? `Python ${imported.facts[0]}` : target[key];
          }
          if (notMethods.includes(key)) {
            return void 0;
          }
          const method = methods.get(key) ?? makeCaller(imported, [["get", key]], key, proxy);
          methods.set(key, method);
          return method;
        },
        set(_target, key) {
          throw new TypeError(`An attribute of an object of Python is set by await object.set("${String(key)}", value)`);
        }
      });
      targets.set(proxy, { imported, before: [], holder: proxy });
      return proxy;
    }
    imports.makers.set("object", makeObject);
  }
  var nameOf = ({ kind, facts }, [first]) => kind === "object" ? `${facts[0]}.${first[1] ?? first[0]}` : String(facts[0]);

  // src/files.ts
  var PIECE = 1048576;
  var AHEAD = 4;
  var Sequence = class {
    /** Throws TypeError if the browser cannot read a Blob into given memory. */
    constructor(blob, start, memory) {
      this.blob = blob;
      this.memory = memory;
      this.reader = blob.slice(start).stream().getReader({ mode: "byob" });
    }
    blob;
    memory;
    reader;
    last = Promise.resolve();
    /** Read the piece that follows the last one. */
    async read(size) {
      const piece = this.last.then(() => this.fill(size));
      this.last = piece.catch(() => void 0);
      const [bytes] = await Promise.all([piece, isOnDisk(this.blob) && sliceOf(this.blob, 0, 1)]);
      return bytes;
    }
    async fill(size) {
      let piece = this.memory.take(size);
      for (let filled = 0; filled < size; ) {
        const { done, value } = await this.reader.read(piece.subarray(filled));
        if (done) {
          throw new DOMException("The file has become shorter", "NotReadableError");
        }
        filled += value.length;
        piece = new Uint8Array(value.buffer, 0, size);
      }
      return piece;
    }
    /** Stop reading, behind the pieces that were asked for. */
    close() {
      void this.last.then(() => this.reader.cancel()).catch(() => void 0);
    }
  };
  var isBlob = (value) => typeof Blob !== "undefined" && value instanceof Blob;
  var isOnDisk = (blob) => typeof File !== "undefined" && blob instanceof File;
  var sliceOf = async (blob, start, end) => new Uint8Array(await blob.slice(start, end).arrayBuffer());
  var BlobReader = class {
    /** Blob of another frame -> one of this frame with the same content. */
    adopted = /* @__PURE__ */ new WeakMap();
    /** Blob -> the end of the last piece, and the stream, if the pieces follow each other. */
    places = /* @__PURE__ */ new WeakMap();
    memory = new SpareMemory();
    /** The pieces whose memory may be used again. */
    pieces = /* @__PURE__ */ new WeakSet();
    constructor(exports) {
      exports.whenForgotten = (value) => {
        const blob = isBlob(value) ? value : this.adopted.get(Object(value));
        if (blob) {
          this.close(blob);
        }
      };
    }
    /** Return the bytes from `start` to `stop`, or to the end of the Blob. */
    async read(given, start, stop) {
      const blob = isBlob(given) ? given : this.adopt(given);
      const end = Math.max(start, Math.min(stop, blob.size));
      const sequence = this.sequenceAt(blob, start);
      this.places.set(blob, { end, sequence });
      try {
        const piece = await (sequence ? sequence.read(end - start) : sliceOf(blob, start, end));
        this.pieces.add(piece);
        return piece;
      } catch (error) {
        this.close(blob);
        throw error;
      }
    }
    /** Return a Blob that outlives the frame of the given one: reading a Blob of a removed frame never ends. */
    adopt(foreign) {
      let blob = this.adopted.get(foreign);
      if (!blob) {
        blob = tagOf(foreign) === "File" ? new File([foreign], "") : new Blob([foreign]);
        this.adopted.set(foreign, blob);
      }
      return blob;
    }
    /** Return the stream at a position, if the last piece has ended there. */
    sequenceAt(blob, start) {
      const place2 = this.places.get(blob);
      if (place2?.end !== start) {
        this.close(blob);
        return null;
      }
      try {
        return place2.sequence ?? new Sequence(blob, start, this.memory);
      } catch {
        return null;
      }
    }
    /** Use the memory of an answer that was copied for the next pieces, if it is a piece. */
    reuse(answer) {
      if (this.pieces.delete(answer)) {
        this.memory.give(answer);
      }
    }
    /** Stop reading a Blob. */
    close(blob) {
      this.places.get(blob)?.sequence?.close();
      this.places.delete(blob);
    }
  };
  function serveFiles(connection) {
    const { imports } = connection;
    imports.makers.set("file", (imported) => createFile(imported));
    function read(file, imported, start, end, signal) {
      const message = (id) => ["use", id, imported.number, [["read", start, end]]];
      const request = { message, body: null, label: "", key: imported.facts[0].name, holder: file, failure: failureOf(imported) };
      return resultOf(connection, read, request, { ...NO_LIMIT, signal });
    }
    function streamOf(file, imported) {
      const size = imported.facts[0].size ?? Infinity;
      const pieces = [];
      const controller = new AbortController();
      let asked = 0;
      return new ReadableStream({
        async pull(reader) {
          while (pieces.length < AHEAD && asked < size) {
            const piece2 = read(file, imported, asked, Math.min(size, asked + PIECE), controller.signal);
            piece2.catch(() => void 0);
            pieces.push(piece2);
            asked += PIECE;
          }
          const piece = await pieces.shift();
          if (piece?.length) {
            reader.enqueue(piece);
          } else {
            asked = Infinity;
            reader.close();
            controller.abort();
          }
        },
        cancel: () => controller.abort()
      }, { highWaterMark: 0 });
    }
    function createFile(imported) {
      const { name, size, type, modified } = imported.facts[0];
      const file = {
        name,
        size: size ?? null,
        type: type ?? "",
        lastModified: modified ?? null,
        stream: () => streamOf(file, imported),
        blob: async () => new Blob(await partsOf(file.stream()), { type: file.type }),
        async bytes() {
          const parts = await partsOf(file.stream());
          return join(parts, new Uint8Array(sizeOf(parts)));
        },
        text: async () => new TextDecoder().decode(await file.bytes()),
        save: (as = name) => connection.download(as, file),
        destroy: () => imports.drop(imported),
        [DISPOSE]: () => imports.drop(imported)
      };
      return file;
    }
  }
  async function partsOf(stream) {
    const parts = [];
    const reader = stream.getReader();
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      parts.push(value);
    }
    return parts;
  }
  var isInWindow = () => "pywebview" in globalThis;
  function createDownload(connection) {
    async function saveByPython(name, data) {
      const message = (id) => ["call", id, "$save", [connection.identity.page, name, data]];
      return await resultOf(connection, download, { message, body: data, label: "data", key: "$save" }) === true;
    }
    async function download(name, data) {
      const isPython = typeof data === "object" && "blob" in data;
      if (isInWindow()) {
        return saveByPython(name, isPython || data instanceof Blob ? data : new Blob([data]));
      }
      const blob = isPython ? await data.blob() : data instanceof Blob ? data : new Blob([data]);
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 6e4);
      return true;
    }
    return download;
  }

  // src/identity.ts
  var STORED = "jsmeets_local";
  var WINDOW_NAME = /^jsmeets_local:(.+)$/;
  var FREE_NAME = /^(jsmeets-.*|jsmeets_local:.+)?$/;
  var FRAGMENT = /^#jsmeets=([\w~-]*)\.([^;]*)(?:;(.*))?$/s;
  var randomName = () => hexOf(crypto.getRandomValues(new Uint8Array(16)));
  var inFrame = () => Boolean(globalThis.parent) && parent !== window;
  var fragment = () => globalThis.jsmeetsFragment ?? location.hash;
  function pageAround() {
    try {
      return inFrame() && parent.JsPyTextSocket ? parent : null;
    } catch {
      return null;
    }
  }
  var Identity = class {
    constructor(address) {
      this.address = address;
      const [, token, page, rest] = hasDocument() && FRAGMENT.exec(fragment()) || [];
      if (token !== void 0) {
        this.known = { token, page };
        this.rest = rest ? `#${rest}` : "";
      }
      this.isRecalled = !hasDocument() || token !== void 0;
    }
    address;
    known = { token: "", page: "" };
    /** The user's own part of the fragment, if the fragment carries the identity; else null. */
    rest = null;
    isRecalled;
    get token() {
      this.recall();
      return this.known.token;
    }
    get page() {
      this.recall();
      return this.known.page;
    }
    /** Remove the token from the address bar if sessionStorage is available to keep it. */
    removeToken() {
      if (this.rest === null) {
        return;
      }
      try {
        sessionStorage.getItem(STORED);
        if (FRAGMENT.test(location.hash)) {
          history.replaceState(history.state, "", location.pathname + location.search + this.rest);
        }
      } catch (error) {
        console.debug("JsPyTextSocket: cannot remove the launch token from the address:", error);
      }
    }
    /** Store the identity from the fragment for later documents of this tab. */
    storeFromFragment() {
      if (this.rest !== null) {
        this.removeToken();
        this.save();
      }
    }
    /** Store the page name that Python assigned. */
    store(page) {
      this.known.page = page;
      if (hasDocument() && !pageAround()) {
        this.save();
      }
      if (hasDocument() && inFrame() && FREE_NAME.test(window.name)) {
        window.name = `${STORED}:${page}`;
      }
    }
    save() {
      try {
        sessionStorage.setItem(this.storedAt(), JSON.stringify(this.known));
      } catch (error) {
        console.debug("JsPyTextSocket: cannot store the page name:", error);
      }
    }
    /** Restore the identity of an earlier document of this tab. Called lazily, because the key depends on the address. */
    recall() {
      if (this.isRecalled) {
        return;
      }
      this.isRecalled = true;
      try {
        const stored = JSON.parse(sessionStorage.getItem(this.storedAt()) ?? "{}");
        this.known = { token: String(stored.token ?? ""), page: this.pageOf(stored) };
      } catch (error) {
        console.debug("JsPyTextSocket: cannot read the stored identity:", error);
      }
    }
    /** Return the storage key. Applications behind one proxy share a sessionStorage, so it includes the path. */
    storedAt() {
      const { pathname } = new URL(this.address.root);
      return pathname === "/" ? STORED : `${STORED}:${pathname}`;
    }
    /** Return the stored page name. Iframes use `window.name`, because the iframes of a tab share its sessionStorage. */
    pageOf(stored) {
      const [, own] = inFrame() && WINDOW_NAME.exec(window.name) || [];
      return own ?? (this.isGuest(stored) ? "" : String(stored.page ?? ""));
    }
    /** Return true if the stored name belongs to the parent, whose storage is shared, or the opener, whose storage was copied. */
    isGuest(stored) {
      try {
        const host = inFrame() ? pageAround() : opener;
        return Boolean(host) && JSON.parse(host.sessionStorage.getItem(this.storedAt())).page === stored.page;
      } catch {
        return false;
      }
    }
  };

  // src/bulk.ts
  var PATIENCE2 = 5e3;
  async function fetchBulk(url, total, running) {
    let timer;
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(() => running.abort(), PATIENCE2);
    };
    wait();
    try {
      const response = await fetch(url, {
        credentials: "same-origin",
        cache: "no-store",
        redirect: "error",
        signal: running.signal
      });
      wait();
      return response.ok ? await wholeBody(response.body, total, wait) : null;
    } catch (error) {
      console.debug("JsPyTextSocket: cannot fetch large content:", error);
      return null;
    } finally {
      clearTimeout(timer);
      running.abort();
    }
  }
  async function wholeBody(body, total, progressed) {
    const reader = byteReader(body) ?? copyingReader(body);
    let content = new Uint8Array(total);
    let [taken, ended] = [0, false];
    while (!ended && taken < total) {
      const { done, value } = await reader.read(content.subarray(taken));
      ended = done;
      taken += value.length;
      content = new Uint8Array(value.buffer);
      progressed();
    }
    return !ended && (await reader.read(new Uint8Array(1))).done ? content : null;
  }
  function byteReader(body) {
    try {
      return body.getReader({ mode: "byob" });
    } catch {
      return null;
    }
  }
  function copyingReader(body) {
    const reader = body.getReader();
    return {
      async read(room) {
        const { done, value = new Uint8Array(0) } = await reader.read();
        room.set(value);
        return { done, value: room.subarray(0, value.length) };
      }
    };
  }

  // src/ndarray.ts
  var float16Array = () => globalThis.Float16Array;
  var DTYPES = new Map(Object.entries({
    bytes: [Uint8Array, 1],
    bool: [Uint8Array, 1],
    int8: [Int8Array, 1],
    uint8: [Uint8Array, 1],
    int16: [Int16Array, 2],
    uint16: [Uint16Array, 2],
    int32: [Int32Array, 4],
    uint32: [Uint32Array, 4],
    int64: [BigInt64Array, 8],
    uint64: [BigUint64Array, 8],
    float16: [Float32Array, 2],
    // see makeArray
    float32: [Float32Array, 4],
    float64: [Float64Array, 8]
  }));
  var BYTES_LIKE = ["Uint8Array", "Uint8ClampedArray", "DataView", "ArrayBuffer", "SharedArrayBuffer"];
  var itemSize = (dtype) => DTYPES.get(dtype)?.[1];
  function dtypeOf(data) {
    const tag = data[Symbol.toStringTag];
    return BYTES_LIKE.includes(tag) ? "bytes" : tag.replace("BigInt", "Int").replace("BigUint", "Uint").replace("Array", "").toLowerCase();
  }
  function bytesOf(value) {
    return ArrayBuffer.isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value);
  }
  var product = (shape) => shape.reduce((total, length) => total * length, 1);
  function makeArray(dtype, bytes, count) {
    if (dtype === "float16") {
      const Float16 = float16Array();
      return Float16 ? new Float16(bytes.buffer, bytes.byteOffset, count) : Float32Array.from(new Uint16Array(bytes.buffer, bytes.byteOffset, count), widen);
    }
    return new (DTYPES.get(dtype))[0](bytes.buffer, bytes.byteOffset, count);
  }
  function widen(half) {
    const [sign, exponent, fraction] = [half & 32768 ? -1 : 1, half >> 10 & 31, half & 1023];
    if (exponent === 31) {
      return fraction ? NaN : sign * Infinity;
    }
    return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
  }
  function marked(data, dtype) {
    const isTold = dtype !== "bool" && !(dtype === "float16" && data instanceof Float32Array);
    return isTold ? data : Object.defineProperty(data, "dtype", { value: dtype });
  }
  function checkedDtype(data, dtype) {
    if (!ArrayBuffer.isView(data) || data instanceof DataView) {
      throw new TypeError("NDArray: the data must be a typed array");
    }
    const own = dtypeOf(data);
    const fitting = own === "bytes" ? ["uint8", "bytes", "bool"] : own === "float32" ? [own, "float16"] : [own];
    const mark = data.dtype;
    const told = dtype ?? (fitting.includes(mark) ? mark : fitting[0]);
    if (!fitting.includes(told)) {
      throw new TypeError(`NDArray: a ${data.constructor.name} cannot hold items of dtype ${told}`);
    }
    return told;
  }
  function checkedIndex(index, axis, length) {
    if (!Number.isInteger(index)) {
      throw new TypeError(`NDArray: an index must be an integer, not ${String(index)}`);
    }
    if (index < 0 || index >= length) {
      throw new RangeError(`NDArray: index ${index} is out of bounds for dimension ${axis}, of length ${length}`);
    }
    return index;
  }
  var NDArray = class {
    /** The items in C order (the last index changes fastest). */
    data;
    /** The length of each dimension. */
    shape;
    /** The dtype, such as "float64" or "bool". In browsers without Float16Array, the `data` of "float16" is a Float32Array. */
    dtype;
    /** Throws TypeError if `data` does not fill `shape` or cannot hold `dtype`. `"bool"` takes a Uint8Array of 0 and 1. */
    constructor(data, shape, dtype) {
      this.dtype = checkedDtype(data, dtype);
      if (product(shape) !== data.length) {
        throw new TypeError(`NDArray: ${data.length} items do not fill the shape [${shape}]`);
      }
      this.data = data;
      this.shape = Object.freeze([...shape]);
      Object.freeze(this);
    }
    /** Return the item at one index per dimension. Throws RangeError if out of range, TypeError if not an integer. */
    get(...indices) {
      const { data, shape } = this;
      if (indices.length !== shape.length) {
        throw new TypeError(`NDArray.get: ${indices.length} indices for ${shape.length} dimensions; row(i) returns a part`);
      }
      return data[indices.reduce((at, index, axis) => at * shape[axis] + checkedIndex(index, axis, shape[axis]), 0)];
    }
    /** Return a view with one dimension less: an NDArray, or a typed array if one dimension is left. Throws as `get` does. */
    row(index) {
      const [length, ...rest] = this.shape;
      if (rest.length === 0) {
        throw new TypeError(`NDArray.row: an array of ${this.shape.length} dimensions has no rows`);
      }
      const [size, at] = [product(rest), checkedIndex(index, 0, length)];
      const items = marked(this.data.subarray(at * size, (at + 1) * size), this.dtype);
      return rest.length === 1 ? items : partOf(items, rest, this.dtype);
    }
  };
  var partOf = (...given) => new NDArray(...given);

  // src/codec.ts
  var utf8 = new TextEncoder();
  var padded = (size) => Math.ceil(size / 8) * 8;
  var padding = (size) => new Uint8Array(padded(size) - size);
  var textFrame = (packets) => `[${packets.map((packet) => packet.text).join(",")}]`;
  function binaryParts(packets) {
    const buffers = packets.flatMap((packet, index) => packet.buffers.map(({ path, dtype, bytes, shape }) => ({ bytes, entry: [[index, ...path], dtype, bytes.length, shape] })));
    const table = JSON.stringify(buffers.map(({ entry }) => entry));
    const header = utf8.encode(`[${textFrame(packets)},${table}]`);
    const begin = new Uint8Array(Uint32Array.of(1, header.length).buffer);
    return [begin, header, padding(header.length), ...buffers.flatMap(({ bytes }) => [bytes, padding(bytes.length)])];
  }
  function binaryFrame(packets) {
    const parts = binaryParts(packets);
    return join(parts, new Uint8Array(sizeOf(parts)));
  }
  var frameOf = (packets) => packets.some((packet) => packet.buffers.length) ? binaryFrame(packets) : textFrame(packets);
  function decode(data) {
    const messages = typeof data === "string" ? parseJson(data) : decodeBinary(bytesOf(data));
    if (!Array.isArray(messages)) {
      throw new ProtocolError("frame is not an array of messages");
    }
    messages.forEach(checkMessage);
    messages.forEach(checkSpecials);
    return messages;
  }
  function decodeBinary(frame) {
    const bytes = frame.byteOffset % 8 ? frame.slice() : frame;
    const size = bytes.length < 8 || bytes[0] !== 1 ? Infinity : viewOf(bytes).getUint32(4, true);
    if (8 + size > bytes.length) {
      throw new ProtocolError("binary frame has an unknown type or is truncated");
    }
    const header = parseJson(decodeUtf8(bytes.subarray(8, 8 + size)));
    if (!Array.isArray(header) || !Array.isArray(header[0]) || !Array.isArray(header[1])) {
      throw new ProtocolError("binary frame has an invalid header");
    }
    header[1].reduce((start, buffer) => takeBuffer(header[0], bytes, start, buffer), padded(8 + size));
    return header[0];
  }
  function takeBuffer(messages, frame, start, buffer) {
    const [path, dtype, length, shape] = Array.isArray(buffer) ? buffer : [];
    if (!isCount(length) || length > 0 && start + length > frame.length) {
      throw new ProtocolError("buffer does not fit into its frame");
    }
    const at = Math.min(start, frame.length - frame.length % 8);
    place(messages, path, binaryValue(frame.subarray(length ? start : at, length ? start + length : at), dtype, shape));
    return padded(start + length);
  }
  function binaryValue(bytes, dtype, shape) {
    const size = itemSize(dtype);
    if (!size || bytes.length % size) {
      throw new ProtocolError("buffer has a wrong dtype or length");
    }
    const count = bytes.length / size;
    if (shape !== null && !(Array.isArray(shape) && shape.every(isCount) && product(shape) === count)) {
      throw new ProtocolError("buffer does not fit its shape");
    }
    const data = makeArray(dtype, bytes, count);
    return shape === null || shape.length === 1 ? marked(data, dtype) : new NDArray(data, shape, dtype);
  }
  function place(root, path, value) {
    if (!Array.isArray(path) || path.length < 2) {
      throw new ProtocolError("a buffer without a path");
    }
    let parent2 = root;
    path.forEach((step, index) => {
      if (!hasStep(parent2, step)) {
        throw new ProtocolError("buffer path leads nowhere");
      }
      if (index < path.length - 1) {
        parent2 = parent2[step];
      } else if (parent2[step] === null) {
        parent2[step] = value;
      } else {
        throw new ProtocolError("buffer path does not lead to a null");
      }
    });
  }

  // src/link.ts
  var CREDIT_EVERY = 4;
  var Link = class {
    constructor(socket, maxBytes, bulkUrl) {
      this.socket = socket;
      this.bulkUrl = bulkUrl;
      this.assembler = new Assembler(maxBytes);
      socket.binaryType = "arraybuffer";
    }
    socket;
    bulkUrl;
    /** The session of the link, set when the welcome arrives. */
    session = null;
    welcomedAt = null;
    /** True once `hello` has been sent. */
    isGreeted = false;
    /** True once the connection no longer uses this link. */
    ended = false;
    assembler;
    credits = /* @__PURE__ */ new Map();
    fetches = /* @__PURE__ */ new Set();
    /** Send a message that concerns only this link, bypassing the outbox. */
    send(message) {
      this.socket.send(JSON.stringify([message]));
    }
    end() {
      this.ended = true;
      this.fetches.forEach((running) => running.abort());
    }
    /** Return the messages of a frame, or of the chunks it completes. Throws ProtocolError. */
    messagesOf(data) {
      const bytes = typeof data === "string" ? null : new Uint8Array(data);
      if (bytes?.[0] !== 2) {
        return decode(data);
      }
      const { stream, content, offer } = this.assembler.accept(bytes);
      if (offer) {
        void this.fetch(offer);
      } else {
        this.giveCredit(stream, content !== null);
      }
      return content === null ? [] : decode(content);
    }
    /** Acknowledge the received messages if an acknowledgement is due. */
    acknowledge(size) {
      const { session } = this;
      if (session) {
        session.addBytes(size);
        if (session.isAckDue()) {
          this.send(["ack", session.received]);
        }
      }
    }
    giveCredit(stream, isComplete) {
      const count = (this.credits.get(stream) ?? 0) + 1;
      if (isComplete || count >= CREDIT_EVERY) {
        this.credits.delete(stream);
        this.send(["credit", stream, count]);
      } else {
        this.credits.set(stream, count);
      }
    }
    /** Fetch offered content, or decline the offer so that Python sends chunks. */
    async fetch(offer) {
      const url = this.bulkUrl(offer.secret);
      const running = new AbortController();
      this.fetches.add(running);
      const content = url ? await fetchBulk(url, offer.total, running) : null;
      this.fetches.delete(running);
      if (this.ended) {
        return;
      }
      if (content) {
        this.assembler.fill(offer, content);
        this.session?.addBytes(content.length);
        this.send(["credit", offer.stream, CHUNK_WINDOW]);
      } else {
        this.assembler.drop(offer.stream);
        this.send(["decline", offer.stream]);
      }
    }
  };

  // src/packet.ts
  var SEND_DEPTH = 256;
  var WHOLE_TEXT = 1048576;
  var MARGIN = 64;
  var utf82 = new TextEncoder();
  var NONE = [];
  function isBinary(value) {
    if (ArrayBuffer.isView(value) || value instanceof NDArray) {
      return true;
    }
    const tag = value[Symbol.toStringTag];
    return tag === "ArrayBuffer" || tag === "SharedArrayBuffer";
  }
  function bufferOf(value, path) {
    const [data, shape] = value instanceof NDArray ? [value.data, value.shape] : [value, null];
    const [own, told] = [dtypeOf(data), value.dtype];
    const dtype = own === "bytes" && (shape || told === "bool") ? told : own;
    return { path, dtype, bytes: bytesOf(data), shape };
  }
  function strip(value, path, found) {
    if (typeof value === "object" && isBinary(value)) {
      found.buffers.push(bufferOf(value, [...path]));
      return null;
    }
    if (path.length > SEND_DEPTH) {
      throw new RangeError(`nested deeper than ${SEND_DEPTH} levels`);
    }
    if (Array.isArray(value)) {
      return stripItems(value, path, found);
    }
    if (value instanceof Keywords) {
      const plain = stripItems(value.given, path, found);
      found.specials.add(path, "keywords");
      return plain;
    }
    if (found.specials?.take(value, path)) {
      return null;
    }
    if (typeof value.toJSON === "function") {
      const plain = value instanceof Date ? value : value.toJSON(String(path.at(-1)));
      return plain === value || !isDeep(plain, found) ? plain : strip(plain, path, found);
    }
    return found.specials ? stripObject(value, path, found, found.specials) : stripItems(value, path, found);
  }
  function stripObject(value, path, found, specials) {
    if (isObjectLiteral(value)) {
      return stripItems(value, path, found);
    }
    const [type, content] = builtIn(value);
    switch (type) {
      case "":
        specials.referObject(value, path);
        return null;
      case "Set":
        return stripItems(content, path, found);
      case "Map": {
        checkKeys(content);
        const pairs = stripItems(content, path, found);
        specials.add(path, "map");
        return pairs;
      }
      default:
        return isDeep(content, found) ? strip(content, path, found) : content;
    }
  }
  function checkKeys(pairs) {
    const taken = /* @__PURE__ */ new Set();
    for (const [key] of pairs) {
      const trouble = keyTrouble(key, taken);
      if (trouble) {
        throw new TypeError(trouble);
      }
    }
  }
  var CONTENTS = new Map([
    ["Map", (value) => [...Map.prototype.entries.call(value)]],
    ["Set", (value) => [...Set.prototype.values.call(value)]],
    ...[Number, String, Boolean, BigInt].map(({ name, prototype }) => [name, (value) => prototype.valueOf.call(value)])
  ]);
  function builtIn(value) {
    const type = value instanceof Map ? "Map" : value instanceof Set ? "Set" : Object.prototype.toString.call(value).slice(8, -1);
    try {
      const content = CONTENTS.get(type)?.(value);
      return content === void 0 ? [""] : [type, content];
    } catch {
      return [""];
    }
  }
  function isDeep(value, { specials }) {
    const type = typeof value;
    return type === "object" ? value !== null : specials !== null && isForeignType(type);
  }
  function stripItems(value, path, found) {
    if (isSparse(value)) {
      throw new TypeError(sparseText(value));
    }
    const keys = Array.isArray(value) ? null : Object.keys(value);
    const length = keys ? keys.length : value.length;
    let bare = value;
    for (let index = 0; index < length; index += 1) {
      const key = keys ? keys[index] : index;
      const item = value[key];
      if (isDeep(item, found)) {
        path.push(key);
        const rest = strip(item, path, found);
        path.pop();
        if (rest !== item) {
          bare = bare === value ? shallowCopy(value) : bare;
          bare[key] = rest;
        }
      }
    }
    return bare;
  }
  var shallowCopy = (value) => Array.isArray(value) ? [...value] : Object.assign(/* @__PURE__ */ Object.create(null), value);
  function fitsJson(value, room) {
    if (room === 0 || typeof value.toJSON === "function" || isSparse(value)) {
      return false;
    }
    if (!Array.isArray(value)) {
      return Object.getPrototypeOf(value) === Object.prototype && itemsFitJson(value, room - 1);
    }
    for (let index = 0; index < value.length; index += 1) {
      const item = value[index];
      if (typeof item !== "number" && typeof item !== "string" && !itemFitsJson(item, room - 1)) {
        return false;
      }
    }
    return true;
  }
  function itemsFitJson(value, room) {
    let isEmpty = true;
    for (const key in value) {
      const item = value[key];
      isEmpty = false;
      if (typeof item !== "number" && typeof item !== "string" && !itemFitsJson(item, room)) {
        return false;
      }
    }
    return !isEmpty || !(Symbol.toStringTag in value);
  }
  function itemFitsJson(item, room) {
    return typeof item === "object" ? item === null || fitsJson(item, room) : typeof item === "boolean" || item === void 0;
  }
  function explain(value, name, hasSpecials, above = /* @__PURE__ */ new Map()) {
    if (value instanceof Keywords) {
      return explain(value.given, name, hasSpecials, above);
    }
    if (typeof value === (hasSpecials ? "symbol" : "bigint")) {
      return `${name}: ${hasSpecials ? "a symbol" : "BigInt"} cannot be sent`;
    }
    if (typeof value !== "object" || value === null || isBinary(value) || typeof value.toJSON === "function") {
      return "";
    }
    if (hasSpecials && !(Array.isArray(value) || /^(Map|Set)$/.test(builtIn(value)[0]) || isObjectLiteral(value))) {
      return "";
    }
    if (isSparse(value)) {
      return `${name}: ${sparseText(value)}`;
    }
    if (above.has(value)) {
      return `${name}: a cycle cannot be sent (it leads back to ${above.get(value)})`;
    }
    if (above.size > SEND_DEPTH) {
      return `${[...above.values()][0]}: nested deeper than ${SEND_DEPTH} levels`;
    }
    above.set(value, name);
    const text = explainItems(value, name, hasSpecials, above);
    above.delete(value);
    return text;
  }
  function explainItems(value, name, hasSpecials, above) {
    const taken = /* @__PURE__ */ new Set();
    const [type, content] = Array.isArray(value) ? [""] : builtIn(value);
    const items = type === "Map" ? content : Object.entries(type === "Set" ? content : value);
    for (const [key, item] of items) {
      const trouble = type === "Map" ? keyTrouble(key, taken) : "";
      const text = trouble ? `${name}: ${trouble}` : explain(item, name + stepText(key, value), hasSpecials, above);
      if (text) {
        return text;
      }
    }
    return "";
  }
  function stepText(key, { [Symbol.toStringTag]: tag }) {
    if (tag === "Map") {
      return `.get(${typeof key === "string" ? JSON.stringify(key) : String(key)})`;
    }
    return /^\d+$/.test(key) ? `[${key}]` : /^[\p{L}_$][\p{L}\d_$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
  }
  function reasonFor(body, label, hasSpecials, error) {
    const plain = `${label}: ${error instanceof Error ? error.message : error}`;
    try {
      return explain(body, label, hasSpecials) || plain;
    } catch (second) {
      return second instanceof Error ? `${label}: ${second.message}` : plain;
    }
  }
  var textSize = (text) => text.length * 3;
  var exactSize = ({ text, size }) => size - textSize(text) + utf82.encode(text).length;
  var bufferSize = ({ bytes, path, shape }) => bytes.length + 3 * JSON.stringify([path, shape]).length + 64;
  var fitsFrame = (size) => size <= CHUNK_BYTES - MARGIN;
  function isLarge(packet, mayBeWhole) {
    if (fitsFrame(packet.size)) {
      return false;
    }
    const isText = packet.buffers.length === 0;
    return !(mayBeWhole && isText && packet.text.length <= WHOLE_TEXT) && !(isText && fitsFrame(exactSize(packet)));
  }
  function compose(message, body, label, specials = null) {
    const buffers = [];
    let text = "";
    try {
      text = JSON.stringify(fitsJson(message, SEND_DEPTH) ? message : bareMessage(message, { buffers, specials }));
    } catch (error) {
      specials?.undo();
      throw new TypeError(reasonFor(body, label, specials !== null, error), { cause: error });
    }
    const size = buffers.reduce((sum, buffer) => sum + bufferSize(buffer), textSize(text));
    const uses = specials?.uses ?? NONE;
    return {
      text,
      buffers,
      size,
      content: null,
      isText: true,
      order: null,
      bound: uses.length > 0,
      sent: false,
      cancelled: false,
      exported: specials?.exported ?? NONE,
      uses,
      releases: NONE,
      whenSent: null,
      whenReceived: null
    };
  }
  function bareMessage(message, found) {
    const bare = stripItems(message, [], found);
    return found.specials?.list.length ? withSpecials(bare, found.specials.list) : bare;
  }
  function pack(message, body = message, label = "message", maxBytes = Infinity, mayBeWhole = true, memory, specials = null) {
    const packet = compose(message, body, label, specials);
    const size = packet.size > maxBytes ? exactSize(packet) : 0;
    if (size > maxBytes) {
      specials?.undo();
      throw new TypeError(`${label}: ${size} bytes are more than the limit of ${maxBytes}`);
    }
    if (isLarge(packet, mayBeWhole)) {
      packet.isText = packet.buffers.length === 0;
      const parts = packet.isText ? [utf82.encode(`[${packet.text}]`)] : binaryParts([packet]);
      packet.content = new ChunkedContent(parts, CHUNK_BYTES, memory);
      packet.text = "";
      packet.buffers = [];
      packet.size = packet.content.total;
    }
    for (const buffer of packet.buffers) {
      buffer.bytes = buffer.bytes.slice();
    }
    return packet;
  }

  // src/outbox.ts
  var WINDOW = 6;
  var STATE_ORDER = "state";
  var Outbox = class {
    /**
     * @param dropped called for a packet that Python does not receive.
     * @param maxBytes the limit of the queue, which a single packet may exceed.
     */
    constructor(write, dropped = () => {
    }, maxBytes = MAX_MESSAGE_BYTES) {
      this.write = write;
      this.dropped = dropped;
      this.maxBytes = maxBytes;
    }
    write;
    dropped;
    maxBytes;
    /** Memory for large content. */
    memory = new SpareMemory();
    /** Queued packets, in order. */
    waiting = [];
    /** Packets that wait for an unfinished large one: by its order, or releases of what it uses by the packet itself. */
    held = /* @__PURE__ */ new Map();
    streams = /* @__PURE__ */ new Map();
    /** Large packets that wait for a free stream. */
    beyond = [];
    /** Completely sent packets, in order. */
    unacknowledged = [];
    acknowledged = 0;
    size = 0;
    nextStream = 1;
    /** The long text sent as one frame, from `put` until its acknowledgement. */
    whole = null;
    /** The number of queued packets. */
    get length() {
      return this.waiting.length;
    }
    /** Bytes of the packets that are sent, or being sent, and that Python may not have received. */
    get bytesUnderWay() {
      const begun = [...this.streams.values()].map(({ packet }) => packet);
      return [...this.unacknowledged, ...begun].reduce((total, { size }) => total + size, 0);
    }
    /** True if no long text is in flight as one frame. */
    get mayTakeWhole() {
      return this.whole === null;
    }
    /** Queue a packet. Returns false if the queue is full, unless the packet `isAlwaysTaken`. */
    put(packet, isAlwaysTaken = false) {
      if (!isAlwaysTaken && this.size > 0 && this.size + packet.size > this.maxBytes) {
        return false;
      }
      this.size += packet.size;
      this.waiting.push(packet);
      if (!packet.content && !fitsFrame(packet.size)) {
        this.whole = packet;
      }
      return true;
    }
    /** Send all packets that don't have to wait. */
    flush() {
      do {
        this.writeSmall();
        this.writeChunks();
      } while (this.waiting.length);
    }
    writeSmall() {
      let batch = [];
      let size = 0;
      for (const packet of this.waiting.splice(0)) {
        if (this.putAside(packet)) {
          continue;
        }
        if (!fitsFrame(size + packet.size)) {
          this.writeBatch(batch);
          [batch, size] = [[], 0];
        }
        batch.push(packet);
        size += packet.size + 1;
      }
      this.writeBatch(batch);
    }
    /** Keep a packet out of the next frame if it is cancelled, large, or has to wait. Returns true if it did. */
    putAside(packet) {
      const behind = this.held.get(STATE_ORDER) ?? (packet.order === null ? this.behindUses(packet) : this.held.get(packet.order));
      if (packet.cancelled) {
        this.size -= packet.size;
        this.forget(packet);
        this.dropped(packet);
      } else if (behind) {
        behind.push(packet);
      } else if (packet.content) {
        this.beyond.push(packet);
        if (packet.order !== null) {
          this.held.set(packet.order, []);
        }
      } else {
        return false;
      }
      return true;
    }
    /** Return the packets that wait for a large one that uses what this packet releases; undefined if there is none. */
    behindUses({ releases }) {
      if (releases.length === 0 || this.streams.size + this.beyond.length === 0) {
        return void 0;
      }
      const begun = [...this.streams.values()].map(({ packet }) => packet);
      const large = [...begun, ...this.beyond].find(({ uses }) => uses.some((number) => releases.includes(number)));
      if (!large) {
        return void 0;
      }
      const behind = this.held.get(large) ?? [];
      this.held.set(large, behind);
      return behind;
    }
    writeBatch(packets) {
      if (packets.length) {
        this.write(frameOf(packets));
        for (const packet of packets) {
          this.finish(packet);
        }
      }
    }
    finish(packet) {
      packet.sent = true;
      this.size -= packet.size;
      this.unacknowledged.push(packet);
      packet.whenSent?.();
    }
    /** Send chunks of all streams in turn until their windows are full. */
    writeChunks() {
      let moved = true;
      while (moved) {
        moved = false;
        this.openStreams();
        for (const [id, stream] of this.streams) {
          if (stream.underWay < WINDOW) {
            this.writeChunk(id, stream);
            moved = true;
          }
        }
      }
    }
    openStreams() {
      while (this.beyond.length && this.streams.size < MAX_STREAMS) {
        const packet = this.beyond.shift();
        if (packet.cancelled) {
          this.size -= packet.size;
          this.release(packet);
          this.dropped(packet);
        } else {
          const id = this.nextStream;
          this.nextStream = id === 4294967295 ? 1 : id + 1;
          this.streams.set(id, { packet, chunker: new Chunker(packet.content, packet.isText, id), underWay: 0 });
        }
      }
    }
    writeChunk(id, stream) {
      this.write(stream.chunker.next());
      stream.underWay += 1;
      if (stream.chunker.done) {
        this.streams.delete(id);
        this.finish(stream.packet);
        this.release(stream.packet);
      }
    }
    /** Queue the packets that waited for a finished large one, ahead of newer packets. */
    release(packet) {
      for (const key of [packet, packet.order]) {
        if (key !== null) {
          this.waiting.unshift(...this.held.get(key) ?? []);
          this.held.delete(key);
        }
      }
    }
    /** Call `action` as soon as the packet is sent completely; never, if it is not sent. */
    afterwards(packet, action) {
      if (packet.sent) {
        action();
      } else if ([...this.streams.values()].some((stream) => stream.packet === packet)) {
        packet.whenSent = () => queueMicrotask(action);
      }
    }
    /** Add credit for `count` chunks of a stream. Unknown streams are finished. */
    credit(id, count) {
      const stream = this.streams.get(id);
      if (stream) {
        stream.underWay = Math.max(0, stream.underWay - count);
        this.flush();
      }
    }
    /** Drop the packets that Python has received. Throws ProtocolError if it acknowledges more than was sent. */
    acknowledge(received) {
      const sent = this.acknowledged + this.unacknowledged.length;
      if (!(received >= this.acknowledged && received <= sent)) {
        throw new ProtocolError(`${received} messages acknowledged, of ${sent}`);
      }
      for (const packet of this.unacknowledged.splice(0, received - this.acknowledged)) {
        if (packet.content) {
          this.memory.give(packet.content.chunks);
          packet.content = null;
        }
        this.forget(packet);
        packet.whenReceived?.();
      }
      this.acknowledged = received;
    }
    forget(packet) {
      if (this.whole === packet) {
        this.whole = null;
      }
    }
    /** Resume the session on a new link, and queue again what Python has not received. Throws as `acknowledge` does. */
    rewind(received) {
      this.acknowledge(received);
      const packets = [...this.unacknowledged, ...this.unfinished()];
      packets.filter(({ cancelled }) => cancelled).forEach(this.dropped);
      this.beginAgain(packets.filter((packet) => !packet.cancelled));
    }
    /** Start a new session with the unsent packets except responses. Returns the number of packets that may be lost. */
    reset() {
      const lost = this.unacknowledged.filter((packet) => !packet.cancelled).length;
      this.beginAgain(this.unfinished().filter((packet) => !packet.bound && !packet.cancelled && !packet.sent));
      this.acknowledged = 0;
      return lost;
    }
    /** The numbers of the page's objects that the queued packets send. */
    get exported() {
      return this.unfinished().flatMap((packet) => packet.exported);
    }
    /** Drop all packets. */
    clear() {
      this.beginAgain([]);
      this.acknowledged = 0;
    }
    unfinished() {
      const begun = [...this.streams.values()].map(({ packet }) => packet);
      return [...begun, ...this.beyond, ...[...this.held.values()].flat(), ...this.waiting];
    }
    beginAgain(packets) {
      this.waiting = packets;
      this.beyond = [];
      this.unacknowledged = [];
      this.streams.clear();
      this.held.clear();
      this.size = packets.reduce((sum, packet) => sum + packet.size, 0);
    }
  };

  // src/requests.ts
  var Requests = class {
    /** @param cancel tells Python that the response to a request is no longer needed. */
    constructor(cancel) {
      this.cancel = cancel;
    }
    cancel;
    /** The number of responses without a pending request: late, duplicate or unknown. */
    ignored = 0;
    nextId = 1;
    pending = /* @__PURE__ */ new Map();
    get size() {
      return this.pending.size;
    }
    newId() {
      const id = this.nextId;
      this.nextId = id === Number.MAX_SAFE_INTEGER ? 1 : id + 1;
      return id;
    }
    /** @param isCancellable Python stops the request when it is given up. */
    add(id, packet, { settle, limit, signal }, isCancellable) {
      const timer = limit === null ? void 0 : setTimeout(() => this.giveUp(id, timedOut()), limit);
      this.pending.set(id, { settle, packet, timer, detach: signal && this.listen(id, signal), isCancellable });
    }
    listen(id, signal) {
      const abort = () => this.giveUp(id, ABORTED);
      signal.addEventListener("abort", abort, { once: true });
      return () => signal.removeEventListener("abort", abort);
    }
    /** Fail a request that has stopped waiting. If it was not sent, it is never sent. */
    giveUp(id, failure) {
      const { packet, isCancellable } = this.pending.get(id);
      this.settle(id, failure);
      if (isCancellable) {
        this.cancel(id, packet);
      }
    }
    settle(id, failure, value) {
      const request = this.pending.get(id);
      if (!request) {
        this.ignored += 1;
        return;
      }
      this.pending.delete(id);
      clearTimeout(request.timer);
      request.detach?.();
      request.packet.cancelled = true;
      request.settle(failure, value);
    }
    /** Fail the requests that were sent or concern the session that ended; with `all`, also the others, which would never be settled. */
    disconnect(all) {
      for (const [id, { packet }] of [...this.pending]) {
        if (all || packet.sent || packet.bound) {
          this.settle(id, disconnected(`the connection was lost${packet.sent ? ": it may or may not have run" : ""}`));
        }
      }
    }
  };

  // src/session.ts
  var ACK_MESSAGES = 64;
  var Session = class {
    /** @param seconds the time that Python keeps the session without a connection. */
    constructor(name, seconds) {
      this.name = name;
      this.seconds = seconds;
    }
    name;
    seconds;
    received = 0;
    /** Ids of requests that are held back until the scripts of the document have run. */
    held = /* @__PURE__ */ new Set();
    acknowledged = 0;
    bytes = 0;
    /** Count bytes towards the next acknowledgement. */
    addBytes(count) {
      this.bytes += count;
    }
    /** Return true if an acknowledgement is due, and reset its counters; the caller then acknowledges `received`. */
    isAckDue() {
      const news = this.received - this.acknowledged;
      if (news < ACK_MESSAGES && (news === 0 || this.bytes < CHUNK_BYTES)) {
        return false;
      }
      this.acknowledged = this.received;
      this.bytes = 0;
      return true;
    }
  };

  // src/macrotasks.ts
  var channel = null;
  var actions = [];
  function queueMacrotask(action) {
    channel ??= open();
    if (actions.push(action) === 1) {
      channel.port2.postMessage(null);
    }
  }
  function open() {
    const made = new MessageChannel();
    made.port1.onmessage = () => {
      const due = actions;
      actions = [];
      due.forEach((action) => action());
    };
    made.port1.unref?.();
    return made;
  }

  // src/producer.ts
  var BATCH_SIZE = 3 * 65536;
  var FIRST_SIZE = 8192;
  var TIME_SLICE = 8;
  var IN_FLIGHT = 4194304;
  function sourceOf(value) {
    if (typeof value.getReader === "function") {
      const reader = value.getReader();
      return { next: () => reader.read(), close: () => reader.cancel() };
    }
    const isAsync = typeof value[Symbol.asyncIterator] === "function";
    const iterator = isAsync ? value[Symbol.asyncIterator]() : value[Symbol.iterator]();
    const close = () => iterator.return?.();
    if (isAsync) {
      return { next: () => iterator.next(), close };
    }
    return { next: () => awaited(iterator.next()), close };
  }
  async function resume(generator, method, given) {
    if (typeof generator[method] !== "function") {
      throw new TypeError(`${classNameOf(generator)} has no method '${method}': it is no generator`);
    }
    try {
      const { done, value } = await generator[method](...given);
      return [Boolean(done), await value];
    } catch (error) {
      if (method === "throw" && error === given[0]) {
        return null;
      }
      throw error;
    }
  }
  function awaited(result) {
    const { done, value } = result;
    return !done && isThenable(value) ? Promise.resolve(value).then((item) => ({ done: false, value: item })) : result;
  }
  var Producer = class {
    /** @param unit the bytes of an item that counts as one. */
    constructor(source, outlet, unit) {
      this.source = source;
      this.outlet = outlet;
      this.unit = unit;
    }
    source;
    outlet;
    unit;
    credit = 0;
    batch = [];
    batchSize = 0;
    /** The further items that the large ones of the batch count as. */
    batchExtra = 0;
    itemSize = FIRST_SIZE;
    inFlight = 0;
    /** True while the source is being read, or a later turn will read it. */
    isBusy = false;
    isFlushDue = false;
    isOver = false;
    /** Grant `count` more items. */
    pull(count) {
      this.credit += count;
      this.read();
    }
    /** Stop, without a message to the reader, which has left. */
    stop() {
      if (!this.isOver) {
        this.isOver = true;
        this.batch = [];
        this.close();
      }
    }
    get mayRead() {
      return !this.isOver && !this.isBusy && this.credit > this.batchExtra && this.inFlight < IN_FLIGHT;
    }
    /** Read the source until an item is a promise, or the time slice is over. */
    read() {
      const until = performance.now() + TIME_SLICE;
      while (this.mayRead && this.readOne()) {
        if (this.batchSize >= BATCH_SIZE || performance.now() > until) {
          this.flush();
          this.readLater();
          return;
        }
      }
      if (this.isBusy) {
        this.flushLater();
      } else {
        this.flush();
      }
    }
    /** Read an item. Returns false if it is a promise. */
    readOne() {
      try {
        const result = this.source.next();
        if (isThenable(result)) {
          this.isBusy = true;
          Promise.resolve(result).then((settled) => this.receive(settled), (error) => this.fail(error));
          return false;
        }
        this.take(result);
      } catch (error) {
        this.fail(error);
      }
      return true;
    }
    readLater() {
      if (this.mayRead) {
        this.isBusy = true;
        queueMacrotask(() => {
          this.isBusy = false;
          this.read();
        });
      }
    }
    receive(result) {
      this.isBusy = false;
      try {
        this.take(result);
      } catch (error) {
        this.fail(error);
      }
      if (this.batchSize >= BATCH_SIZE) {
        this.flush();
      }
      this.read();
    }
    /** Send the items of this turn together. */
    flushLater() {
      if (this.batch.length && !this.isFlushDue) {
        this.isFlushDue = true;
        queueMacrotask(() => {
          this.isFlushDue = false;
          this.flush();
        });
      }
    }
    /** Add an item to the batch, or end. Throws for a result that is no object, or whose getters throw. */
    take(result) {
      if (this.isOver) {
        return;
      }
      if (Object(result) !== result) {
        throw new TypeError(`Iterator result ${String(result)} is not an object`);
      }
      const { done, value } = result;
      if (done) {
        this.end(null);
        return;
      }
      this.credit -= 1;
      this.batch.push(value);
      const size = this.sizeOf(value);
      this.batchSize += size;
      this.batchExtra += Math.floor(size / this.unit);
    }
    sizeOf(value) {
      if (typeof value === "string") {
        return 3 * value.length + 8;
      }
      if (typeof value !== "object" || value === null) {
        return 32;
      }
      return isBinary(value) ? value.byteLength ?? value.data.byteLength : this.itemSize;
    }
    flush() {
      const [items, extra] = [this.batch, this.batchExtra];
      this.batch = [];
      this.batchSize = this.batchExtra = 0;
      if (items.length) {
        this.sendAll(items, extra);
      }
    }
    /** Send items. Those before the first that cannot be sent arrive, and the stream ends with its error. */
    sendAll(items, extra) {
      try {
        this.send(items, extra);
      } catch (error) {
        if (items.length > 1) {
          items.forEach((item, index) => this.isOver || this.sendAll([item], index === items.length - 1 ? extra : 0));
        } else {
          this.end({ error, isUnsendable: true });
          this.close();
        }
      }
    }
    send(items, extra) {
      const packet = this.outlet.send(items, extra);
      this.credit -= extra;
      this.itemSize = packet.size / items.length;
      this.inFlight += packet.size;
      packet.whenReceived = () => {
        this.inFlight -= packet.size;
        this.readLater();
      };
    }
    fail(error) {
      this.isBusy = false;
      this.end({ error, isUnsendable: false });
    }
    end(ending) {
      if (!this.isOver) {
        this.flush();
      }
      if (!this.isOver) {
        this.isOver = true;
        this.outlet.end(ending);
      }
    }
    close() {
      try {
        const closed = this.source.close();
        if (isThenable(closed)) {
          Promise.resolve(closed).then(void 0, (error) => this.outlet.fault(error));
        }
      } catch (error) {
        this.outlet.fault(error);
      }
    }
  };

  // src/streams.ts
  var WINDOW2 = 256;
  var DONE = { done: true, value: void 0 };
  var ASYNC_DISPOSE = Symbol.asyncDispose ?? /* @__PURE__ */ Symbol.for("Symbol.asyncDispose");
  var Heavy = class {
    constructor(value, extra) {
      this.value = value;
      this.extra = extra;
    }
    value;
    extra;
  };
  var Reader = class {
    constructor(streams, imported) {
      this.streams = streams;
      this.imported = imported;
    }
    streams;
    imported;
    items = [];
    first = 0;
    waiting = [];
    /** Items that Python may still send. */
    granted = 0;
    /** Items that were taken since the last grant. */
    taken = 0;
    isOver = false;
    /** Creates the error of the next reader, once. */
    failure = null;
    detach = null;
    next(holder, below) {
      if (this.first < this.items.length) {
        return Promise.resolve({ done: false, value: this.take() });
      }
      const site = this.streams.connection.callErrors.callSite(below);
      return new Promise((resolve, reject) => {
        this.waiting.push({ resolve, reject, site, holder });
        if (this.isOver) {
          this.settleAll();
        } else if (this.granted === 0) {
          this.grant(this.streams.window);
        }
      });
    }
    take() {
      const item = this.items[this.first];
      this.items[this.first] = void 0;
      this.first += 1;
      this.taken += 1;
      if (!(item instanceof Heavy)) {
        this.grantTaken();
        return item;
      }
      this.taken += item.extra;
      this.grantTaken();
      return item.value;
    }
    grantTaken() {
      if (this.taken * 2 >= this.streams.window && !this.isOver) {
        this.grant(this.taken);
        this.taken = 0;
      }
    }
    grant(count) {
      this.granted += count;
      this.streams.connection.control(["pull", this.imported.number, count]);
    }
    /** Append the items of a message. Throws ProtocolError if there are more than were granted. */
    receive(items, extra) {
      const surplus = items.length - this.granted;
      if (surplus > 0) {
        throw new ProtocolError(`${surplus} items of stream ${this.imported.number} that were not granted`);
      }
      this.granted -= items.length + extra;
      if (extra && items.length) {
        items.push(new Heavy(items.pop(), extra));
      }
      this.items = this.first < this.items.length ? this.items.slice(this.first).concat(items) : items;
      this.first = 0;
      while (this.waiting.length && this.first < this.items.length) {
        this.waiting.shift().resolve({ done: false, value: this.take() });
      }
    }
    /** Note the end of the stream. Items that have arrived can still be read, before the error. */
    end(failure) {
      const { callErrors } = this.streams.connection;
      this.finish(failure && ((site) => callErrors.at(site, failure, "stream", null)));
    }
    finish(failure) {
      this.isOver = true;
      this.failure = failure;
      this.detach?.();
      this.settleAll();
    }
    /** Drop the items that have arrived, and let Python close the stream. `failure` creates the error of the next read. */
    stop(failure = null) {
      this.items = [];
      this.first = 0;
      if (!this.isOver) {
        this.finish(failure);
        this.streams.stop(this.imported);
      }
    }
    /** Stop when the signal aborts, or the time is over. The next reader receives the reason, as from the body of a `fetch`. */
    follow({ signal, left, late }) {
      const abort = () => this.stop(() => signal.reason);
      const timer = left === null ? void 0 : setTimeout(() => this.stop(late), left);
      signal?.addEventListener("abort", abort, { once: true });
      this.detach = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
      };
    }
    /** Settle all waiting reads: the first with the error, if there is one. */
    settleAll() {
      for (const { resolve, reject, site } of this.waiting.splice(0)) {
        const { failure } = this;
        this.failure = null;
        if (failure) {
          reject(failure(site));
        } else {
          resolve(DONE);
        }
      }
    }
  };
  function createStream(reader) {
    const stream = {
      next: () => reader.next(stream, stream.next),
      async return(value) {
        reader.stop();
        return { done: true, value };
      },
      destroy: () => reader.stop(),
      [DISPOSE]: () => reader.stop(),
      [ASYNC_DISPOSE]: async () => reader.stop(),
      [Symbol.asyncIterator]: () => stream,
      get [Symbol.toStringTag]() {
        return "PyStream";
      }
    };
    return stream;
  }
  var Streams = class {
    constructor(connection) {
      this.connection = connection;
      const { imports } = connection;
      imports.makers.set("stream", (imported) => {
        const reader = new Reader(this, imported);
        this.readers.set(imported.number, reader);
        return createStream(reader);
      });
      imports.droppers.set("stream", ({ number }) => this.readers.get(number)?.stop());
    }
    connection;
    /** The number of items that a reader grants at once. */
    window = WINDOW2;
    /** The bytes of an item that counts as one. */
    unit = Infinity;
    /** Number of Python's stream -> its reader. */
    readers = /* @__PURE__ */ new Map();
    /** Number of this page's stream -> its producer, once Python has begun to read. */
    producers = /* @__PURE__ */ new Map();
    /** The number of streams that are being read, in both directions. */
    get size() {
      return this.readers.size + this.producers.size;
    }
    /** Stop a stream of Python when the call that has returned it is over by its signal or its timeout. */
    follow(value, bounds) {
      const imported = typeof value === "object" && value !== null && this.connection.imports.of(value);
      if (imported) {
        this.readers.get(imported.number)?.follow(bounds);
      }
    }
    receive([kind, number, detail, extra]) {
      switch (kind) {
        case "pull":
          return this.pull(number, detail);
        case "stop":
          return this.stopped(number);
        case "items":
          return this.readers.get(number)?.receive(detail, extra ?? 0);
        default:
          return this.ended(number, detail ?? null);
      }
    }
    // ---------------------------------------------------------------- streams of Python
    /** Python has ended a stream, or its items cannot be used. */
    ended(number, failure) {
      const reader = this.readers.get(number);
      if (reader) {
        this.readers.delete(number);
        this.connection.imports.forget(reader.imported);
        reader.end(failure);
      }
    }
    /** End a stream whose items refer to an object that this page does not have. */
    refuse(number, failure) {
      if (this.readers.has(number)) {
        this.ended(number, failure);
        this.connection.control(["stop", number]);
      }
    }
    /** Let Python close a stream. */
    stop(imported) {
      this.readers.delete(imported.number);
      this.connection.imports.forget(imported);
      this.connection.control(["stop", imported.number], [imported.number]);
    }
    // ---------------------------------------------------------------- streams of this page
    pull(number, count) {
      try {
        this.producerOf(number).pull(count);
      } catch (error) {
        this.sendEnd(number, { error, isUnsendable: false });
      }
    }
    producerOf(number) {
      const known = this.producers.get(number);
      if (known) {
        return known;
      }
      const value = this.connection.exports.get(number);
      if (!isStream(value)) {
        throw unknownError("UnknownReference", `The object ${number} of the page is not a stream`);
      }
      const producer = new Producer(sourceOf(value), this.outletOf(number), this.unit);
      this.producers.set(number, producer);
      return producer;
    }
    outletOf(number) {
      return {
        send: (items, extra) => this.connection.produce(
          extra ? ["items", number, items, [], extra] : ["items", number, items],
          items,
          "items",
          orderOf(number)
        ),
        end: (ending) => {
          this.forget(number);
          this.sendEnd(number, ending);
        },
        fault: (error) => this.connection.fault("closing a stream", error)
      };
    }
    sendEnd(number, ending) {
      const { errors } = this.connection;
      const failure = ending && { ...errors.failure(ending.error), ...ending.isUnsendable && { kind: "unserializable" } };
      this.connection.produce(["end", number, ...failure ? [failure] : []], failure, "error", orderOf(number));
    }
    forget(number) {
      this.producers.delete(number);
      this.connection.exports.forget(number);
    }
    /** Python has stopped reading a stream, or has never begun. */
    stopped(number) {
      const { exports } = this.connection;
      if (!exports.has(number) || !isStream(exports.get(number))) {
        return;
      }
      this.connection.guard("closing a stream", () => {
        try {
          this.producerOf(number).stop();
        } finally {
          this.forget(number);
        }
      });
    }
    // ---------------------------------------------------------------- sessions
    /** End all streams: their session has ended. */
    endSession() {
      const producers = [...this.producers.values()];
      this.producers.clear();
      const readers = [...this.readers.values()];
      this.readers.clear();
      readers.forEach((reader) => reader.end(disconnected("the session of this stream has ended")));
      queueMicrotask(() => producers.forEach((producer) => producer.stop()));
    }
  };
  var orderOf = (number) => `stream ${number}`;

  // src/trouble.ts
  async function fetchRefusal(address, identity) {
    const url = hasDocument() ? address.http("stats") : "";
    if (!url) {
      return "";
    }
    try {
      const headers = { authorization: `Bearer ${identity.token}` };
      const { ok, headers: told } = await fetch(url, { headers, cache: "no-store", credentials: "same-origin" });
      if (ok) {
        return "refused";
      }
      const asks = told.get("www-authenticate") === "Bearer";
      return !asks ? "" : identity.token ? "other token" : "no token";
    } catch {
      return "";
    }
  }

  // src/ownproperties.ts
  var OwnProperties = class {
    /** @param isHereditary whether the object literals among the values are mappings, too. */
    constructor(object, isHereditary) {
      this.object = object;
      this.isHereditary = isHereditary;
    }
    object;
    isHereditary;
    keys() {
      return Object.keys(this.object);
    }
    has(key) {
      return Object.hasOwn(this.object, key);
    }
    async get(key) {
      this.check(key);
      return this.propertyOf(await this.object[key]);
    }
    async entries() {
      return Promise.all(this.keys().map(async (key) => [key, ...this.propertyOf(await this.object[key])]));
    }
    set(key, value) {
      if (key === "__proto__") {
        define(this.object, key, value);
      } else {
        this.object[key] = value;
      }
    }
    setAll(values) {
      Object.entries(values).forEach(([key, value]) => this.set(key, value));
    }
    setDefault(key, value) {
      if (!this.has(key)) {
        this.set(key, value);
      }
      return this.get(key);
    }
    delete(key) {
      this.check(key);
      if (!Reflect.deleteProperty(this.object, key)) {
        throw new TypeError(`'${key}' of ${classNameOf(this.object)} cannot be deleted`);
      }
    }
    /** Remove a property and return its value. */
    async take(key) {
      this.check(key);
      const value = this.object[key];
      this.delete(key);
      return this.propertyOf(await value);
    }
    /** Remove the last property and return its name and its value. */
    async takeLast() {
      const key = this.keys().at(-1);
      if (key === void 0) {
        throw unknownError("UnknownProperty", `${classNameOf(this.object)} has no own properties`);
      }
      return [key, ...await this.take(key)];
    }
    clear() {
      this.keys().forEach((key) => this.delete(key));
    }
    check(key) {
      if (!this.has(key)) {
        throw unknownError("UnknownProperty", `${classNameOf(this.object)} has no own property '${key}'`);
      }
    }
    propertyOf(value) {
      return this.isHereditary && isPlainLiteral(value) ? [new ByReference(value), true] : [answerOf(value), false];
    }
  };

  // src/suggestion.ts
  var MAX_SHOWN = 30;
  function instead(key, names) {
    if (names.length === 0) {
      return "; it exposes none yet";
    }
    const more = names.length > MAX_SHOWN ? ` and ${names.length - MAX_SHOWN} others` : "";
    return `${didYouMean(key, names)} (exposed: ${names.slice(0, MAX_SHOWN).join(", ")}${more})`;
  }
  function didYouMean(key, names) {
    const meant = closest(key, names);
    return meant === void 0 ? "" : `; did you mean '${meant}'?`;
  }
  function closest(key, names) {
    let best;
    let fewest = Math.max(1, Math.floor(key.length / 3)) + 1;
    for (const name of names) {
      if (Math.abs(name.length - key.length) < fewest) {
        const distance = edits(key, name);
        if (distance < fewest) {
          [best, fewest] = [name, distance];
        }
      }
    }
    return best;
  }
  function edits(from, to) {
    let before = [];
    let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
    for (let row = 1; row <= from.length; row++) {
      const current = [row];
      for (let column = 1; column <= to.length; column++) {
        const same = from[row - 1] === to[column - 1];
        let fewest = Math.min(previous[column] + 1, current[column - 1] + 1, previous[column - 1] + (same ? 0 : 1));
        if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
          fewest = Math.min(fewest, before[column - 2] + 1);
        }
        current.push(fewest);
      }
      [before, previous] = [previous, current];
    }
    return previous[to.length];
  }

  // src/world.ts
  var NO_EXPOSURES = {
    names: () => [],
    find: () => void 0,
    call: (func, owner, args) => Reflect.apply(func, owner, args),
    wait: (_name, _call, failure) => {
      throw failure();
    }
  };
  var WORLD = 0;
  var TEXT_ROOM = 200;
  var DATA_DEPTH = 64;
  function serveWorld(connection) {
    const { exports, errors } = connection;
    function get(value, key) {
      if (value === null || value === void 0) {
        throw new TypeError(`Cannot read '${String(key)}' of ${value}`);
      }
      const place2 = indexOf(value, key);
      const found = value[place2];
      if (found === void 0 && !(place2 in Object(value))) {
        throw unknownError("UnknownProperty", `${classNameOf(value)} has no '${key}'${typeof key === "string" ? didYouMean(key, namesOf(value)) : ""}`);
      }
      return found;
    }
    function getGlobal(name, call) {
      const exposed = connection.exposures.find(name);
      if (exposed || name in globalThis) {
        return exposed ?? globalThis[name];
      }
      const text = `The page exposes no function '${name}' and has no global of that name`;
      const names = () => [...connection.exposures.names(), ...namesOf(globalThis)];
      return connection.exposures.wait(name, call, () => unknownError("UnknownFunction", text + didYouMean(name, names())));
    }
    function remove(value, key) {
      if (!Reflect.deleteProperty(value, key)) {
        throw new TypeError(`'${String(key)}' of ${classNameOf(value)} cannot be deleted`);
      }
    }
    function attribute(value, key) {
      const found = get(value, key);
      return isThenable(found) ? Promise.resolve(found).then((settled) => [answerOf(settled), false]) : [answerOf(found), typeof found === "function" && isMethod(value, key)];
    }
    const missing = (value, key) => unknownError("UnknownProperty", `${classNameOf(value)} has no item '${String(key)}'`);
    function item(value, key) {
      if (!isMapping(value)) {
        return get(value, key);
      }
      if (!value.has(key)) {
        throw missing(value, key);
      }
      return value.get(key);
    }
    function setItem(value, key, assigned) {
      if (isMapping(value) && typeof value.set === "function") {
        value.set(key, assigned);
      } else {
        const place2 = indexOf(value, key);
        if (isList(value) && typeof place2 === "number" && !(place2 in value)) {
          throw missing(value, key);
        }
        value[place2] = assigned;
      }
    }
    function removeItem(value, key) {
      const place2 = indexOf(value, key);
      if (isMapping(value) ? !value.has(key) : !(place2 in value)) {
        throw missing(value, key);
      } else if (isMapping(value)) {
        value.delete(key);
      } else if (Array.isArray(value) && typeof place2 === "number") {
        value.splice(place2, 1);
      } else {
        remove(value, place2);
      }
    }
    function has(value, key) {
      const asks = value.has ?? value.includes ?? value.contains;
      const isNode = typeof value.nodeType === "number";
      if (typeof asks === "function" && !(isNode && typeof key !== "object")) {
        return Boolean(asks.call(value, key));
      }
      const items = iterableOf(value);
      if (items === null || typeof key === "string" && key in value) {
        return key in value;
      }
      for (const item2 of items) {
        if (item2 === key) {
          return true;
        }
      }
      return false;
    }
    function lengthOf(value) {
      const length = value.length ?? value.size;
      if (typeof length !== "number") {
        throw new TypeError(`${classNameOf(value)} has no length`);
      }
      return length;
    }
    function iterate(value) {
      if (typeof value?.[Symbol.asyncIterator] === "function") {
        return laterItemsOf(value);
      }
      const items = iterableOf(value);
      if (items === null) {
        throw new TypeError(`${classNameOf(value)} cannot be iterated`);
      }
      return itemsOf2(items);
    }
    function raise(generator, failure) {
      return resume(generator, "throw", [connection.callErrors.at({}, failure, "generator", null)]);
    }
    function apply(value, owner, step, call) {
      const [name, first, second] = step;
      switch (name) {
        case "get":
          return get(value, first);
        case "set":
          value[first] = second;
          return null;
        case "delete":
          return void remove(value, first);
        case "attribute":
          return attribute(value, first);
        case "get_item":
          return item(value, first);
        case "set_item":
          return void setItem(value, first, second);
        case "delete_item":
          return void removeItem(value, first);
        case "has":
          return has(value, first);
        case "call":
          if (typeof value !== "function") {
            throw new TypeError(`${textOf2(value)} is not a function`);
          }
          return connection.exposures.call(value, owner, first, call);
        case "new":
          return Reflect.construct(value, first);
        case "length":
          return lengthOf(value);
        case "keys":
          return value === globalThis ? [.../* @__PURE__ */ new Set([...connection.exposures.names(), ...namesOf(value)])] : namesOf(value);
        case "iterate":
          return iterate(value);
        case "resume":
          return first === "throw" ? raise(value, second) : resume(value, "next", step.slice(2));
        case "own":
          return new OwnProperties(value, first);
        case "data":
          return dataOf(value, first ?? Infinity, second);
        case "describe":
          return describe(value);
        case "same":
          return value === first;
        case "await":
        case "reference":
          return value;
        // like every value, once it is settled
        case "read":
          return connection.blobs.read(value, first, second);
        default:
          throw new TypeError(`The page knows no step '${name}'`);
      }
    }
    function run(value, owner, steps, index, call) {
      for (; index < steps.length; index += 1) {
        const step = steps[index];
        const next = apply(value, owner, step, call);
        owner = step[0] === "get" || step[0] === "get_item" && !isMapping(value) ? value : void 0;
        value = next;
        if (isThenable(value)) {
          return runOn(value, steps, index + 1, call);
        }
      }
      const last = steps.at(-1)?.[0];
      if (last === "new" || last === "reference") {
        return typeof value === "object" && value !== null ? new ByReference(value) : value;
      }
      return last === "data" ? value : answerOf(value);
    }
    function runOn(value, steps, index, call) {
      return Promise.resolve(value).then((settled) => call.isCancelled ? void 0 : run(settled, void 0, steps, index, call));
    }
    function runInWorld(steps, call) {
      const [first] = steps;
      if (first?.[0] !== "get") {
        return run(globalThis, void 0, steps, 0, call);
      }
      const value = getGlobal(first[1], call);
      return isThenable(value) ? runOn(value, steps, 1, call) : run(value, void 0, steps, 1, call);
    }
    const receiveUse = ([, id, number, steps], reply) => {
      const serve = (call) => number === WORLD ? runInWorld(steps, call) : run(exports.get(number), void 0, steps, 0, call);
      if (id === 0) {
        connection.calls.run(null, serve, () => void 0, (error) => connection.fault("a callback", error));
      } else {
        const answer = (value) => {
          connection.answer(id, value, reply);
          connection.blobs.reuse(value);
        };
        connection.calls.run(id, serve, answer, (error) => reply(["error", id, errors.failure(error)]));
      }
    };
    connection.handle("use", receiveUse);
    connection.handle("release", ([, pairs]) => pairs.forEach(([number, count]) => exports.release(number, count)));
  }
  function namesOf(value) {
    const names = /* @__PURE__ */ new Set();
    for (let at = Object(value); at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
      Object.getOwnPropertyNames(at).forEach((name) => names.add(name));
    }
    return [...names];
  }
  var isList = (value) => typeof value === "object" && value !== null && typeof value.length === "number";
  function iterableOf(value) {
    if (typeof value?.[Symbol.iterator] === "function") {
      return value;
    }
    return isList(value) ? { [Symbol.iterator]: () => Array.prototype.values.call(value) } : null;
  }
  var isMapping = (value) => typeof value === "object" && value !== null && typeof value.get === "function" && typeof value.has === "function";
  var indexOf = (value, key) => typeof key === "number" && key < 0 && typeof value.length === "number" ? value.length + key : key;
  function isMethod(value, key) {
    const owns = (at2) => at2 === null || Object.hasOwn(at2, key);
    let at = Object(value);
    if (owns(at)) {
      return false;
    }
    while (!owns(at)) {
      at = Object.getPrototypeOf(at);
    }
    return at !== null && "value" in Object.getOwnPropertyDescriptor(at, key);
  }
  function* itemsOf2(value) {
    for (const item of value) {
      yield isThenable(item) ? Promise.resolve(item).then(answerOf) : answerOf(item);
    }
  }
  async function* laterItemsOf(value) {
    for await (const item of value) {
      yield answerOf(item);
    }
  }
  function dataOf(value, limit = Infinity, plain = false, above = /* @__PURE__ */ new Set()) {
    if (typeof value !== "object" || value === null || typeof value.toJSON === "function" || isBinary(value)) {
      return value;
    }
    const [type, content] = builtIn(value);
    if (isSparse(value)) {
      return value;
    }
    const isArray2 = type === "Set" || type === "" && typeof value[Symbol.iterator] === "function" && typeof value.length === "number";
    if (!(isArray2 || type === "Map" || type === "" && hasData(value, plain))) {
      return value;
    }
    if (above.size >= limit) {
      return new ByReference(value);
    }
    if (above.has(value) || above.size === DATA_DEPTH) {
      return value;
    }
    above.add(value);
    const inner = (item) => dataOf(item, limit, plain, above);
    let copy;
    if (type === "Map") {
      copy = new Map(content.map(([key, item]) => [key, inner(item)]));
    } else {
      copy = isArray2 ? Array.from(content ?? value, inner) : Object.fromEntries(Object.keys(value).map((key) => [key, inner(value[key])]));
    }
    above.delete(value);
    return copy;
  }
  var hasData = (value, plain) => isObjectLiteral(value) || !(plain || Object.keys(value).length === 0 || typeof value.addEventListener === "function");
  function describe(value) {
    const flags = {
      array: Array.isArray(value),
      callable: typeof value === "function",
      promise: isThenable(value),
      iterable: typeof value?.[Symbol.iterator] === "function",
      async_iterable: typeof value?.[Symbol.asyncIterator] === "function",
      map: typeof value?.get === "function" && typeof value.has === "function",
      length: typeof (value?.length ?? value?.size) === "number"
    };
    return { name: classNameOf(value), text: textOf2(value), flags: Object.entries(flags).filter(([, holds]) => holds).map(([name]) => name) };
  }
  function textOf2(value) {
    const text = typeof value?.outerHTML === "string" ? value.outerHTML : String(value);
    return text.length > TEXT_ROOM ? `${text.slice(0, TEXT_ROOM)}...` : text;
  }

  // src/connection.ts
  var STATES = {
    idle: { next: ["connecting", "closed", "hidden"], mayReconnect: true },
    connecting: { next: ["open", "waiting", "closed", "hidden"], mayReconnect: false },
    open: { next: ["waiting", "closed", "hidden"], mayReconnect: false },
    waiting: { next: ["connecting", "closed", "hidden"], mayReconnect: true },
    closed: { next: ["connecting"], mayReconnect: true },
    hidden: { next: ["connecting", "closed"], mayReconnect: false }
  };
  var PROTOCOL_ERROR = 4400;
  var BURST = 256;
  var GOOD_CONNECTION = 1e3;
  var [FIRST_DELAY, LONGEST_DELAY] = [100, 5e3];
  var CERTAIN_BYTES = 64 * 1024;
  var PATIENT_ATTEMPTS = 6;
  var ASK_EVERY = 4;
  var CANCELLABLE = ["call", "push", "use"];
  var UNCOUNTED = ["welcome", "close", "credit", "ack", "ping"];
  var DELIVERED = /* @__PURE__ */ new Map([
    ["call", "JsPyFunction.js"],
    ["notify", "JsPyFunction.js"],
    ["push", "JsPyQueue.js"],
    ["publish", "JsPyPubsub.js"],
    ["custom", "JsPyTextSocket.js"],
    ["use", "JsPyTextSocket.js"],
    ["release", "JsPyTextSocket.js"]
  ]);
  var isRequest = ([kind, id]) => kind === "call" || (kind === "push" || kind === "use") && id > 0;
  var Connection = class {
    constructor(address, identity) {
      this.address = address;
      this.identity = identity;
      this.custom = createCustomMessages(this);
      serveWorld(this);
      createProxies(this);
      serveFiles(this);
    }
    address;
    identity;
    outbox = new Outbox(
      (frame) => this.link?.socket.send(frame),
      (packet) => this.unexport(packet)
    );
    requests = new Requests((id, packet) => this.cancel(id, packet));
    deliveries = new Deliveries();
    calls = new Calls();
    errors = new ErrorDescriptions();
    callErrors = new CallErrors(() => this.socketId);
    /** Objects of this page that Python holds. */
    exports = new Exports();
    /** Objects of Python that this page holds. */
    imports = new Imports((pairs) => this.sendReleased(pairs));
    streams = new Streams(this);
    opened = new Listeners("add_open_event");
    closed = new Listeners("add_close_event");
    stateChanged = new Listeners("add_state_event");
    sessionBegan = new Listeners("add_session_event");
    /** Run before a message is queued: the changes of a state precede it. */
    beforePost = /* @__PURE__ */ new Set();
    /** Returns the subscriptions that `hello` carries. */
    topics = () => [];
    /** The functions that the page exposes, if JsPyFunction is loaded. */
    exposures = NO_EXPOSURES;
    /** Reads the files of this page for Python. */
    blobs = new BlobReader(this.exports);
    /** Saves a file on the user's computer. */
    download = createDownload(this);
    custom;
    /** Makes the arguments of `callKwargs`, for other scripts: each has its own copy of the class `Keywords`. */
    withKeywords = withKeywords;
    /** Shows the state of the connection to the user, if the badge is loaded. */
    badge = null;
    socketId = null;
    connections = 0;
    /** The reason that Python gave for closing the connection. */
    disconnectReason = null;
    state = "idle";
    link = null;
    session = null;
    documentName = randomName();
    maxBytes = MAX_MESSAGE_BYTES;
    /** The name of the last session, to detect that Python has restarted. */
    pythonName = "";
    wasWelcomed = false;
    toldState = "connecting";
    isFlushScheduled = false;
    failedAttempts = 0;
    retryTimer;
    giveUpTimer;
    /** True if the document reloads when it reconnects. */
    reloads = false;
    closedByPage = false;
    wantsBadge = true;
    refusal = "";
    hinted = false;
    warnedReason = "";
    warned = /* @__PURE__ */ new Set();
    waiters = /* @__PURE__ */ new Set();
    handlers = /* @__PURE__ */ new Map();
    // ---------------------------------------------------------------- public state
    get isOpen() {
      return this.state === "open";
    }
    get isWaiting() {
      return this.state === "waiting";
    }
    get socket() {
      return this.link?.socket ?? null;
    }
    /** The state as the public API names it. */
    get publicState() {
      if (this.state === "open" || this.state === "closed") {
        return this.state;
      }
      return this.session ? "reconnecting" : this.wasWelcomed ? "lost" : "connecting";
    }
    async waitReady(timeout) {
      const limit = millisecondsOf(timeout);
      if (this.state === "open" || this.state === "closed") {
        return this.state === "open";
      }
      return new Promise((resolve) => {
        const tell = (isReady) => (clearTimeout(timer), resolve(isReady));
        const late = () => void (this.waiters.delete(tell) && resolve(false));
        const timer = limit === null ? void 0 : setTimeout(late, limit);
        this.waiters.add(tell);
      });
    }
    setBadge(on) {
      this.wantsBadge = on;
      this.tellBadge(this.publicState);
    }
    /** Register the handler for a kind of message. */
    handle(kind, handler) {
      this.handlers.set(kind, handler);
    }
    // ---------------------------------------------------------------- states
    enter(next) {
      if (!STATES[this.state].next.includes(next)) {
        throw new Error(`jsmeets_local: a connection that is ${this.state} cannot be ${next}`);
      }
      this.state = next;
    }
    /** Connect for the first time, unless user code has connected or closed already. */
    begin() {
      if (this.state === "idle") {
        this.connect();
      }
      this.identity.storeFromFragment();
    }
    /** Connect again now. Returns false if the state does not allow it. */
    reconnect(url) {
      if (!STATES[this.state].mayReconnect) {
        return false;
      }
      if (url !== void 0 && url !== null) {
        this.address.set(url);
      }
      return this.connect();
    }
    /** Close the connection until `reconnect`. */
    close() {
      if (this.state === "closed") {
        return false;
      }
      this.sayGoodbye("closed");
      return true;
    }
    /** Disconnect a document that is being left and may return from the back/forward cache. */
    hide() {
      if (this.state !== "closed" && this.state !== "hidden") {
        this.sayGoodbye("hidden");
      }
    }
    /** Connect a document restored from the back/forward cache, under a new name. */
    show() {
      if (this.state === "hidden") {
        this.documentName = randomName();
        this.connect();
      }
    }
    /** Connect without waiting for the retry delay. */
    hurry() {
      if (this.state === "waiting") {
        this.connect();
      }
    }
    /** Send `goodbye` and close the link. Python knows the client since `hello`, even before the welcome. */
    sayGoodbye(next) {
      const old = this.link;
      if (this.state === "open") {
        this.outbox.flush();
      }
      if (old?.isGreeted) {
        old.send(["goodbye"]);
        if (next === "hidden" && this.outbox.bytesUnderWay > CERTAIN_BYTES) {
          this.reportDeparture();
        }
      }
      this.closedByPage = next === "closed";
      this.leave(next);
      old?.socket.close();
    }
    /** Tell Python over HTTP that this document has left. */
    reportDeparture() {
      const url = this.address.http(`left/${this.documentName}`);
      if (url) {
        navigator.sendBeacon?.(url);
      }
    }
    connect() {
      clearTimeout(this.retryTimer);
      this.enter("connecting");
      this.closedByPage = false;
      try {
        const { address, identity } = this;
        address.url ??= address.socket;
        const token = identity.token ? [`jsmeets.token.${identity.token}`] : [];
        this.listen(new WebSocket(address.url, ["jsmeets.v1", ...token]));
        return true;
      } catch (error) {
        console.error("JsPyTextSocket: cannot open a connection:", error);
        this.leave("closed");
        return false;
      }
    }
    listen(socket) {
      const link = new Link(socket, this.maxBytes, (secret) => this.address.http(`bulk/${secret}`));
      this.link = link;
      socket.onopen = () => link.ended || this.greet(link);
      socket.onmessage = (event) => link.ended || this.receive(link, event.data);
      socket.onclose = (event) => link.ended || this.lost(link, event);
    }
    /** Send `hello`, or reload the document under `--reload`. */
    greet(link) {
      if (this.reloads) {
        location.reload();
        return;
      }
      const { name, received } = this.session ?? { name: "", received: 0 };
      const mayFetch = this.address.http("bulk/") ? [true] : [];
      link.isGreeted = true;
      link.send(["hello", this.documentName, this.identity.page, this.topics(), name, received, ...mayFetch]);
    }
    lost(link, event) {
      this.noteReason(event.reason);
      const isNew = link.welcomedAt === null;
      if (isNew && !this.identity.token && !this.hinted) {
        this.hinted = true;
        console.error(`JsPyTextSocket: cannot connect to ${this.address.url}. Open the page with the URL that app.launch() printed, which carries the launch token, and check that the Python server is running.`);
      }
      if (!link.isGreeted && this.failedAttempts % ASK_EVERY === 0) {
        void this.updateRefusal();
      }
      const isHopeless = event.code === PROTOCOL_ERROR && isNew;
      this.leave(isHopeless ? "closed" : "waiting", isHopeless);
    }
    async updateRefusal() {
      this.refusal = await fetchRefusal(this.address, this.identity);
      this.tellBadge(this.publicState);
    }
    noteReason(reason) {
      if (reason) {
        this.disconnectReason = reason;
        if (reason !== this.warnedReason) {
          this.warnedReason = reason;
          console.warn(`JsPyTextSocket: disconnected: ${reason}`);
        }
      }
    }
    /** Close the link after a protocol violation, and start a new session. */
    refuse(reason) {
      this.session = null;
      console.error(`JsPyTextSocket: protocol error: ${reason}`);
      this.link?.socket.close(PROTOCOL_ERROR, reason.replace(/[^\x20-\x7e]/g, "?").slice(0, 120));
      this.leave("waiting");
    }
    /**
     * Drop the link. Keeps the session for the next link, or ends it.
     *
     * `isRefused`: Python accepted the WebSocket and then rejected the client.
     */
    leave(next, isRefused = false) {
      const { link, session } = this;
      const wasOpen = this.state === "open";
      if (typeof link?.welcomedAt === "number" && performance.now() - link.welcomedAt > GOOD_CONNECTION) {
        this.failedAttempts = 0;
      }
      clearTimeout(this.retryTimer);
      link?.end();
      this.link = null;
      this.enter(next);
      if (next !== "waiting" || !session?.seconds) {
        this.endSession();
      } else if (wasOpen) {
        this.giveUpTimer = setTimeout(() => this.giveUp(), session.seconds * 1e3);
      }
      if (next === "closed") {
        this.outbox.clear();
        this.exports.keep([]);
        this.tellWaiters(false);
      }
      if (wasOpen || isRefused) {
        this.closed.run();
      }
      this.tellState();
      this.settleAfterEvents();
    }
    /** Schedule the next attempt, unless a listener has reconnected or closed. */
    settleAfterEvents() {
      this.socketId = this.session ? this.socketId : null;
      if (this.state === "waiting") {
        const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.failedAttempts) * (0.5 + Math.random() / 2);
        this.failedAttempts += 1;
        clearTimeout(this.retryTimer);
        this.retryTimer = setTimeout(() => this.connect(), delay);
      }
    }
    // ---------------------------------------------------------------- sessions
    /** End a session that has expired, or whose Python has restarted. Unacknowledged messages may be lost. */
    endSession() {
      clearTimeout(this.giveUpTimer);
      const hadSession = this.session !== null;
      this.session = null;
      this.calls.cancelAll();
      this.requests.disconnect(this.state === "closed");
      const lost = this.outbox.reset();
      this.streams.endSession();
      this.exports.keep(this.outbox.exported);
      this.imports.end();
      if (hadSession && lost && this.state !== "hidden") {
        console.warn(`JsPyTextSocket: the connection was lost: ${lost} messages may or may not have arrived`);
      }
    }
    giveUp() {
      this.endSession();
      this.socketId = null;
      this.tellState();
    }
    receiveWelcome([, id, page, settings], link) {
      clearTimeout(this.giveUpTimer);
      const resumes = this.session !== null && settings.resumed === true && settings.session === this.session.name;
      if (resumes) {
        this.outbox.rewind(settings.received);
      } else if (this.endEarlierSession(link)) {
        const seconds = Number(settings.resume_seconds) || 0;
        this.session = new Session(String(settings.session ?? ""), seconds);
      } else {
        return;
      }
      link.session = this.session;
      link.welcomedAt = performance.now();
      this.apply(settings);
      link.assembler.maxBytes = this.maxBytes;
      this.wasWelcomed = true;
      this.hinted = true;
      this.warnedReason = "";
      this.refusal = "";
      this.disconnectReason = null;
      this.connections += 1;
      this.socketId = id;
      this.enter("open");
      this.identity.store(page);
      if (!resumes) {
        this.sendNames();
      }
      this.outbox.flush();
      this.tellWaiters(true);
      this.deliveries.run(() => this.tellOpened(link, !resumes));
    }
    apply(settings) {
      this.maxBytes = isId(settings.max_message_bytes) ? settings.max_message_bytes : this.maxBytes;
      this.streams.window = isId(settings.stream_items) ? settings.stream_items : this.streams.window;
      this.streams.unit = isId(settings.stream_bytes) ? Math.ceil(settings.stream_bytes / this.streams.window) : Infinity;
      this.reloads = settings.reload === true && hasDocument();
      this.wantsBadge &&= settings.badge !== false;
    }
    /** End the previous session. Listeners receive "lost" before "open", however soon Python returns. */
    endEarlierSession(link) {
      this.endSession();
      this.socketId = null;
      if (this.toldState === "reconnecting") {
        this.tellState();
      }
      return !link.ended;
    }
    // ---------------------------------------------------------------- events
    tellOpened(link, isNewSession) {
      if (!link.ended) {
        this.opened.run();
        this.tellState();
      }
      if (isNewSession && this.session) {
        const { name } = this.session;
        const restarted = this.pythonName !== "" && name !== this.pythonName;
        this.pythonName = name;
        this.sessionBegan.run(restarted);
      }
    }
    tellState() {
      const now = this.publicState;
      this.tellBadge(now);
      if (now !== this.toldState) {
        this.toldState = now;
        this.stateChanged.run(now);
      }
    }
    /** Update the badge, which stays hidden if user code closed the connection. */
    tellBadge(now) {
      if (this.state !== "hidden") {
        this.badge?.(this.wantsBadge && !this.closedByPage ? this.troubleOf(now) : "open", this.disconnectReason ?? "");
      }
    }
    troubleOf(now) {
      if (now === "open" || now === "closed") {
        return now;
      }
      if (this.reloads && now === "lost") {
        return this.failedAttempts < PATIENT_ATTEMPTS ? "restarting" : "broken";
      }
      return this.refusal && now !== "reconnecting" ? this.refusal : now;
    }
    tellWaiters(isReady) {
      const all = [...this.waiters];
      this.waiters.clear();
      all.forEach((tell) => tell(isReady));
    }
    // ---------------------------------------------------------------- receiving
    receive(link, data) {
      try {
        const messages = link.messagesOf(data);
        for (const message of messages) {
          if (!link.ended) {
            this.take(link, message);
          }
        }
        if (!link.ended) {
          link.acknowledge(typeof data === "string" ? data.length : data.byteLength);
        }
      } catch (error) {
        if (!(error instanceof ProtocolError)) {
          throw error;
        }
        this.refuse(error.message);
      }
    }
    take(link, message) {
      const [kind] = message;
      const { session } = link;
      if (link.welcomedAt === null ? kind !== "welcome" && kind !== "close" : kind === "welcome") {
        throw new ProtocolError(`unexpected '${kind}' message`);
      }
      if (session && !UNCOUNTED.includes(kind)) {
        session.received += 1;
      }
      const failure = specialsOf(message) ? revive(message, this.exports, this.imports) : null;
      if (failure) {
        this.refuseMessage(session, message, failure);
        return;
      }
      if (!DELIVERED.has(kind)) {
        this.takeAtOnce(link, message);
      } else if (this.deliveries.isHeld) {
        this.hold(session, message);
      } else {
        this.deliver(session, message);
      }
    }
    takeAtOnce(link, message) {
      const [kind, first, second] = message;
      switch (kind) {
        case "return":
          return this.requests.settle(first, null, second);
        case "error":
          return this.requests.settle(first, second);
        case "cancel":
          return this.receiveCancel(link, first);
        case "pull":
        case "items":
        case "end":
        case "stop":
          return this.streams.receive(message);
        case "state":
        case "patch":
        case "patched":
          return this.handlers.get(kind)?.(message, () => {
          });
        case "ack":
          return this.outbox.acknowledge(first);
        case "credit":
          return this.outbox.credit(first, second);
        case "ping":
          return link.send(["pong", first]);
        case "welcome":
          return this.receiveWelcome(message, link);
        case "close":
          return this.receiveClose(first, second, link);
        case "fault":
          return console.error(`JsPyTextSocket: ${first}: ${second.message}`);
        default:
          throw new ProtocolError(`unexpected '${kind}' message`);
      }
    }
    /** Report that a message refers to an object that this page does not have: to its caller, or in the log. */
    refuseMessage(session, message, error) {
      const [kind, id] = message;
      const failure = this.errors.failure(error);
      if (kind === "return") {
        this.requests.settle(id, failure);
      } else if (kind === "items") {
        this.streams.refuse(id, failure);
      } else if (isRequest(message)) {
        this.reply(session, ["error", id, failure]);
      } else {
        this.fault(`a '${kind}' message`, error);
      }
    }
    receiveClose(reason, comesBack, link) {
      this.noteReason(reason);
      link.socket.close();
      this.session = null;
      this.leave(comesBack ? "waiting" : "closed", link.welcomedAt === null);
    }
    /** Hold back a message until the scripts of the document have run; for good, if it is cancelled meanwhile. */
    hold(session, message) {
      const [, id] = message;
      const canBeCancelled = isRequest(message);
      if (canBeCancelled) {
        session?.held.add(id);
      }
      this.deliveries.run(() => {
        if (!canBeCancelled || session?.held.delete(id)) {
          this.deliver(session, message);
        }
      });
    }
    receiveCancel({ session }, id) {
      if (!session?.held.delete(id)) {
        this.calls.cancel(id);
      }
    }
    deliver(session, message) {
      const [kind, id] = message;
      if ((isRequest(message) || kind === "use" || kind === "release") && this.session !== session) {
        return;
      }
      const handler = this.handlers.get(kind);
      if (handler) {
        handler(message, (answer, body, label) => this.reply(session, answer, body, label));
        return;
      }
      const text = `This page has not loaded ${DELIVERED.get(kind)}`;
      if (isRequest(message)) {
        this.reply(session, ["error", id, { kind: "unavailable", name: "UnavailableError", message: text, trace: "" }]);
      } else {
        this.warnOnce(`${text}: '${kind}' messages are dropped`);
      }
    }
    /** Log a warning, but not the same one twice. */
    warnOnce(text) {
      if (!this.warned.has(text)) {
        this.warned.add(text);
        console.warn(`JsPyTextSocket: ${text}`);
      }
    }
    // ---------------------------------------------------------------- sending
    pack(message, body, label) {
      const specials = message[0] === "custom" ? null : new Specials(this.exports, this.imports);
      if (message[0] === "use") {
        specials.uses.push(message[2]);
      }
      return pack(message, body, label, this.maxBytes, this.outbox.mayTakeWhole, this.outbox.memory, specials);
    }
    post(packet, isAlwaysTaken = false) {
      this.beforePost.forEach((run) => run());
      if (this.state === "closed" || !this.outbox.put(packet, isAlwaysTaken)) {
        this.unexport(packet);
        return false;
      }
      if (this.state !== "open") {
        return true;
      }
      if (this.outbox.length >= BURST) {
        this.outbox.flush();
      } else if (!this.isFlushScheduled) {
        this.isFlushScheduled = true;
        queueMicrotask(this.flush);
      }
      return true;
    }
    flush = () => {
      this.isFlushScheduled = false;
      if (this.state === "open") {
        this.outbox.flush();
      }
    };
    /** Send a message that Python responds to. Throws TypeError if it cannot be serialized. */
    request(request) {
      const id = this.requests.newId();
      const message = request.message(id);
      const packet = this.pack(message, request.body, request.label);
      packet.order = request.order ?? null;
      if (this.post(packet)) {
        this.requests.add(id, packet, request, CANCELLABLE.includes(message[0]));
      } else {
        request.settle(disconnected(this.state === "closed" ? "the connection is closed" : "the send queue is full"));
      }
    }
    /** Send a message without a response. Returns false if closed or full; throws TypeError if it cannot be serialized. */
    notify(message, body, label, order) {
      const packet = this.pack(message, body, label);
      packet.order = order ?? null;
      return this.post(packet);
    }
    /** Tell Python that a request is given up, behind the last chunk of one that is under way. */
    cancel(id, packet) {
      this.outbox.afterwards(packet, () => this.control(["cancel", id]));
    }
    /** Send a small message of this session that needs no response and has no limit. */
    control(message, releases = []) {
      const packet = pack(message);
      packet.bound = true;
      packet.releases = releases;
      this.post(packet, true);
    }
    /** Send a message of this session in sequence with others of the same order. Throws TypeError if it cannot be serialized. */
    produce(message, body, label, order) {
      const packet = this.pack(message, body, label);
      packet.bound = true;
      packet.order = order;
      this.post(packet, true);
      return packet;
    }
    /** Tell Python the names that the page exposes now. A new session learns them with its welcome. */
    announceNames() {
      if (this.session) {
        this.control(["names", this.exposures.names()]);
      }
    }
    sendNames() {
      if (this.exposures.names().length) {
        this.announceNames();
      }
    }
    sendReleased(pairs) {
      this.control(["release", pairs], pairs.map(([number]) => number));
    }
    /** Forget the exports of a packet that Python does not receive. */
    unexport(packet) {
      packet.exported.forEach((number) => this.exports.release(number, 1));
    }
    /** Answer a request of Python with a value. */
    answer(id, value, reply) {
      try {
        reply(["return", id, value], value, "result");
      } catch (error) {
        reply(["error", id, { kind: "unserializable", ...this.errors.describe(error) }]);
      }
    }
    reply(session, message, body, label) {
      if (this.session === session) {
        const packet = this.pack(message, body, label);
        packet.bound = true;
        this.post(packet);
      }
    }
    /** Log an error that no caller receives, and report it to Python. */
    fault(what, error) {
      console.error(`JsPyTextSocket: error in ${what}:`, error);
      this.sendFault(what, { kind: "raised", ...this.errors.describe(error) });
    }
    sendFault(what, failure) {
      this.post(pack(["fault", what, failure]));
    }
    /** Call a user function, and report its error or rejection. */
    guard(what, action) {
      guard(action, (error) => this.fault(what, error));
    }
  };

  // src/latenames.ts
  var WAIT_MS = 2e3;
  var LateNames = class {
    installed = performance.now();
    waiting = /* @__PURE__ */ new Map();
    timer;
    /**
     * Return a promise of what is exposed as `key`; it never settles if the call is cancelled. Throws if it is too late for
     * the name. `unknown` creates the error.
     */
    wait(key, call, unknown) {
      const left = this.loaded() + WAIT_MS - performance.now();
      if (left <= 0) {
        throw unknown();
      }
      return new Promise((resolve, reject) => {
        const waiters = this.waiting.get(key) ?? /* @__PURE__ */ new Set();
        const waiter = { resolve, giveUp: () => reject(unknown()) };
        this.waiting.set(key, waiters.add(waiter));
        call.signal.addEventListener("abort", () => waiters.delete(waiter), { once: true });
        this.timer ??= setTimeout(() => this.giveUp(), left);
      });
    }
    /** Continue the calls that wait for a name, in a microtask: the script that exposes it runs to its end first. */
    arrive(key, entry) {
      this.waiting.get(key)?.forEach(({ resolve }) => resolve(entry));
      if (this.waiting.delete(key) && this.waiting.size === 0) {
        clearTimeout(this.timer);
        this.timer = void 0;
      }
    }
    /** Return when the scripts of the document had run, or when this one was installed, if that is later. */
    loaded() {
      const [timing] = performance.getEntriesByType?.("navigation") ?? [];
      return Math.max(this.installed, timing?.domContentLoadedEventStart ?? -Infinity);
    }
    giveUp() {
      this.timer = void 0;
      const all = [...this.waiting];
      this.waiting.clear();
      all.forEach(([, waiters]) => waiters.forEach((waiter) => waiter.giveUp()));
    }
  };

  // src/functions.ts
  var createFunctions = (function(connection, loadCode, loadView) {
    const exposed = /* @__PURE__ */ new Map();
    const owners = /* @__PURE__ */ new WeakMap();
    const { callErrors: errors } = connection;
    let isAnnounced = true;
    const late = new LateNames();
    let code = null;
    let view = null;
    function checkedKey(key) {
      if (typeof key !== "string") {
        throw new TypeError(`The key of a function must be a string, not ${typeof key}`);
      }
    }
    function call(key, ...given) {
      checkedKey(key);
      return callWith(key, inFirstCall("call", key, given, 1, () => waitOptionsOf(given[0], `call of '${key}'`)));
    }
    function callWith(key, wait) {
      return function invoke(...args) {
        return resultOf(connection, invoke, { message: (id) => ["call", id, key, args], body: args, label: "args", key }, wait);
      };
    }
    function callNowait(key, ...given) {
      checkedKey(key);
      inFirstCall("call_nowait", key, given, 0, () => void 0);
      return (...args) => {
        if (!connection.notify(["notify", key, args], args, "args")) {
          throw new Error("Could not send to server @javascript");
        }
      };
    }
    const isRunning = (key) => (exposed.get(key)?.running ?? 0) > 0;
    const keys = () => [...exposed.keys()];
    function expose(key, func, options) {
      if (typeof key !== "string" || key === "" || key.startsWith("$")) {
        throw new TypeError(`expose: the key must be a string that is not empty and does not begin with "$", not ${String(key)}`);
      }
      if (typeof func !== "function") {
        throw new TypeError(`expose('${key}'): expected a function, not ${func === null ? "null" : typeof func}`);
      }
      const { exclusive, context, replace } = typeof options === "string" || typeof options === "object" && options !== null ? optionsOf(options, ["exclusive", "context", "replace"], `expose('${key}')`) : { exclusive: options };
      if (isRunning(key) && !replace) {
        return false;
      }
      const tail = exposed.get(key)?.tail ?? Promise.resolve();
      const entry = { func, exclusive: Boolean(exclusive), context: Boolean(context), running: 0, tail };
      exposed.set(key, entry);
      owners.set(func, entry);
      late.arrive(key, entry);
      announce();
      return true;
    }
    function clear(key) {
      const isCleared = !isRunning(key) && exposed.delete(key);
      if (isCleared) {
        announce();
      }
      return isCleared;
    }
    function announce() {
      if (isAnnounced) {
        isAnnounced = false;
        queueMicrotask(() => {
          isAnnounced = true;
          connection.announceNames();
        });
      }
    }
    const unknown = (key) => unknownError("UnknownFunction", `The page exposes no function '${key}'${instead(key, keys())}`);
    function run(entry, own, call2) {
      const args = entry.context ? [...own, call2] : own;
      entry.running += 1;
      let result;
      try {
        result = entry.exclusive ? runInOrder(entry, args, call2) : entry.func(...args);
        if (isThenable(result)) {
          return Promise.resolve(result).finally(() => {
            entry.running -= 1;
          });
        }
      } catch (error) {
        entry.running -= 1;
        throw error;
      }
      entry.running -= 1;
      return result;
    }
    function runInOrder(entry, args, call2) {
      const result = entry.tail.then(() => call2.isCancelled ? void 0 : entry.func(...args));
      entry.tail = result.then(() => void 0, () => void 0);
      return result;
    }
    function serve(key, args, call2) {
      const entry = exposed.get(key);
      if (entry) {
        return run(entry, args, call2);
      }
      switch (key) {
        case "$map":
          return map(args, call2);
        case "$eval":
          return withCode(({ evaluate }) => evaluate(String(args[0])));
        case "$cell":
          return withCode(({ runCell }) => runCell(args[0], args[1], args[2]));
        case "$view":
          return loadedView().then((loaded) => loaded.run(String(args[0]), args.slice(1)));
        case "$describe":
          return describe2(String(args[0]), call2);
        default:
          return late.wait(key, call2, () => unknown(key)).then((arrived) => run(arrived, args, call2));
      }
    }
    async function load() {
      const loaded = await loadCode();
      return code ??= loaded.createCode();
    }
    function loadedView() {
      view ??= loadView().then(({ createView }) => createView());
      view.catch(() => {
        view = null;
      });
      return view;
    }
    function withCode(action) {
      if (code) {
        return action(code);
      }
      const release = connection.deliveries.hold();
      return load().then((loaded) => ({ value: action(loaded) })).finally(release).then(({ value }) => value);
    }
    async function describe2(key, call2) {
      const { func, context } = exposed.get(key) ?? await late.wait(key, call2, () => unknown(key));
      return (code ?? await load()).describe(key, func, context);
    }
    const receiveCall = ([, id, key, args], reply) => {
      connection.calls.run(
        id,
        (call2) => serve(key, args, call2),
        (value) => connection.answer(id, value, reply),
        (error) => reply(["error", id, failureOf2(error)])
      );
    };
    function receiveNotify(key, args) {
      connection.calls.run(
        null,
        (call2) => serve(key, args, call2),
        () => void 0,
        (error) => connection.fault(`function '${key}'`, error)
      );
    }
    const failureOf2 = (error) => connection.errors.failure(error);
    function map(args, call2) {
      const key = args.pop();
      return new Promise((done) => {
        const values = new Array(args.length);
        let failure = null;
        let open2 = args.length;
        const end = () => {
          open2 -= 1;
          if (open2 === 0) {
            done(failure ?? values);
          }
        };
        args.forEach((own, place2) => follow(() => serve(key, own, call2), (value) => {
          values[place2] = value;
          end();
        }, (error) => {
          failure = failure && failure.place < place2 ? failure : { place: place2, error: failureOf2(error) };
          end();
        }));
      });
    }
    if (hasDocument() && /^jsmeets-.*-auto$/.test(String(globalThis.name))) {
      loadedView().then((loaded) => loaded.reportHeight(), (error) => console.warn("jsmeets_local: the height stays:", error));
    }
    connection.exposures = {
      names: keys,
      find: (name) => exposed.get(name)?.func,
      wait: (name, call2, failure) => late.wait(name, call2, failure).then(({ func }) => func),
      call: (func, owner, args, call2) => {
        const entry = owners.get(func);
        return entry ? run(entry, args, call2) : Reflect.apply(func, owner, args);
      }
    };
    connection.handle("call", receiveCall);
    connection.handle("notify", ([, key, args]) => receiveNotify(key, args));
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
      list: () => call("$list")()
    };
  });

  // src/lifecycle.ts
  function scriptsHaveRun() {
    if (!hasDocument() || document.readyState !== "interactive") {
      return !hasDocument() || document.readyState === "complete";
    }
    const [timing] = performance.getEntriesByType?.("navigation") ?? [];
    return (timing?.domContentLoadedEventStart ?? 0) > 0;
  }
  function leave(connection, mayReturn) {
    const isVisible = document.visibilityState === "visible";
    if (mayReturn && !isVisible) {
      connection.hide();
      return;
    }
    const done = new AbortController();
    const listen = (name, action) => addEventListener(name, action, { signal: done.signal });
    const hide = () => {
      done.abort();
      connection.hide();
    };
    (isVisible ? ["visibilitychange"] : ["pagehide", "unload"]).forEach((name) => listen(name, hide));
    listen("pageshow", () => done.abort());
  }
  function followDocument(connection) {
    const release = scriptsHaveRun() ? () => void 0 : connection.deliveries.hold();
    if (!hasDocument()) {
      return;
    }
    document.addEventListener("DOMContentLoaded", () => setTimeout(release), { once: true });
    addEventListener("load", release, { once: true });
    addEventListener("online", () => connection.hurry());
    document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" || connection.hurry());
    addEventListener("pagehide", ({ persisted }) => leave(connection, persisted), { capture: true });
    addEventListener("pageshow", (event) => event.persisted && connection.show());
  }

  // src/pubsub.ts
  function checkTopic(topic) {
    if (typeof topic !== "string") {
      throw new TypeError(`A topic must be a string, not ${typeof topic}`);
    }
  }
  var createPubsub = (function(connection) {
    const subscriptions = /* @__PURE__ */ new Map();
    const request = (message, limit, body, order) => new Promise((resolve) => connection.request({
      message,
      body,
      label: "data",
      ...order !== void 0 && { order },
      limit,
      settle: (failure, value) => resolve({ answered: !failure, value: !failure && value === true })
    }));
    function publish(topic, ...given) {
      checkTopic(topic);
      const [suppress, timeout, retain = false] = given;
      const isTimeout = typeof suppress === "number" && timeout === void 0;
      const limit = inFirstCall("publish", topic, given, 3, () => {
        if (suppress !== null && /^(string|object|function)$/.test(typeof suppress)) {
          throw new TypeError(`publish: suppress must be true or false, not ${codeOf(suppress)}`);
        }
        return millisecondsOf(isTimeout ? suppress : timeout);
      });
      const isQuiet = !isTimeout && suppress !== void 0 && suppress !== false;
      return async (data) => {
        try {
          const message = (id) => [retain ? "retain" : "publish", id, topic, data, isQuiet];
          return (await request(message, limit, data, `publish ${topic}`)).value;
        } catch (error) {
          console.error(`JsPyPubsub: cannot publish '${topic}':`, error);
          return false;
        }
      };
    }
    async function subscribe(topic, func, timeout) {
      checkTopic(topic);
      const limit = millisecondsOf(timeout);
      checkedFunction(func, `subscribe('${topic}')`);
      const before = subscriptions.get(topic);
      const entry = before ?? { func, waiting: [], isBusy: false };
      entry.func = func;
      subscriptions.set(topic, entry);
      const { value } = await request((id) => ["subscribe", id, topic], limit);
      if (!value && !before && entry.func === func && subscriptions.get(topic) === entry) {
        subscriptions.delete(topic);
      }
      return value;
    }
    async function unsubscribe(topic, timeout) {
      const limit = millisecondsOf(timeout);
      const entry = subscriptions.get(topic);
      if (!entry) {
        return false;
      }
      subscriptions.delete(topic);
      entry.waiting = [];
      return (await request((id) => ["unsubscribe", id, topic], limit)).answered;
    }
    const topics = () => [...subscriptions.keys()];
    function receivePublication(topic, data) {
      const entry = subscriptions.get(topic);
      if (entry) {
        entry.waiting.push(data);
        drain(topic, entry);
      }
    }
    function drain(topic, entry) {
      while (!entry.isBusy && entry.waiting.length) {
        entry.isBusy = true;
        run(topic, entry, entry.waiting.shift());
      }
    }
    function run(topic, entry, data) {
      const failed = (error) => connection.fault(`subscriber of '${topic}'`, error);
      try {
        const result = entry.func(topic, data);
        if (isThenable(result)) {
          Promise.resolve(result).catch(failed).then(() => {
            entry.isBusy = false;
            drain(topic, entry);
          });
          return;
        }
      } catch (error) {
        failed(error);
      }
      entry.isBusy = false;
    }
    connection.topics = topics;
    connection.handle("publish", ([, , topic, data]) => receivePublication(topic, data));
    connection.custom.addProtocol("pub", ({ key, data }) => receivePublication(key, data));
    return { VERSION: version, publish, subscribe, unsubscribe, get_topics: topics };
  });

  // src/queues.ts
  var Items = class {
    list = [];
    first = 0;
    get size() {
      return this.list.length - this.first;
    }
    push(item) {
      this.list.push(item);
    }
    pop() {
      const item = this.list.pop();
      this.tidy();
      return item;
    }
    shift() {
      const item = this.list[this.first];
      this.list[this.first] = void 0;
      this.first += 1;
      this.tidy();
      return item;
    }
    tidy() {
      if (this.size === 0) {
        this.clear();
      } else if (this.first > 1024 && this.first * 2 > this.list.length) {
        this.list = this.list.slice(this.first);
        this.first = 0;
      }
    }
    clear() {
      this.list = [];
      this.first = 0;
    }
  };
  function orderOf2(key) {
    const fits = key === null || typeof key === "string" || typeof key === "boolean" || Number.isFinite(key);
    if (!fits) {
      throw new TypeError(`The key of a queue must be a string, number, boolean or null, not ${typeof key}`);
    }
    return `push ${JSON.stringify(key)}`;
  }
  var createQueues = (function(connection) {
    const queues = /* @__PURE__ */ new Map();
    const waiters = /* @__PURE__ */ new Map();
    let callbacks = [];
    function pushNowait(key, ...given) {
      const order = orderOf2(key);
      inFirstCall("push_nowait", key, given, 0, () => void 0);
      return (data) => {
        if (!connection.notify(["push", 0, key, data], data, "data", order)) {
          throw new Error("Could not send to server @javascript");
        }
      };
    }
    function push(key, ...given) {
      const order = orderOf2(key);
      const limit = inFirstCall("push", key, given, 1, () => millisecondsOf(given[0]));
      return (data) => new Promise((resolve) => {
        try {
          connection.request({
            message: (id) => ["push", id, key, data],
            body: data,
            label: "data",
            order,
            limit,
            settle: (failure, value) => {
              if (failure?.kind === "refused") {
                console.error(`JsPyQueue: cannot push to '${key}': ${failure.message}`);
              }
              resolve(!failure && value === true);
            }
          });
        } catch (error) {
          console.error(`JsPyQueue: cannot push to '${key}':`, error);
          resolve(false);
        }
      });
    }
    function receiveItem(key, data, taken = () => {
    }) {
      const items = queues.get(key) ?? new Items();
      queues.set(key, items);
      items.push(data);
      taken();
      waiters.get(key)?.shift()?.(items.shift());
      for (const func of [...callbacks]) {
        connection.guard(`queue callback for '${key}'`, () => func(key));
      }
    }
    const isEmpty = (key) => (queues.get(key)?.size ?? 0) === 0;
    const shift = (key, defaultValue) => isEmpty(key) ? defaultValue : queues.get(key).shift();
    async function get(key, timeout) {
      orderOf2(key);
      const limit = millisecondsOf(timeout);
      return isEmpty(key) ? nextItem(key, limit) : shift(key);
    }
    function nextItem(key, limit) {
      return new Promise((resolve, reject) => {
        const waiting = waiters.get(key) ?? [];
        waiters.set(key, waiting);
        const take = (item) => (clearTimeout(timer), resolve(item));
        const late = () => {
          waiting.splice(waiting.indexOf(take), 1);
          reject(new DOMException(`No item arrived on queue '${key}' in time`, "TimeoutError"));
        };
        const timer = limit === null ? void 0 : setTimeout(late, limit);
        waiting.push(take);
      });
    }
    connection.handle("push", ([, id, key, data], reply) => receiveItem(key, data, () => void (id > 0 && reply(["return", id, true]))));
    for (const protocol of ["queue", "queue_call"]) {
      connection.custom.addProtocol(protocol, ({ key, data }) => receiveItem(key, data));
    }
    return {
      VERSION: version,
      push_nowait: pushNowait,
      push,
      pop: (key, defaultValue) => isEmpty(key) ? defaultValue : queues.get(key).pop(),
      shift,
      get,
      is_empty: isEmpty,
      has: (key) => queues.has(key),
      get_keys: () => [...queues.keys()],
      clear(key) {
        queues.get(key)?.clear();
        return queues.has(key);
      },
      clear_all: () => queues.forEach((items) => items.clear()),
      remove: (key) => queues.delete(key),
      remove_all: () => queues.clear(),
      add_callback: (func) => void callbacks.push(checkedFunction(func, "add_callback")),
      clear_callback: () => void (callbacks = [])
    };
  });

  // src/canvas.ts
  function paintGray(data, { words }) {
    for (let at = 0; at < words.length; at += 1) {
      words[at] = 4278190080 | data[at] * 65793;
    }
  }
  function paintRgb(data, { words }) {
    for (let at = 0, from = 0; at < words.length; at += 1, from += 3) {
      words[at] = 4278190080 | data[from + 2] << 16 | data[from + 1] << 8 | data[from];
    }
  }
  var paintRgba = (data, { pixels }) => pixels.data.set(data);
  var PAINTERS = { 1: paintGray, 3: paintRgb, 4: paintRgba };
  function imageShape(image) {
    const shape = image instanceof NDArray ? image.shape : [];
    const fits = shape.length === 2 || shape.length === 3 && shape[2] in PAINTERS;
    if (!fits || image.dtype !== "uint8" || image.data.length === 0) {
      const given = image instanceof NDArray ? `${image.dtype} [${shape.join(", ")}]` : image?.constructor?.name ?? image;
      throw new TypeError(`imshow: expected an NDArray of dtype uint8 and shape [height, width], [height, width, 3] or [height, width, 4], not ${given}`);
    }
    return shape;
  }
  function createImshow() {
    const shown = /* @__PURE__ */ new WeakMap();
    function pictureOf(canvas, pen) {
      const known = shown.get(canvas);
      if (known && known.pixels.width === canvas.width && known.pixels.height === canvas.height) {
        return known;
      }
      const pixels = pen.createImageData(canvas.width, canvas.height);
      const made = { pixels, words: new Uint32Array(pixels.data.buffer) };
      shown.set(canvas, made);
      return made;
    }
    return (canvas, image) => {
      const [height, width, channels = 1] = imageShape(image);
      const pen = typeof canvas?.getContext === "function" ? canvas.getContext("2d") : null;
      if (!pen) {
        throw new TypeError("imshow: expected a canvas with a 2d context, or with no context yet");
      }
      if (canvas.width !== width || canvas.height !== height) {
        [canvas.width, canvas.height] = [width, height];
      }
      const picture = pictureOf(canvas, pen);
      PAINTERS[channels](image.data, picture);
      pen.putImageData(picture.pixels, 0, 0);
    };
  }

  // src/textsocket.ts
  var createTextSocket = (function(connection) {
    const { address, custom, opened, closed, stateChanged, sessionBegan, requests } = connection;
    const reconnect = (url) => connection.reconnect(url);
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
        pending: requests.size,
        ignored: requests.ignored,
        dropped: connection.calls.dropped,
        connections: connection.connections,
        references: { exported: connection.exports.size, imported: connection.imports.size },
        streams: connection.streams.size
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
      _connection: connection
    };
  });

  // src/uncaught.ts
  var MOST_UNCAUGHT = 50;
  var [MESSAGE_ROOM, TRACE_ROOM] = [2e3, 8e3];
  var KNOWN_TO_PYTHON = ["raised", "unserializable", "disconnected"];
  function reportUncaught(connection) {
    const { errors } = connection;
    const seen = /* @__PURE__ */ new Set();
    function tell(what, facts, place2 = "") {
      const message = withoutToken(facts.message.slice(0, MESSAGE_ROOM) + (place2 && ` (${place2})`));
      const key = `${facts.name}: ${message}`;
      if (seen.size < MOST_UNCAUGHT && !seen.has(key)) {
        seen.add(key);
        connection.sendFault(what, { kind: "uncaught", ...facts, message, trace: facts.trace.slice(0, TRACE_ROOM) });
      }
    }
    function receiveError({ target, error, message, filename, lineno, colno }) {
      if (target instanceof HTMLScriptElement || target instanceof HTMLLinkElement) {
        tell("loading a file", { name: "LoadError", message: loadText(target), trace: "" });
      } else if (target === globalThis && !errors.wasTold(error) && !/^ResizeObserver loop/.test(message)) {
        const facts = error ? errors.describe(error) : { name: "Error", message: String(message), trace: "" };
        tell("an uncaught error", facts, filename ? `${filename}:${lineno}:${colno}` : "");
      }
    }
    function receiveRejection({ reason }) {
      const isKnown = isOfPython(reason) && KNOWN_TO_PYTHON.includes(reason.kind);
      if (!isKnown && !errors.wasTold(reason)) {
        tell("an unhandled rejection", errors.describe(reason));
      }
    }
    if (hasDocument()) {
      addEventListener("error", receiveError, true);
      addEventListener("unhandledrejection", receiveRejection);
    }
  }
  function loadText(element2) {
    const address = element2 instanceof HTMLLinkElement ? element2.href : element2.src;
    if (address) {
      return `cannot load ${address}`;
    }
    const files = [...(element2.textContent ?? "").matchAll(/(?:from|import)\s*["']([^"']+)["']/g)].map(([, file]) => file);
    return `cannot load a file that a module in the page imports: ${files.join(", ")}`;
  }

  // src/install.ts
  var globals = globalThis;
  var [CODE_FILE, VIEW_FILE] = ["jsmeets-code.mjs", "jsmeets-view.mjs"];
  var currentScript = () => hasDocument() ? document.currentScript : null;
  function connectionFor(name) {
    const connection = globals.JsPyTextSocket?._connection;
    if (!connection) {
      throw new Error(`Load JsPyTextSocket.js before ${name}.js`);
    }
    return connection;
  }
  function once(name, make) {
    if (!globals[name]?.VERSION) {
      globals[name] = make();
    }
    return globals[name];
  }
  function installTextSocket(script2, source = "") {
    const installed = once("JsPyTextSocket", () => {
      const address = new Address(script2);
      const identity = new Identity(address);
      const connection = new Connection(address, identity);
      reportUncaught(connection);
      followDocument(connection);
      if (!script2) {
        identity.removeToken();
      }
      queueMicrotask(() => connection.begin());
      return createTextSocket(connection);
    });
    installed._connection.address.source ||= source;
    return installed;
  }
  var installFunctions = (loadCode, loadView) => once("JsPyFunction", () => {
    const connection = connectionFor("JsPyFunction");
    const asset = (file) => () => import(
      /* @vite-ignore */
      connection.address.asset(file)
    );
    return createFunctions(connection, loadCode ?? asset(CODE_FILE), loadView ?? asset(VIEW_FILE));
  });
  var installQueues = () => once("JsPyQueue", () => createQueues(connectionFor("JsPyQueue")));
  var installPubsub = () => once("JsPyPubsub", () => createPubsub(connectionFor("JsPyPubsub")));
  var installBinarySocket = (script2) => once("JsPyBinarySocket", () => createBinarySocket(script2, () => globals.JsPyTextSocket?._connection));
  function installBadge() {
    if (globals.JsPyTextSocket) {
      createBadge(globals.JsPyTextSocket._connection);
    }
  }

  // src/entries/jsmeets.ts
  var script = currentScript();
  installTextSocket(script);
  installFunctions();
  installQueues();
  installPubsub();
  installBinarySocket(script);
  installBadge();
})();
