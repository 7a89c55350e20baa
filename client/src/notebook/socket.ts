/** A WebSocket of the page that is carried to Python. */

import type { Carrier } from "./carrier.ts";

/** Received frames, or bytes, after which Python may send more. */
const [ACK_FRAMES, ACK_BYTES] = [32, 1 << 19];
const NORMAL_CLOSURE = 1000;
const NO_CODE = 1005;

/** The global object of the page's document, whose objects its scripts recognize. */
export type Realm = Window & typeof globalThis;

type Handler = ((event: any) => unknown) | null;

export interface CarriedSocket extends WebSocket {
    open(protocol: string): void;
    receive(data: string | ArrayBufferView): void;
    end(code: number, reason: string): void;
}

/** Return a WebSocket of a document, with the events and methods of a real one. */
export function createSocket(realm: Realm, carrier: Carrier, url: URL, path: string, protocols: string[]): CarriedSocket {
    class Socket extends realm.EventTarget {
        readonly url = url.href;
        readonly extensions = "";
        readonly bufferedAmount = 0;
        binaryType: BinaryType = "blob";
        protocol = "";
        readyState: number = realm.WebSocket.CONNECTING;
        onopen: Handler = null;
        onmessage: Handler = null;
        onerror: Handler = null;
        onclose: Handler = null;
        private frames = 0;
        private bytes = 0;
        /** Blobs are read one after the other, and what follows waits for them. */
        private blobs: Promise<void> | null = null;
        private readonly number = carrier.connect(this as unknown as CarriedSocket, path, protocols);

        constructor() {
            super();
            for (const kind of ["open", "message", "error", "close"] as const) {
                this.addEventListener(kind, (event) => this[`on${kind}`]?.call(this, event));
            }
        }

        send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
            if (this.readyState === realm.WebSocket.CONNECTING) {
                throw new realm.DOMException("Still in CONNECTING state.", "InvalidStateError");
            }
            if (this.blobs || data instanceof realm.Blob) {
                this.blobs = (this.blobs ?? Promise.resolve()).then(async () =>
                    this.post(data instanceof realm.Blob ? await data.arrayBuffer() : data as string));
            } else {
                this.post(data as string | ArrayBuffer);
            }
        }

        private post(data: string | ArrayBufferLike | ArrayBufferView): void {
            if (this.readyState !== realm.WebSocket.OPEN) {
                return;
            }
            if (typeof data === "string") {
                carrier.send(["text", this.number, data]);
            } else {
                const view = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
                carrier.send(["bytes", this.number], [view.slice()]);   // the page may change its own
            }
        }

        close(code?: number, reason = ""): void {
            if (this.readyState < realm.WebSocket.CLOSING) {
                this.readyState = realm.WebSocket.CLOSING;
                carrier.send(["close", this.number, code ?? NO_CODE, reason]);
            }
        }

        open(protocol: string): void {
            if (this.readyState === realm.WebSocket.CONNECTING) {
                this.protocol = protocol;
                this.readyState = realm.WebSocket.OPEN;
                this.dispatchEvent(new realm.Event("open"));
            }
        }

        receive(data: string | ArrayBufferView): void {
            this.frames += 1;
            this.bytes += typeof data === "string" ? data.length : data.byteLength;
            if (this.frames >= ACK_FRAMES || this.bytes >= ACK_BYTES) {
                carrier.send(["ack", this.number, this.frames]);
                [this.frames, this.bytes] = [0, 0];
            }
            if (this.readyState === realm.WebSocket.OPEN) {
                this.dispatchEvent(new realm.MessageEvent("message", { data: this.own(data), origin: url.origin }));
            }
        }

        /** Copy received bytes into an object of the document, as `binaryType` tells. */
        private own(data: string | ArrayBufferView): string | ArrayBuffer | Blob {
            if (typeof data === "string") {
                return data;
            }
            const bytes = new realm.Uint8Array(data.byteLength);
            bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
            return this.binaryType === "blob" ? new realm.Blob([bytes]) : bytes.buffer;
        }

        end(code: number, reason: string): void {
            if (this.readyState === realm.WebSocket.CLOSED) {
                return;
            }
            this.readyState = realm.WebSocket.CLOSED;
            if (code === 1006) {
                this.dispatchEvent(new realm.Event("error"));
            }
            const wasClean = code === NORMAL_CLOSURE || code === NO_CODE;
            this.dispatchEvent(new realm.CloseEvent("close", { code, reason, wasClean }));
        }
    }
    return new Socket() as unknown as CarriedSocket;
}
