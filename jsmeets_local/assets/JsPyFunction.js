// jsmeets_local 1.0.0, MIT License. Built from client/src: change it there, then run ./scripts/client.
"use strict";
(() => {
  // src/address.ts
  var hasDocument = () => typeof document !== "undefined";

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

  // src/errors.ts
  var ABORTED = { kind: "", name: "AbortError", message: "", trace: "" };
  var timedOut = (what = "did not answer") => ({ kind: "timeout", name: "TimeoutError", message: what, trace: "" });
  function unknownError(name, message) {
    const error = new Error(message);
    Object.defineProperty(error, "jsmeets_kind", { value: "unknown" });
    return Object.assign(error, { name, stack: "" });
  }
  var TRACED = 16;
  var UNTRACED = `    at one of more than ${TRACED} calls in one turn`;
  var captureStackTrace = Error.captureStackTrace;

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
          return describe(String(args[0]), call2);
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
    async function describe(key, call2) {
      const { func, context } = exposed.get(key) ?? await late.wait(key, call2, () => unknown(key));
      return (code ?? await load()).describe(key, func, context);
    }
    const receiveCall = ([, id, key, args], reply) => {
      connection.calls.run(
        id,
        (call2) => serve(key, args, call2),
        (value) => connection.answer(id, value, reply),
        (error) => reply(["error", id, failureOf(error)])
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
    const failureOf = (error) => connection.errors.failure(error);
    function map(args, call2) {
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
        args.forEach((own, place) => follow(() => serve(key, own, call2), (value) => {
          values[place] = value;
          end();
        }, (error) => {
          failure = failure && failure.place < place ? failure : { place, error: failureOf(error) };
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

  // src/install.ts
  var globals = globalThis;
  var [CODE_FILE, VIEW_FILE] = ["jsmeets-code.mjs", "jsmeets-view.mjs"];
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
  var installFunctions = (loadCode, loadView) => once("JsPyFunction", () => {
    const connection = connectionFor("JsPyFunction");
    const asset = (file) => () => import(
      /* @vite-ignore */
      connection.address.asset(file)
    );
    return createFunctions(connection, loadCode ?? asset(CODE_FILE), loadView ?? asset(VIEW_FILE));
  });

  // src/entries/JsPyFunction.ts
  installFunctions();
})();
