/** Link, a WebSocket of the connection: frames in both directions, flow control of chunks, content fetched over HTTP. */

import { fetchBulk } from "./bulk.ts";
import { Assembler, CHUNK_WINDOW, type Offer } from "./chunks.ts";
import { decode } from "./codec.ts";
import type { Message } from "./messages.ts";
import type { Session } from "./session.ts";

/** The number of received chunks for which one credit is sent. */
const CREDIT_EVERY = 4;

export class Link {
    /** The session of the link, set when the welcome arrives. */
    session: Session | null = null;
    welcomedAt: number | null = null;
    /** True once `hello` has been sent. */
    isGreeted = false;
    /** True once the connection no longer uses this link. */
    ended = false;
    readonly assembler: Assembler;
    private readonly credits = new Map<number, number>();
    private readonly fetches = new Set<AbortController>();

    constructor(readonly socket: WebSocket, maxBytes: number, private readonly bulkUrl: (secret: string) => string) {
        this.assembler = new Assembler(maxBytes);
        socket.binaryType = "arraybuffer";
    }

    /** Send a message that concerns only this link, bypassing the outbox. */
    send(message: Message): void {
        this.socket.send(JSON.stringify([message]));
    }

    end(): void {
        this.ended = true;
        this.fetches.forEach((running) => running.abort());
    }

    /** Return the messages of a frame, or of the chunks it completes. Throws ProtocolError. */
    messagesOf(data: string | ArrayBuffer): Message[] {
        const bytes = typeof data === "string" ? null : new Uint8Array(data);
        if (bytes?.[0] !== 2) {
            return decode(data);
        }
        const { stream, content, offer } = this.assembler.accept(bytes);
        if (offer) {
            void this.fetch(offer);
        } else {
            this.giveCredit(stream, content !== null);
        }
        return content === null ? [] : decode(content);
    }

    /** Acknowledge the received messages if an acknowledgement is due. */
    acknowledge(size: number): void {
        const { session } = this;
        if (session) {
            session.addBytes(size);
            if (session.isAckDue()) {
                this.send(["ack", session.received]);
            }
        }
    }

    private giveCredit(stream: number, isComplete: boolean): void {
        const count = (this.credits.get(stream) ?? 0) + 1;
        if (isComplete || count >= CREDIT_EVERY) {
            this.credits.delete(stream);
            this.send(["credit", stream, count]);
        } else {
            this.credits.set(stream, count);
        }
    }

    /** Fetch offered content, or decline the offer so that Python sends chunks. */
    private async fetch(offer: Offer): Promise<void> {
        const url = this.bulkUrl(offer.secret);
        const running = new AbortController();
        this.fetches.add(running);
        const content = url ? await fetchBulk(url, offer.total, running) : null;
        this.fetches.delete(running);
        if (this.ended) {
            return;   // Python offers it again on the next link
        }
        if (content) {
            this.assembler.fill(offer, content);
            this.session?.addBytes(content.length);   // counts towards the acknowledgement, which its last frame triggers
            this.send(["credit", offer.stream, CHUNK_WINDOW]);
        } else {
            this.assembler.drop(offer.stream);
            this.send(["decline", offer.stream]);
        }
    }
}
