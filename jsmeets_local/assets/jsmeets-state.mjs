// jsmeets_local 1.0.0, MIT License. Built from client/src: change it there, then run ./scripts/client.

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

// src/statecopy.ts
var DEPTH = 256;
function createCopy(NDArrayType, originalOf) {
  function copied(given, room) {
    if (typeof given !== "object" || given === null) {
      return scalar(given);
    }
    const value = originalOf(given);
    if (room === 0) {
      throw new TypeError(`a state cannot hold a value that is nested more than ${DEPTH} levels deep, or contains itself`);
    }
    if (value instanceof NDArrayType) {
      return new NDArrayType(value.data.slice(), value.shape, value.dtype);
    }
    const tag = Object.prototype.toString.call(value).slice(8, -1);
    if (ArrayBuffer.isView(value) || tag === "ArrayBuffer" || tag === "SharedArrayBuffer") {
      return binary(value, tag);
    }
    if (isSparse(value)) {
      throw new TypeError(sparseText(value));
    }
    if (Array.isArray(value) || value instanceof Set) {
      return Array.from(value, (item) => copied(item, room - 1));
    }
    if (!(value instanceof Map) && typeof value.toJSON === "function") {
      return copied(value.toJSON(), room - 1);
    }
    if (!(value instanceof Map) && !isObjectLiteral(value)) {
      throw new TypeError(`a state has only data; got an object of ${value.constructor?.name ?? tag}`);
    }
    const copy = {};
    for (const [key, item] of value instanceof Map ? value : Object.entries(value)) {
      if (typeof key !== "string") {
        throw new TypeError("the keys of a Map in a state are strings");
      }
      if (item !== void 0) {
        define(copy, key, copied(item, room - 1));
      }
    }
    return copy;
  }
  return (value) => copied(value, DEPTH);
}
function scalar(value) {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) ? value || 0 : null;
    // Python gets NaN as null, and -0 as 0
    case "bigint":
      return BigInt(Number(value)) === value && Number.isSafeInteger(Number(value)) ? Number(value) : value;
    case "undefined":
      return null;
    case "function":
    case "symbol":
      throw new TypeError(`a state has only data; got a ${typeof value}`);
    default:
      return value;
  }
}
function binary(value, tag) {
  if (!ArrayBuffer.isView(value)) {
    return new Uint8Array(value).slice();
  }
  if (tag === "DataView" || tag === "Uint8ClampedArray") {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
  }
  const copy = value.slice();
  return value.dtype === "bool" ? Object.assign(copy, { dtype: "bool" }) : copy;
}

// src/statetree.ts
var isContainer = (value) => Array.isArray(value) || isObjectLiteral(value);
var placeName = (path) => `state${path.map((step) => typeof step === "string" && /^[\p{L}_$][\p{L}\d_$]*$/u.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`).join("")}`;
var places = /* @__PURE__ */ new WeakMap();
function plant(value, above, key) {
  if (isContainer(value)) {
    places.set(value, { above, key });
    plantItems(value);
  }
}
function plantItems(value) {
  if (Array.isArray(value)) {
    value.forEach((item, index) => plant(item, value, index));
  } else {
    Object.keys(value).forEach((key) => plant(value[key], value, key));
  }
}
var cut = (value) => isContainer(value) && places.delete(value);
function pathOf(container, root) {
  const path = [];
  for (let at = container; at !== root; ) {
    const place = places.get(at);
    if (!place) {
      return null;
    }
    if (Array.isArray(place.above) && place.above[place.key] !== at) {
      place.key = place.above.indexOf(at);
    }
    path.unshift(place.key);
    at = place.above;
  }
  return path;
}
function placeAt(root, path) {
  let place = root;
  path.forEach((step, depth) => {
    const fits = Array.isArray(place) ? typeof step === "number" : isContainer(place) && typeof step === "string";
    if (!fits || !Object.hasOwn(place, step)) {
      throw new TypeError(`there is no ${placeName(path.slice(0, depth + 1))}`);
    }
    place = place[step];
  });
  if (!isContainer(place)) {
    throw new TypeError(`${placeName(path)} is neither an object nor an array`);
  }
  return place;
}
function replaceItems(place, start, count, items) {
  const tail = place.splice(start);
  const old = tail.splice(0, count);
  old.forEach(cut);
  for (const item of items) {
    plant(item, place, place.length);
    place.push(item);
  }
  for (const item of tail) {
    place.push(item);
  }
  return old;
}
function apply(root, change) {
  const [path, value] = change;
  if (change.length >= 4) {
    const [, start, count, items] = change;
    const list = placeAt(root, path);
    if (!Array.isArray(list) || start > list.length) {
      throw new TypeError(`${placeName(path)} has no place ${start} for items`);
    }
    const old = replaceItems(list, start, count, items);
    return () => void replaceItems(list, start, items.length, old);
  }
  const [place, key] = [placeAt(root, path.slice(0, -1)), path.at(-1)];
  const isSet = change.length > 1;
  const hasKey = Object.hasOwn(place, key);
  if (Array.isArray(place) ? !isSet || typeof key !== "number" || !hasKey : typeof key !== "string" || !(isSet || hasKey)) {
    throw new TypeError(`there is no ${placeName(path)}`);
  }
  const before = hasKey ? place[key] : void 0;
  const put = (next, has, last) => {
    cut(last);
    if (has) {
      define(place, key, next);
      plant(next, place, key);
    } else {
      delete place[key];
    }
  };
  put(value, isSet, before);
  return () => put(before, hasKey, value);
}
function cloned(value) {
  if (Array.isArray(value)) {
    return value.map(cloned);
  }
  if (!isContainer(value)) {
    return value;
  }
  const copy = {};
  Object.entries(value).forEach(([key, item]) => define(copy, key, cloned(item)));
  return copy;
}
var isPlanted = (value) => isContainer(value) && places.has(value);

// src/state.ts
var PATIENCE = 2e3;
function record(batch, change) {
  const [path] = change;
  if (change.length === 2 && path.length === 1) {
    batch.entries = batch.entries.filter(({ change: [earlier] }) => earlier[0] !== path[0]);
  } else if (change.length === 2 && JSON.stringify(batch.entries.at(-1)?.change[0]) === JSON.stringify(path)) {
    batch.entries.pop();
  }
  batch.entries.push({ change, sent: cloned(change) });
}
var SharedState = class {
  constructor(name, connection, NDArrayType) {
    this.name = name;
    this.connection = connection;
    this.copy = createCopy(NDArrayType, (value) => this.originals.get(value) ?? value);
    this.first = new Promise((resolve) => {
      this.resolveFirst = resolve;
    });
    connection.beforePost.add(() => this.send());
    connection.sessionBegan.add(() => this.follow());
    if (["open", "reconnecting"].includes(connection.publicState)) {
      this.follow();
    }
    const call = name ? "page.state" : "app.state";
    setTimeout(() => this.wasReady || console.warn(`jsmeets_local: waiting for a state: Python makes it with ${call}(...)`), PATIENCE);
  }
  name;
  connection;
  root = {};
  first;
  resolveFirst;
  proxies = /* @__PURE__ */ new WeakMap();
  /** Proxy -> its container. */
  originals = /* @__PURE__ */ new WeakMap();
  copy;
  listeners = /* @__PURE__ */ new Map();
  changed = /* @__PURE__ */ new Set();
  /** Field -> the value that its listeners have received last. */
  told = /* @__PURE__ */ new Map();
  version = 0;
  pending = [];
  unsent = null;
  socketId = null;
  isReady = false;
  wasReady = false;
  /** The changes of this page, oldest first, that Python has not answered. */
  get unanswered() {
    return [...this.pending, ...this.unsent ? [this.unsent] : []];
  }
  /** Ask for the state in a new session. Changes that were sent to the one that has ended may be lost. */
  follow() {
    const { connection } = this;
    if (this.socketId === connection.socketId) {
      return;
    }
    this.socketId = connection.socketId;
    this.isReady = false;
    const all = this.unanswered;
    this.undo();
    const sent = all.filter(({ packet }) => packet?.sent);
    if (sent.length) {
      console.warn("jsmeets_local: the connection was lost: changes of the state may or may not have arrived");
    }
    const entries = all.filter(({ packet }) => !packet?.sent).flatMap((batch) => batch.entries);
    this.pending = [];
    this.unsent = entries.length ? { entries, undos: [], isMade: true, packet: null } : null;
    this.redo();
    connection.control(["follow", this.name]);
  }
  // ---------------------------------------------------------------- from Python
  receiveWhole([, , version, fields]) {
    this.version = version;
    this.rebase(() => {
      for (const key of Object.keys(this.root)) {
        cut(this.root[key]);
        delete this.root[key];
        this.changed.add(key);
      }
      for (const [key, value] of Object.entries(fields)) {
        define(this.root, key, value);
        this.changed.add(key);
      }
      plantItems(this.root);
    });
    this.isReady = true;
    if (!this.wasReady) {
      this.wasReady = true;
      this.changed.clear();
      Object.keys(this.root).forEach((key) => this.told.set(key, this.root[key]));
      this.resolveFirst(this.proxyOf(this.root));
    }
    this.scheduleListeners();
  }
  receivePatch([, , version, changes]) {
    this.version = version;
    this.rebase(() => this.applyAll(changes));
  }
  receiveAnswer([, , version, changes, failure]) {
    this.version = version;
    if (!changes && !failure) {
      this.pending.shift();
      return;
    }
    let refused;
    this.rebase(() => {
      refused = this.pending.shift();
      if (changes) {
        this.applyAll(changes);
      }
    });
    this.markBatch(refused);
    if (failure) {
      this.report(failure);
    }
  }
  applyAll(changes) {
    try {
      changes.forEach((change) => apply(this.root, change));
    } catch {
      this.connection.control(["follow", this.name]);
    }
    this.markChanged(changes);
  }
  report({ name, message }) {
    const error = Object.assign(new Error(message), { name });
    setTimeout(() => {
      throw error;
    });
  }
  /** Change what Python has sent, below the unanswered changes of this page. */
  rebase(action) {
    this.undo();
    action();
    this.redo();
    this.scheduleListeners();
  }
  undo() {
    for (const { undos } of this.unanswered.reverse()) {
      undos.splice(0).reverse().forEach((undo) => undo());
    }
  }
  redo() {
    for (const batch of this.unanswered) {
      const wasMade = batch.isMade;
      try {
        batch.entries.forEach(({ change }) => batch.undos.push(apply(this.root, change)));
        batch.isMade = true;
      } catch {
        batch.undos.splice(0).reverse().forEach((undo) => undo());
        batch.isMade = false;
      }
      if (batch.isMade !== wasMade) {
        this.markBatch(batch);
      }
    }
  }
  // ---------------------------------------------------------------- to Python
  /** Make a change of this page in a container. One that was removed from the state is changed by itself. */
  change(container, make) {
    const path = pathOf(container, this.root);
    const change = make(path ?? []);
    const undo = apply(path ? this.root : container, change);
    if (!path) {
      return;
    }
    if (!this.unsent) {
      this.unsent = { entries: [], undos: [], isMade: true, packet: null };
      queueMicrotask(() => this.send());
    }
    this.unsent.undos.push(undo);
    record(this.unsent, change);
    this.markChanged([change]);
    this.scheduleListeners();
  }
  /** Send the changes of this turn. */
  send() {
    const batch = this.unsent;
    if (!batch || !this.isReady) {
      return;
    }
    this.unsent = null;
    try {
      const changes = batch.entries.map(({ sent }) => sent);
      this.pending.push(batch);
      batch.packet = this.connection.produce(["patch", this.name, this.version, changes], changes, "changes", "state");
    } catch (error) {
      this.pending.pop();
      batch.undos.reverse().forEach((undo) => undo());
      this.markBatch(batch);
      this.report(error);
    }
  }
  // ---------------------------------------------------------------- listeners
  markChanged(changes) {
    changes.forEach(([path]) => this.changed.add(path[0]));
  }
  markBatch(batch) {
    this.markChanged(batch?.entries.map(({ change }) => change) ?? []);
  }
  /** Call the listeners at the end of the turn. */
  scheduleListeners() {
    if (!this.isReady && this.unsent) {
      queueMicrotask(() => this.callListeners());
      return;
    }
    queueMicrotask(() => {
      this.send();
      this.callListeners();
    });
  }
  callListeners() {
    const changed = [...this.changed];
    this.changed.clear();
    for (const field of changed) {
      const value = this.root[field];
      if (isContainer(value) || !Object.is(value, this.told.get(field))) {
        this.told.set(field, value);
        for (const func of [...this.listeners.get(field) ?? []]) {
          this.connection.guard(`the listener of state.${field}`, () => func(this.proxied(value)));
        }
      }
    }
  }
  on = (field, func) => {
    if (!Object.hasOwn(this.root, field)) {
      throw new TypeError(this.unknown(field));
    }
    if (typeof func !== "function") {
      throw new TypeError(`on('${field}', ...) takes a function`);
    }
    const entry = (value) => func(value);
    const funcs = this.listeners.get(field) ?? /* @__PURE__ */ new Set();
    this.listeners.set(field, funcs.add(entry));
    return () => void funcs.delete(entry);
  };
  unknown(field) {
    return `the state has no field '${field}'; its fields are ${Object.keys(this.root).join(", ")}`;
  }
  // ---------------------------------------------------------------- proxies
  /** Return a value of the tree as the page sees it. */
  proxied(value) {
    return isPlanted(value) ? this.proxyOf(value) : value;
  }
  proxyOf(container) {
    let proxy = this.proxies.get(container);
    if (!proxy) {
      proxy = new Proxy(container, {
        get: (target, key) => this.read(target, key),
        set: (target, key, value) => this.write(target, key, value),
        deleteProperty: (target, key) => this.remove(target, key),
        defineProperty: () => {
          throw new TypeError("a property of a state cannot be defined; assign a value");
        }
      });
      this.proxies.set(container, proxy);
      this.originals.set(proxy, container);
    }
    return proxy;
  }
  read(target, key) {
    if (target === this.root && key === "on") {
      return this.on;
    }
    const mutator = Array.isArray(target) && typeof key === "string" && Object.hasOwn(MUTATORS, key) ? MUTATORS[key] : void 0;
    if (mutator) {
      const splice = (start, count, items) => this.splice(target, start, count, items);
      return (...args) => mutator(this.proxyOf(target), splice, args);
    }
    return this.proxied(target[key]);
  }
  splice(target, start, count, items) {
    const made = items.map((item) => this.copy(item));
    const old = target.slice(start, start + count);
    if (count > 0 || made.length > 0) {
      this.change(target, (path) => [path, start, count, made]);
    }
    return old;
  }
  write(target, key, value) {
    if (typeof key === "symbol") {
      throw new TypeError("a state has only data");
    }
    if (target === this.root && !Object.hasOwn(target, key)) {
      throw new TypeError(this.unknown(key));
    }
    if (Array.isArray(target)) {
      this.writeItem(target, key, value);
      return true;
    }
    const made = this.copy(value);
    const isSame = Object.hasOwn(target, key) && (Object.is(target[key], made) || this.originals.get(value) === target[key]);
    if (!isSame) {
      this.change(target, (path) => [[...path, key], made]);
    }
    return true;
  }
  writeItem(target, key, value) {
    const index = key === "length" ? Number(value) : Number(key);
    if (!Number.isInteger(index) || index < 0) {
      throw new TypeError(`an array of a state has no property '${key}'`);
    }
    if (index - target.length > MOST_HOLES) {
      throw new TypeError(`an array of a state grows by at most ${MOST_HOLES} items at once`);
    }
    const missing = Array(Math.max(0, index - target.length)).fill(null);
    if (key === "length") {
      this.splice(target, Math.min(index, target.length), Math.max(0, target.length - index), missing);
    } else if (index >= target.length) {
      this.splice(target, target.length, 0, [...missing, value]);
    } else if (!Object.is(target[index], value) && this.originals.get(value) !== target[index]) {
      const made = this.copy(value);
      this.change(target, (path) => [[...path, index], made]);
    }
  }
  remove(target, key) {
    if (target === this.root || typeof key === "symbol" || Array.isArray(target)) {
      throw new TypeError(`state: '${String(key)}' cannot be deleted${Array.isArray(target) ? "; use splice" : ""}`);
    }
    if (Object.hasOwn(target, key)) {
      this.change(target, (path) => [[...path, key]]);
    }
    return true;
  }
};
var rearranged = (method) => (list, splice, args) => {
  const items = [...list];
  items[method](...args);
  splice(0, list.length, items);
  return list;
};
var MUTATORS = {
  push(list, splice, items) {
    splice(list.length, 0, items);
    return list.length;
  },
  pop: (list, splice) => list.length ? splice(list.length - 1, 1, [])[0] : void 0,
  shift: (list, splice) => list.length ? splice(0, 1, [])[0] : void 0,
  unshift(list, splice, items) {
    splice(0, 0, items);
    return list.length;
  },
  splice(list, splice, args) {
    const [first = 0, count = list.length, ...items] = args.length ? args : [0, 0];
    const start = Math.trunc(first) || 0;
    const from = start < 0 ? Math.max(0, list.length + start) : Math.min(start, list.length);
    return splice(from, Math.min(Math.max(0, Math.trunc(count) || 0), list.length - from), items);
  },
  sort: rearranged("sort"),
  reverse: rearranged("reverse"),
  fill: rearranged("fill"),
  copyWithin: rearranged("copyWithin")
};
function createStates(connection, NDArrayType) {
  const states = /* @__PURE__ */ new Map();
  connection.handle("state", (message) => states.get(message[1])?.receiveWhole(message));
  connection.handle("patch", (message) => states.get(message[1])?.receivePatch(message));
  connection.handle("patched", (message) => states.get(message[1])?.receiveAnswer(message));
  return (name) => {
    const shared = states.get(name) ?? new SharedState(name, connection, NDArrayType);
    states.set(name, shared);
    return shared.first;
  };
}
export {
  createStates
};
