/** The send queue: batching, chunking, ordering, and retransmission after a reconnect. */

import { Chunker, MAX_MESSAGE_BYTES, MAX_STREAMS, SpareMemory } from "./chunks.ts";
import { frameOf } from "./codec.ts";
import { ProtocolError } from "./messages.ts";
import { fitsFrame, type Packet } from "./packet.ts";

/** Chunks of a stream in flight: fewer than the 16 allowed, because small messages wait behind them. */
const WINDOW = 6;

/** The order of the changes of states: all packets wait for a large one. */
const STATE_ORDER = "state";

/** A packet being sent in chunks. */
interface Stream {
    packet: Packet;
    chunker: Chunker;
    underWay: number;
}

/**
 * Batches small packets, splits large ones into chunks, and sends small ones between the chunks.
 *
 * A packet with an `order` waits for an unfinished large packet of the same `order`, and all packets wait for one of
 * `STATE_ORDER`; other packets don't wait. Both sides count packets in the order in which they are completed on the wire.
 * Unacknowledged packets are kept. After a reconnect, `rewind` queues those again that Python has not received.
 */
export class Outbox {
    /** Memory for large content. */
    readonly memory = new SpareMemory();
    /** Queued packets, in order. */
    private waiting: Packet[] = [];
    /** Packets that wait for an unfinished large one: by its order, or releases of what it uses by the packet itself. */
    private readonly held = new Map<string | Packet, Packet[]>();
    private readonly streams = new Map<number, Stream>();
    /** Large packets that wait for a free stream. */
    private beyond: Packet[] = [];
    /** Completely sent packets, in order. */
    private unacknowledged: Packet[] = [];
    private acknowledged = 0;
    private size = 0;
    private nextStream = 1;
    /** The long text sent as one frame, from `put` until its acknowledgement. */
    private whole: Packet | null = null;

    /**
     * @param dropped called for a packet that Python does not receive.
     * @param maxBytes the limit of the queue, which a single packet may exceed.
     */
    constructor(
        private readonly write: (frame: string | Uint8Array) => void,
        private readonly dropped: (packet: Packet) => void = () => {},
        private readonly maxBytes = MAX_MESSAGE_BYTES,
    ) {}

    /** The number of queued packets. */
    get length(): number {
        return this.waiting.length;
    }

    /** Bytes of the packets that are sent, or being sent, and that Python may not have received. */
    get bytesUnderWay(): number {
        const begun = [...this.streams.values()].map(({ packet }) => packet);
        return [...this.unacknowledged, ...begun].reduce((total, { size }) => total + size, 0);
    }

    /** True if no long text is in flight as one frame. */
    get mayTakeWhole(): boolean {
        return this.whole === null;
    }

    /** Queue a packet. Returns false if the queue is full, unless the packet `isAlwaysTaken`. */
    put(packet: Packet, isAlwaysTaken = false): boolean {
        if (!isAlwaysTaken && this.size > 0 && this.size + packet.size > this.maxBytes) {
            return false;
        }
        this.size += packet.size;
        this.waiting.push(packet);
        if (!packet.content && !fitsFrame(packet.size)) {
            this.whole = packet;
        }
        return true;
    }

    /** Send all packets that don't have to wait. */
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

    /** Keep a packet out of the next frame if it is cancelled, large, or has to wait. Returns true if it did. */
    private putAside(packet: Packet): boolean {
        const behind = this.held.get(STATE_ORDER) ?? (packet.order === null ? this.behindUses(packet) : this.held.get(packet.order));
        if (packet.cancelled) {
            this.size -= packet.size;
            this.forget(packet);
            this.dropped(packet);
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

    /** Return the packets that wait for a large one that uses what this packet releases; undefined if there is none. */
    private behindUses({ releases }: Packet): Packet[] | undefined {
        if (releases.length === 0 || this.streams.size + this.beyond.length === 0) {
            return undefined;
        }
        const begun = [...this.streams.values()].map(({ packet }) => packet);
        const large = [...begun, ...this.beyond].find(({ uses }) => uses.some((number) => releases.includes(number)));
        if (!large) {
            return undefined;
        }
        const behind = this.held.get(large) ?? [];
        this.held.set(large, behind);
        return behind;
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
        packet.whenSent?.();
    }

    /** Send chunks of all streams in turn until their windows are full. */
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
                this.dropped(packet);
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

    /** Queue the packets that waited for a finished large one, ahead of newer packets. */
    private release(packet: Packet): void {
        for (const key of [packet, packet.order]) {
            if (key !== null) {
                this.waiting.unshift(...(this.held.get(key) ?? []));
                this.held.delete(key);
            }
        }
    }

    /** Call `action` as soon as the packet is sent completely; never, if it is not sent. */
    afterwards(packet: Packet, action: () => void): void {
        if (packet.sent) {
            action();
        } else if ([...this.streams.values()].some((stream) => stream.packet === packet)) {
            packet.whenSent = () => queueMicrotask(action);
        }
    }

    /** Add credit for `count` chunks of a stream. Unknown streams are finished. */
    credit(id: number, count: number): void {
        const stream = this.streams.get(id);
        if (stream) {
            stream.underWay = Math.max(0, stream.underWay - count);
            this.flush();
        }
    }

    /** Drop the packets that Python has received. Throws ProtocolError if it acknowledges more than was sent. */
    acknowledge(received: number): void {
        const sent = this.acknowledged + this.unacknowledged.length;
        if (!(received >= this.acknowledged && received <= sent)) {
            throw new ProtocolError(`${received} messages acknowledged, of ${sent}`);
        }
        for (const packet of this.unacknowledged.splice(0, received - this.acknowledged)) {
            if (packet.content) {
                this.memory.give(packet.content.chunks);
                packet.content = null;
            }
            this.forget(packet);
            packet.whenReceived?.();
        }
        this.acknowledged = received;
    }

    private forget(packet: Packet): void {
        if (this.whole === packet) {
            this.whole = null;
        }
    }

    /** Resume the session on a new link, and queue again what Python has not received. Throws as `acknowledge` does. */
    rewind(received: number): void {
        this.acknowledge(received);
        const packets = [...this.unacknowledged, ...this.unfinished()];
        packets.filter(({ cancelled }) => cancelled).forEach(this.dropped);
        this.beginAgain(packets.filter((packet) => !packet.cancelled));
    }

    /** Start a new session with the unsent packets except responses. Returns the number of packets that may be lost. */
    reset(): number {
        const lost = this.unacknowledged.filter((packet) => !packet.cancelled).length;
        this.beginAgain(this.unfinished().filter((packet) => !packet.bound && !packet.cancelled && !packet.sent));
        this.acknowledged = 0;
        return lost;
    }

    /** The numbers of the page's objects that the queued packets send. */
    get exported(): number[] {
        return this.unfinished().flatMap((packet) => packet.exported);
    }

    /** Drop all packets. */
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
