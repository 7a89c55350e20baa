/** Packets: messages ready to be sent, as JSON with separate binary buffers. */

import { CHUNK_BYTES, ChunkedContent, type SpareMemory } from "./chunks.ts";
import { binaryParts } from "./codec.ts";
import type { Message } from "./messages.ts";
import { NDArray, bytesOf, dtypeOf } from "./ndarray.ts";

/** The maximum nesting depth that Python accepts. */
const SEND_DEPTH = 256;
/** The maximum length of a text sent as one frame. Only one such text is in flight at a time. */
const WHOLE_TEXT = 1048576;
/** Bytes reserved for the brackets of a frame. */
const MARGIN = 64;

const utf8 = new TextEncoder();

export type Step = string | number;

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
    /** True for a response, which is dropped when its session ends. */
    bound: boolean;
    sent: boolean;
    cancelled: boolean;
}

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

/** Return the value with its binary values moved to `found`. Only the containers on the path to one are copied. */
function strip(value: any, path: Step[], found: Buffer[]): any {
    if (isBinary(value)) {
        found.push(bufferOf(value, [...path]));
        return null;
    }
    if (path.length > SEND_DEPTH) {
        throw new RangeError(`nested deeper than ${SEND_DEPTH} levels`);
    }
    if (typeof value.toJSON !== "function") {
        return stripItems(value, path, found);
    }
    const plain = value instanceof Date ? value : value.toJSON(String(path.at(-1)));
    return plain === value || typeof plain !== "object" || plain === null ? plain : strip(plain, path, found);
}

function stripItems(value: any, path: Step[], found: Buffer[]): any {
    const keys = Array.isArray(value) ? null : Object.keys(value);
    const length: number = keys ? keys.length : value.length;
    let bare = value;
    for (let index = 0; index < length; index += 1) {
        const key = keys ? keys[index]! : index;
        const item = value[key];
        if (typeof item === "object" && item !== null) {
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
function isPlain(value: any, room: number): boolean {
    if (room === 0 || typeof value.toJSON === "function") {
        return false;
    }
    if (!Array.isArray(value)) {
        return Object.getPrototypeOf(value) === Object.prototype && hasPlainItems(value, room - 1);
    }
    for (let index = 0; index < value.length; index += 1) {
        const item = value[index];
        if (typeof item === "object" && item !== null && !isPlain(item, room - 1)) {
            return false;
        }
    }
    return true;
}

function hasPlainItems(value: any, room: number): boolean {
    for (const key in value) {
        const item = value[key];
        if (typeof item === "object" && item !== null && !isPlain(item, room)) {
            return false;
        }
    }
    return true;
}

// ---------------------------------------------------------------- values that cannot be sent

/** Explain why a value cannot be sent, with the path to the cause. Returns "" if none is found. */
function explain(value: any, name: string, above = new Map<any, string>()): string {
    if (typeof value === "bigint") {
        return `${name}: BigInt cannot be sent`;
    }
    if (typeof value !== "object" || value === null || isBinary(value) || typeof value.toJSON === "function") {
        return "";
    }
    if (above.has(value)) {
        return `${name}: a cycle cannot be sent (it leads back to ${above.get(value)})`;
    }
    if (above.size > SEND_DEPTH) {
        return `${[...above.values()][0]}: nested deeper than ${SEND_DEPTH} levels`;
    }
    above.set(value, name);
    const text = explainItems(value, name, above);
    above.delete(value);
    return text;
}

function explainItems(value: any, name: string, above: Map<any, string>): string {
    for (const key of Object.keys(value)) {
        const step = Array.isArray(value) ? `[${key}]` : /^[\p{L}_$][\p{L}\d_$]*$/u.test(key) ? `.${key}`
            : `[${JSON.stringify(key)}]`;
        const text = explain(value[key], name + step, above);
        if (text) {
            return text;
        }
    }
    return "";
}

function reasonFor(body: unknown, label: string, error: unknown): string {
    const plain = `${label}: ${error instanceof Error ? error.message : error}`;
    try {
        return explain(body, label) || plain;
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
export function compose(message: Message, body: unknown, label: string): Packet {
    const buffers: Buffer[] = [];
    let text = "";
    try {
        text = JSON.stringify(isPlain(message, SEND_DEPTH) ? message : stripItems(message, [], buffers));
    } catch (error) {
        throw new TypeError(reasonFor(body, label, error), { cause: error });
    }
    const size = buffers.reduce((sum, buffer) => sum + bufferSize(buffer), textSize(text));
    return { text, buffers, size, content: null, isText: true, order: null, bound: false, sent: false, cancelled: false };
}

/**
 * Create a packet that is not affected by later changes to the values.
 *
 * Throws TypeError if the message cannot be sent; `body` and `label` are the value and its name for the error.
 * `mayBeWhole`: a long text may be sent as a single frame.
 */
export function pack(
    message: Message, body: unknown = message, label = "message",
    maxBytes = Infinity, mayBeWhole = true, memory?: SpareMemory,
): Packet {
    const packet = compose(message, body, label);
    const size = packet.size > maxBytes ? exactSize(packet) : 0;
    if (size > maxBytes) {
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
