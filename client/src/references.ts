/** The tables of references: objects of this page that Python holds, and objects of Python that this page holds. */

import { unknownError } from "./errors.ts";

/** The symbol of `using`, which older browsers lack. It releases an object of Python. */
export const DISPOSE: symbol = (Symbol as any).dispose ?? Symbol.for("Symbol.dispose");

/** The kinds of objects that cross by reference. */
export type ReferenceKind = "function" | "object" | "stream" | "file";

/** Objects of this page that Python holds, by number. */
export class Exports {
    /** Called with each object that is forgotten. */
    whenForgotten: (value: unknown) => void = () => undefined;
    private nextNumber = 1;
    private readonly entries = new Map<number, { value: unknown; count: number }>();
    private readonly numbers = new Map<unknown, number>();

    get size(): number {
        return this.entries.size;
    }

    /** Return the number of an object, and count that it is sent. */
    add(value: unknown): number {
        const known = this.numbers.get(value);
        if (known !== undefined) {
            this.entries.get(known)!.count += 1;
            return known;
        }
        const number = this.nextNumber;   // never used again, also not by a later session
        this.nextNumber += 1;
        this.entries.set(number, { value, count: 1 });
        this.numbers.set(value, number);
        return number;
    }

    has(number: number): boolean {
        return this.entries.has(number);
    }

    /** Return the object of a number. Throws UnknownReference. */
    get(number: number): any {
        const entry = this.entries.get(number);
        if (!entry) {
            throw unknownError("UnknownReference", `The page has no object ${number} any more: it was released, or its session ended`);
        }
        return entry.value;
    }

    /** Python no longer uses an object, which it has received `count` times. */
    release(number: number, count: number): void {
        const entry = this.entries.get(number);
        if (entry) {
            entry.count -= count;
            if (entry.count <= 0) {
                this.forget(number);
            }
        }
    }

    /** Remove an object, however often it was sent. */
    forget(number: number): void {
        const entry = this.entries.get(number);
        if (entry) {
            this.entries.delete(number);
            this.numbers.delete(entry.value);
            this.whenForgotten(entry.value);
        }
    }

    /** Forget all objects but those of the given numbers, which the next session sends, once for each time that one is listed. */
    keep(numbers: readonly number[]): void {
        const counts = new Map<number, number>();
        numbers.forEach((number) => counts.set(number, (counts.get(number) ?? 0) + 1));
        for (const [number, entry] of [...this.entries]) {
            entry.count = counts.get(number) ?? 0;
            if (entry.count === 0) {
                this.forget(number);
            }
        }
    }
}

/** Facts about an object of Python. They do not refer to the proxy, which may be collected. */
export interface Imported {
    readonly number: number;
    readonly kind: ReferenceKind;
    /** The further elements of the special: a name, a class name, the facts of a file. */
    readonly facts: readonly any[];
    /** The number of times that it was received. */
    count: number;
    state: "live" | "destroyed" | "ended";
}

/** Makes the proxy of an object of Python. */
export type Maker = (imported: Imported) => object;

/** Objects of Python that this page holds, by number; one proxy each while it is alive. */
export class Imports {
    /** Kind -> the function that makes its proxies. */
    readonly makers = new Map<ReferenceKind, Maker>();
    /** Kind -> the function that lets Python forget an object. Kinds without one send `release`. */
    readonly droppers = new Map<ReferenceKind, (imported: Imported) => void>();
    private readonly entries = new Map<number, { imported: Imported; proxy: WeakRef<object> }>();
    private readonly known = new WeakMap<object, Imported>();
    private registry: FinalizationRegistry<Imported> | null = null;
    private released: Imported[] = [];

    /** @param send sends the numbers and counts of dropped objects. */
    constructor(private readonly send: (released: Array<[number, number]>) => void) {}

    get size(): number {
        return this.entries.size;
    }

    /** Return the facts about a value that is a proxy; undefined for other values. */
    of(value: object): Imported | undefined {
        return this.known.get(value);
    }

    /** Return the proxy of a received reference. */
    take(number: number, kind: ReferenceKind, facts: readonly any[]): object {
        const entry = this.entries.get(number);
        const proxy = entry?.proxy.deref();
        if (entry && proxy) {
            entry.imported.count += 1;
            return proxy;
        }
        return this.make({ number, kind, facts, count: 1, state: "live" });
    }

    private make(imported: Imported): object {
        const proxy = this.makers.get(imported.kind)!(imported);
        this.registry ??= new FinalizationRegistry((dropped) => this.drop(dropped));
        this.registry.register(proxy, imported, imported);
        this.entries.set(imported.number, { imported, proxy: new WeakRef(proxy) });
        this.known.set(proxy, imported);
        return proxy;
    }

    /** Let Python forget an object whose proxy is collected or destroyed. Its number may have a newer proxy by now. */
    drop(imported: Imported): void {
        const dropper = this.droppers.get(imported.kind);
        if (dropper) {
            dropper(imported);
        } else if (this.remove(imported, "destroyed")) {
            if (this.released.length === 0) {
                setTimeout(() => this.sendReleased());   // finalizers run one by one
            }
            this.released.push(imported);
        }
    }

    /** Remove an object that Python has forgotten already: a stream that has ended. */
    forget(imported: Imported): void {
        this.remove(imported, "ended");
    }

    private remove(imported: Imported, state: "destroyed" | "ended"): boolean {
        if (imported.state !== "live") {
            return false;
        }
        imported.state = state;
        this.registry?.unregister(imported);
        if (this.entries.get(imported.number)?.imported === imported) {
            this.entries.delete(imported.number);
        }
        return true;
    }

    private sendReleased(): void {
        const released = this.released.map(({ number, count }): [number, number] => [number, count]);
        this.released = [];
        if (released.length) {
            this.send(released);
        }
    }

    /** Mark all objects as unusable: their session has ended. */
    end(): void {
        this.entries.forEach(({ imported }) => this.forget(imported));
        this.released = [];
    }
}
