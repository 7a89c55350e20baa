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

  // src/callbacks.ts
  var isThenable = (value) => value !== null && (typeof value === "object" || typeof value === "function") && typeof value.then === "function";

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
  var installPubsub = () => once("JsPyPubsub", () => createPubsub(connectionFor("JsPyPubsub")));

  // src/entries/JsPyPubsub.ts
  installPubsub();
})();
