/** The session, the state that survives a reconnect. */

import { CHUNK_BYTES } from "./chunks.ts";

/** The number of unacknowledged messages at which an acknowledgement is due. */
const ACK_MESSAGES = 64;

/** Counts the received messages, so that Python knows which ones to resend. */
export class Session {
    received = 0;
    /** Ids of requests that are held back until the scripts of the document have run. */
    readonly held = new Set<number>();
    private acknowledged = 0;
    private bytes = 0;

    /** @param seconds the time that Python keeps the session without a connection. */
    constructor(readonly name: string, readonly seconds: number) {}

    /** Count bytes towards the next acknowledgement. */
    addBytes(count: number): void {
        this.bytes += count;
    }

    /** Return true if an acknowledgement is due, and reset its counters; the caller then acknowledges `received`. */
    isAckDue(): boolean {
        const news = this.received - this.acknowledged;
        if (news < ACK_MESSAGES && (news === 0 || this.bytes < CHUNK_BYTES)) {
            return false;
        }
        this.acknowledged = this.received;
        this.bytes = 0;
        return true;
    }
}
