import assert from "node:assert/strict";
import { test } from "node:test";
import { after, connected, quietly, settled } from "./page.mjs";

const LIBRARY = ["JsPyFunction", "JsPyQueue", "JsPyPubsub"];
const PIECE = 1048576;

/** A file of Python in the page's hands. */
async function imported(end, facts, number = 1) {
    const call = JsPyFunction.call("file")();
    await settled();
    const [, id] = end.messages().find(([kind]) => kind === "call");
    end.send(["return", id, null, [[[2], "file", number, facts]]]);
    return call;
}

/** Python's end: answers requests to read `content`, until the action has ended. Returns the value and the ranges. */
async function served(end, content, action, wanted = 1) {
    const ranges = [];
    let isOver = false;
    const result = action().finally(() => { isOver = true; });
    result.catch(() => undefined);
    while (!isOver) {
        for (const [kind, id, number, steps] of end.messages()) {
            if (kind === "use") {
                const [[step, start, stop]] = steps;
                assert.deepEqual([step, number], ["read", wanted]);
                ranges.push([start, stop]);
                end.send(["return", id, content.subarray(start, stop)]);
            }
        }
        await after(1);
    }
    return [await result, ranges];
}

const content = new Uint8Array(2.5 * PIECE).map((_, index) => index % 251);
const facts = { name: "data.bin", size: content.length, type: "application/x-data", modified: 1700000000000 };

test("a file of Python: its facts, and its content in pieces", async () => {
    const end = await connected(...LIBRARY);
    const file = await imported(end, facts);
    assert.deepEqual([file.name, file.size, file.type, file.lastModified], ["data.bin", content.length, "application/x-data", 1700000000000]);
    const [bytes, ranges] = await served(end, content, () => file.bytes());
    assert.deepEqual(bytes, content);
    assert.deepEqual(ranges, [[0, PIECE], [PIECE, 2 * PIECE], [2 * PIECE, content.length]]);
    const [blob] = await served(end, content, () => file.blob());
    assert.deepEqual([blob.type, new Uint8Array(await blob.arrayBuffer())], ["application/x-data", content]);
    const note = await imported(end, { name: "note.txt", size: 7, type: "text/plain" }, 2);
    assert.equal((await served(end, new TextEncoder().encode("größe"), () => note.text(), 2))[0], "größe");
});

test("an empty file, and one whose size is not known", async () => {
    const end = await connected(...LIBRARY);
    const empty = await imported(end, { name: "e", size: 0, type: "", modified: null });
    const [none, no_ranges] = await served(end, content, () => empty.bytes());
    assert.deepEqual([none, no_ranges], [new Uint8Array(0), []]);
    empty.destroy();
    const pipe = await imported(end, { name: "pipe", size: null, type: "" });
    assert.deepEqual([pipe.size, pipe.type, pipe.lastModified], [null, "", null]);
    const [bytes] = await served(end, content, () => pipe.bytes());
    assert.deepEqual(bytes, content);
});

test("a reader that stops asks for no more, and cancels what is under way", async () => {
    const end = await connected(...LIBRARY);
    const file = await imported(end, { ...facts, size: 100 * PIECE });
    const reader = file.stream().getReader();
    await settled();
    assert.deepEqual(end.messages(), [], "nothing is read before it is asked for");
    const first = reader.read();
    await settled();
    const asked = end.messages();
    assert.deepEqual(asked.map(([, , , [[, start]]]) => start), [0, PIECE, 2 * PIECE, 3 * PIECE]);
    end.send(["return", asked[0][1], new Uint8Array(PIECE)]);
    assert.equal((await first).value.length, PIECE);
    await reader.cancel();
    await settled();
    assert.deepEqual(end.messages().filter(([kind]) => kind !== "ack"), asked.slice(1).map(([, id]) => ["cancel", id]));
    assert.equal(JsPyTextSocket.stats().pending, 0);
});

test("an error of Python, a destroyed file, and one of an ended session", async () => {
    const end = await connected(...LIBRARY);
    const file = await imported(end, facts);
    const bytes = file.bytes();
    await settled();
    const asked = end.messages();
    end.send(...asked.map(([, id]) => ["error", id, { kind: "raised", name: "OSError", message: "the disk", trace: "" }]));
    await assert.rejects(bytes, { name: "OSError", message: "the disk", key: "data.bin" });
    file.destroy();
    await assert.rejects(file.bytes(), { name: "UnknownReference" });
    const other = await imported(end, facts, 2);
    await quietly(() => end.drop(), "warn");
    await assert.rejects(other.text(), { kind: "disconnected" });
});

test("Python reads a Blob of the page in pieces", async () => {
    const end = await connected(...LIBRARY);
    JsPyFunction.expose("pick", () => new File([content], "picked.bin", { type: "application/x-data", lastModified: 5 }));
    JsPyFunction.expose("blob", () => new Blob(["abc"]));
    end.send(["call", 1, "pick", []], ["call", 2, "blob", []]);
    await settled();
    const [[, , value, [[path, kind, number, told]]], [, , , [[, , , blob]]]] = end.messages();
    assert.deepEqual([value, path, kind, told], [null, [2], "file", { name: "picked.bin", size: content.length, type: "application/x-data", modified: 5 }]);
    assert.deepEqual(blob, { name: "", size: 3, type: "", modified: null });
    end.send(["use", 3, number, [["read", 10, 13]]], ["use", 4, number, [["read", content.length - 2, content.length + 9]]], ["use", 5, number, [["read", content.length, content.length + 9]]]);
    await after(30);
    assert.deepEqual(end.messages().sort((one, two) => one[1] - two[1]), [["return", 3, content.slice(10, 13)], ["return", 4, content.slice(-2)], ["return", 5, new Uint8Array(0)]]);
});

test("pieces of a Blob that follow each other come from one stream, which ends with the reference", async () => {
    const end = await connected(...LIBRARY);
    const log = [];
    class Watched extends Blob {
        slice(...range) {
            const part = super.slice(...range);
            const stream = part.stream.bind(part);
            part.stream = () => {
                log.push(`stream at ${range[0]}`);
                const made = stream();
                const { getReader } = made;
                made.getReader = (options) => {
                    const reader = getReader.call(made, options);
                    const cancel = reader.cancel.bind(reader);
                    reader.cancel = () => (log.push("cancel"), cancel());
                    return reader;
                };
                return made;
            };
            return part;
        }
    }
    JsPyFunction.expose("blob", () => new Watched([content]));
    end.send(["call", 1, "blob", []]);
    await settled();
    const [[, , , [[, , number]]]] = end.messages();
    const ranges = [[0, 5], [5, 300000], [300000, 1500000], [1500000, content.length + 9], [7, 70], [70, 700], [800, 900], [900, 990]];
    end.send(...ranges.map((range, index) => ["use", 10 + index, number, [["read", ...range]]]));
    const answers = new Map();
    while (answers.size < ranges.length) {
        end.messages().forEach(([, id, bytes]) => answers.set(id - 10, bytes));
        await after(1);
    }
    ranges.forEach((range, index) => assert.deepEqual(answers.get(index), content.slice(...range), `${range}`));
    assert.deepEqual(log.filter((entry) => entry !== "cancel"), ["stream at 5", "stream at 70", "stream at 900"]);
    assert.equal(log.filter((entry) => entry === "cancel").length, 2);
    end.send(["release", [[number, 1]]]);
    await after(5);
    assert.equal(log.filter((entry) => entry === "cancel").length, 3);
});

test("a download in a tab is a link; in a native window Python saves it", async () => {
    const end = await connected(...LIBRARY);
    const { download } = JsPyTextSocket._connection;
    const links = [];
    const { setTimeout } = globalThis;
    const later = [];
    globalThis.document = { createElement: () => ({ click() { links.push(this); } }) };
    globalThis.setTimeout = (action, ms) => (ms === 60000 ? later.push(action) : setTimeout(action, ms));
    try {
        assert.equal(await download("a.txt", "text"), true);
        const file = await imported(end, { ...facts, size: 4 });
        assert.deepEqual((await served(end, content.slice(0, 4), () => file.save()))[0], true);
        assert.deepEqual(links.map((link) => link.download), ["a.txt", "data.bin"]);
        const contents = await Promise.all(links.map(async ({ href }) => new Uint8Array(await (await fetch(href)).arrayBuffer())));
        assert.deepEqual(contents, [new TextEncoder().encode("text"), content.slice(0, 4)]);
        later.forEach((action) => action());
        await assert.rejects(fetch(links[0].href), TypeError, "the memory is freed");
        globalThis.pywebview = {};
        const saved = [download("b.txt", "text"), file.save("c.bin")];
        await settled();
        const asked = end.messages();
        assert.deepEqual(asked.map(([kind, , key, args, [[path, special]]]) => [kind, key, args, path, special]),
            [["call", "$save", ["p1", "b.txt", null], [3, 2], "file"], ["call", "$save", ["p1", "c.bin", null], [3, 2], "own"]]);
        end.send(["return", asked[0][1], true], ["return", asked[1][1], false]);
        assert.deepEqual(await Promise.all(saved), [true, false]);
    } finally {
        delete globalThis.document;
        delete globalThis.pywebview;
        globalThis.setTimeout = setTimeout;
    }
});
