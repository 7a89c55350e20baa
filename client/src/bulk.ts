/** Large content that Python offers over HTTP, which is faster than chunks. */

/** Milliseconds without progress before a fetch is aborted. All of the browser's connections to the host may be in use. */
const PATIENCE = 5000;

interface Reader {
    read(room: Uint8Array): Promise<{ done: boolean; value?: Uint8Array }>;
}

/** Fetch exactly `total` bytes. Returns null if that fails. */
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
        console.debug("JsPyTextSocket: cannot fetch large content:", error);
        return null;
    } finally {
        clearTimeout(timer);
        running.abort();   // discard the rest of the body
    }
}

/** Read the body into a single buffer. Returns null unless it has exactly `total` bytes. */
async function wholeBody(body: ReadableStream<Uint8Array>, total: number, progressed: () => void): Promise<Uint8Array | null> {
    const reader = byteReader(body) ?? copyingReader(body);
    let content = new Uint8Array(total);
    let [taken, ended] = [0, false];
    while (!ended && taken < total) {
        const { done, value } = await reader.read(content.subarray(taken));   // transfers the buffer and returns it
        ended = done;
        taken += value!.length;
        content = new Uint8Array(value!.buffer as ArrayBuffer);
        progressed();
    }
    return !ended && (await reader.read(new Uint8Array(1))).done ? content : null;
}

/** Return a reader that fills the given buffer without copying, or null if the browser doesn't support it. */
function byteReader(body: ReadableStream<Uint8Array>): Reader | null {
    try {
        return body.getReader({ mode: "byob" }) as unknown as Reader;
    } catch {
        return null;
    }
}

/** Return a reader that copies each piece into the given buffer. */
function copyingReader(body: ReadableStream<Uint8Array>): Reader {
    const reader = body.getReader();
    return {
        async read(room) {
            const { done, value = new Uint8Array(0) } = await reader.read();
            room.set(value);   // throws RangeError if the body is longer than announced
            return { done, value: room.subarray(0, value.length) };
        },
    };
}
