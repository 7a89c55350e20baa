/** The state that Python and pages share. The module loads this file when a page first uses a state. */

import type { Connection } from "./connection.ts";
import { define } from "./literals.ts";
import type { Failure, Message } from "./messages.ts";
import type { NDArray } from "./ndarray.ts";
import type { Packet } from "./packet.ts";
import { MOST_HOLES } from "./sparse.ts";
import type { Step } from "./specials.ts";
import { createCopy } from "./statecopy.ts";
import { apply, cloned, cut, isContainer, isPlanted, pathOf, plantItems, type Change, type Undo } from "./statetree.ts";

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

/** Milliseconds after which the console tells that Python has no state yet. */
const PATIENCE = 2000;

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

/** One state, as this page sees it: what Python has sent, with the changes of this page that it has not answered. */
class SharedState {
    readonly root: any = {};
    readonly first: Promise<any>;
    private resolveFirst!: (proxy: any) => void;
    private readonly proxies = new WeakMap<object, any>();
    /** Proxy -> its container. */
    private readonly originals = new WeakMap<object, object>();
    private readonly copy: (value: unknown) => any;
    private readonly listeners = new Map<string, Set<(value: any) => unknown>>();
    private readonly changed = new Set<string>();
    /** Field -> the value that its listeners have received last. */
    private readonly told = new Map<string, unknown>();
    private version = 0;
    private pending: Batch[] = [];
    private unsent: Batch | null = null;
    private socketId: number | null = null;
    private isReady = false;
    private wasReady = false;

    constructor(private readonly name: string, private readonly connection: Connection, NDArrayType: typeof NDArray) {
        this.copy = createCopy(NDArrayType, (value) => this.originals.get(value) ?? value);
        this.first = new Promise((resolve) => { this.resolveFirst = resolve; });
        connection.beforePost.add(() => this.send());
        connection.sessionBegan.add(() => this.follow());
        if (["open", "reconnecting"].includes(connection.publicState)) {
            this.follow();
        }
        const call = name ? "page.state" : "app.state";
        setTimeout(() => this.wasReady || console.warn(`jsmeets_local: waiting for a state: Python makes it with ${call}(...)`), PATIENCE);
    }

    /** The changes of this page, oldest first, that Python has not answered. */
    private get unanswered(): Batch[] {
        return [...this.pending, ...(this.unsent ? [this.unsent] : [])];
    }

    /** Ask for the state in a new session. Changes that were sent to the one that has ended may be lost. */
    private follow(): void {
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

    receiveWhole([, , version, fields]: Message): void {
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

    receivePatch([, , version, changes]: Message): void {
        this.version = version;
        this.rebase(() => this.applyAll(changes));
    }

    receiveAnswer([, , version, changes, failure]: Message): void {
        this.version = version;
        if (!changes && !failure) {
            this.pending.shift();   // it stays where it is: the first one behind what Python has sent
            return;
        }
        let refused: Batch | undefined;
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

    private applyAll(changes: Change[]): void {
        try {
            changes.forEach((change) => apply(this.root, change));
        } catch {
            this.connection.control(["follow", this.name]);   // this page had fallen behind
        }
        this.markChanged(changes);
    }

    private report({ name, message }: Pick<Failure, "name" | "message">): void {
        const error = Object.assign(new Error(message), { name });
        setTimeout(() => {
            throw error;   // as an error that no code of the page caught
        });
    }

    /** Change what Python has sent, below the unanswered changes of this page. */
    private rebase(action: () => void): void {
        this.undo();
        action();
        this.redo();
        this.scheduleListeners();
    }

    private undo(): void {
        for (const { undos } of this.unanswered.reverse()) {
            undos.splice(0).reverse().forEach((undo) => undo());
        }
    }

    private redo(): void {
        for (const batch of this.unanswered) {
            const wasMade = batch.isMade;
            try {
                batch.entries.forEach(({ change }) => batch.undos.push(apply(this.root, change)));
                batch.isMade = true;
            } catch {   // Python refuses it, too
                batch.undos.splice(0).reverse().forEach((undo) => undo());
                batch.isMade = false;
            }
            if (batch.isMade !== wasMade) {   // otherwise its fields are as they were, unless the change below touches them
                this.markBatch(batch);
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
    private send(): void {
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
            this.report(error as Error);
        }
    }

    // ---------------------------------------------------------------- listeners

    private markChanged(changes: readonly Change[]): void {
        changes.forEach(([path]) => this.changed.add(path[0]));
    }

    private markBatch(batch: Batch | undefined): void {
        this.markChanged(batch?.entries.map(({ change }) => change) ?? []);
    }

    /** Call the listeners at the end of the turn. */
    private scheduleListeners(): void {
        if (!this.isReady && this.unsent) {
            queueMicrotask(() => this.callListeners());
            return;
        }
        queueMicrotask(() => {
            this.send();
            this.callListeners();
        });
    }

    private callListeners(): void {
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
    private proxied(value: any): any {
        return isPlanted(value) ? this.proxyOf(value) : value;
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
        return this.proxied(target[key]);
    }

    private splice(target: any[], start: number, count: number, items: any[]): any[] {
        const made = items.map((item) => this.copy(item));
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
        const made = this.copy(value);
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

    private remove(target: any, key: string | symbol): boolean {
        if (target === this.root || typeof key === "symbol" || Array.isArray(target)) {
            throw new TypeError(`state: '${String(key)}' cannot be deleted${Array.isArray(target) ? "; use splice" : ""}`);
        }
        if (Object.hasOwn(target, key)) {
            this.change(target, (path) => [[...path, key]]);
        }
        return true;
    }
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
    const states = new Map<string, SharedState>();
    connection.handle("state", (message) => states.get(message[1])?.receiveWhole(message));
    connection.handle("patch", (message) => states.get(message[1])?.receivePatch(message));
    connection.handle("patched", (message) => states.get(message[1])?.receiveAnswer(message));
    return (name) => {
        const shared = states.get(name) ?? new SharedState(name, connection, NDArrayType);
        states.set(name, shared);
        return shared.first;
    };
}
