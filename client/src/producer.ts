/** Streams that Python reads: iterators, generators and ReadableStreams of this page. */

import { isThenable } from "./callbacks.ts";
import { isBinary, type Packet } from "./packet.ts";
import { classNameOf } from "./specials.ts";
import { queueMacrotask } from "./macrotasks.ts";

/** Batches end at about this size, as packets count it: an upper bound of 64 KiB of text in UTF-8. */
const BATCH_SIZE = 3 * 65536;
/** The size that an object counts as before one has been measured. */
const FIRST_SIZE = 8192;
/** Milliseconds that a synchronous iterator may run in one turn of the event loop. */
const TIME_SLICE = 8;
/** Unacknowledged bytes at which a source waits, even with credit. */
const IN_FLIGHT = 4194304;

type Result = IteratorResult<any>;

/** The source of a stream. */
export interface Source {
    next(): Result | PromiseLike<Result>;
    /** Close the source. */
    close(): unknown;
}

/** Return the source of an exported object. Throws TypeError if it is locked or cannot be iterated. */
export function sourceOf(value: any): Source {
    if (typeof value.getReader === "function") {   // a ReadableStream; Safari cannot iterate over one
        const reader = (value as ReadableStream).getReader();
        return { next: () => reader.read() as Promise<Result>, close: () => reader.cancel() };
    }
    const isAsync = typeof value[Symbol.asyncIterator] === "function";
    const iterator = isAsync ? value[Symbol.asyncIterator]() : value[Symbol.iterator]();
    const close = (): unknown => iterator.return?.();
    if (isAsync) {
        return { next: () => iterator.next(), close };
    }
    return { next: () => awaited(iterator.next()), close };
}

/**
 * Resume a generator that no producer reads, by `next` with at most one value or by `throw`: `[isDone, value]`.
 *
 * The answer is null if the generator lets the error pass that was thrown into it.
 */
export async function resume(generator: any, method: "next" | "throw", given: readonly any[]): Promise<[isDone: boolean, value: any] | null> {
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

/** Await the promises of a synchronous iterator, as `for await` does. */
function awaited(result: Result): Result | Promise<Result> {
    const { done, value } = result;
    return !done && isThenable(value) ? Promise.resolve(value).then((item) => ({ done: false, value: item })) : result;
}

/** The error that ends a stream early. */
export interface Ending {
    error: unknown;
    /** True if the error is of an item that cannot be sent, and not of the source. */
    isUnsendable: boolean;
}

/** The connection of a producer to its reader. */
export interface Outlet {
    /** Send items, of which large ones count as `extra` further ones. Throws TypeError if one cannot be sent. */
    send(items: any[], extra: number): Packet;
    /** Send the end of the stream. */
    end(ending: Ending | null): void;
    /** Report an error that the reader does not receive. */
    fault(error: unknown): void;
}

/** Reads as many items from a source as the reader grants, and sends them at the end of each turn. */
export class Producer {
    private credit = 0;
    private batch: any[] = [];
    private batchSize = 0;
    /** The further items that the large ones of the batch count as. */
    private batchExtra = 0;
    private itemSize = FIRST_SIZE;
    private inFlight = 0;
    /** True while the source is being read, or a later turn will read it. */
    private isBusy = false;
    private isFlushDue = false;
    private isOver = false;

    /** @param unit the bytes of an item that counts as one. */
    constructor(private readonly source: Source, private readonly outlet: Outlet, private readonly unit: number) {}

    /** Grant `count` more items. */
    pull(count: number): void {
        this.credit += count;
        this.read();
    }

    /** Stop, without a message to the reader, which has left. */
    stop(): void {
        if (!this.isOver) {
            this.isOver = true;
            this.batch = [];
            this.close();
        }
    }

    private get mayRead(): boolean {
        return !this.isOver && !this.isBusy && this.credit > this.batchExtra && this.inFlight < IN_FLIGHT;
    }

    /** Read the source until an item is a promise, or the time slice is over. */
    private read(): void {
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
    private readOne(): boolean {
        try {
            const result = this.source.next();
            if (isThenable(result)) {
                this.isBusy = true;
                Promise.resolve(result).then((settled) => this.receive(settled), (error) => this.fail(error));   // it settles once
                return false;
            }
            this.take(result);
        } catch (error) {
            this.fail(error);
        }
        return true;
    }

    private readLater(): void {
        if (this.mayRead) {
            this.isBusy = true;
            queueMacrotask(() => {
                this.isBusy = false;
                this.read();
            });
        }
    }

    private receive(result: Result): void {
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
    private flushLater(): void {
        if (this.batch.length && !this.isFlushDue) {
            this.isFlushDue = true;
            queueMacrotask(() => {
                this.isFlushDue = false;
                this.flush();
            });
        }
    }

    /** Add an item to the batch, or end. Throws for a result that is no object, or whose getters throw. */
    private take(result: Result): void {
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

    private sizeOf(value: any): number {
        if (typeof value === "string") {
            return 3 * value.length + 8;
        }
        if (typeof value !== "object" || value === null) {
            return 32;
        }
        return isBinary(value) ? value.byteLength ?? value.data.byteLength : this.itemSize;
    }

    private flush(): void {
        const [items, extra] = [this.batch, this.batchExtra];
        this.batch = [];
        this.batchSize = this.batchExtra = 0;
        if (items.length) {
            this.sendAll(items, extra);
        }
    }

    /** Send items. Those before the first that cannot be sent arrive, and the stream ends with its error. */
    private sendAll(items: any[], extra: number): void {
        try {
            this.send(items, extra);
        } catch (error) {
            if (items.length > 1) {
                // The last one counts for all, as each must fit into the credit that its predecessors leave.
                items.forEach((item, index) => this.isOver || this.sendAll([item], index === items.length - 1 ? extra : 0));
            } else {
                this.end({ error, isUnsendable: true });
                this.close();
            }
        }
    }

    private send(items: any[], extra: number): void {
        const packet = this.outlet.send(items, extra);
        this.credit -= extra;
        this.itemSize = packet.size / items.length;
        this.inFlight += packet.size;
        packet.whenReceived = () => {
            this.inFlight -= packet.size;
            this.readLater();
        };
    }

    private fail(error: unknown): void {
        this.isBusy = false;
        this.end({ error, isUnsendable: false });
    }

    private end(ending: Ending | null): void {
        if (!this.isOver) {
            this.flush();
        }
        if (!this.isOver) {   // the last items may not be sendable
            this.isOver = true;
            this.outlet.end(ending);
        }
    }

    private close(): void {
        try {
            const closed: any = this.source.close();
            if (isThenable(closed)) {
                Promise.resolve(closed).then(undefined, (error) => this.outlet.fault(error));
            }
        } catch (error) {
            this.outlet.fault(error);
        }
    }
}
