import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtocolError } from "../src/messages.ts";
import { NDArray } from "../src/ndarray.ts";
import { pack } from "../src/packet.ts";
import { Assembler, Chunker, bytes, contentOf, decode, encode, hex, vectors } from "./page.mjs";

const has_float16 = Boolean(globalThis.Float16Array);
const sizes = { int8: 1, bool: 1, bytes: 1, uint8: 1, int16: 2, uint16: 2, float16: 2, int64: 8, uint64: 8, float64: 8 };

/** The listed elements, as encode() sends them; further ones may be dropped. */
const same = (actual, expected) => assert.deepEqual(JSON.parse(JSON.stringify(actual)), expected);

for (const { name, frame, messages } of vectors("text_frames")) {
    test(`text: ${name}`, () => {
        same(decode(frame), messages);
        same(decode(encode(messages)), messages);
    });
}

function value_at(root, path) {
    return path.reduce((place, step) => place[step], root);
}

function check_buffer(value, { dtype, shape, bytes_hex }) {
    const flat = value instanceof NDArray ? value.data : value;
    assert.equal(value instanceof NDArray, shape !== null && shape.length !== 1);
    if (dtype === "float16" && !has_float16) {
        assert.deepEqual([...flat], [1.5, -0.25]);
        return;
    }
    assert.equal(hex(flat), bytes_hex);
    assert.equal(flat.BYTES_PER_ELEMENT, sizes[dtype] ?? 4);
    if (flat !== value) {
        assert.deepEqual([[...value.shape], value.dtype], [shape, dtype]);
    }
}

function without_buffers(messages, buffers) {
    buffers.forEach(({ path }) => { value_at(messages, path.slice(0, -1))[path.at(-1)] = null; });
    return messages;
}

for (const { name, frame_hex, messages, buffers } of vectors("binary_frames")) {
    test(`binary: ${name}`, () => {
        const first = decode(bytes(frame_hex));
        buffers.forEach((buffer) => check_buffer(value_at(first, buffer.path), buffer));
        const again = decode(encode(first));
        buffers.forEach((buffer) => check_buffer(value_at(again, buffer.path), buffer));
        assert.deepEqual(without_buffers(first, buffers), messages);
        assert.deepEqual(without_buffers(again, buffers), messages);
    });
}

for (const { name, content_text, content_hex, is_text, chunk_size, stream, frames_hex } of vectors("chunks")) {
    test(`chunks: ${name}`, () => {
        const content = is_text ? new TextEncoder().encode(content_text) : bytes(content_hex);
        const chunker = new Chunker(contentOf([content], chunk_size), is_text, stream);
        const frames = [];
        while (!chunker.done) {
            frames.push(hex(chunker.next()));
        }
        assert.deepEqual(frames, frames_hex);
        const assembler = new Assembler(1e6, chunk_size);
        const taken = frames_hex.map((frame) => assembler.accept(bytes(frame)));
        assert.ok(taken.every((part) => part.stream === stream));
        assert.ok(taken.slice(0, -1).every((part) => part.content === null));
        const whole = taken.at(-1).content;
        assert.equal(is_text ? whole : hex(whole), is_text ? content_text : content_hex);
        decode(whole);
    });
}

for (const { name, content_text, content_hex, is_text, stream, secret_hex, frames_hex } of vectors("offers")) {
    test(`offers: ${name}`, () => {
        const content = is_text ? new TextEncoder().encode(content_text) : bytes(content_hex);
        const [first, last] = frames_hex.map(bytes);
        const assembler = new Assembler();
        const { offer } = assembler.accept(first);
        assert.deepEqual(offer, { stream, total: content.length, secret: secret_hex });
        assert.throws(() => assembler.accept(first), ProtocolError);   // of a stream that is open
        assert.throws(() => assembler.accept(last), ProtocolError);   // before it was fetched
        assert.throws(() => assembler.accept(new Chunker(contentOf([content], 8), is_text, stream).next()), ProtocolError);
        assembler.fill(offer, content);
        const { content: whole } = assembler.accept(last);
        assert.equal(is_text ? whole : hex(whole), is_text ? content_text : content_hex);
        assert.throws(() => assembler.accept(last), ProtocolError);   // a second time
    });
}

function text_of({ text, repeat: r }) {
    return text ?? r.head + r.open.repeat(r.count) + (r.middle ?? "") + r.close.repeat(r.count) + r.tail;
}

function take(garbage) {
    if (garbage.hex === undefined) {
        return decode(text_of(garbage));
    }
    const frame = bytes(garbage.hex);
    const content = frame[0] === 2 ? new Assembler().accept(frame).content : frame;
    return content === null ? null : decode(content);
}

for (const garbage of vectors("garbage")) {
    test(`garbage: ${garbage.name}`, () => {
        assert.throws(() => take(garbage), ProtocolError);
    });
}

test("chunks of two streams interleave; another total or another kind does not fit", () => {
    const content = new TextEncoder().encode('[["goodbye"]]');
    const [a, b] = [new Chunker(contentOf([content], 8), true, 1), new Chunker(contentOf([content], 8), true, 2)];
    const assembler = new Assembler();
    assert.equal(assembler.accept(a.next()).content, null);
    assert.equal(assembler.accept(b.next()).content, null);
    assert.equal(assembler.accept(b.next()).content, '[["goodbye"]]');
    const wrong = a.next();
    wrong[8] = 99;
    assert.throws(() => assembler.accept(wrong), ProtocolError);
});

test("binary values of a page keep their type", () => {
    const sent = {
        bytes: [new Uint8Array([1]), new Uint8ClampedArray([1]), new DataView(new ArrayBuffer(1)), new ArrayBuffer(1)],
        typed: [new Float64Array([1.5]), new BigUint64Array([2n ** 64n - 1n]), new Int16Array([-1])],
        middle: new Uint8Array([0, 1, 2, 3]).subarray(1, 3),
        shaped: new NDArray(new Float32Array(6), [2, 3]),
    };
    const [[, , value]] = decode(encode([["return", 1, sent]]));
    assert.deepEqual(value.bytes.map((item) => item.constructor), Array(4).fill(Uint8Array));
    assert.deepEqual(value.typed, sent.typed);
    assert.deepEqual([...value.middle], [1, 2]);
    assert.deepEqual(value.shaped, sent.shaped);
    assert.ok(Object.isFrozen(value.shaped));
    assert.throws(() => new NDArray(new Float32Array(5), [2, 3]), /5 items do not fill the shape \[2,3\]/);
});

test("JSON equals that of JSON.stringify, with and without binary values", () => {
    class Point {
        toJSON() {
            return { x: 1, raw: new Uint8Array([7]) };
        }
    }
    const date = new Date(0);
    const value = { date, un: undefined, f() {}, nan: NaN, list: [undefined, Infinity, () => 1], map: new Map([[1, 2]]) };
    const plain = JSON.parse(JSON.stringify(value));
    const travelled = (data) => decode(encode([["return", 1, data]]))[0][2];
    assert.deepEqual(travelled(value), plain);
    assert.deepEqual(travelled({ ...value, bin: new Uint8Array([1]) }), { ...plain, bin: new Uint8Array([1]) });
    assert.deepEqual(travelled([new Point()]), [{ x: 1, raw: new Uint8Array([7]) }]);
    const same_twice = { bin: new Uint8Array([1]) };
    assert.deepEqual(travelled([same_twice, same_twice]), [same_twice, same_twice]);
    assert.ok(same_twice.bin instanceof Uint8Array, "the page's own object is left alone");
});

test("unsendable values are reported with their path", () => {
    const why = (value) => {
        try {
            pack(["call", 1, "f", value], value, "args");
        } catch (error) {
            return `${error.name}: ${error.message}`;
        }
        return "nothing";
    };
    const cycle = { list: [{}] };
    cycle.list[0].back = cycle;
    let deep = [];
    for (let i = 0; i < 5000; i += 1) {
        deep = [deep];
    }
    assert.equal(why([{ model: 5n }]), "TypeError: args[0].model: BigInt cannot be sent");
    assert.equal(why([{ "a b": [1, 5n] }]), 'TypeError: args[0]["a b"][1]: BigInt cannot be sent');
    assert.equal(why([cycle]), "TypeError: args[0].list[0].back: a cycle cannot be sent (it leads back to args[0])");
    assert.equal(why(deep), "TypeError: args: nested deeper than 256 levels");
    assert.equal(why([{ get bad() { throw new Error("oh"); } }]), "TypeError: args: oh");
    assert.equal(why([new BigInt64Array([1n])]), "nothing");
});
