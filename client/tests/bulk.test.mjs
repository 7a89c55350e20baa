// What Python offers by HTTP: fetched where that can be done, else it comes in chunks.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Chunker, connected, contentOf, settled } from "./page.mjs";

const REAL = globalThis.fetch;
const SECRET = "00112233445566778899aabbccddeeff";
const CONTENT = new TextEncoder().encode('[["push",0,"q","large"]]');

afterEach(() => {
    globalThis.fetch = REAL;
});

function offer(stream) {
    const frame = new Uint8Array(32);
    const view = new DataView(frame.buffer);
    frame.set([2, 6]);
    view.setUint32(4, stream, true);
    view.setUint32(8, CONTENT.length, true);
    frame.set(Buffer.from(SECRET, "hex"), 16);
    return frame.buffer;
}

test("without a document there is no URL to fetch from, so Python sends chunks", async () => {
    const end = await connected("JsPyQueue");
    const asked = [];
    globalThis.fetch = (url) => asked.push(url);
    end.raw(offer(3));
    await settled();
    assert.deepEqual(end.messages(), [["decline", 3]]);
    assert.deepEqual(asked, []);
    const chunker = new Chunker(contentOf([CONTENT], 10), true, 3);
    while (!chunker.done) {
        end.raw(chunker.next().slice().buffer);
    }
    assert.equal(JsPyQueue.shift("q"), "large");
});
