/** Streams in both directions: Python reads those of this page, and this page those of Python. */

import type { Connection } from "./connection.ts";
import { disconnected, unknownError, type CallSite } from "./errors.ts";
import { ProtocolError, type Failure, type Message } from "./messages.ts";
import { Producer, sourceOf, type Ending, type Outlet } from "./producer.ts";
import { DISPOSE, type Imported } from "./references.ts";
import { isStream } from "./specials.ts";

/** The number of items to grant at once, unless the welcome has another number. */
const WINDOW = 256;

/** A generator or iterator of Python: `for await (const row of stream)`. Leaving the loop closes it. */
export interface PyStream<Item = any> extends AsyncIterableIterator<Item> {
    next(): Promise<IteratorResult<Item, any>>;
    /** Close it in Python. */
    return(value?: any): Promise<IteratorResult<Item, any>>;
    /** The same as `return`. */
    destroy(): void;
}

interface Waiter {
    resolve: (result: IteratorResult<any>) => void;
    reject: (error: unknown) => void;
    site: CallSite;
    /** The stream, which must not be collected while something waits for its items. */
    holder: object;
}

/** What ends the streams of a call. */
export interface Bounds {
    signal: AbortSignal | undefined;
    /** Milliseconds until the timeout of the call; null means no limit. */
    left: number | null;
    /** Creates the error of the timeout. */
    late: (site: CallSite) => unknown;
}

const DONE = { done: true, value: undefined } as const;
/** The symbol of `await using`, which older browsers lack. */
const ASYNC_DISPOSE: symbol = (Symbol as any).asyncDispose ?? Symbol.for("Symbol.asyncDispose");

/** An item that counts as several. */
class Heavy {
    constructor(readonly value: any, readonly extra: number) {}
}

/** The items of a stream of Python that have arrived, and the reads that wait for more. */
class Reader {
    private items: any[] = [];
    private first = 0;
    private waiting: Waiter[] = [];
    /** Items that Python may still send. */
    private granted = 0;
    /** Items that were taken since the last grant. */
    private taken = 0;
    private isOver = false;
    /** Creates the error of the next reader, once. */
    private failure: ((site: CallSite) => unknown) | null = null;
    private detach: (() => void) | null = null;

    constructor(private readonly streams: Streams, readonly imported: Imported) {}

    next(holder: object, below: Function): Promise<IteratorResult<any>> {
        if (this.first < this.items.length) {
            return Promise.resolve({ done: false, value: this.take() });
        }
        const site = this.streams.connection.callErrors.callSite(below);
        return new Promise((resolve, reject) => {
            this.waiting.push({ resolve, reject, site, holder });
            if (this.isOver) {
                this.settleAll();
            } else if (this.granted === 0) {
                this.grant(this.streams.window);   // the first grant; later ones come before all items are taken
            }
        });
    }

    private take(): any {
        const item = this.items[this.first];
        this.items[this.first] = undefined;
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

    private grantTaken(): void {
        if (this.taken * 2 >= this.streams.window && !this.isOver) {
            this.grant(this.taken);
            this.taken = 0;
        }
    }

    private grant(count: number): void {
        this.granted += count;
        this.streams.connection.control(["pull", this.imported.number, count]);
    }

    /** Append the items of a message. Throws ProtocolError if there are more than were granted. */
    receive(items: any[], extra: number): void {
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
            this.waiting.shift()!.resolve({ done: false, value: this.take() });
        }
    }

    /** Note the end of the stream. Items that have arrived can still be read, before the error. */
    end(failure: Failure | null): void {
        const { callErrors } = this.streams.connection;
        this.finish(failure && ((site) => callErrors.at(site, failure, "stream", null)));
    }

    private finish(failure: ((site: CallSite) => unknown) | null): void {
        this.isOver = true;
        this.failure = failure;
        this.detach?.();
        this.settleAll();
    }

    /** Drop the items that have arrived, and let Python close the stream. `failure` creates the error of the next read. */
    stop(failure: ((site: CallSite) => unknown) | null = null): void {
        this.items = [];
        this.first = 0;
        if (!this.isOver) {
            this.finish(failure);
            this.streams.stop(this.imported);
        }
    }

    /** Stop when the signal aborts, or the time is over. The next reader receives the reason, as from the body of a `fetch`. */
    follow({ signal, left, late }: Bounds): void {
        const abort = (): void => this.stop(() => signal!.reason);
        const timer = left === null ? undefined : setTimeout(() => this.stop(late), left);
        signal?.addEventListener("abort", abort, { once: true });
        this.detach = () => {
            clearTimeout(timer);
            signal?.removeEventListener("abort", abort);
        };
    }

    /** Settle all waiting reads: the first with the error, if there is one. */
    private settleAll(): void {
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
}

/** Return the object that JavaScript iterates over. The reader does not refer to it: it is closed when it is collected. */
function createStream(reader: Reader): PyStream {
    const stream: any = {
        next: () => reader.next(stream, stream.next),
        async return(value?: any) {
            reader.stop();
            return { done: true, value };
        },
        destroy: () => reader.stop(),
        [DISPOSE]: () => reader.stop(),
        [ASYNC_DISPOSE]: async () => reader.stop(),
        [Symbol.asyncIterator]: () => stream,
        get [Symbol.toStringTag]() {
            return "PyStream";
        },
    };
    return stream;
}

/** The streams of a connection. */
export class Streams {
    /** The number of items that a reader grants at once. */
    window = WINDOW;
    /** The bytes of an item that counts as one. */
    unit = Infinity;
    /** Number of Python's stream -> its reader. */
    private readonly readers = new Map<number, Reader>();
    /** Number of this page's stream -> its producer, once Python has begun to read. */
    private readonly producers = new Map<number, Producer>();

    constructor(readonly connection: Connection) {
        const { imports } = connection;
        imports.makers.set("stream", (imported) => {
            const reader = new Reader(this, imported);
            this.readers.set(imported.number, reader);
            return createStream(reader);
        });
        imports.droppers.set("stream", ({ number }) => this.readers.get(number)?.stop());
    }

    /** The number of streams that are being read, in both directions. */
    get size(): number {
        return this.readers.size + this.producers.size;
    }

    /** Stop a stream of Python when the call that has returned it is over by its signal or its timeout. */
    follow(value: any, bounds: Bounds): void {
        const imported = typeof value === "object" && value !== null && this.connection.imports.of(value);
        if (imported) {
            this.readers.get(imported.number)?.follow(bounds);
        }
    }

    receive([kind, number, detail, extra]: Message): void {
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
    ended(number: number, failure: Failure | null): void {
        const reader = this.readers.get(number);
        if (reader) {
            this.readers.delete(number);
            this.connection.imports.forget(reader.imported);
            reader.end(failure);
        }
    }

    /** End a stream whose items refer to an object that this page does not have. */
    refuse(number: number, failure: Failure): void {
        if (this.readers.has(number)) {
            this.ended(number, failure);
            this.connection.control(["stop", number]);
        }
    }

    /** Let Python close a stream. */
    stop(imported: Imported): void {
        this.readers.delete(imported.number);
        this.connection.imports.forget(imported);
        this.connection.control(["stop", imported.number], [imported.number]);   // after messages that return it to Python
    }

    // ---------------------------------------------------------------- streams of this page

    private pull(number: number, count: number): void {
        try {
            this.producerOf(number).pull(count);
        } catch (error) {
            this.sendEnd(number, { error, isUnsendable: false });   // of no stream, or of one that somebody else reads
        }
    }

    private producerOf(number: number): Producer {
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

    private outletOf(number: number): Outlet {
        return {
            send: (items, extra) => this.connection.produce(
                extra ? ["items", number, items, [], extra] : ["items", number, items], items, "items", orderOf(number),
            ),
            end: (ending) => {
                this.forget(number);
                this.sendEnd(number, ending);
            },
            fault: (error) => this.connection.fault("closing a stream", error),
        };
    }

    private sendEnd(number: number, ending: Ending | null): void {
        const { errors } = this.connection;
        const failure = ending && { ...errors.failure(ending.error), ...(ending.isUnsendable && { kind: "unserializable" }) };
        this.connection.produce(["end", number, ...(failure ? [failure] : [])], failure, "error", orderOf(number));
    }

    private forget(number: number): void {
        this.producers.delete(number);
        this.connection.exports.forget(number);
    }

    /** Python has stopped reading a stream, or has never begun. */
    private stopped(number: number): void {
        const { exports } = this.connection;
        if (!exports.has(number) || !isStream(exports.get(number))) {
            return;   // it has ended: `stop` crossed with `end`
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
    endSession(): void {
        const producers = [...this.producers.values()];
        this.producers.clear();
        const readers = [...this.readers.values()];
        this.readers.clear();
        readers.forEach((reader) => reader.end(disconnected("the session of this stream has ended")));
        queueMicrotask(() => producers.forEach((producer) => producer.stop()));   // they run the page's code
    }
}

const orderOf = (number: number): string => `stream ${number}`;
