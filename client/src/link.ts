/** One WebSocket: frames in both directions, credit for chunks, content that is fetched. */

import { fetchBulk } from "./bulk.ts";
import { Assembler, CHUNK_WINDOW, type Offer } from "./chunks.ts";
import { decode } from "./codec.ts";
import type { Message } from "./messages.ts";
import type { Session } from "./session.ts";

/** Chunks that are taken before Python hears of it. */
const CREDIT_EVERY = 4;

export class Link {
    /** What the link belongs to, once Python has welcomed it. */
    session: Session | null = null;
    welcomedAt: number | null = null;
    /** Hello has been sent. */
    isGreeted = false;
    /** The connection goes on without this link. */
    ended = false;
    readonly assembler: Assembler;
    private readonly credits = new Map<number, number>();
    private readonly fetches = new Set<AbortController>();

    constructor(readonly socket: WebSocket, maxBytes: number, private readonly bulkUrl: (secret: string) => string) {
        this.assembler = new Assembler(maxBytes);
        socket.binaryType = "arraybuffer";
    }

    /** Send past the outbox what belongs to this link alone. */
    send(message: Message): void {
        this.socket.send(JSON.stringify([message]));
    }

    end(): void {
        this.ended = true;
        this.fetches.forEach((running) => running.abort());
    }

    /** The messages of a frame, or of the chunks that it completes. Throws ProtocolError. */
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

    /** Tell Python what has been received, where that is due. */
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

    /** Fetch what Python offers; what cannot be had comes in chunks. */
    private async fetch(offer: Offer): Promise<void> {
        const url = this.bulkUrl(offer.secret);
        const running = new AbortController();
        this.fetches.add(running);
        const content = url ? await fetchBulk(url, offer.total, running) : null;
        this.fetches.delete(running);
        if (this.ended) {
            return;   // the next link offers it anew
        }
        if (content) {
            this.assembler.fill(offer, content);
            this.session?.addBytes(content.length);   // so that it is acknowledged with its last frame
            this.send(["credit", offer.stream, CHUNK_WINDOW]);
        } else {
            this.assembler.drop(offer.stream);
            this.send(["decline", offer.stream]);
        }
    }
}
