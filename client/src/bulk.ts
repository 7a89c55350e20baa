/** Large content that Python offers by HTTP, which is faster than chunks. */

/** Milliseconds without anything: all of a browser's connections to a host may be taken. */
const PATIENCE = 5000;

interface Reader {
    read(room: Uint8Array): Promise<{ done: boolean; value?: Uint8Array }>;
}

/** Fetch exactly `total` bytes; null where that cannot be done. */
export async function fetchBulk(url: string, total: number, running: AbortController): Promise<Uint8Array | null> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wait = (): void => {
        clearTimeout(timer);
        timer = setTimeout(() => running.abort(), PATIENCE);
    };
    wait();
    try {
        const response = await fetch(url, {
            credentials: "same-origin", cache: "no-store", redirect: "error", signal: running.signal,
        });
        wait();
        return response.ok ? await wholeBody(response.body!, total, wait) : null;
    } catch (error) {
        console.debug("JsPyTextSocket: large content cannot be fetched:", error);
        return null;
    } finally {
        clearTimeout(timer);
        running.abort();   // whatever is left is not wanted
    }
}

/** The one copy that is made of it. */
async function wholeBody(body: ReadableStream<Uint8Array>, total: number, came: () => void): Promise<Uint8Array | null> {
    const reader = byteReader(body) ?? copyingReader(body);
    let content = new Uint8Array(total);
    let [taken, ended] = [0, false];
    while (!ended && taken < total) {
        const { done, value } = await reader.read(content.subarray(taken));   // it takes the buffer, and gives it back
        ended = done;
        taken += value!.length;
        content = new Uint8Array(value!.buffer as ArrayBuffer);
        came();
    }
    return !ended && (await reader.read(new Uint8Array(1))).done ? content : null;
}

/** Read into a buffer, without a copy; not every browser has it. */
function byteReader(body: ReadableStream<Uint8Array>): Reader | null {
    try {
        return body.getReader({ mode: "byob" }) as unknown as Reader;
    } catch {
        return null;
    }
}

/** The same where each piece has to be copied. */
function copyingReader(body: ReadableStream<Uint8Array>): Reader {
    const reader = body.getReader();
    return {
        async read(room) {
            const { done, value = new Uint8Array(0) } = await reader.read();
            room.set(value);   // a RangeError, if it is more than was announced
            return { done, value: room.subarray(0, value.length) };
        },
    };
}
