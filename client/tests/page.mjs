// A page without a browser: the source over an in-memory transport, and the Python end of it in the test's hands.
import { readFileSync } from "node:fs";
import { Assembler, ChunkedContent, Chunker } from "../src/chunks.ts";
import * as code from "../src/code/index.ts";
import { decode, frameOf } from "../src/codec.ts";
import {
    installBinarySocket, installFunctions, installPubsub, installQueues, installTextSocket,
} from "../src/install.ts";
import { compose } from "../src/packet.ts";

const INSTALL = {
    JsPyTextSocket: () => installTextSocket(globalThis.document?.currentScript ?? null),
    JsPyFunction: () => installFunctions(async () => code),
    JsPyQueue: installQueues,
    JsPyPubsub: installPubsub,
    JsPyBinarySocket: () => installBinarySocket(null),
};

export { Assembler, Chunker, decode };
export const contentOf = (parts, size) => new ChunkedContent(parts, size);
/** A frame as Python writes it. */
export const encode = (messages) => frameOf(messages.map((message) => compose(message, message, "message")));
export const vectors = (name) => JSON.parse(readFileSync(new URL(`../../tests/vectors/${name}.json`, import.meta.url), "utf8")).cases;
export const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"));
export const hex = (data) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex");
/** All microtasks have run, and the transport has delivered. */
export const settled = () => new Promise((resolve) => { setImmediate(resolve); });
/** Wait until a condition holds, at most 20 s, and turn by turn. */
export async function until(condition) {
    const end = performance.now() + 20_000;
    while (!condition()) {
        if (performance.now() > end) {
            throw new Error(`this did not happen: ${condition}`);
        }
        await after(1);
    }
}

/** The messages of the page, from now until `count` of a kind have come. */
export async function sentBy(end, kind, count = 1) {
    const messages = [];
    await until(() => messages.push(...end.messages()) && messages.filter(([one]) => one === kind).length >= count);
    return messages;
}

export const after = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** The page's end of the transport: as much of WebSocket as the files use. */
class Transport {
    static CONNECTING = 0;
    static OPEN = 1;
    static CLOSING = 2;
    static CLOSED = 3;
    static all = [];

    constructor(url, protocols) {
        Object.assign(this, { url, protocols, readyState: 0, sent: [], closed: null });
        Transport.all.push(this);
    }

    send(data) {
        this.sent.push(typeof data === "string" ? data : data.slice());
    }

    close(code, reason) {
        this.closed ??= { code, reason };
        this.readyState = 2;
    }
}

/** Python's end of one connection. */
class Python {
    constructor(transport) {
        this.transport = transport;
        this.assembler = new Assembler();
        this.read = 0;
        this.names = [];
    }

    open() {
        this.transport.readyState = 1;
        this.transport.onopen?.({});
    }

    welcome(id = 1, page = "p1", settings = {}) {
        this.open();
        this.send(["welcome", id, page, { max_message_bytes: 268435456, ...settings }]);
    }

    send(...messages) {
        const frame = encode(messages);
        this.raw(typeof frame === "string" ? frame : frame.buffer);
    }

    raw(data) {
        this.transport.onmessage({ data });
    }

    drop(code = 1006, reason = "") {
        this.transport.readyState = 3;
        this.transport.onclose({ code, reason });
    }

    /** The frames sent since the last time. */
    frames() {
        const frames = this.transport.sent.slice(this.read);
        this.read = this.transport.sent.length;
        return frames;
    }

    /** The messages sent since the last time; chunks are put together. The page's names are kept apart. */
    messages() {
        const messages = this.everything();
        messages.filter(([kind]) => kind === "names").forEach(([, names]) => { this.names.push(names); });
        return messages.filter(([kind]) => kind !== "names");
    }

    everything() {
        return this.frames().flatMap((frame) => {
            if (typeof frame === "string" || frame[0] !== 2) {
                return decode(frame);
            }
            const { content } = this.assembler.accept(frame);
            return content === null ? [] : decode(content);
        });
    }
}

/** Make the globals anew, in a page that loaded long ago. @param {string[]} names which of them, without JsPyTextSocket */
export function load(...names) {
    const { now } = performance;
    performance.now = () => now.call(performance) - 1e6;
    try {
        loadNow(...names);
    } finally {
        performance.now = now;
    }
}

/** Make the globals anew, in a page that has just loaded: names may still be exposed. */
export function loadNow(...names) {
    clearTimeout(globalThis.JsPyTextSocket?._connection?.retryTimer);   // the page before would connect once more
    Object.keys(INSTALL).forEach((name) => delete globalThis[name]);
    Transport.all = [];
    globalThis.WebSocket = Transport;
    ["JsPyTextSocket", ...names].forEach(run);
    JsPyTextSocket._url = "ws://127.0.0.1:1/jsmeetspy/textsocket";
}

export const run = (name) => INSTALL[name]();

/** Python's end of the newest connection. */
export const python = () => new Python(Transport.all.at(-1));

export const connections = () => Transport.all.length;

/** Loaded, connected and welcomed; hello is read. */
export async function connected(...names) {
    load(...names);
    return welcomed();
}

/** Connected and welcomed; hello is read. */
export async function welcomed() {
    await settled();
    const end = python();
    end.welcome();
    end.messages();
    return end;
}

/** What the console was told meanwhile. */
export async function quietly(action, ...methods) {
    const kept = methods.map((method) => [method, console[method]]);
    const said = [];
    methods.forEach((method) => { console[method] = (...words) => said.push(words.join(" ")); });
    try {
        await action();
    } finally {
        kept.forEach(([method, original]) => { console[method] = original; });
    }
    return said;
}
