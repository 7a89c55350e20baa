/** Steps of Python on objects of this page: those that it holds, and the world of the page. */

import { isThenable } from "./callbacks.ts";
import type { Call } from "./calls.ts";
import type { Connection, Handler } from "./connection.ts";
import { unknownError } from "./errors.ts";
import { isObjectLiteral } from "./literals.ts";
import type { Failure } from "./messages.ts";
import { OwnProperties } from "./ownproperties.ts";
import { builtIn, isBinary } from "./packet.ts";
import { resume } from "./producer.ts";
import { isSparse } from "./sparse.ts";
import { ByReference, answerOf, classNameOf } from "./specials.ts";
import { didYouMean } from "./suggestion.ts";

type Step = [name: string, ...operands: any[]];

/** The functions that the page exposes, which take precedence over its globals. */
export interface Exposures {
    names(): string[];
    find(name: string): Function | undefined;
    /** Call a function, if it is an exposed one by the rules of `expose`. */
    call(func: any, owner: unknown, args: any[], call: Call): any;
    /** Wait for a function that is exposed late. Throws or rejects with what `failure` creates. */
    wait(name: string, call: Call, failure: () => Error): Promise<Function>;
}

export const NO_EXPOSURES: Exposures = {
    names: () => [],
    find: () => undefined,
    call: (func, owner, args) => Reflect.apply(func, owner, args),
    wait: (_name, _call, failure) => { throw failure(); },
};

/** The number that stands for the page's world. */
const WORLD = 0;
const TEXT_ROOM = 200;
const DATA_DEPTH = 64;

export function serveWorld(connection: Connection): void {
    const { exports, errors } = connection;

    // ---------------------------------------------------------------- single steps

    function get(value: any, key: any): unknown {
        if (value === null || value === undefined) {
            throw new TypeError(`Cannot read '${String(key)}' of ${value}`);
        }
        const place = indexOf(value, key);
        const found = value[place];
        if (found === undefined && !(place in Object(value))) {
            throw unknownError("UnknownProperty", `${classNameOf(value)} has no '${key}'${typeof key === "string" ? didYouMean(key, namesOf(value)) : ""}`);
        }
        return found;
    }

    function getGlobal(name: any, call: Call): unknown {
        const exposed = connection.exposures.find(name);
        if (exposed || name in globalThis) {
            return exposed ?? (globalThis as any)[name];
        }
        const text = `The page exposes no function '${name}' and has no global of that name`;
        const names = (): string[] => [...connection.exposures.names(), ...namesOf(globalThis)];
        return connection.exposures.wait(name, call, () => unknownError("UnknownFunction", text + didYouMean(name, names())));
    }

    function remove(value: any, key: any): void {
        if (!Reflect.deleteProperty(value, key)) {
            throw new TypeError(`'${String(key)}' of ${classNameOf(value)} cannot be deleted`);
        }
    }

    /** Return a property, and whether it is a method of the object's class, which Python does not read again. */
    function attribute(value: any, key: any): unknown {
        const found = get(value, key);
        return isThenable(found)
            ? Promise.resolve(found).then((settled) => [answerOf(settled), false])
            : [answerOf(found), typeof found === "function" && isMethod(value, key)];
    }

    const missing = (value: any, key: any): Error => unknownError("UnknownProperty", `${classNameOf(value)} has no item '${String(key)}'`);

    function item(value: any, key: any): unknown {
        if (!isMapping(value)) {
            return get(value, key);
        }
        if (!value.has(key)) {
            throw missing(value, key);
        }
        return value.get(key);
    }

    function setItem(value: any, key: any, assigned: unknown): void {
        if (isMapping(value) && typeof value.set === "function") {
            value.set(key, assigned);
        } else {
            const place = indexOf(value, key);
            if (isList(value) && typeof place === "number" && !(place in value)) {
                throw missing(value, key);   // like a list in Python, it does not grow
            }
            value[place] = assigned;
        }
    }

    function removeItem(value: any, key: any): void {
        const place = indexOf(value, key);
        if (isMapping(value) ? !value.has(key) : !(place in value)) {
            throw missing(value, key);
        } else if (isMapping(value)) {
            value.delete(key);
        } else if (Array.isArray(value) && typeof place === "number") {
            value.splice(place, 1);
        } else {
            remove(value, place);
        }
    }

    function has(value: any, key: any): boolean {
        const asks = value.has ?? value.includes ?? value.contains;
        const isNode = typeof value.nodeType === "number";   // its `contains` accepts nodes alone
        if (typeof asks === "function" && !(isNode && typeof key !== "object")) {
            return Boolean(asks.call(value, key));
        }
        const items = iterableOf(value);
        if (items === null || (typeof key === "string" && key in value)) {
            return key in value;
        }
        for (const item of items) {
            if (item === key) {
                return true;
            }
        }
        return false;
    }

    function lengthOf(value: any): number {
        const length = value.length ?? value.size;
        if (typeof length !== "number") {
            throw new TypeError(`${classNameOf(value)} has no length`);
        }
        return length;
    }

    function iterate(value: any): unknown {
        if (typeof value?.[Symbol.asyncIterator] === "function") {
            return laterItemsOf(value);
        }
        const items = iterableOf(value);
        if (items === null) {
            throw new TypeError(`${classNameOf(value)} cannot be iterated`);
        }
        return itemsOf(items);
    }

    /** Raise an error of Python in a generator. */
    function raise(generator: any, failure: Failure): unknown {
        return resume(generator, "throw", [connection.callErrors.at({}, failure, "generator", null)]);
    }

    function apply(value: any, owner: unknown, step: Step, call: Call): unknown {
        const [name, first, second] = step;
        switch (name) {
            case "get":
                return get(value, first);
            case "set":
                value[first] = second;
                return null;
            case "delete":
                return void remove(value, first);
            case "attribute":
                return attribute(value, first);
            case "get_item":
                return item(value, first);
            case "set_item":
                return void setItem(value, first, second);
            case "delete_item":
                return void removeItem(value, first);
            case "has":
                return has(value, first);
            case "call":
                if (typeof value !== "function") {
                    throw new TypeError(`${textOf(value)} is not a function`);
                }
                return connection.exposures.call(value, owner, first, call);
            case "new":
                return Reflect.construct(value, first);
            case "length":
                return lengthOf(value);
            case "keys":
                return value === globalThis ? [...new Set([...connection.exposures.names(), ...namesOf(value)])] : namesOf(value);
            case "iterate":
                return iterate(value);
            case "resume":
                return first === "throw" ? raise(value, second) : resume(value, "next", step.slice(2));
            case "own":
                return new OwnProperties(value, first);
            case "data":
                return dataOf(value, first ?? Infinity, second);
            case "describe":
                return describe(value);
            case "same":
                return value === first;
            case "await":
            case "reference":
                return value;   // like every value, once it is settled
            case "read":
                return connection.blobs.read(value, first, second);
            default:
                throw new TypeError(`The page knows no step '${name}'`);
        }
    }

    // ---------------------------------------------------------------- all steps

    /** Apply the steps from `index` on, synchronously until a value is a thenable. */
    function run(value: any, owner: unknown, steps: readonly Step[], index: number, call: Call): any {
        for (; index < steps.length; index += 1) {
            const step = steps[index]!;
            const next = apply(value, owner, step, call);
            owner = step[0] === "get" || (step[0] === "get_item" && !isMapping(value)) ? value : undefined;
            value = next;
            if (isThenable(value)) {
                return runOn(value, steps, index + 1, call);
            }
        }
        const last = steps.at(-1)?.[0];
        if (last === "new" || last === "reference") {
            return typeof value === "object" && value !== null ? new ByReference(value) : value;
        }
        return last === "data" ? value : answerOf(value);
    }

    /** Apply the steps from `index` on when the value has settled, unless the call is cancelled meanwhile. */
    function runOn(value: PromiseLike<any>, steps: readonly Step[], index: number, call: Call): Promise<any> {
        return Promise.resolve(value).then((settled) => (call.isCancelled ? undefined : run(settled, undefined, steps, index, call)));
    }

    function runInWorld(steps: readonly Step[], call: Call): any {
        const [first] = steps;
        if (first?.[0] !== "get") {
            return run(globalThis, undefined, steps, 0, call);
        }
        const value = getGlobal(first[1], call);
        return isThenable(value) ? runOn(value, steps, 1, call) : run(value, undefined, steps, 1, call);
    }

    const receiveUse: Handler = ([, id, number, steps], reply) => {
        const serve = (call: Call): any =>
            (number === WORLD ? runInWorld(steps, call) : run(exports.get(number), undefined, steps, 0, call));
        if (id === 0) {
            connection.calls.run(null, serve, () => undefined, (error) => connection.fault("a callback", error));
        } else {
            const answer = (value: any): void => {
                connection.answer(id, value, reply);
                connection.blobs.reuse(value);
            };
            connection.calls.run(id, serve, answer, (error) => reply(["error", id, errors.failure(error)]));
        }
    };

    connection.handle("use", receiveUse);
    connection.handle("release", ([, pairs]) => pairs.forEach(([number, count]: [number, number]) => exports.release(number, count)));
}

// ---------------------------------------------------------------- objects

/** Return the names of an object's properties and of those that it inherits, but not from Object. */
function namesOf(value: any): string[] {
    const names = new Set<string>();
    for (let at = Object(value); at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
        Object.getOwnPropertyNames(at).forEach((name) => names.add(name));
    }
    return [...names];
}

const isList = (value: any): boolean => typeof value === "object" && value !== null && typeof value.length === "number";

/** Return what a loop reads from an object, also from one that has only a length; null if it cannot be iterated. */
function iterableOf(value: any): Iterable<any> | null {
    if (typeof value?.[Symbol.iterator] === "function") {
        return value;
    }
    return isList(value) ? { [Symbol.iterator]: () => Array.prototype.values.call(value) } : null;
}

/** Return true for an object whose items are behind methods, such as a Map or Headers. */
const isMapping = (value: any): boolean => typeof value === "object" && value !== null && typeof value.get === "function" && typeof value.has === "function";

/** Return a key; a negative index counts from the end. */
const indexOf = (value: any, key: any): any => (typeof key === "number" && key < 0 && typeof value.length === "number" ? value.length + key : key);

/** Return true for a function that an object's class defines, and neither the object itself nor an accessor. */
function isMethod(value: any, key: any): boolean {
    const owns = (at: any): boolean => at === null || Object.hasOwn(at, key);
    let at = Object(value);
    if (owns(at)) {
        return false;
    }
    while (!owns(at)) {
        at = Object.getPrototypeOf(at);
    }
    return at !== null && "value" in Object.getOwnPropertyDescriptor(at, key)!;
}

function* itemsOf(value: Iterable<any>): Generator<any> {
    for (const item of value) {
        yield isThenable(item) ? Promise.resolve(item).then(answerOf) : answerOf(item);
    }
}

async function* laterItemsOf(value: AsyncIterable<any>): AsyncGenerator<any> {
    for await (const item of value) {
        yield answerOf(item);
    }
}

/**
 * Copy an object as data. Parts that are not data cross by reference.
 *
 * So do an instance of a class within itself, containers below the depth `limit`, and in a `plain` copy all instances.
 */
function dataOf(value: any, limit = Infinity, plain = false, above = new Set<object>()): unknown {
    if (typeof value !== "object" || value === null || typeof value.toJSON === "function" || isBinary(value)) {
        return value;
    }
    const [type, content] = builtIn(value);
    if (isSparse(value)) {
        return value;   // it cannot be sent
    }
    const isArray = type === "Set" || (type === "" && typeof value[Symbol.iterator] === "function" && typeof value.length === "number");
    if (!(isArray || type === "Map" || (type === "" && hasData(value, plain)))) {
        return value;
    }
    if (above.size >= limit) {
        return new ByReference(value);
    }
    if (above.has(value) || above.size === DATA_DEPTH) {
        return value;
    }
    above.add(value);
    const inner = (item: any): unknown => dataOf(item, limit, plain, above);
    let copy: object;
    if (type === "Map") {
        copy = new Map(content.map(([key, item]: [any, any]) => [key, inner(item)]));
    } else {
        copy = isArray ? Array.from(content ?? value, inner) : Object.fromEntries(Object.keys(value).map((key) => [key, inner(value[key])]));
    }
    above.delete(value);
    return copy;
}

/** Return true for an object that is copied: an object literal, or an instance of a class unless the copy is `plain`. */
const hasData = (value: any, plain: boolean): boolean =>
    isObjectLiteral(value) || !(plain || Object.keys(value).length === 0 || typeof value.addEventListener === "function");

function describe(value: any): { name: string; text: string; flags: string[] } {
    const flags = {
        array: Array.isArray(value),
        callable: typeof value === "function",
        promise: isThenable(value),
        iterable: typeof value?.[Symbol.iterator] === "function",
        async_iterable: typeof value?.[Symbol.asyncIterator] === "function",
        map: typeof value?.get === "function" && typeof value.has === "function",
        length: typeof (value?.length ?? value?.size) === "number",
    };
    return { name: classNameOf(value), text: textOf(value), flags: Object.entries(flags).filter(([, holds]) => holds).map(([name]) => name) };
}

function textOf(value: any): string {
    const text = typeof value?.outerHTML === "string" ? value.outerHTML : String(value);
    return text.length > TEXT_ROOM ? `${text.slice(0, TEXT_ROOM)}...` : text;
}
