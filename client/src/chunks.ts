/** Large content: chunks, and offers to fetch it over HTTP. */

import { ProtocolError, attempt } from "./messages.ts";

export const CHUNK_BYTES = 262144;
const CHUNK_HEAD = 16;
export const MAX_STREAMS = 64;
/** The number of chunks of a stream that may be sent without credit. */
export const CHUNK_WINDOW = 16;
export const MAX_MESSAGE_BYTES = 268435456;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const decodeUtf8 = (bytes: Uint8Array): string => attempt(() => strictUtf8.decode(bytes), "not UTF-8");
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
export const hexOf = (bytes: Uint8Array): string =>
    Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
export const sizeOf = (parts: readonly Uint8Array[]): number => parts.reduce((size, part) => size + part.length, 0);

/** Concatenate parts into `whole`. */
export function join<T extends { set(part: Uint8Array, at: number): void }>(parts: readonly Uint8Array[], whole: T): T {
    parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
    return whole;
}

/** Reuses memory, because filling it takes half the time of new memory. It keeps one block, until the garbage is collected. */
export class SpareMemory {
    private spare: WeakRef<ArrayBufferLike> | null = null;

    /** Return memory of this size, zeroed or with earlier content. */
    take(size: number): Uint8Array {
        const found = this.spare?.deref();
        if (!found || found.byteLength < size || found.byteLength >= 2 * size) {
            return new Uint8Array(size);
        }
        this.spare = null;
        return new Uint8Array(found, 0, size);
    }

    /** Take back memory that is no longer in use. */
    give({ buffer }: Uint8Array): void {
        this.spare = new WeakRef(buffer);
    }
}

/** The content of one frame, copied once into chunks with space for their headers. */
export class ChunkedContent {
    readonly total: number;
    readonly size: number;
    readonly chunks: Uint8Array;

    constructor(parts: readonly Uint8Array[], size = CHUNK_BYTES, memory = new SpareMemory()) {
        this.total = sizeOf(parts);
        this.size = size;
        this.chunks = memory.take(this.total + CHUNK_HEAD * Math.ceil(this.total / size));
        join(parts, this);
    }

    /** Copy bytes to an offset of the content. */
    set(bytes: Uint8Array, at: number): void {
        for (let from = 0; from < bytes.length;) {
            const [piece, inside] = [Math.floor((at + from) / this.size), (at + from) % this.size];
            const part = bytes.subarray(from, from + this.size - inside);
            this.chunks.set(part, piece * (CHUNK_HEAD + this.size) + CHUNK_HEAD + inside);
            from += part.length;
        }
    }
}

/** Iterates over the chunks of one frame. */
export class Chunker {
    private offset = 0;

    constructor(
        private readonly content: ChunkedContent,
        private readonly isText: boolean,
        private readonly stream: number,
    ) {}

    get done(): boolean {
        return this.offset >= this.content.chunks.length;
    }

    /** Return the next chunk, a view that is valid until another Chunker writes headers into the content. */
    next(): Uint8Array {
        const { chunks, size, total } = this.content;
        const frame = chunks.subarray(this.offset, this.offset + CHUNK_HEAD + size);
        this.offset += frame.length;
        const view = viewOf(frame);
        view.setUint32(0, 2 | (this.done ? 1 : 0) << 8 | (this.isText ? 2 : 0) << 8, true);
        view.setUint32(4, this.stream, true);
        view.setBigUint64(8, BigInt(total), true);
        return frame;
    }
}

/** Content that Python offers over HTTP. */
export interface Offer {
    stream: number;
    total: number;
    secret: string;
}

interface Part {
    content: Uint8Array;
    isText: boolean;
    taken: number;
    total: number;
}

/** The result of a frame: completed content, or an offer. */
export interface Accepted {
    stream: number;
    content: string | Uint8Array | null;
    offer?: Offer;
}

/** Reassembles the chunks of concurrent streams. */
export class Assembler {
    private readonly open = new Map<number, Part>();

    constructor(public maxBytes = MAX_MESSAGE_BYTES, private readonly size = CHUNK_BYTES) {}

    accept(frame: Uint8Array): Accepted {
        const flags = frame[1]!;
        if ((flags & 4) !== 0) {
            return this.acceptOffered(frame);
        }
        if (frame.length <= CHUNK_HEAD || frame.length > CHUNK_HEAD + this.size || frame[0] !== 2 || flags > 3) {
            throw new ProtocolError("malformed chunk");
        }
        const view = viewOf(frame);
        const [stream, total] = [view.getUint32(4, true), Number(view.getBigUint64(8, true))];
        const part = this.open.get(stream) ?? this.begin(stream, total, flags >= 2);
        this.append(part, frame, total);
        return { stream, content: part.taken < total ? null : this.whole(stream, part) };
    }

    /** Accept a frame of an offer. The first frame carries the secret; the last one marks its place in the order. */
    private acceptOffered(frame: Uint8Array): Accepted {
        const flags = frame[1]!;
        const [isText, isLast] = [(flags & 2) !== 0, (flags & 1) !== 0];
        if (frame[0] !== 2 || flags > 7 || frame.length !== (isLast ? CHUNK_HEAD : 2 * CHUNK_HEAD)) {
            throw new ProtocolError("malformed offer");
        }
        const view = viewOf(frame);
        const [stream, total] = [view.getUint32(4, true), Number(view.getBigUint64(8, true))];
        const part = this.open.get(stream);
        if (isLast ? part?.taken !== total || part.total !== total || part.isText !== isText : part) {
            throw new ProtocolError("offer does not match its stream");
        }
        if (part) {
            return { stream, content: this.whole(stream, part) };
        }
        this.begin(stream, total, isText, new Uint8Array(0));
        return { stream, content: null, offer: { stream, total, secret: hexOf(frame.subarray(CHUNK_HEAD)) } };
    }

    /** Set the fetched content of an offer. */
    fill({ stream, total }: Offer, content: Uint8Array): void {
        Object.assign(this.open.get(stream)!, { content, taken: total });
    }

    /** Drop a declined stream; Python sends its content in chunks. */
    drop(stream: number): void {
        this.open.delete(stream);
    }

    private whole(stream: number, part: Part): string | Uint8Array {
        this.open.delete(stream);
        return part.isText ? decodeUtf8(part.content) : part.content;
    }

    private begin(stream: number, total: number, isText: boolean, content?: Uint8Array): Part {
        if (total > this.maxBytes || this.open.size >= MAX_STREAMS) {
            throw new ProtocolError("message too large, or too many streams at once");
        }
        const part = { content: content ?? attempt(() => new Uint8Array(total), "too large"), isText, taken: 0, total };
        this.open.set(stream, part);
        return part;
    }

    private append(part: Part, frame: Uint8Array, total: number): void {
        const end = part.taken + frame.length - CHUNK_HEAD;
        const isLast = (frame[1]! & 1) === 1;
        if (total !== part.content.length || (frame[1]! >= 2) !== part.isText || end > total || isLast !== (end === total)) {
            throw new ProtocolError("chunks of one stream disagree about its content");
        }
        part.content.set(frame.subarray(CHUNK_HEAD), part.taken);
        part.taken = end;
    }
}
