/** Descriptions of thrown values for Python. */

import { withoutToken } from "./errors.ts";
import { define } from "./literals.ts";
import { type ErrorFacts, type Failure, isJsonObject } from "./messages.ts";
import { isSparse } from "./sparse.ts";
import { nameFrom, tagOf } from "./specials.ts";

/** The maximum number of causes and members sent with an error. */
const MOST_ERRORS = 16;
/** The maximum number of characters of all fields of an error. */
const FIELD_ROOM = 16384;
/** The maximum nesting depth of a field. */
const FIELD_DEPTH = 8;
const NO_FIELDS = ["name", "message", "stack", "cause"];

/** The remaining limits while an error is described. */
interface Room {
    errors: number;
    characters: number;
    seen: Set<unknown>;
}

type ErrorLike = { message: string; name?: unknown; stack?: unknown };

export const isErrorLike = (error: any): error is ErrorLike =>
    typeof error === "object" && error !== null && typeof error.message === "string";

/** Return true for a JsPyError, including one from another copy of this library. */
export function isOfPython(error: any): error is { kind: string; fields: unknown } {
    try {
        return typeof error === "object" && error !== null && "python_traceback" in error;
    } catch {
        return false;   // a proxy of the user
    }
}

/** Describes errors, and records which ones were sent to Python. */
export class ErrorDescriptions {
    private readonly told = new WeakSet<object>();

    wasTold(error: any): boolean {
        return this.told.has(error);
    }

    /** Describe a thrown value of any type. Never throws, not even for a value with throwing getters. */
    describe(error: unknown): ErrorFacts {
        return this.describeIn({ errors: MOST_ERRORS, characters: FIELD_ROOM, seen: new Set() }, error);
    }

    /** Describe an error for the caller of a function. Never throws, like `describe`. */
    failure(error: any): Failure {
        const isUnknown = nameFrom(() => error.jsmeets_kind) === "unknown";
        return { kind: isUnknown ? "unknown" : "raised", ...this.describe(error), ...(isUnknown && { trace: "" }) };
    }

    private describeIn(room: Room, error: unknown): ErrorFacts {
        let facts: ErrorFacts = { name: "Error", message: "an error that cannot be shown", trace: "" };
        try {
            facts = isErrorLike(error) ? describeErrorLike(error) : describeOther(error);
            if (isErrorLike(error)) {
                this.told.add(error);
                room.seen.add(error);
                this.addDetails(facts, error, room);
            }
        } catch (inner) {
            console.debug("JsPyTextSocket: cannot describe an error in full:", inner);
        }
        return facts;
    }

    /** Add the error's own properties, its cause and its members, within the limits. */
    private addDetails(facts: ErrorFacts, error: any, room: Room): void {
        const fields = fieldsOf(error, room);
        if (Object.keys(fields).length) {
            facts.fields = fields;
        }
        const cause = Object.hasOwn(error, "cause") && error.cause !== undefined ? this.nested(error.cause, room) : null;
        if (cause) {
            facts.cause = cause;
        }
        const errors = membersOf(error).map((member) => this.nested(member, room)).filter((member) => member !== null);
        if (errors.length) {
            facts.errors = errors;
        }
    }

    private nested(error: unknown, room: Room): Failure | null {
        if (room.errors === 0 || room.seen.has(error)) {
            return null;
        }
        room.errors -= 1;
        return { kind: "raised", ...this.describeIn(room, error) };
    }
}

function describeErrorLike(error: ErrorLike): ErrorFacts {
    const name = typeof error.name === "string" ? error.name : "Error";
    const stack = typeof error.stack === "string" ? withoutToken(error.stack) : "";
    const header = error.message ? `${name}: ${error.message}` : name;
    return { name, message: error.message, trace: stack.startsWith(name) ? stack : `${header}\n${stack}` };
}

function describeOther(value: any): ErrorFacts {
    const type = value?.constructor?.name;
    return { name: typeof type === "string" ? type : typeof value, message: textOf(value), trace: "" };
}

function textOf(value: unknown): string {
    try {
        return typeof value === "object" ? String(JSON.stringify(value)) : String(value);
    } catch (error) {
        return `a value that cannot be shown (${error})`;
    }
}

/** Return the members of an AggregateError. An `errors` property of any other form is a field. */
function membersOf({ errors }: { errors?: unknown }): unknown[] {
    return Array.isArray(errors) && errors.every(isErrorLike) ? errors.slice(0, MOST_ERRORS) : [];
}

function fieldsOf(error: any, room: Room): Record<string, any> {
    const source = isOfPython(error) ? Object(error.fields) : error;
    const fields = {};
    for (const key of Object.keys(source).filter((name) => !NO_FIELDS.includes(name))) {
        const before = room.characters;
        try {
            define(fields, key, plainCopy(source[key], room, 0));
        } catch {
            room.characters = before;   // not serializable, or a getter threw
        }
    }
    return fields;
}

/** Copy a value as plain data. Throws if that would lose anything or exceed the limits. */
function plainCopy(value: any, room: Room, depth: number): unknown {
    room.characters -= typeof value === "string" ? value.length + 2 : 8;
    if (depth > FIELD_DEPTH || room.characters < 0) {
        throw new RangeError("too much");
    }
    if (value === null || ["string", "boolean"].includes(typeof value) || Number.isFinite(value)) {
        return value;
    }
    if (tagOf(value) === "Date") {
        return value.toJSON();
    }
    if (Array.isArray(value) && !isSparse(value)) {
        return value.map((item) => plainCopy(item, room, depth + 1));
    }
    if (!isJsonObject(value)) {
        throw new TypeError("not plain data");
    }
    const copy = {};
    for (const key of Object.keys(value)) {
        room.characters -= key.length;
        define(copy, key, plainCopy(value[key], room, depth + 1));
    }
    return copy;
}
