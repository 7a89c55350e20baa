// jsmeets_local 1.0.0, MIT License. Built from client/src: change it there, then run ./scripts/client.

// src/notebook/wire.ts
var TARGET = "jsmeets_local";
var SUBSHELL = 1e3;
var PATIENCE = 4;
function openWire(model, receive, closed) {
  const kernel = model.widget_manager?.kernel;
  return kernel?.createComm ? CommWire.open(kernel, model.get("page"), receive, closed) : Promise.resolve(openModelWire(model, receive));
}
function openModelWire(model, receive) {
  const own = crypto.randomUUID();
  const take = ([view, message], buffers) => {
    if (view === own) {
      receive(message, buffers ?? []);
    }
  };
  model.on("msg:custom", take);
  model.send([own, ["open", 0]]);
  return {
    send: (message, buffers = []) => model.send([own, message], void 0, buffers),
    close: () => model.off("msg:custom", take)
  };
}
var CommWire = class _CommWire {
  /** @param isAlone whether the subshell has only messages of our comms. */
  constructor(comm, isAlone) {
    this.comm = comm;
    this.isAlone = isAlone;
  }
  comm;
  isAlone;
  timer;
  static async open(kernel, page, receive, closed) {
    await kernel.info;
    const comm = kernel.createComm(TARGET);
    let isAlone = false;
    if (kernel.supportsSubshells && comm.subshellStarted && comm.commsOverSubshells !== "disabled") {
      const started = comm.subshellStarted.then(() => true, () => false);
      isAlone = await Promise.race([started, new Promise((resolve) => setTimeout(resolve, SUBSHELL, false))]);
    }
    const wire = new _CommWire(comm, isAlone);
    comm.onMsg = ({ content, buffers }) => {
      wire.expectAnswer();
      receive(content.data, buffers ?? []);
    };
    comm.onClose = closed;
    kernel.statusChanged.connect((_, status) => ["restarting", "autorestarting", "dead"].includes(status) && closed());
    comm.open({ page, alone: isAlone }).dispose();
    return wire;
  }
  send(message, buffers = []) {
    clearTimeout(this.timer);
    this.timer = void 0;
    if (!this.comm.isDisposed) {
      this.comm.send(message, void 0, buffers).dispose();
    }
  }
  close() {
    clearTimeout(this.timer);
    if (!this.comm.isDisposed) {
      this.comm.close().dispose();
    }
  }
  /** Nudge soon, unless a message is sent. */
  expectAnswer() {
    if (this.isAlone) {
      this.timer ??= setTimeout(() => this.send(["nudge", 0]), PATIENCE);
    }
  }
};

// src/notebook/carrier.ts
var Carrier = class {
  /** @param ended called when Python has gone, or no longer has the page. */
  constructor(ended) {
    this.ended = ended;
  }
  ended;
  wire = null;
  lastNumber = 0;
  pending = /* @__PURE__ */ new Map();
  sockets = /* @__PURE__ */ new Map();
  told = /* @__PURE__ */ new Set();
  greeted = null;
  /** Connect to the carrier of a page. Returns null if there is none. */
  async open(model) {
    const addresses = new Promise((resolve) => {
      this.greeted = resolve;
    });
    this.wire = await openWire(model, (message, buffers) => this.receive(message, buffers), () => this.end());
    return addresses;
  }
  /** Fetch a path of the page's application. Rejects with TypeError, as `fetch` does. */
  fetch(path, { method = "GET", headers = [], body = null } = {}) {
    return this.ask((number) => this.send(["fetch", number, method, path, headers], body ? [body] : []));
  }
  /** Return the code of the module that shows a carried page. */
  async code() {
    return (await this.ask((number) => this.send(["code", number]))).body;
  }
  ask(send) {
    this.lastNumber += 1;
    const number = this.lastNumber;
    return new Promise((resolve, reject) => {
      this.pending.set(number, { resolve, reject });
      send(number);
    });
  }
  /** Add a WebSocket and return its number. */
  connect(socket, path, protocols) {
    this.lastNumber += 1;
    this.sockets.set(this.lastNumber, socket);
    if (this.wire) {
      this.send(["connect", this.lastNumber, path, protocols]);
    } else {
      queueMicrotask(() => socket.end(1006, ""));
    }
    return this.lastNumber;
  }
  send(message, buffers = []) {
    this.wire?.send(message, buffers);
  }
  /** Name what the wire cannot carry in the console of the page and in Python's log, once. */
  report(problem) {
    if (!this.told.has(problem)) {
      this.told.add(problem);
      console.error(`jsmeets_local: ${problem}`);
      this.send(["unreachable", 0, problem]);
    }
  }
  /** Tell Python that the document of the notebook is being left. */
  leave() {
    this.send(["bye", 0]);
  }
  close() {
    this.leave();
    this.wire?.close();
    this.wire = null;
    this.endAll();
  }
  end() {
    this.wire = null;
    this.endAll();
    this.greeted?.(null);
    this.ended();
  }
  endAll() {
    this.sockets.forEach((socket) => socket.end(1006, ""));
    this.sockets.clear();
    this.pending.forEach(({ reject }) => reject(new TypeError("the notebook has no connection to Python")));
    this.pending.clear();
  }
  receive([kind, number, ...rest], buffers) {
    const socket = this.sockets.get(number);
    switch (kind) {
      case "hello":
        return this.greeted?.(rest[0]);
      case "gone":
        return this.end();
      case "ping":
        return this.send(["pong", 0]);
      case "response":
      case "failed":
        return this.answer(kind, number, rest, buffers);
      case "accept":
        return socket?.open(rest[0]);
      case "text":
        return socket?.receive(rest[0]);
      case "bytes":
        return socket?.receive(buffers[0]);
      case "closed":
        this.sockets.delete(number);
        return socket?.end(rest[0], rest[1]);
      default:
        console.warn(`jsmeets_local: ignored a message '${kind}'`);
    }
  }
  answer(kind, number, rest, buffers) {
    const pending = this.pending.get(number);
    this.pending.delete(number);
    if (kind === "failed") {
      pending?.reject(new TypeError(rest[0]));
    } else {
      const [status, headers, url] = rest;
      pending?.resolve({ status, headers, url, body: bytesOf(buffers[0]) });
    }
  }
};
function bytesOf(view) {
  return view ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice() : new Uint8Array();
}

// src/notebook/widget.ts
var PROBE = 500;
var AUTO_BEGINS = "150px";
var GONE = "This page was available while Python was running. Run the cell again to restore it.";
var CARRIED = "The browser does not reach the page's port; the notebook's own channel carries the page.";
var LOOK = "box-sizing: border-box; width: 100%; border: 1px solid rgba(128, 128, 128, .35); border-radius: 4px; background: #fff";
async function show(model, element) {
  const [width, height] = model.get("size");
  const box = element.appendChild(document.createElement("div"));
  box.style.cssText = `width: ${width}; max-width: 100%`;
  const carrier = new Carrier(() => void 0);
  const addresses = await carrier.open(model);
  if (!addresses) {
    box.textContent = GONE;
    return () => box.remove();
  }
  const frame = Object.assign(document.createElement("iframe"), {
    name: model.get("name"),
    allow: "loopback-network; local-network-access",
    title: new URL(addresses.url, document.baseURI).pathname
  });
  frame.style.cssText = `${LOOK}; height: ${height === "auto" ? AUTO_BEGINS : height}`;
  const resize = ({ source, data }) => {
    if (height === "auto" && source === frame.contentWindow && data?.jsmeetsHeight >= 0) {
      frame.style.height = `${Math.min(Math.max(data.jsmeetsHeight, 20), 1e4) + 2}px`;
    }
  };
  addEventListener("message", resize);
  const remove = await fill(frame, box, addresses, carrier);
  const leave = () => carrier.leave();
  addEventListener("pagehide", leave);
  return () => {
    removeEventListener("pagehide", leave);
    removeEventListener("message", resize);
    remove();
    carrier.close();
    box.remove();
  };
}
async function fill(frame, box, addresses, carrier) {
  if (addresses.probe && await isReachable(addresses.probe)) {
    frame.src = addresses.url;
    box.append(frame);
    return () => void 0;
  }
  const code = URL.createObjectURL(new Blob([await carrier.code()], { type: "text/javascript" }));
  const module = await import(code);
  URL.revokeObjectURL(code);
  const remove = await module.carry(frame, addresses.place, carrier);
  const note = Object.assign(document.createElement("div"), { textContent: CARRIED });
  note.style.cssText = "font-size: 12px; line-height: 1.6; opacity: .7";
  box.append(frame, note);
  return remove;
}
async function isReachable(image) {
  try {
    await fetch(image, { mode: "no-cors", cache: "no-store", signal: AbortSignal.timeout(PROBE) });
    return true;
  } catch {
    return false;
  }
}

// src/entries/notebook.ts
var notebook_default = {
  render: ({ model, el }) => show(model, el)
};
export {
  notebook_default as default
};
