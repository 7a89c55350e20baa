/** The state that Python and pages share. The module loads this file when a page first uses a state. */

import type { Connection } from "./connection.ts";
import type { Failure, Message } from "./messages.ts";
import type { NDArray } from "./ndarray.ts";
import type { Packet } from "./packet.ts";
import type { Step } from "./specials.ts";

/**
 * Fields that Python and pages share. `s.freq = 4` changes the field on all sides. Arrays and objects in it are changed
 * as usual: `s.points[2].x = 1`, `s.tags.push("a")`. What is assigned is copied. A change of the content of a typed array
 * is not noticed: assign another one.
 */
export type State<Fields extends object = Record<string, any>> = Fields & {
    /**
     * Call `func(value)` when a field, or something in it, has changed, on whichever side. Several changes in one turn
     * are one call. Returns a function that ends this.
     */
    on<Field extends keyof Fields & string>(field: Field, func: (value: Fields[Field]) => unknown): () => void;
};

/** A change, in the form of the wire: `[path, value]` sets, `[path]` deletes, `[path, start, count, items]` splices. */
export type Change = any[];
type Undo = () => void;

/** A change of this page. Later changes of the same turn may change its value, which is a part of the tree, but not `sent`. */
interface Entry {
    change: Change;
    sent: Change;
}

/** The changes of one turn of this page. */
interface Batch {
    entries: Entry[];
    undos: Undo[];
    isMade: boolean;   // false while a place that it changes does not exist
    packet: Packet | null;
}

/** The maximum nesting depth that Python accepts. */
const DEPTH = 256;
/** Milliseconds after which the console tells that Python has no state yet. */
const PATIENCE = 2000;

const define = (target: object, key: Step, value: unknown): void =>
    void Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
const isContainer = (value: unknown): value is object => Array.isArray(value) || isPlain(value);

function isPlain(value: any): boolean {
    if (typeof value !== "object" || value === null || Symbol.toStringTag in value) {
        return false;
    }
    const prototype = Object.getPrototypeOf(value);
    return prototype === null || Object.getPrototypeOf(prototype) === null;
}

const placeName = (path: readonly Step[]): string =>
    `state${path.map((step) => (typeof step === "string" && /^[\p{L}_$][\p{L}\d_$]*$/u.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`)).join("")}`;

// ---------------------------------------------------------------- the tree

/** Container -> the one above it and its key there; for an item of an array, the index where it was last found. */
const places = new WeakMap<object, { above: any; key: Step }>();

/** Note the places of a value and of what is in it. */
function plant(value: any, above: object, key: Step): void {
    if (isContainer(value)) {
        places.set(value, { above, key });
        plantItems(value);
    }
}

function plantItems(value: any): void {
    if (Array.isArray(value)) {
        value.forEach((item, index) => plant(item, value, index));
    } else {
        Object.keys(value).forEach((key) => plant(value[key], value, key));
    }
}

/** Make a value that was removed from a tree an ordinary one. */
const cut = (value: any): boolean => isContainer(value) && places.delete(value);

/** Return the path of a container in a tree; null if it was removed from it. */
function pathOf(container: object, root: object): Step[] | null {
    const path: Step[] = [];
    for (let at = container; at !== root;) {
        const place = places.get(at);
        if (!place) {
            return null;
        }
        if (Array.isArray(place.above) && place.above[place.key as number] !== at) {
            place.key = place.above.indexOf(at);
        }
        path.unshift(place.key);
        at = place.above;
    }
    return path;
}

function placeAt(root: any, path: readonly Step[]): any {
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

function replaceItems(place: any[], start: number, count: number, items: readonly any[]): any[] {
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

/** Make a change in a tree, as Python makes it. Returns what undoes it; throws TypeError if its place does not exist. */
function apply(root: any, change: Change): Undo {
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
    const before = hasKey ? place[key] : undefined;
    const put = (next: any, has: boolean, last: any): void => {
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

/** Add a change to those of a turn, and drop the earlier ones that it replaces. */
function record(batch: Batch, change: Change): void {
    const [path] = change;
    if (change.length === 2 && path.length === 1) {
        batch.entries = batch.entries.filter(({ change: [earlier] }) => earlier[0] !== path[0]);
    } else if (change.length === 2 && JSON.stringify(batch.entries.at(-1)?.change[0]) === JSON.stringify(path)) {
        batch.entries.pop();   // further back, an index may mean another item
    }
    batch.entries.push({ change, sent: cloned(change) });
}

/** Copy the containers of a value. */
function cloned(value: any): any {
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

// ---------------------------------------------------------------- states

/** One state, as this page sees it: what Python has sent, with the changes of this page that it has not answered. */
class Shared {
    readonly root: any = {};
    readonly first: Promise<any>;
    private resolveFirst!: (proxy: any) => void;
    private readonly proxies = new WeakMap<object, any>();
    private readonly originals = new WeakMap<object, object>();
    private readonly listeners = new Map<string, Set<(value: any) => unknown>>();
    private readonly changed = new Set<string>();
    private readonly told = new Map<string, unknown>();
    private version = 0;
    private pending: Batch[] = [];
    private turn: Batch | null = null;
    private socketId: number | null = null;
    private isReady = false;
    private wasReady = false;

    constructor(private readonly name: string, private readonly connection: Connection, private readonly NDArrayType: typeof NDArray) {
        this.first = new Promise((resolve) => { this.resolveFirst = resolve; });
        connection.beforePost.add(() => this.send());
        connection.sessionBegan.add(() => this.follow());
        if (["open", "reconnecting"].includes(connection.publicState)) {
            this.follow();
        }
        const call = name ? "page.state" : "app.state";
        setTimeout(() => this.wasReady || console.warn(`jsmeets_local: waiting for a state: Python makes it with ${call}(...)`), PATIENCE);
    }

    /** Ask for the state in a new session. Changes that were sent to the one that has ended may be lost. */
    private follow(): void {
        const { connection } = this;
        if (this.socketId === connection.socketId) {
            return;
        }
        this.socketId = connection.socketId;
        this.isReady = false;
        const all = [...this.pending, ...(this.turn ? [this.turn] : [])];
        this.undo();
        const sent = all.filter(({ packet }) => packet?.sent);
        if (sent.length) {
            console.warn("jsmeets_local: the connection was lost: changes of the state may or may not have arrived");
        }
        const entries = all.filter(({ packet }) => !packet?.sent).flatMap((batch) => batch.entries);
        this.pending = [];
        this.turn = entries.length ? { entries, undos: [], isMade: true, packet: null } : null;
        this.redo();
        connection.control(["follow", this.name]);
    }

    // ---------------------------------------------------------------- from Python

    receiveWhole([, , version, fields]: Message): void {
        this.version = version;
        this.around(() => {
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
        this.later();
    }

    receivePatch([, , version, changes]: Message): void {
        this.version = version;
        this.around(() => this.applyAll(changes));
    }

    receiveAnswer([, , version, changes, failure]: Message): void {
        this.version = version;
        if (!changes && !failure) {
            this.pending.shift();   // it stays where it is: the first one behind what Python has sent
            return;
        }
        let refused: Batch | undefined;
        this.around(() => {
            refused = this.pending.shift();
            if (changes) {
                this.applyAll(changes);
            }
        });
        this.touchAll(refused);
        if (failure) {
            this.report(failure);
        }
    }

    private applyAll(changes: Change[]): void {
        try {
            changes.forEach((change) => apply(this.root, change));
        } catch {
            this.connection.control(["follow", this.name]);   // this page had fallen behind
        }
        this.touch(changes);
    }

    private report({ name, message }: Pick<Failure, "name" | "message">): void {
        const error = Object.assign(new Error(message), { name });
        setTimeout(() => {
            throw error;   // as an error that no code of the page caught
        });
    }

    /** Change what is below the unanswered changes of this page. */
    private around(action: () => void): void {
        this.undo();
        action();
        this.redo();
        this.later();
    }

    private undo(): void {
        for (const { undos } of [...this.pending, ...(this.turn ? [this.turn] : [])].reverse()) {
            undos.splice(0).reverse().forEach((undo) => undo());
        }
    }

    private redo(): void {
        for (const batch of [...this.pending, ...(this.turn ? [this.turn] : [])]) {
            const wasMade = batch.isMade;
            try {
                batch.entries.forEach(({ change }) => batch.undos.push(apply(this.root, change)));
                batch.isMade = true;
            } catch {   // Python refuses it, too
                batch.undos.splice(0).reverse().forEach((undo) => undo());
                batch.isMade = false;
            }
            if (batch.isMade !== wasMade) {   // otherwise its fields are as they were, unless the change below touches them
                this.touchAll(batch);
            }
        }
    }

    // ---------------------------------------------------------------- to Python

    /** Make a change of this page in a container. One that was removed from the state is changed by itself. */
    private change(container: any, make: (path: Step[]) => Change): void {
        const path = pathOf(container, this.root);
        const change = make(path ?? []);
        const undo = apply(path ? this.root : container, change);
        if (!path) {
            return;
        }
        if (!this.turn) {
            this.turn = { entries: [], undos: [], isMade: true, packet: null };
            queueMicrotask(() => this.send());
        }
        this.turn.undos.push(undo);
        record(this.turn, change);
        this.touch([change]);
        this.later();
    }

    /** Send the changes of this turn. */
    private send(): void {
        const { turn } = this;
        if (!turn || !this.isReady) {
            return;
        }
        this.turn = null;
        try {
            const changes = turn.entries.map(({ sent }) => sent);
            this.pending.push(turn);
            turn.packet = this.connection.produce(["patch", this.name, this.version, changes], changes, "changes", "state");
        } catch (error) {
            this.pending.pop();
            turn.undos.reverse().forEach((undo) => undo());
            this.touchAll(turn);
            this.report(error as Error);
        }
    }

    // ---------------------------------------------------------------- listeners

    private touch(changes: readonly Change[]): void {
        changes.forEach(([path]) => this.changed.add(path[0]));
    }

    private touchAll(batch: Batch | undefined): void {
        this.touch(batch?.entries.map(({ change }) => change) ?? []);
    }

    /** Call the listeners at the end of the turn. */
    private later(): void {
        if (!this.isReady && this.turn) {
            queueMicrotask(() => this.tell());
            return;
        }
        queueMicrotask(() => {
            this.send();
            this.tell();
        });
    }

    private tell(): void {
        const changed = [...this.changed];
        this.changed.clear();
        for (const field of changed) {
            const value = this.root[field];
            if (isContainer(value) || !Object.is(value, this.told.get(field))) {
                this.told.set(field, value);
                for (const func of [...this.listeners.get(field) ?? []]) {
                    this.connection.guard(`the listener of state.${field}`, () => func(this.outside(value)));
                }
            }
        }
    }

    private readonly on = (field: string, func: (value: any) => unknown): (() => void) => {
        if (!Object.hasOwn(this.root, field)) {
            throw new TypeError(this.unknown(field));
        }
        if (typeof func !== "function") {
            throw new TypeError(`on('${field}', ...) takes a function`);
        }
        const entry = (value: any): unknown => func(value);
        const funcs = this.listeners.get(field) ?? new Set();
        this.listeners.set(field, funcs.add(entry));
        return () => void funcs.delete(entry);
    };

    private unknown(field: string): string {
        return `the state has no field '${field}'; its fields are ${Object.keys(this.root).join(", ")}`;
    }

    // ---------------------------------------------------------------- proxies

    /** Return a value of the tree as the page sees it. */
    private outside(value: any): any {
        return isContainer(value) && places.has(value) ? this.proxyOf(value) : value;
    }

    private proxyOf(container: object): any {
        let proxy = this.proxies.get(container);
        if (!proxy) {
            proxy = new Proxy(container, {
                get: (target: any, key) => this.read(target, key),
                set: (target, key, value) => this.write(target, key, value),
                deleteProperty: (target, key) => this.remove(target, key),
                defineProperty: () => {
                    throw new TypeError("a property of a state cannot be defined; assign a value");
                },
            });
            this.proxies.set(container, proxy);
            this.originals.set(proxy, container);
        }
        return proxy;
    }

    private read(target: any, key: string | symbol): any {
        if (target === this.root && key === "on") {
            return this.on;
        }
        const mutator = Array.isArray(target) && typeof key === "string" && Object.hasOwn(MUTATORS, key) ? MUTATORS[key] : undefined;
        if (mutator) {
            const splice = (start: number, count: number, items: any[]): any[] => this.splice(target, start, count, items);
            return (...args: any[]) => mutator(this.proxyOf(target), splice, args);
        }
        return this.outside(target[key]);
    }

    private splice(target: any[], start: number, count: number, items: any[]): any[] {
        const made = items.map((item) => this.copied(item, DEPTH));
        const old = target.slice(start, start + count);
        if (count > 0 || made.length > 0) {
            this.change(target, (path) => [path, start, count, made]);
        }
        return old;
    }

    private write(target: any, key: string | symbol, value: any): true {
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
        const made = this.copied(value, DEPTH);
        const isSame = Object.hasOwn(target, key) && (Object.is(target[key], made) || this.originals.get(value) === target[key]);
        if (!isSame) {
            this.change(target, (path) => [[...path, key], made]);
        }
        return true;
    }

    private writeItem(target: any[], key: string, value: any): void {
        const index = key === "length" ? Number(value) : Number(key);
        if (!Number.isInteger(index) || index < 0) {
            throw new TypeError(`an array of a state has no property '${key}'`);
        }
        const missing = Array(Math.max(0, index - target.length)).fill(null);
        if (key === "length") {
            this.splice(target, Math.min(index, target.length), Math.max(0, target.length - index), missing);
        } else if (index >= target.length) {
            this.splice(target, target.length, 0, [...missing, value]);
        } else if (!Object.is(target[index], value) && this.originals.get(value) !== target[index]) {
            const made = this.copied(value, DEPTH);
            this.change(target, (path) => [[...path, index], made]);
        }
    }

    private remove(target: any, key: string | symbol): boolean {
        if (target === this.root || typeof key === "symbol" || Array.isArray(target)) {
            throw new TypeError(`state: '${String(key)}' cannot be deleted${Array.isArray(target) ? "; use splice" : ""}`);
        }
        if (Object.hasOwn(target, key)) {
            this.change(target, (path) => [[...path, key]]);
        }
        return true;
    }

    /** Copy a value as Python gets it. Throws TypeError for what is no data. */
    private copied(given: any, room: number): any {
        if (typeof given !== "object" || given === null) {
            return scalar(given);
        }
        const value: any = this.originals.get(given) ?? given;
        if (room === 0) {
            throw new TypeError(`a state cannot hold a value that is nested more than ${DEPTH} levels deep, or contains itself`);
        }
        if (value instanceof this.NDArrayType) {
            return new this.NDArrayType(value.data.slice(), value.shape, value.dtype);
        }
        const tag = Object.prototype.toString.call(value).slice(8, -1);
        if (ArrayBuffer.isView(value) || tag === "ArrayBuffer" || tag === "SharedArrayBuffer") {
            return binary(value, tag);
        }
        if (Array.isArray(value) || value instanceof Set) {
            return Array.from(value, (item) => this.copied(item, room - 1));
        }
        if (!(value instanceof Map) && typeof value.toJSON === "function") {
            return this.copied(value.toJSON(), room - 1);
        }
        if (!(value instanceof Map) && !isPlain(value)) {
            throw new TypeError(`a state has only data; got an object of ${value.constructor?.name ?? tag}`);
        }
        const copy = {};
        for (const [key, item] of value instanceof Map ? value : Object.entries(value)) {
            if (typeof key !== "string") {
                throw new TypeError("the keys of a Map in a state are strings");
            }
            if (item !== undefined) {
                define(copy, key, this.copied(item, room - 1));
            }
        }
        return copy;
    }
}

function scalar(value: any): any {
    switch (typeof value) {
        case "number":
            return Number.isFinite(value) ? value || 0 : null;   // Python gets NaN as null, and -0 as 0
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

function binary(value: any, tag: string): any {
    if (!ArrayBuffer.isView(value)) {
        return new Uint8Array(value).slice();
    }
    if (tag === "DataView" || tag === "Uint8ClampedArray") {
        return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
    }
    const copy = (value as any).slice();
    return (value as any).dtype === "bool" ? Object.assign(copy, { dtype: "bool" }) : copy;
}

type Splice = (start: number, count: number, items: any[]) => any[];

/** Rearrange the items of an array by one of its own methods. */
const rearranged = (method: "sort" | "reverse" | "fill" | "copyWithin") => (list: any[], splice: Splice, args: any[]): any[] => {
    const items = [...list];
    (items as any)[method](...args);
    splice(0, list.length, items);
    return list;
};

/** The methods of arrays that change them, each as one change. */
const MUTATORS: Record<string, (list: any[], splice: Splice, args: any[]) => any> = {
    push(list, splice, items) {
        splice(list.length, 0, items);
        return list.length;
    },
    pop: (list, splice) => (list.length ? splice(list.length - 1, 1, [])[0] : undefined),
    shift: (list, splice) => (list.length ? splice(0, 1, [])[0] : undefined),
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
    copyWithin: rearranged("copyWithin"),
};

/** Return a function that resolves to a state by its name on the wire: "" for that of the application, else "page". */
export function createStates(connection: Connection, NDArrayType: typeof NDArray): (name: string) => Promise<State> {
    const states = new Map<string, Shared>();
    connection.handle("state", (message) => states.get(message[1])?.receiveWhole(message));
    connection.handle("patch", (message) => states.get(message[1])?.receivePatch(message));
    connection.handle("patched", (message) => states.get(message[1])?.receiveAnswer(message));
    return (name) => {
        const shared = states.get(name) ?? new Shared(name, connection, NDArrayType);
        states.set(name, shared);
        return shared.first;
    };
}
