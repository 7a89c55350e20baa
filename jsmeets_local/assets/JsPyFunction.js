// jsmeets_local 1.0.0, MIT License. Built from client/src: change it there, then run ./scripts/client.
"use strict";
(() => {
  // package.json
  var version = "1.0.0";

  // src/arguments.ts
  var orNull = (value) => ["undefined", "function", "symbol"].includes(typeof value) ? null : value;
  function millisecondsOf(timeout) {
    if (timeout === void 0 || timeout === null || typeof timeout === "number" && timeout <= 0) {
      return null;
    }
    if (typeof timeout !== "number" || !Number.isFinite(timeout)) {
      throw new TypeError(`timeout must be a number of seconds (0 or omitted for no limit), not ${String(timeout)}`);
    }
    return Math.min(timeout * 1e3, 2147483647);
  }

  // src/callbacks.ts
  var isThenable = (value) => value !== null && (typeof value === "object" || typeof value === "function") && typeof value.then === "function";
  function follow(action, done, failed) {
    let result;
    try {
      result = action();
      if (isThenable(result)) {
        Promise.resolve(result).then(done, failed);
        return;
      }
    } catch (error) {
      failed(error);
      return;
    }
    done(result);
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
  var TRACED = 16;
  var UNTRACED = `    at one of more than ${TRACED} calls in one turn`;
  var captureStackTrace = Error.captureStackTrace;
  var CallErrors = class {
    constructor(socketId) {
      this.socketId = socketId;
    }
    socketId;
    traced = 0;
    /** Capture the stack of a call below the function `below`. Returns null beyond the limit per turn. */
    placeOf(below) {
      if (this.traced === 0) {
        queueMicrotask(() => {
          this.traced = 0;
        });
      }
      this.traced += 1;
      if (this.traced > TRACED) {
        return null;
      }
      const place = captureStackTrace ? {} : new Error();
      captureStackTrace?.(place, below);
      return place;
    }
    at(place, failure, key, seconds) {
      const error = new JsPyError();
      const frames = place ? framesOf(withoutToken(place.stack ?? "")) : UNTRACED;
      const { name, message } = wordsFor(failure, key, seconds);
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
  function wordsFor(failure, key, seconds) {
    if (failure.kind === "timeout") {
      const detail = `'${key}' did not answer within ${seconds} s`;
      return { name: "TimeoutError", message: `A timeout has occurred @javascript: ${detail}` };
    }
    if (failure.kind === "disconnected") {
      const detail = failure.message ? `: ${failure.message}` : "";
      return { name: "DisconnectedError", message: `Unable to communicate with the server @javascript${detail}` };
    }
    return { name: failure.kind === "unknown" ? "UnknownFunction" : failure.name, message: failure.message };
  }

  // src/suggestion.ts
  var MAX_SHOWN = 30;
  function instead(key, names) {
    if (names.length === 0) {
      return "; it exposes none yet";
    }
    const meant = closest(key, names);
    const hint = meant === void 0 ? "" : `; did you mean '${meant}'?`;
    const more = names.length > MAX_SHOWN ? ` and ${names.length - MAX_SHOWN} others` : "";
    return `${hint} (exposed: ${names.slice(0, MAX_SHOWN).join(", ")}${more})`;
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

  // src/functions.ts
  var createFunctions = (function(connection, loadCode) {
    const exposed = /* @__PURE__ */ new Map();
    const errors = new CallErrors(() => connection.socketId);
    let code = null;
    function checkedKey(key) {
      if (typeof key !== "string") {
        throw new TypeError(`The key of a function must be a string, not ${typeof key}`);
      }
    }
    function call(key, timeout) {
      checkedKey(key);
      const limit = millisecondsOf(timeout);
      return function invoke(...args) {
        const place = errors.placeOf(invoke);
        return new Promise((resolve, reject) => connection.request({
          message: (id) => ["call", id, key, args],
          body: args,
          label: "args",
          limit,
          settle: (failure, value) => failure ? reject(errors.at(place, failure, key, timeout)) : resolve(value)
        }));
      };
    }
    function callNowait(key) {
      checkedKey(key);
      return (...args) => {
        if (!connection.notify(["notify", key, args], args, "args")) {
          throw new Error("Could not send to server @javascript");
        }
      };
    }
    const isRunning = (key) => (exposed.get(key)?.running ?? 0) > 0;
    const keys = () => [...exposed.keys()];
    function expose(key, func, exclusive = false) {
      if (typeof key !== "string" || key === "" || key.startsWith("$")) {
        throw new TypeError(`expose: the key must be a string that is not empty and does not begin with "$", not ${String(key)}`);
      }
      if (typeof func !== "function") {
        throw new TypeError(`expose('${key}'): expected a function, not ${func === null ? "null" : typeof func}`);
      }
      if (isRunning(key)) {
        return false;
      }
      exposed.set(key, { func, exclusive: Boolean(exclusive), running: 0, tail: Promise.resolve() });
      return true;
    }
    function unknown(key) {
      const error = new Error(`The page exposes no function '${key}'${instead(key, keys())}`);
      Object.defineProperty(error, "jsmeets_kind", { value: "unknown" });
      return Object.assign(error, { name: "UnknownFunction", stack: "" });
    }
    function run(entry, args) {
      entry.running += 1;
      let result;
      try {
        result = entry.exclusive ? runInOrder(entry, args) : entry.func(...args);
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
    function runInOrder(entry, args) {
      const result = entry.tail.then(() => entry.func(...args));
      entry.tail = result.then(() => void 0, () => void 0);
      return result;
    }
    function serve(key, args) {
      const entry = exposed.get(key);
      if (entry) {
        return run(entry, args);
      }
      switch (key) {
        case "$map":
          return map(args);
        case "$eval":
          return withCode(({ evaluate }) => evaluate(String(args[0])));
        case "$cell":
          return withCode(({ runCell }) => runCell(args[0], args[1], args[2]));
        case "$names":
          return keys().sort();
        case "$describe":
          return describe(String(args[0]));
        default:
          throw unknown(key);
      }
    }
    async function load() {
      const loaded = await loadCode();
      return code ??= loaded.createCode();
    }
    function withCode(action) {
      if (code) {
        return action(code);
      }
      const release = connection.deliveries.hold();
      return load().then((loaded) => ({ value: action(loaded) })).finally(release).then(({ value }) => value);
    }
    async function describe(key) {
      const entry = exposed.get(key);
      if (!entry) {
        throw unknown(key);
      }
      return (code ?? await load()).describe(key, entry.func);
    }
    const receiveCall = ([, id, key, args], reply) => {
      follow(() => serve(key, args), (value) => answer(id, value, reply), (error) => reply(["error", id, failureOf(error)]));
    };
    function receiveNotify(key, args) {
      connection.guard(`function '${key}'`, () => serve(key, args));
    }
    function answer(id, value, reply) {
      try {
        reply(["return", id, orNull(value)], value, "result");
      } catch (error) {
        reply(["error", id, { kind: "unserializable", ...connection.errors.describe(error) }]);
      }
    }
    function failureOf(error) {
      const isUnknown = error?.jsmeets_kind === "unknown";
      return { kind: isUnknown ? "unknown" : "raised", ...connection.errors.describe(error), ...isUnknown && { trace: "" } };
    }
    function map(args) {
      const key = args.pop();
      return new Promise((done) => {
        const values = new Array(args.length);
        let failure = null;
        let open = args.length;
        const end = () => {
          open -= 1;
          if (open === 0) {
            done(failure ?? values);
          }
        };
        args.forEach((own, place) => follow(() => serve(key, own), (value) => {
          values[place] = value;
          end();
        }, (error) => {
          failure = failure && failure.place < place ? failure : { place, error: failureOf(error) };
          end();
        }));
      });
    }
    connection.handle("call", receiveCall);
    connection.handle("notify", ([, key, args]) => receiveNotify(key, args));
    for (const protocol of ["function", "function_call"]) {
      connection.addProtocol(protocol, ({ key, data }) => receiveNotify(key, data ?? []));
    }
    return {
      VERSION: version,
      JsPyError,
      expose,
      clear: (key) => !isRunning(key) && exposed.delete(key),
      is_running: isRunning,
      get_keys: keys,
      has: (key) => exposed.has(key),
      call,
      call_nowait: callNowait,
      list: () => call("$list")()
    };
  });

  // src/install.ts
  var globals = globalThis;
  var CODE_FILE = "jsmeets-code.mjs";
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
  var installFunctions = (loadCode) => once("JsPyFunction", () => {
    const connection = connectionFor("JsPyFunction");
    return createFunctions(connection, loadCode ?? (() => import(connection.address.asset(CODE_FILE))));
  });

  // src/entries/JsPyFunction.ts
  installFunctions();
})();
