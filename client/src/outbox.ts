/** What waits to be sent, in which order it goes out, and what has to go out again. */

import { Chunker, MAX_MESSAGE_BYTES, MAX_STREAMS, SpareMemory } from "./chunks.ts";
import { frameOf } from "./codec.ts";
import { ProtocolError } from "./messages.ts";
import { fitsFrame, type Packet } from "./packet.ts";

/** Chunks of a stream under way, of the 16 that are allowed: small messages wait behind what is under way. */
const WINDOW = 6;

/** A packet that travels in chunks. */
interface Stream {
    packet: Packet;
    chunker: Chunker;
    underWay: number;
}

/**
 * Batches small packets, cuts large ones, and lets the small ones pass between the chunks.
 *
 * A packet with an `order` waits behind an unfinished large one of the same `order`; no other waits. Both sides count
 * the packets, in the order in which they are complete on the wire. What Python has not acknowledged is kept: after a
 * new connection `rewind` puts what it has not received in front again.
 */
export class Outbox {
    /** Memory for large content. */
    readonly memory = new SpareMemory();
    /** In order, not looked at yet. */
    private waiting: Packet[] = [];
    /** Order -> what waits behind an unfinished packet of it. */
    private readonly held = new Map<string, Packet[]>();
    private readonly streams = new Map<number, Stream>();
    /** Large packets that wait for a free stream. */
    private beyond: Packet[] = [];
    /** Sent in whole, in that order. */
    private unacknowledged: Packet[] = [];
    private acknowledged = 0;
    private size = 0;
    private nextStream = 1;
    /** A long text that goes as one frame: from when it waits until Python has it. */
    private whole: Packet | null = null;

    /** @param maxBytes may wait; a single packet always may. */
    constructor(private readonly write: (frame: string | Uint8Array) => void, private readonly maxBytes = MAX_MESSAGE_BYTES) {}

    /** How many packets have not been looked at. */
    get length(): number {
        return this.waiting.length;
    }

    /** True while no long text is under way as one frame. */
    get mayTakeWhole(): boolean {
        return this.whole === null;
    }

    /** Add a packet; false where too much waits already. */
    put(packet: Packet): boolean {
        if (this.size > 0 && this.size + packet.size > this.maxBytes) {
            return false;
        }
        this.size += packet.size;
        this.waiting.push(packet);
        if (!packet.content && !fitsFrame(packet.size)) {
            this.whole = packet;
        }
        return true;
    }

    /** Send what may be sent now. */
    flush(): void {
        do {
            this.writeSmall();
            this.writeChunks();
        } while (this.waiting.length);
    }

    private writeSmall(): void {
        let batch: Packet[] = [];
        let size = 0;
        for (const packet of this.waiting.splice(0)) {
            if (this.putAside(packet)) {
                continue;
            }
            if (!fitsFrame(size + packet.size)) {
                this.writeBatch(batch);
                [batch, size] = [[], 0];
            }
            batch.push(packet);
            size += packet.size + 1;
        }
        this.writeBatch(batch);
    }

    /** Put aside what does not go into the next frame. */
    private putAside(packet: Packet): boolean {
        const behind = packet.order === null ? undefined : this.held.get(packet.order);
        if (packet.cancelled) {
            this.size -= packet.size;
            this.forget(packet);
        } else if (behind) {
            behind.push(packet);
        } else if (packet.content) {
            this.beyond.push(packet);
            if (packet.order !== null) {
                this.held.set(packet.order, []);
            }
        } else {
            return false;
        }
        return true;
    }

    private writeBatch(packets: Packet[]): void {
        if (packets.length) {
            this.write(frameOf(packets));
            for (const packet of packets) {
                this.finish(packet);
            }
        }
    }

    private finish(packet: Packet): void {
        packet.sent = true;
        this.size -= packet.size;
        this.unacknowledged.push(packet);
    }

    /** Every stream in turn sends one chunk, until each has its window full. */
    private writeChunks(): void {
        let moved = true;
        while (moved) {
            moved = false;
            this.openStreams();
            for (const [id, stream] of this.streams) {
                if (stream.underWay < WINDOW) {
                    this.writeChunk(id, stream);
                    moved = true;
                }
            }
        }
    }

    private openStreams(): void {
        while (this.beyond.length && this.streams.size < MAX_STREAMS) {
            const packet = this.beyond.shift()!;
            if (packet.cancelled) {
                this.size -= packet.size;
                this.release(packet);
            } else {
                const id = this.nextStream;
                this.nextStream = id === 0xFFFFFFFF ? 1 : id + 1;
                this.streams.set(id, { packet, chunker: new Chunker(packet.content!, packet.isText, id), underWay: 0 });
            }
        }
    }

    private writeChunk(id: number, stream: Stream): void {
        this.write(stream.chunker.next());
        stream.underWay += 1;
        if (stream.chunker.done) {
            this.streams.delete(id);
            this.finish(stream.packet);
            this.release(stream.packet);
        }
    }

    /** A large packet is done: what waited behind it goes before everything newer. */
    private release(packet: Packet): void {
        if (packet.order !== null) {
            this.waiting.unshift(...(this.held.get(packet.order) ?? []));
            this.held.delete(packet.order);
        }
    }

    /** Python has taken `count` chunks of a stream. Unknown streams are done already. */
    credit(id: number, count: number): void {
        const stream = this.streams.get(id);
        if (stream) {
            stream.underWay = Math.max(0, stream.underWay - count);
            this.flush();
        }
    }

    /** Python has received so many packets: they need not be kept. Throws ProtocolError where that many were not sent. */
    acknowledge(received: number): void {
        const sent = this.acknowledged + this.unacknowledged.length;
        if (!(received >= this.acknowledged && received <= sent)) {
            throw new ProtocolError(`${received} messages acknowledged, of ${sent}`);
        }
        for (const packet of this.unacknowledged.splice(0, received - this.acknowledged)) {
            if (packet.content) {
                this.memory.give(packet.content);
                packet.content = null;
            }
            this.forget(packet);
        }
        this.acknowledged = received;
    }

    private forget(packet: Packet): void {
        if (this.whole === packet) {
            this.whole = null;
        }
    }

    /** The session goes on over a new connection: what Python has not received goes out again. Throws as `acknowledge`. */
    rewind(received: number): void {
        this.acknowledge(received);
        this.beginAgain([...this.unacknowledged, ...this.unfinished()].filter((packet) => !packet.cancelled));
    }

    /** The session is over: what was not sent goes to the next one, except answers. Returns how many may be lost. */
    reset(): number {
        const lost = this.unacknowledged.filter((packet) => !packet.cancelled).length;
        this.beginAgain(this.unfinished().filter((packet) => !packet.bound && !packet.cancelled && !packet.sent));
        this.acknowledged = 0;
        return lost;
    }

    /** Drop everything. */
    clear(): void {
        this.beginAgain([]);
        this.acknowledged = 0;
    }

    private unfinished(): Packet[] {
        const begun = [...this.streams.values()].map(({ packet }) => packet);
        return [...begun, ...this.beyond, ...[...this.held.values()].flat(), ...this.waiting];
    }

    private beginAgain(packets: Packet[]): void {
        this.waiting = packets;
        this.beyond = [];
        this.unacknowledged = [];
        this.streams.clear();
        this.held.clear();
        this.size = packets.reduce((sum, packet) => sum + packet.size, 0);
    }
}
