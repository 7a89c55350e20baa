/** The kinds of messages and their shapes, as specified in docs/reference/protocol.md. */

/** A message is an array that begins with its kind. */
export type Message = any[];

/** The description of an error, as sent on the wire. */
export interface ErrorFacts {
    name: string;
    message: string;
    trace: string;
    fields?: Record<string, any>;
    cause?: Failure;
    errors?: Failure[];
}

/** The failure of a call, from Python or from the connection. */
export interface Failure extends ErrorFacts {
    kind: JsPyErrorKind | "uncaught";
}

/** The reason that a call failed. */
export type JsPyErrorKind =
    /** The function raised an exception; `name` is its type. */
    | "raised"
    /** No function of that name is exposed. */
    | "unknown"
    /** The result cannot be sent. */
    | "unserializable"
    /** The other side does not support this. */
    | "unavailable"
    /** A limit or a rule of the library rejected the call. */
    | "refused"
    /** No response arrived in time. */
    | "timeout"
    /** The connection is closed, or was lost before the response. */
    | "disconnected"
    | "";

/** A custom message, for `send_json` and `add_protocol`. */
export interface CustomMessage {
    protocol: string;
    key: any;
    id: any;
    data: any;
    exception: any;
}

/** Data that violates the protocol. */
export class ProtocolError extends Error {
    override name = "ProtocolError";
}

export const CUSTOM_KEYS = ["protocol", "key", "id", "data", "exception"] as const;
const ERROR_KINDS = ["raised", "unknown", "unserializable", "unavailable", "refused", "uncaught"];
/** The maximum nesting depth of a received message; JSON.parse has no limit. */
const RECEIVE_DEPTH = 2000;

type Check = (value: any) => boolean;

const isString: Check = (value) => typeof value === "string";
const isBoolean: Check = (value) => typeof value === "boolean";
const isNumber: Check = (value) => typeof value === "number";
const isValue: Check = (value) => value !== undefined;
const isArray: Check = (value) => Array.isArray(value);
const isStrings: Check = (value) => Array.isArray(value) && value.every(isString);
const isQueueKey: Check = (value) => value === null || ["string", "number", "boolean"].includes(typeof value);

export const isCount: Check = (value) => Number.isSafeInteger(value) && value >= 0;
export const isId: Check = (value) => Number.isSafeInteger(value) && value >= 1;
/** Return true for an object of parsed JSON. */
export const isJsonObject: Check = (value) =>
    typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

const isError: Check = (value) =>
    isJsonObject(value) && ERROR_KINDS.includes(value.kind)
    && isString(value.name) && isString(value.message) && isString(value.trace)
    && (value.fields === undefined || isJsonObject(value.fields)) && (value.cause === undefined || isError(value.cause))
    && (value.errors === undefined || (isArray(value.errors) && value.errors.every(isError)));
const isCustom: Check = (value) => isJsonObject(value) && CUSTOM_KEYS.every((key) => Object.hasOwn(value, key));

const isSteps: Check = (value) => isArray(value) && value.length > 0 && value.every(isArray);
const isReleases: Check = (value) => isArray(value)
    && value.every((pair: any) => isArray(pair) && pair.length === 2 && pair.every(isId));
const isChanges: Check = (value) => isArray(value) && value.every((change: any) => isArray(change) && isArray(change[0]) && change[0].length > 0);
const isOptionalError: Check = (value) => value === undefined || value === null || isError(value);

const isOptionalArray: Check = (value) => value === undefined || isArray(value);
const isOptionalCount: Check = (value) => value === undefined || isCount(value);

/** Kind -> the check of each element after it. Additional elements are ignored for forward compatibility. */
const SHAPES: ReadonlyMap<unknown, readonly Check[]> = new Map(Object.entries({
    hello: [isString, isString, isStrings],
    welcome: [isId, isString, isJsonObject],
    goodbye: [],
    close: [isString, isBoolean],
    call: [isId, isString, isArray],
    notify: [isString, isArray],
    return: [isId, isValue],
    error: [isId, isError],
    fault: [isString, isError],
    push: [isCount, isQueueKey, isValue],
    subscribe: [isId, isString],
    unsubscribe: [isId, isString],
    publish: [isCount, isString, isValue, isBoolean],
    retain: [isCount, isString, isValue, isBoolean],
    follow: [isString],
    state: [isString, isCount, isJsonObject],
    patch: [isString, isCount, isChanges],
    patched: [isString, isCount, (value) => value === null || isChanges(value), isOptionalError],
    custom: [isCustom],
    use: [isCount, isCount, isSteps],
    cancel: [isId],
    release: [isReleases],
    pull: [isId, isId],
    items: [isId, isArray, isOptionalArray, isOptionalCount],
    end: [isId, isOptionalError],
    stop: [isId],
    names: [isStrings],
    credit: [isCount, isId],
    decline: [isCount],
    ack: [isCount],
    ping: [isNumber],
    pong: [isNumber],
}));

/** Check that a value is a message of a known kind and shape. */
export function checkMessage(message: any): asserts message is Message {
    const shape = Array.isArray(message) ? SHAPES.get(message[0]) : undefined;
    if (!shape) {
        throw new ProtocolError("message of unknown kind");
    }
    if (!shape.every((fits, index) => fits(message[index + 1]))) {
        throw new ProtocolError(`a '${message[0]}' message of the wrong shape`);
    }
}

/** Parse the JSON of a frame. */
export function parseJson(text: string): any {
    const value = attempt(() => JSON.parse(text), "not JSON");
    // A shorter frame cannot contain that many brackets.
    if (text.length > 2 * RECEIVE_DEPTH && Array.isArray(value) && isTooDeep(value, RECEIVE_DEPTH)) {
        throw new ProtocolError(`nested deeper than ${RECEIVE_DEPTH} levels`);
    }
    return value;
}

function isTooDeep(value: object, room: number): boolean {
    if (room === 0) {
        return true;
    }
    for (const item of Array.isArray(value) ? value : Object.values(value)) {
        if (typeof item === "object" && item !== null && isTooDeep(item, room - 1)) {
            return true;
        }
    }
    return false;
}

/** Call `action` and convert its error to a ProtocolError. */
export function attempt<T>(action: () => T, reason: string): T {
    try {
        return action();
    } catch (error) {
        throw new ProtocolError(`${reason}: ${error instanceof Error ? error.message : error}`);
    }
}
