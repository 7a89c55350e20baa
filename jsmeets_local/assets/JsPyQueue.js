// jsmeets_local 1.0.0, MIT License. Built from client/src: change it there, then run ./scripts/client.
"use strict";
(() => {
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
  function checkedFunction(func, where) {
    if (typeof func !== "function") {
      throw new TypeError(`${where}: expected a function, not ${codeOf(func)}`);
    }
    return func;
  }

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
  function orderOf(key) {
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
      const order = orderOf(key);
      inFirstCall("push_nowait", key, given, 0, () => void 0);
      return (data) => {
        if (!connection.notify(["push", 0, key, data], data, "data", order)) {
          throw new Error("Could not send to server @javascript");
        }
      };
    }
    function push(key, ...given) {
      const order = orderOf(key);
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
      orderOf(key);
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

  // src/install.ts
  var globals = globalThis;
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
  var installQueues = () => once("JsPyQueue", () => createQueues(connectionFor("JsPyQueue")));

  // src/entries/JsPyQueue.ts
  installQueues();
})();
