/** Special values, which JSON cannot express, listed in the last element of a message. */

import { isObjectLiteral } from "./literals.ts";
import { ProtocolError, isCount, isId, isJsonObject, type Message } from "./messages.ts";
import type { Exports, Imports, ReferenceKind } from "./references.ts";

export type Step = string | number;
type Special = [path: Step[], kind: string, ...facts: any[]];

/** Kind of message -> the index of its value, the index of its specials, and the length of the shortest path. */
const INDEXES: ReadonlyMap<unknown, readonly [value: number, specials: number, shortest: number]> = new Map([
    ["call", [3, 4, 2]], ["notify", [2, 3, 2]], ["return", [2, 3, 1]], ["push", [3, 4, 1]], ["publish", [3, 5, 1]],
    ["retain", [3, 5, 1]], ["use", [3, 4, 3]], ["items", [2, 3, 2]],
    ["state", [3, 4, 2]], ["patch", [3, 4, 3]], ["patched", [3, 5, 3]],
]);

// ---------------------------------------------------------------- kinds of values

/** Return true for a value that crosses as a stream; false for other iterables, such as an array. */
export const isStream = (value: any): boolean => (typeof value.next === "function"
    ? Symbol.iterator in value || Symbol.asyncIterator in value
    : typeof value.getReader === "function" && tagOf(value) === "ReadableStream");

const isFile = (value: any): boolean =>
    typeof value.slice === "function" && typeof value.arrayBuffer === "function" && /^(Blob|File)$/.test(tagOf(value));

/** Return true for a type of value that JSON.stringify drops or rejects. */
export const isForeignType = (type: string): boolean => type === "function" || type === "bigint" || type === "symbol";

/** Marks an object to send by reference, even if it is data. */
export class ByReference {
    constructor(readonly value: object) {}
}

/** Return true for an object literal that no `toJSON` converts. */
export const isPlainLiteral = (value: any): value is object => isObjectLiteral(value) && typeof (value as any).toJSON !== "function";

/** Return an object literal with methods by reference: as data, its methods would lose their `this`. */
export const answerOf = (value: any): any =>
    (isPlainLiteral(value) && Object.values(value).some((item) => typeof item === "function") ? new ByReference(value) : value);

/** Keyword arguments of a call of Python, as its last argument. */
export class Keywords {
    constructor(readonly given: object) {}
}

/** Return the arguments of `callKwargs` as they are sent. Throws TypeError unless the last one is an object literal. */
export function withKeywords(args: readonly any[], name: string): any[] {
    const given = args.at(-1);
    if (!isObjectLiteral(given)) {
        throw new TypeError(`callKwargs of '${name}': the last argument must be an object of keyword arguments, such as { speed: 2 }`);
    }
    return [...args.slice(0, -1), new Keywords(given)];
}

/** Return the name that `read` reads from an object of the user; "" if it throws or the name is not a string. */
export function nameFrom(read: () => unknown): string {
    try {
        const name = read();
        return typeof name === "string" ? name : "";
    } catch {
        return "";   // a getter or a proxy of the user
    }
}

/** Return the built-in class of an object, also of one of another iframe: "Map", "Date"; the text in its Symbol.toStringTag. */
export const tagOf = (value: unknown): string => nameFrom(() => Object.prototype.toString.call(value).slice(8, -1));

/** Return true for a Map of any iframe; false for what only looks like one, as a Proxy of a Map does. */
function isMap(value: object): boolean {
    try {
        return tagOf(value) === "Map" && (Map.prototype.has.call(value, 0) || true);
    } catch {
        return false;
    }
}

/** Return the last fact of an object, if it has one: Python gives arrays and Maps the methods of its own ones. */
const traitOf = (value: object): string[] => (Array.isArray(value) ? ["array"] : isMap(value) ? ["map"] : []);

/** Return the name of the class of an object, for its representation in Python. */
export const classNameOf = (value: any): string => nameFrom(() => value.constructor?.name)
    || tagOf(value) || "Object";

const factsOfFile = (file: any): object =>
    ({ name: nameFrom(() => file.name), size: file.size, type: file.type, modified: file.lastModified ?? null });

// ---------------------------------------------------------------- sending

/** Return the reason that a key of a Map cannot be sent, or "". `taken` has the earlier keys as Python compares them: 1 == True. */
export function keyTrouble(key: unknown, taken: Set<string>): string {
    let same = "";
    if (typeof key === "boolean" || typeof key === "bigint" || Number.isInteger(key)) {
        same = String(BigInt(key as number));
    } else if (key === null || typeof key === "string" || Number.isFinite(key)) {
        same = JSON.stringify(key);
    } else {
        return `a Map cannot be sent with a key of type ${typeof key}: use strings, finite numbers, booleans, null or BigInt`;
    }
    const isTwice = taken.has(same);
    taken.add(same);
    return isTwice ? `a Map cannot be sent with the key ${String(key)}: Python takes it for the same as an earlier one` : "";
}

/** Collects the special values of one message. */
export class Specials {
    readonly list: Special[] = [];
    /** Numbers of exports, once for each time that one is sent. */
    readonly exported: number[] = [];
    /** Numbers of imports that the message refers to. */
    readonly uses: number[] = [];

    constructor(private readonly exports: Exports, private readonly imports: Imports) {}

    /** Record a value if it is a special one. Returns whether it is. */
    take(value: any, path: readonly Step[]): boolean {
        switch (typeof value) {
            case "bigint":
                return this.add(path, "bigint", value.toString());
            case "symbol":
                throw new TypeError("a symbol cannot be sent");
        }
        const target = value instanceof ByReference ? value.value : value;
        const imported = this.imports.of(target);
        if (imported) {
            if (imported.state !== "live") {
                throw new TypeError(`this ${imported.kind} of Python was destroyed, or its session has ended`);
            }
            this.uses.push(imported.number);
            return this.add(path, "own", imported.number);
        }
        if (target !== value) {
            return this.referObject(target, path);
        }
        if (typeof value === "function") {
            return this.refer(value, path, "function", nameFrom(() => value.name));
        }
        if (isFile(value)) {
            return this.refer(value, path, "file", factsOfFile(value));
        }
        return isStream(value) && this.refer(value, path, "stream");
    }

    /** Record an object that crosses by reference. */
    refer(value: object, path: readonly Step[], kind: ReferenceKind, ...facts: any[]): true {
        const number = this.exports.add(value);
        this.exported.push(number);
        return this.add(path, kind, number, ...facts);
    }

    /** Record an object that is not data. */
    referObject(value: object, path: readonly Step[]): true {
        return this.refer(value, path, "object", classNameOf(value), ...traitOf(value));
    }

    add(path: readonly Step[], kind: string, ...facts: any[]): true {
        this.list.push([[...path], kind, ...facts]);
        return true;
    }

    /** Release the recorded objects: the message is not sent. */
    undo(): void {
        this.exported.forEach((number) => this.exports.release(number, 1));
    }
}

// ---------------------------------------------------------------- receiving

const isString = (value: unknown): boolean => typeof value === "string";
const isPath = (value: unknown): boolean =>
    Array.isArray(value) && value.length > 0 && value.every((step) => isString(step) || isCount(step));

/** Kind -> the check of each of its facts. */
const FACTS: ReadonlyMap<unknown, ReadonlyArray<(fact: any) => boolean>> = new Map(Object.entries({
    bigint: [(fact: any) => isString(fact) && /^-?\d+$/.test(fact)],
    map: [],
    keywords: [],
    function: [isId, isString],
    object: [isId, isString],
    stream: [isId],
    file: [isId, isJsonObject],
    own: [isId],
}));

/** Return the list of special values of a message, if it has one. */
export const specialsOf = (message: Message): any => message[INDEXES.get(message[0])?.[1] ?? message.length];

/** Return a message with a list of special values, which is its last element; only an `items` goes on behind it. */
export function withSpecials(message: Message, list: unknown[]): Message {
    const whole: Message = [...message];
    whole[INDEXES.get(message[0])?.[1] ?? message.length] = list;
    return whole;
}

/** Check the specials of a received message. Throws ProtocolError. */
export function checkSpecials(message: Message): void {
    const specials = specialsOf(message);
    if (specials === undefined) {
        return;
    }
    const isSpecial = (special: any): boolean => Array.isArray(special) && isPath(special[0])
        && FACTS.get(special[1])?.every((fits, index) => fits(special[index + 2])) === true;
    if (!Array.isArray(specials) || !specials.every(isSpecial)) {
        throw new ProtocolError(`a '${message[0]}' message with malformed specials`);
    }
}

/**
 * Put the special values of a received message in their places, and remove the list.
 *
 * Throws ProtocolError for a path that leads nowhere. Returns the error if one refers to an unknown object.
 */
export function revive(message: Message, exports: Exports, imports: Imports): Error | null {
    const [start, at, shortest] = INDEXES.get(message[0])!;
    const specials: Special[] = message[at];
    let failure: Error | null = null;
    message.splice(at, 1);
    // Find all places before making the first object: a path must not lead into an object of the page.
    const places = specials.map(([path, kind]) => (path[0] === start && path.length >= shortest ? placeOf(message, path, kind) : nowhere()));
    for (const [index, [, kind, ...facts]] of specials.entries()) {
        const [parent, step] = places[index]!;
        if (kind !== "map" && kind !== "keywords" && parent[step] !== null) {
            nowhere();   // two have the same path
        }
        try {
            parent[step] = valueOf(parent[step], kind, facts, exports, imports);
        } catch (error) {
            failure ??= error as Error;   // the others still count as arrivals
        }
    }
    return failure;
}

/** Return true if a step of a path leads from a value of a received message to one in it. */
export const hasStep = (parent: any, step: Step): boolean =>
    (Array.isArray(parent) ? isCount(step) : typeof step === "string" && isJsonObject(parent)) && Object.hasOwn(parent, step);

function placeOf(message: Message, path: readonly Step[], kind: string): [parent: any, step: Step] {
    let parent: any = message;
    for (const [index, step] of path.entries()) {
        if (!hasStep(parent, step)) {
            break;
        }
        const value = parent[step];
        if (index < path.length - 1) {
            parent = value;
        } else if (kind === "keywords" ? isJsonObject(value) : kind === "map" ? Array.isArray(value) && value.every((pair) => Array.isArray(pair) && pair.length === 2) : value === null) {
            return [parent, step];
        }
    }
    return nowhere();
}

function nowhere(): never {
    throw new ProtocolError("a special whose path leads nowhere, or to another value");
}

function valueOf(found: any, kind: string, facts: any[], exports: Exports, imports: Imports): unknown {
    switch (kind) {
        case "bigint":
            return BigInt(facts[0]);
        case "map":
            return new Map(found);
        case "keywords":
            return found;
        case "own":
            return exports.get(facts[0]);
        default:
            return imports.take(facts[0], kind as ReferenceKind, facts.slice(1));
    }
}
