/** Requests and WebSockets of a page, carried by the notebook's wire to Python. */

import type { CarriedSocket } from "./socket.ts";
import { openWire, type Model, type Wire, type WireMessage } from "./wire.ts";

/** The origin of the page's addresses. No server has this name, so that a browser cannot reach another one by it. */
export const ROOT = "https://page.jsmeets.invalid";

/** A complete answer to a request. */
export interface Answer {
    status: number;
    headers: Array<[string, string]>;
    /** The path that has answered, after redirects, with the fragment. */
    url: string;
    body: Uint8Array<ArrayBuffer>;
}

export interface Query {
    method?: string;
    headers?: Array<[string, string]>;
    body?: Uint8Array<ArrayBuffer> | null;
}

/** The addresses of the page, as Python reports them. */
export interface PageAddresses {
    /** The path of the page, with the identity in its fragment. */
    place: string;
    /** The address of the page at its port. */
    url: string;
    /** The address of an image at the same port, to find out whether the port can be reached; "" not to. */
    probe: string;
}

interface Pending {
    resolve: (answer: Answer) => void;
    reject: (error: Error) => void;
}

/** Return the path with query of an address of the page, or null for another origin. */
export function ownPath(url: URL): string | null {
    return url.host === new URL(ROOT).host ? url.pathname + url.search : null;
}

export class Carrier {
    private wire: Wire | null = null;
    private lastNumber = 0;
    private readonly pending = new Map<number, Pending>();
    private readonly sockets = new Map<number, CarriedSocket>();
    private readonly told = new Set<string>();
    private greeted: ((addresses: PageAddresses | null) => void) | null = null;

    /** @param ended called when Python has gone, or no longer has the page. */
    constructor(private readonly ended: () => void) {}

    /** Connect to the carrier of a page. Returns null if there is none. */
    async open(model: Model): Promise<PageAddresses | null> {
        const addresses = new Promise<PageAddresses | null>((resolve) => { this.greeted = resolve; });
        this.wire = await openWire(model, (message, buffers) => this.receive(message, buffers), () => this.end());
        return addresses;
    }

    /** Fetch a path of the page's application. Rejects with TypeError, as `fetch` does. */
    fetch(path: string, { method = "GET", headers = [], body = null }: Query = {}): Promise<Answer> {
        return this.ask((number) => this.send(["fetch", number, method, path, headers], body ? [body] : []));
    }

    /** Return the code of the module that shows a carried page. */
    async code(): Promise<Uint8Array<ArrayBuffer>> {
        return (await this.ask((number) => this.send(["code", number]))).body;
    }

    private ask(send: (number: number) => void): Promise<Answer> {
        this.lastNumber += 1;
        const number = this.lastNumber;
        return new Promise((resolve, reject) => {
            this.pending.set(number, { resolve, reject });
            send(number);
        });
    }

    /** Add a WebSocket and return its number. */
    connect(socket: CarriedSocket, path: string, protocols: string[]): number {
        this.lastNumber += 1;
        this.sockets.set(this.lastNumber, socket);
        if (this.wire) {
            this.send(["connect", this.lastNumber, path, protocols]);
        } else {
            queueMicrotask(() => socket.end(1006, ""));   // like a server that is not there
        }
        return this.lastNumber;
    }

    send(message: WireMessage, buffers: Uint8Array[] = []): void {
        this.wire?.send(message, buffers);
    }

    /** Name what the wire cannot carry in the console of the page and in Python's log, once. */
    report(problem: string): void {
        if (!this.told.has(problem)) {
            this.told.add(problem);
            console.error(`jsmeets_local: ${problem}`);
            this.send(["unreachable", 0, problem]);
        }
    }

    /** Tell Python that the document of the notebook is being left. */
    leave(): void {
        this.send(["bye", 0]);
    }

    close(): void {
        this.leave();
        this.wire?.close();
        this.wire = null;
        this.endAll();
    }

    private end(): void {
        this.wire = null;
        this.endAll();
        this.greeted?.(null);
        this.ended();
    }

    private endAll(): void {
        this.sockets.forEach((socket) => socket.end(1006, ""));
        this.sockets.clear();
        this.pending.forEach(({ reject }) => reject(new TypeError("the notebook has no connection to Python")));
        this.pending.clear();
    }

    private receive([kind, number, ...rest]: WireMessage, buffers: readonly ArrayBufferView[]): void {
        const socket = this.sockets.get(number);
        switch (kind) {
            case "hello":
                return this.greeted?.(rest[0]);
            case "gone":
                return this.end();
            case "ping":
                return this.send(["pong", 0]);
            case "response":
            case "failed":
                return this.answer(kind, number, rest, buffers);
            case "accept":
                return socket?.open(rest[0]);
            case "text":
                return socket?.receive(rest[0]);
            case "bytes":
                return socket?.receive(buffers[0]!);
            case "closed":
                this.sockets.delete(number);
                return socket?.end(rest[0], rest[1]);
            default:
                console.warn(`jsmeets_local: ignored a message '${kind}'`);
        }
    }

    private answer(kind: string, number: number, rest: any[], buffers: readonly ArrayBufferView[]): void {
        const pending = this.pending.get(number);
        this.pending.delete(number);
        if (kind === "failed") {
            pending?.reject(new TypeError(rest[0]));
        } else {
            const [status, headers, url] = rest;
            pending?.resolve({ status, headers, url, body: bytesOf(buffers[0]) });
        }
    }
}

/** Return the bytes of a buffer of the wire in memory of their own. */
function bytesOf(view: ArrayBufferView | undefined): Uint8Array<ArrayBuffer> {
    return view ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice() as Uint8Array<ArrayBuffer> : new Uint8Array();
}
