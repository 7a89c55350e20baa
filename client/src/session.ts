/** The session: what outlives its connections. */

import { CHUNK_BYTES } from "./chunks.ts";

/** Messages that may be unacknowledged. */
const ACK_MESSAGES = 64;

/** Counts what this page has received, so that Python knows what has to come again. */
export class Session {
    received = 0;
    private acknowledged = 0;
    private bytes = 0;

    /** @param seconds for which Python waits for another connection. */
    constructor(readonly name: string, readonly seconds: number) {}

    /** Count bytes towards the next acknowledgement. */
    addBytes(count: number): void {
        this.bytes += count;
    }

    /** True now and then: Python need not keep what it hears of. The caller acknowledges `received`. */
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
