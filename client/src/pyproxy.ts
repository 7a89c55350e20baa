/** Proxies of Python: functions, and objects passed by `ref`. */

import type { Connection } from "./connection.ts";
import { disconnected } from "./errors.ts";
import type { Failure, Message } from "./messages.ts";
import { DISPOSE, type Imported } from "./references.ts";
import { NO_LIMIT, resultOf, waitOptionsOfWith, type CallOptions, type PyResult } from "./results.ts";
import { withKeywords } from "./specials.ts";

/** A function of Python that was passed to this page. */
export interface PyFunction {
    /** Call it. Rejects with JsPyError. */
    (...args: any[]): PyResult;
    /** Call it with keyword arguments, an object behind the others: `await f.callKwargs(1, { speed: 2 })`. */
    callKwargs(...args: any[]): PyResult;
    /** Call it without waiting for the end. Throws when it cannot be sent. */
    nowait(...args: any[]): void;
    /** Call it with options: `await f.with({ signal, timeout: 2 })(1)`. A call that times out or is aborted is cancelled in Python. */
    with(options: CallOptions): (...args: any[]) => PyResult;
    /** Let Python forget it now rather than after garbage collection. */
    destroy(): void;
}

/** An object of Python that was passed by `ref`. All other names are its methods: `await model.fit(1)`. */
export interface PyObject extends AsyncIterable<any> {
    /** Read an attribute. */
    get(name: string): Promise<any>;
    /** Set an attribute. */
    set(name: string, value: any): Promise<void>;
    /** Let Python forget it now rather than after garbage collection. */
    destroy(): void;
    readonly [method: string]: any;
}

type Step = [name: string, ...operands: any[]];
type AnyFunction = (...args: any[]) => any;

/** The target of calls. */
interface Target {
    imported: Imported;
    /** The steps before the call. */
    before: Step[];
    /** The proxy, which must not be collected before its methods. */
    holder: object;
}

/** Return the error for an object of Python that can no longer be used, or null. */
export function failureOf({ state, kind }: Imported): Failure | null {
    switch (state) {
        case "live":
            return null;
        case "ended":
            return disconnected(`the session of this ${kind} has ended`);
        default:
            return { kind: "unknown", name: "UnknownReference", message: `This ${kind} of Python is destroyed`, trace: "" };
    }
}

export function createProxies(connection: Connection): void {
    const { imports, callErrors } = connection;
    const targets = new WeakMap<object, Target>();

    /** Use an object of Python. The holder stays alive until Python has answered. */
    function use(
        { imported, holder }: Target, steps: Step[], body: unknown, label: string, below: Function, wait = NO_LIMIT,
    ): PyResult {
        const message = (id: number): Message => ["use", id, imported.number, steps];
        const request = { message, body, label, key: nameOf(imported, steps), holder, failure: failureOf(imported) };
        return resultOf(connection, below, request, wait);
    }

    const destroy = (proxy: object): void => imports.drop(imports.of(proxy)!);

    // ---------------------------------------------------------------- functions

    const functionMethods = Object.create(Function.prototype, {
        nowait: {
            value: function nowait(this: object, ...args: any[]): void {
                const { imported, before } = targets.get(this)!;
                const failure = failureOf(imported);
                const steps = [...before, ["call", args] as Step];
                if (failure) {
                    throw callErrors.at(callErrors.callSite(nowait), failure, nameOf(imported, steps), null);
                }
                if (!connection.notify(["use", 0, imported.number, steps], args, "args")) {
                    throw new Error("Could not send to server @javascript");
                }
            },
        },
        callKwargs: {
            value: function callKwargs(this: Function, ...args: any[]): PyResult {
                const target = targets.get(this)!;
                const sent = withKeywords(args, this.name);
                return use(target, [...target.before, ["call", sent]], sent, "args", callKwargs);
            },
        },
        with: {
            value(this: object, ...given: any[]) {
                const target = targets.get(this)!;
                const wait = waitOptionsOfWith(given, (this as Function).name);
                return function invoke(...args: any[]): PyResult {
                    return use(target, [...target.before, ["call", args]], args, "args", invoke, wait);
                };
            },
        },
    });

    const ownedMethods = Object.create(functionMethods, {
        destroy: { value: function (this: object) { destroy(this); } },
        [DISPOSE]: { value: function (this: object) { destroy(this); } },
    });

    function makeCaller(imported: Imported, before: Step[], name: string, owner: object | null): AnyFunction {
        const caller = (...args: any[]): Promise<any> => use(target, [...before, ["call", args]], args, "args", caller);
        const target: Target = { imported, before, holder: owner ?? caller };
        Object.defineProperty(caller, "name", { value: name, configurable: true });
        Object.setPrototypeOf(caller, owner ? functionMethods : ownedMethods);
        targets.set(caller, target);
        return caller;
    }

    imports.makers.set("function", (imported) => makeCaller(imported, [], imported.facts[0], null));

    // ---------------------------------------------------------------- objects

    const objectMethods: Record<PropertyKey, (this: object, ...args: any[]) => any> = {
        get(name) {
            return use(targets.get(this)!, [["get", name]], name, "name", objectMethods.get!);
        },
        set(name, value) {
            return use(targets.get(this)!, [["set", name, value]], value, "value", objectMethods.set!);
        },
        destroy() {
            destroy(this);
        },
        [DISPOSE]() {
            destroy(this);
        },
        [Symbol.toPrimitive]() {
            return Object.prototype.toString.call(this);   // toString() would be a method in Python
        },
        async *[Symbol.asyncIterator]() {
            yield* await use(targets.get(this)!, [["iterate"]], null, "", objectMethods[Symbol.asyncIterator]!);
        },
    };

    /** Names that the language itself looks up. */
    const notMethods = ["then", "toJSON"];

    function makeObject(imported: Imported): object {
        const methods = new Map<string, AnyFunction>();
        const proxy: object = new Proxy(Object.create(objectMethods), {
            get(target, key) {
                if (typeof key === "symbol" || Object.hasOwn(objectMethods, key)) {
                    return key === Symbol.toStringTag ? `Python ${imported.facts[0]}` : target[key];
                }
                if (notMethods.includes(key)) {
                    return undefined;
                }
                const method = methods.get(key) ?? makeCaller(imported, [["get", key]], key, proxy);
                methods.set(key, method);
                return method;
            },
            set(_target, key) {
                throw new TypeError(`An attribute of an object of Python is set by await object.set("${String(key)}", value)`);
            },
        });
        targets.set(proxy, { imported, before: [], holder: proxy });
        return proxy;
    }

    imports.makers.set("object", makeObject);
}

/** Return the name of the function or attribute, for errors. */
const nameOf = ({ kind, facts }: Imported, [first]: Step[]): string =>
    (kind === "object" ? `${facts[0]}.${first![1] ?? first![0]}` : String(facts[0]));
