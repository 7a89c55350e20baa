/** Packets: messages ready to be sent, as JSON with separate binary buffers. */

import { CHUNK_BYTES, ChunkedContent, type SpareMemory } from "./chunks.ts";
import { binaryParts } from "./codec.ts";
import { isObjectLiteral } from "./literals.ts";
import type { Message } from "./messages.ts";
import { NDArray, bytesOf, dtypeOf } from "./ndarray.ts";
import { isSparse, sparseText } from "./sparse.ts";
import { Keywords, Specials, type Step, isForeignType, keyTrouble, withSpecials } from "./specials.ts";

/** The maximum nesting depth that Python accepts. */
const SEND_DEPTH = 256;
/** The maximum length of a text sent as one frame. Only one such text is in flight at a time. */
const WHOLE_TEXT = 1048576;
/** Bytes reserved for the brackets of a frame. */
const MARGIN = 64;

const utf8 = new TextEncoder();

/** A binary value and its path in a message. */
export interface Buffer {
    path: Step[];
    dtype: string;
    bytes: Uint8Array;
    shape: readonly number[] | null;
}

/** A message that is queued, or kept until it is acknowledged. */
export interface Packet {
    text: string;
    buffers: Buffer[];
    size: number;
    /** The chunks of a large packet, which is sent as a frame of its own. */
    content: ChunkedContent | null;
    isText: boolean;
    /** Packets with the same value stay in sequence; all others may overtake a large one. */
    order: string | null;
    /** True for what concerns one session: a response, a use of an object of Python. It is dropped when that ends. */
    bound: boolean;
    sent: boolean;
    cancelled: boolean;
    /** Numbers of the page's objects that it sends, once for each time. */
    exported: readonly number[];
    /** Numbers of Python's objects that it refers to. */
    uses: readonly number[];
    /** Numbers of Python's objects that it releases: it waits for the large packets that refer to them. */
    releases: readonly number[];
    /** Runs once the last chunk is sent. */
    whenSent: (() => void) | null;
    /** Runs once Python has acknowledged it. */
    whenReceived: (() => void) | null;
}

const NONE: readonly never[] = [];

// ---------------------------------------------------------------- binary values

export function isBinary(value: any): boolean {
    if (ArrayBuffer.isView(value) || value instanceof NDArray) {
        return true;
    }
    const tag = value[Symbol.toStringTag];
    return tag === "ArrayBuffer" || tag === "SharedArrayBuffer";
}

function bufferOf(value: any, path: Step[]): Buffer {
    const [data, shape] = value instanceof NDArray ? [value.data, value.shape] : [value, null];
    const [own, told] = [dtypeOf(data), value.dtype];
    const dtype = own === "bytes" && (shape || told === "bool") ? told : own;   // float16 may be float32 here
    return { path, dtype, bytes: bytesOf(data), shape };
}

/** Parts that are taken out of a message; `specials` is null for messages that have none. */
interface Found {
    buffers: Buffer[];
    specials: Specials | null;
}

/** Return the value without its binary and special values; only the containers on a path to one are copied. */
function strip(value: any, path: Step[], found: Found): any {
    if (typeof value === "object" && isBinary(value)) {
        found.buffers.push(bufferOf(value, [...path]));
        return null;
    }
    if (path.length > SEND_DEPTH) {
        throw new RangeError(`nested deeper than ${SEND_DEPTH} levels`);
    }
    if (Array.isArray(value)) {
        return stripItems(value, path, found);
    }
    if (value instanceof Keywords) {
        const plain = stripItems(value.given, path, found);
        found.specials!.add(path, "keywords");   // after its items
        return plain;
    }
    if (found.specials?.take(value, path)) {
        return null;
    }
    if (typeof value.toJSON === "function") {
        const plain = value instanceof Date ? value : value.toJSON(String(path.at(-1)));
        return plain === value || !isDeep(plain, found) ? plain : strip(plain, path, found);
    }
    return found.specials ? stripObject(value, path, found, found.specials) : stripItems(value, path, found);
}

function stripObject(value: any, path: Step[], found: Found, specials: Specials): any {
    if (isObjectLiteral(value)) {
        return stripItems(value, path, found);
    }
    const [type, content] = builtIn(value);
    switch (type) {
        case "":
            specials.referObject(value, path);
            return null;
        case "Set":
            return stripItems(content, path, found);
        case "Map": {
            checkKeys(content);
            const pairs = stripItems(content, path, found);
            specials.add(path, "map");   // after its items
            return pairs;
        }
        default:
            return isDeep(content, found) ? strip(content, path, found) : content;
    }
}

function checkKeys(pairs: ReadonlyArray<[unknown, unknown]>): void {
    const taken = new Set<string>();
    for (const [key] of pairs) {
        const trouble = keyTrouble(key, taken);
        if (trouble) {
            throw new TypeError(trouble);
        }
    }
}

/** Type -> what reads the content of an object of this type, of any frame. It throws for any other object. */
const CONTENTS: ReadonlyMap<string, (value: any) => unknown> = new Map<string, (value: any) => unknown>([
    ["Map", (value) => [...Map.prototype.entries.call(value)]],
    ["Set", (value) => [...Set.prototype.values.call(value)]],
    ...[Number, String, Boolean, BigInt].map(({ name, prototype }: any): [string, (value: any) => unknown] =>
        [name, (value) => prototype.valueOf.call(value)]),
]);

/** Return the type and content of a Map, a Set or a boxed value; "" for other objects. */
export function builtIn(value: any): [type: string, content?: any] {
    const type = value instanceof Map ? "Map" : value instanceof Set ? "Set" : Object.prototype.toString.call(value).slice(8, -1);
    try {
        const content = CONTENTS.get(type)?.(value);
        return content === undefined ? [""] : [type, content];
    } catch {
        return [""];   // it looks like one, as a Proxy of a Map does
    }
}

/** Return true for a value that JSON.stringify does not represent completely by itself. */
function isDeep(value: unknown, { specials }: Found): boolean {
    const type = typeof value;
    return type === "object" ? value !== null : specials !== null && isForeignType(type);
}

function stripItems(value: any, path: Step[], found: Found): any {
    if (isSparse(value)) {
        throw new TypeError(sparseText(value));
    }
    const keys = Array.isArray(value) ? null : Object.keys(value);
    const length: number = keys ? keys.length : value.length;
    let bare = value;
    for (let index = 0; index < length; index += 1) {
        const key = keys ? keys[index]! : index;
        const item = value[key];
        if (isDeep(item, found)) {
            path.push(key);
            const rest = strip(item, path, found);
            path.pop();
            if (rest !== item) {
                bare = bare === value ? shallowCopy(value) : bare;
                bare[key] = rest;
            }
        }
    }
    return bare;
}

/** Copy an array, or an object without its prototype, so that "__proto__" is an ordinary key. */
const shallowCopy = (value: any): any => (Array.isArray(value) ? [...value] : Object.assign(Object.create(null), value));

/** Return true if JSON.stringify represents the value completely: the fast path for most messages. */
function fitsJson(value: any, room: number): boolean {
    if (room === 0 || typeof value.toJSON === "function" || isSparse(value)) {
        return false;
    }
    if (!Array.isArray(value)) {
        return Object.getPrototypeOf(value) === Object.prototype && itemsFitJson(value, room - 1);
    }
    for (let index = 0; index < value.length; index += 1) {
        const item = value[index];
        if (typeof item !== "number" && typeof item !== "string" && !itemFitsJson(item, room - 1)) {
            return false;
        }
    }
    return true;
}

function itemsFitJson(value: any, room: number): boolean {
    let isEmpty = true;
    for (const key in value) {
        const item = value[key];
        isEmpty = false;
        if (typeof item !== "number" && typeof item !== "string" && !itemFitsJson(item, room)) {
            return false;
        }
    }
    return !isEmpty || !(Symbol.toStringTag in value);   // `Math` has no enumerable properties
}

/** Like `fitsJson`, for any value. Numbers and strings are told before: they are the most. */
function itemFitsJson(item: any, room: number): boolean {
    return typeof item === "object" ? item === null || fitsJson(item, room) : typeof item === "boolean" || item === undefined;
}

// ---------------------------------------------------------------- values that cannot be sent

/** Explain why a value cannot be sent, with the path to the cause. Returns "" if none is found. */
function explain(value: any, name: string, hasSpecials: boolean, above = new Map<any, string>()): string {
    if (value instanceof Keywords) {
        return explain(value.given, name, hasSpecials, above);
    }
    if (typeof value === (hasSpecials ? "symbol" : "bigint")) {
        return `${name}: ${hasSpecials ? "a symbol" : "BigInt"} cannot be sent`;
    }
    if (typeof value !== "object" || value === null || isBinary(value) || typeof value.toJSON === "function") {
        return "";
    }
    if (hasSpecials && !(Array.isArray(value) || /^(Map|Set)$/.test(builtIn(value)[0]) || isObjectLiteral(value))) {
        return "";   // it crosses by reference
    }
    if (isSparse(value)) {
        return `${name}: ${sparseText(value)}`;
    }
    if (above.has(value)) {
        return `${name}: a cycle cannot be sent (it leads back to ${above.get(value)})`;
    }
    if (above.size > SEND_DEPTH) {
        return `${[...above.values()][0]}: nested deeper than ${SEND_DEPTH} levels`;
    }
    above.set(value, name);
    const text = explainItems(value, name, hasSpecials, above);
    above.delete(value);
    return text;
}

function explainItems(value: any, name: string, hasSpecials: boolean, above: Map<any, string>): string {
    const taken = new Set<string>();
    const [type, content] = Array.isArray(value) ? [""] : builtIn(value);
    const items: Array<[any, any]> = type === "Map" ? content : Object.entries(type === "Set" ? content : value);
    for (const [key, item] of items) {
        const trouble = type === "Map" ? keyTrouble(key, taken) : "";
        const text = trouble ? `${name}: ${trouble}` : explain(item, name + stepText(key, value), hasSpecials, above);
        if (text) {
            return text;
        }
    }
    return "";
}

function stepText(key: any, { [Symbol.toStringTag]: tag }: any): string {
    if (tag === "Map") {
        return `.get(${typeof key === "string" ? JSON.stringify(key) : String(key)})`;
    }
    return /^\d+$/.test(key) ? `[${key}]` : /^[\p{L}_$][\p{L}\d_$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function reasonFor(body: unknown, label: string, hasSpecials: boolean, error: unknown): string {
    const plain = `${label}: ${error instanceof Error ? error.message : error}`;
    try {
        return explain(body, label, hasSpecials) || plain;
    } catch (second) {
        // A getter or toJSON of the user threw. Its message is the reason.
        return second instanceof Error ? `${label}: ${second.message}` : plain;
    }
}

// ---------------------------------------------------------------- sizes

/** Return an upper bound of the UTF-8 size of a text. */
const textSize = (text: string): number => text.length * 3;
const exactSize = ({ text, size }: Packet): number => size - textSize(text) + utf8.encode(text).length;
/** Return an upper bound of the bytes a buffer adds to a frame: content, padding and table entry. */
const bufferSize = ({ bytes, path, shape }: Buffer): number =>
    bytes.length + 3 * JSON.stringify([path, shape]).length + 64;

/** Return true if packets of this total size fit into one frame. */
export const fitsFrame = (size: number): boolean => size <= CHUNK_BYTES - MARGIN;

/** Return true if the packet is sent in chunks. A single long text may be sent as one frame, without encoding it. */
function isLarge(packet: Packet, mayBeWhole: boolean): boolean {
    if (fitsFrame(packet.size)) {
        return false;
    }
    const isText = packet.buffers.length === 0;
    return !(mayBeWhole && isText && packet.text.length <= WHOLE_TEXT) && !(isText && fitsFrame(exactSize(packet)));
}

// ---------------------------------------------------------------- packing

/** Encode a message as text and buffers; the buffers still refer to the user's memory. */
export function compose(message: Message, body: unknown, label: string, specials: Specials | null = null): Packet {
    const buffers: Buffer[] = [];
    let text = "";
    try {
        text = JSON.stringify(fitsJson(message, SEND_DEPTH) ? message : bareMessage(message, { buffers, specials }));
    } catch (error) {
        specials?.undo();
        throw new TypeError(reasonFor(body, label, specials !== null, error), { cause: error });
    }
    const size = buffers.reduce((sum, buffer) => sum + bufferSize(buffer), textSize(text));
    const uses = specials?.uses ?? NONE;
    return {
        text, buffers, size, content: null, isText: true, order: null, bound: uses.length > 0, sent: false, cancelled: false,
        exported: specials?.exported ?? NONE, uses, releases: NONE, whenSent: null, whenReceived: null,
    };
}

function bareMessage(message: Message, found: Found): Message {
    const bare = stripItems(message, [], found);
    return found.specials?.list.length ? withSpecials(bare, found.specials.list) : bare;
}

/**
 * Create a packet that is not affected by later changes to the values.
 *
 * Throws TypeError if the message cannot be sent; `body` and `label` are the value and its name for the error.
 * `mayBeWhole`: a long text may be sent as a single frame.
 */
export function pack(
    message: Message, body: unknown = message, label = "message",
    maxBytes = Infinity, mayBeWhole = true, memory?: SpareMemory, specials: Specials | null = null,
): Packet {
    const packet = compose(message, body, label, specials);
    const size = packet.size > maxBytes ? exactSize(packet) : 0;
    if (size > maxBytes) {
        specials?.undo();
        throw new TypeError(`${label}: ${size} bytes are more than the limit of ${maxBytes}`);
    }
    if (isLarge(packet, mayBeWhole)) {
        packet.isText = packet.buffers.length === 0;
        const parts = packet.isText ? [utf8.encode(`[${packet.text}]`)] : binaryParts([packet]);
        packet.content = new ChunkedContent(parts, CHUNK_BYTES, memory);
        packet.text = "";
        packet.buffers = [];
        packet.size = packet.content.total;
    }
    for (const buffer of packet.buffers) {
        buffer.bytes = buffer.bytes.slice();
    }
    return packet;
}
