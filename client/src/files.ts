/** Files in both directions: Python reads a Blob of this page in pieces, and this page a file of Python. */

import { SpareMemory, join, sizeOf } from "./chunks.ts";
import type { Connection } from "./connection.ts";
import type { Message } from "./messages.ts";
import { failureOf } from "./pyproxy.ts";
import { DISPOSE, type Exports, type Imported } from "./references.ts";
import { NO_LIMIT, resultOf } from "./results.ts";
import { tagOf } from "./specials.ts";

/** Bytes of one request. */
const PIECE = 1048576;
/** The number of requests in flight, so that the connection is never idle. */
const AHEAD = 4;

/** A file of Python, passed by `ref(path)`. It is read in pieces, on demand. */
export interface PyFile {
    readonly name: string;
    /** Bytes; null if Python does not know it in advance. */
    readonly size: number | null;
    /** The media type, or "". */
    readonly type: string;
    /** Milliseconds since 1970, as in `File`; null if unknown. */
    readonly lastModified: number | null;
    /** The content, read on demand. */
    stream(): ReadableStream<Uint8Array>;
    blob(): Promise<Blob>;
    bytes(): Promise<Uint8Array>;
    text(): Promise<string>;
    /** Save it as a download, in a native window with a dialog. False if the user cancels. */
    save(name?: string): Promise<boolean>;
    /** Let Python forget it now rather than after garbage collection. */
    destroy(): void;
}

/** Content that `download` saves. */
export type Downloadable = PyFile | Blob | ArrayBufferLike | ArrayBufferView | string;

/** Saves a file on the user's computer. Returns false if the user cancelled. */
export type Download = (name: string, data: Downloadable) => Promise<boolean>;

/** A Blob that Python reads from one piece to the next: as one stream, which takes a fraction of the time of slices. */
class Sequence {
    private readonly reader: ReadableStreamBYOBReader;
    private last: Promise<unknown> = Promise.resolve();

    /** Throws TypeError if the browser cannot read a Blob into given memory. */
    constructor(private readonly blob: Blob, start: number, private readonly memory: SpareMemory) {
        this.reader = blob.slice(start).stream().getReader({ mode: "byob" });
    }

    /** Read the piece that follows the last one. */
    async read(size: number): Promise<Uint8Array> {
        const piece = this.last.then(() => this.fill(size));
        this.last = piece.catch(() => undefined);
        // A slice notices that the file was changed on the way, which an open stream does not.
        const [bytes] = await Promise.all([piece, isOnDisk(this.blob) && sliceOf(this.blob, 0, 1)]);
        return bytes;
    }

    private async fill(size: number): Promise<Uint8Array> {
        let piece = this.memory.take(size);
        for (let filled = 0; filled < size;) {
            const { done, value } = await this.reader.read(piece.subarray(filled));   // transfers the buffer and returns it
            if (done) {
                throw new DOMException("The file has become shorter", "NotReadableError");
            }
            filled += value.length;
            piece = new Uint8Array(value.buffer, 0, size);
        }
        return piece;
    }

    /** Stop reading, behind the pieces that were asked for. */
    close(): void {
        void this.last.then(() => this.reader.cancel()).catch(() => undefined);   // it has failed already
    }
}

const isBlob = (value: unknown): value is Blob => typeof Blob !== "undefined" && value instanceof Blob;
const isOnDisk = (blob: Blob): boolean => typeof File !== "undefined" && blob instanceof File;
const sliceOf = async (blob: Blob, start: number, end: number): Promise<Uint8Array> =>
    new Uint8Array(await blob.slice(start, end).arrayBuffer());

/** Reads pieces of the Blobs of this page. */
export class BlobReader {
    /** Blob of another frame -> one of this frame with the same content. */
    private readonly adopted = new WeakMap<object, Blob>();
    /** Blob -> the end of the last piece, and the stream, if the pieces follow each other. */
    private readonly places = new WeakMap<Blob, { end: number; sequence: Sequence | null }>();
    private readonly memory = new SpareMemory();
    /** The pieces whose memory may be used again. */
    private readonly pieces = new WeakSet<object>();

    constructor(exports: Exports) {
        exports.whenForgotten = (value) => {
            const blob = isBlob(value) ? value : this.adopted.get(Object(value));
            if (blob) {
                this.close(blob);
            }
        };
    }

    /** Return the bytes from `start` to `stop`, or to the end of the Blob. */
    async read(given: Blob, start: number, stop: number): Promise<Uint8Array> {
        const blob = isBlob(given) ? given : this.adopt(given);
        const end = Math.max(start, Math.min(stop, blob.size));
        const sequence = this.sequenceAt(blob, start);
        this.places.set(blob, { end, sequence });
        try {
            const piece = await (sequence ? sequence.read(end - start) : sliceOf(blob, start, end));
            this.pieces.add(piece);
            return piece;
        } catch (error) {
            this.close(blob);
            throw error;
        }
    }

    /** Return a Blob that outlives the frame of the given one: reading a Blob of a removed frame never ends. */
    private adopt(foreign: Blob): Blob {
        let blob = this.adopted.get(foreign);
        if (!blob) {
            blob = tagOf(foreign) === "File" ? new File([foreign], "") : new Blob([foreign]);   // without copying the content
            this.adopted.set(foreign, blob);
        }
        return blob;
    }

    /** Return the stream at a position, if the last piece has ended there. */
    private sequenceAt(blob: Blob, start: number): Sequence | null {
        const place = this.places.get(blob);
        if (place?.end !== start) {
            this.close(blob);
            return null;
        }
        try {
            return place.sequence ?? new Sequence(blob, start, this.memory);
        } catch {
            return null;   // the browser cannot read a Blob into given memory
        }
    }

    /** Use the memory of an answer that was copied for the next pieces, if it is a piece. */
    reuse(answer: any): void {
        if (this.pieces.delete(answer)) {
            this.memory.give(answer);
        }
    }

    /** Stop reading a Blob. */
    private close(blob: Blob): void {
        this.places.get(blob)?.sequence?.close();
        this.places.delete(blob);
    }
}

export function serveFiles(connection: Connection): void {
    const { imports } = connection;
    imports.makers.set("file", (imported) => createFile(imported));

    /** Read a part of a file. The file stays alive until Python has answered. */
    function read(file: object, imported: Imported, start: number, end: number, signal: AbortSignal): Promise<Uint8Array> {
        const message = (id: number): Message => ["use", id, imported.number, [["read", start, end]]];
        const request = { message, body: null, label: "", key: imported.facts[0].name, holder: file, failure: failureOf(imported) };
        return resultOf(connection, read, request, { ...NO_LIMIT, signal });
    }

    function streamOf(file: object, imported: Imported): ReadableStream<Uint8Array> {
        const size: number = imported.facts[0].size ?? Infinity;
        const pieces: Array<Promise<Uint8Array>> = [];
        const controller = new AbortController();
        let asked = 0;
        return new ReadableStream<Uint8Array>({
            async pull(reader) {
                while (pieces.length < AHEAD && asked < size) {
                    const piece = read(file, imported, asked, Math.min(size, asked + PIECE), controller.signal);
                    piece.catch(() => undefined);   // it is awaited later
                    pieces.push(piece);
                    asked += PIECE;
                }
                const piece = await pieces.shift();
                if (piece?.length) {
                    reader.enqueue(piece);
                } else {
                    asked = Infinity;
                    reader.close();
                    controller.abort();   // requests beyond the end of a file of unknown size
                }
            },
            cancel: () => controller.abort(),
        }, { highWaterMark: 0 });
    }

    function createFile(imported: Imported): PyFile {
        const { name, size, type, modified } = imported.facts[0];
        const file: any = {
            name,
            size: size ?? null,
            type: type ?? "",
            lastModified: modified ?? null,
            stream: () => streamOf(file, imported),
            blob: async () => new Blob(await partsOf(file.stream()) as BlobPart[], { type: file.type }),
            async bytes() {
                const parts = await partsOf(file.stream());
                return join(parts, new Uint8Array(sizeOf(parts)));
            },
            text: async () => new TextDecoder().decode(await file.bytes()),
            save: (as: string = name) => connection.download(as, file),
            destroy: () => imports.drop(imported),
            [DISPOSE]: () => imports.drop(imported),
        };
        return file;
    }
}

async function partsOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array[]> {
    const parts: Uint8Array[] = [];
    const reader = stream.getReader();
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
        parts.push(value!);
    }
    return parts;
}

/** Return true in a window of pywebview, which cannot download. */
const isInWindow = (): boolean => "pywebview" in globalThis;

export function createDownload(connection: Connection): Download {
    /** Let Python show the dialog, read the content from this page and write it. */
    async function saveByPython(name: string, data: unknown): Promise<boolean> {
        const message = (id: number): Message => ["call", id, "$save", [connection.identity.page, name, data]];
        return await resultOf(connection, download, { message, body: data, label: "data", key: "$save" }) === true;
    }

    async function download(name: string, data: Downloadable): Promise<boolean> {
        const isPython = typeof data === "object" && "blob" in data;
        if (isInWindow()) {
            return saveByPython(name, isPython || data instanceof Blob ? data : new Blob([data as BlobPart]));
        }
        const blob = isPython ? await data.blob() : data instanceof Blob ? data : new Blob([data as BlobPart]);
        const link = document.createElement("a");
        link.href = URL.createObjectURL(blob);
        link.download = name;
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 60000);   // browsers begin to read it later
        return true;
    }

    return download;
}
