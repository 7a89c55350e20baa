/** Encoding of packets to frames, and decoding of frames to messages. */

import { decodeUtf8, join, sizeOf, viewOf } from "./chunks.ts";
import { ProtocolError, checkMessage, isCount, parseJson, type Message } from "./messages.ts";
import { NDArray, bytesOf, itemSize, makeArray, marked, product } from "./ndarray.ts";
import type { Packet } from "./packet.ts";
import { type Step, checkSpecials, hasStep } from "./specials.ts";

const utf8 = new TextEncoder();

// ---------------------------------------------------------------- packets -> frames

const padded = (size: number): number => Math.ceil(size / 8) * 8;
const padding = (size: number): Uint8Array => new Uint8Array(padded(size) - size);

const textFrame = (packets: readonly Packet[]): string => `[${packets.map((packet) => packet.text).join(",")}]`;

/** Return the parts of a binary frame; the buffers are not copied. */
export function binaryParts(packets: readonly Packet[]): Uint8Array[] {
    const buffers = packets.flatMap((packet, index) => packet.buffers.map(({ path, dtype, bytes, shape }) =>
        ({ bytes, entry: [[index, ...path], dtype, bytes.length, shape] })));
    const table = JSON.stringify(buffers.map(({ entry }) => entry));
    const header = utf8.encode(`[${textFrame(packets)},${table}]`);
    const begin = new Uint8Array(Uint32Array.of(1, header.length).buffer);
    return [begin, header, padding(header.length), ...buffers.flatMap(({ bytes }) => [bytes, padding(bytes.length)])];
}

function binaryFrame(packets: readonly Packet[]): Uint8Array {
    const parts = binaryParts(packets);
    return join(parts, new Uint8Array(sizeOf(parts)));
}

/** Encode packets as one frame: text, or binary if any has buffers. */
export const frameOf = (packets: readonly Packet[]): string | Uint8Array =>
    (packets.some((packet) => packet.buffers.length) ? binaryFrame(packets) : textFrame(packets));

// ---------------------------------------------------------------- frames -> messages

/** Decode a text frame, or a binary one of type 1. Throws ProtocolError. */
export function decode(data: string | ArrayBuffer | Uint8Array): Message[] {
    const messages = typeof data === "string" ? parseJson(data) : decodeBinary(bytesOf(data));
    if (!Array.isArray(messages)) {
        throw new ProtocolError("frame is not an array of messages");
    }
    messages.forEach(checkMessage);
    messages.forEach(checkSpecials);
    return messages;
}

function decodeBinary(frame: Uint8Array): unknown {
    const bytes = frame.byteOffset % 8 ? frame.slice() : frame;   // typed arrays require alignment
    const size = bytes.length < 8 || bytes[0] !== 1 ? Infinity : viewOf(bytes).getUint32(4, true);
    if (8 + size > bytes.length) {
        throw new ProtocolError("binary frame has an unknown type or is truncated");
    }
    const header = parseJson(decodeUtf8(bytes.subarray(8, 8 + size)));
    if (!Array.isArray(header) || !Array.isArray(header[0]) || !Array.isArray(header[1])) {
        throw new ProtocolError("binary frame has an invalid header");
    }
    header[1].reduce((start: number, buffer) => takeBuffer(header[0], bytes, start, buffer), padded(8 + size));
    return header[0];
}

/** Insert one buffer at its path. Returns the start of the next one. */
function takeBuffer(messages: unknown[], frame: Uint8Array, start: number, buffer: unknown): number {
    const [path, dtype, length, shape] = Array.isArray(buffer) ? buffer : [];
    if (!isCount(length) || (length > 0 && start + length > frame.length)) {
        throw new ProtocolError("buffer does not fit into its frame");
    }
    const at = Math.min(start, frame.length - frame.length % 8);
    place(messages, path, binaryValue(frame.subarray(length ? start : at, length ? start + length : at), dtype, shape));
    return padded(start + length);
}

function binaryValue(bytes: Uint8Array, dtype: any, shape: any): unknown {
    const size = itemSize(dtype);
    if (!size || bytes.length % size) {
        throw new ProtocolError("buffer has a wrong dtype or length");
    }
    const count = bytes.length / size;
    if (shape !== null && !(Array.isArray(shape) && shape.every(isCount) && product(shape) === count)) {
        throw new ProtocolError("buffer does not fit its shape");
    }
    const data = makeArray(dtype, bytes, count);
    return shape === null || shape.length === 1 ? marked(data, dtype) : new NDArray(data, shape, dtype);
}

function place(root: unknown[], path: any, value: unknown): void {
    if (!Array.isArray(path) || path.length < 2) {
        throw new ProtocolError("a buffer without a path");
    }
    let parent: any = root;
    path.forEach((step: Step, index) => {
        if (!hasStep(parent, step)) {
            throw new ProtocolError("buffer path leads nowhere");
        }
        if (index < path.length - 1) {
            parent = parent[step];
        } else if (parent[step] === null) {
            parent[step] = value;
        } else {
            throw new ProtocolError("buffer path does not lead to a null");
        }
    });
}
