import assert from "node:assert/strict";
import { test } from "node:test";
import { createImshow } from "../src/canvas.ts";
import { NDArray } from "../src/ndarray.ts";
import { decode, encode, hex } from "./page.mjs";

const imshow = createImshow();

/** As it comes to the page that Python sends it to. */
const travelled = (value) => decode(encode([["return", 1, value]]))[0][2];

/** A frame with one array, as Python writes it. */
function from_python(dtype, shape, content) {
    const header = new TextEncoder().encode(JSON.stringify([[["return", 1, null]], [[[0, 2], dtype, content.length, shape]]]));
    const frame = new Uint8Array(8 + Math.ceil(header.length / 8) * 8 + content.length);
    frame[0] = 1;
    new DataView(frame.buffer).setUint32(4, header.length, true);
    frame.set(header, 8);
    frame.set(content, frame.length - content.length);
    return frame;
}

const arrived = (...what) => decode(from_python(...what))[0][2];

/** How an array leaves the page: dtype and shape. */
function leaving(value) {
    const frame = encode([["return", 1, value]]);
    const length = new DataView(frame.buffer, frame.byteOffset).getUint32(4, true);
    const [, [[, dtype, , shape]]] = JSON.parse(new TextDecoder().decode(frame.subarray(8, 8 + length)));
    return [dtype, shape];
}

test("get: an index for each dimension", () => {
    const array = new NDArray(Int16Array.from({ length: 24 }, (_, at) => at), [2, 3, 4]);
    assert.equal(array.get(0, 0, 0), 0);
    assert.equal(array.get(1, 2, 3), 23);
    assert.equal(array.get(1, 0, 2), 14);
    assert.equal(new NDArray(new BigInt64Array([7n]), []).get(), 7n);
});

test("wrong indices throw", () => {
    const array = new NDArray(new Float64Array(6), [2, 3]);
    const range = (text) => ({ name: "RangeError", message: `NDArray: ${text}` });
    assert.throws(() => array.get(2, 0), range("index 2 is out of bounds for dimension 0, of length 2"));
    assert.throws(() => array.get(0, 3), range("index 3 is out of bounds for dimension 1, of length 3"));
    assert.throws(() => array.get(-1, 0), range("index -1 is out of bounds for dimension 0, of length 2"));
    assert.throws(() => array.row(2), range("index 2 is out of bounds for dimension 0, of length 2"));
    for (const [index, text] of [[0.5, "0.5"], ["0", "0"], [undefined, "undefined"], [1n, "1"], [NaN, "NaN"]]) {
        assert.throws(() => array.get(index, 0), { name: "TypeError", message: `NDArray: an index must be an integer, not ${text}` });
        assert.throws(() => array.row(index), { name: "TypeError", message: `NDArray: an index must be an integer, not ${text}` });
    }
    assert.throws(() => array.get(0), { name: "TypeError", message: /1 indices for 2 dimensions; row\(i\)/ });
    assert.throws(() => array.get(0, 0, 0), { name: "TypeError", message: /3 indices for 2 dimensions/ });
    assert.throws(() => new NDArray(new Uint8Array(1), []).row(0), { name: "TypeError", message: /of 0 dimensions has no rows/ });
    assert.throws(() => new NDArray(new Uint8Array(1), [1]).row(0), { name: "TypeError", message: /of 1 dimensions has no rows/ });
});

test("rows share the memory of the array", () => {
    const array = new NDArray(Float32Array.from({ length: 24 }, (_, at) => at), [2, 3, 4]);
    const plane = array.row(1);
    assert.ok(plane instanceof NDArray);
    assert.deepEqual([[...plane.shape], plane.dtype, plane.get(2, 3)], [[3, 4], "float32", 23]);
    const line = plane.row(2);
    assert.deepEqual(line, new Float32Array([20, 21, 22, 23]));
    line[0] = -1;
    assert.equal(array.get(1, 2, 0), -1);
    assert.equal(line.buffer, array.data.buffer);
    assert.equal(new NDArray(new Uint8Array(0), [2, 0]).row(1).length, 0);
});

test("a one-dimensional bool array has a dtype and is sent back as bool", () => {
    const flags = arrived("bool", null, [1, 0, 1]);
    assert.deepEqual([flags.constructor, [...flags], flags.dtype], [Uint8Array, [1, 0, 1], "bool"]);
    assert.deepEqual(Object.keys(flags), ["0", "1", "2"]);
    assert.deepEqual(leaving(flags), ["bool", null]);
    assert.deepEqual(leaving(flags.slice()), ["bytes", null]);
    assert.deepEqual(leaving(Object.assign(new Uint8Array(1), { dtype: "float64" })), ["bytes", null]);
    const table = arrived("bool", [2, 2], [1, 0, 0, 1]);
    assert.deepEqual([table.dtype, table.get(1, 1), table.row(1).dtype], ["bool", 1, "bool"]);
    assert.deepEqual(leaving(table), ["bool", [2, 2]]);
    assert.deepEqual(leaving(table.row(0)), ["bool", null]);
    assert.deepEqual(leaving(new NDArray(new Uint8Array([1, 0]), [2], "bool")), ["bool", [2]]);
    assert.equal(new NDArray(flags, [3, 1]).dtype, "bool");
});

test("an array has a dtype that its data can hold", () => {
    assert.deepEqual(leaving(new NDArray(new Uint8Array(2), [1, 2])), ["uint8", [1, 2]]);
    assert.deepEqual(leaving(new NDArray(new Uint8ClampedArray(2), [1, 2])), ["uint8", [1, 2]]);
    assert.throws(() => new NDArray(new Float32Array(1), [1], "int32"), { name: "TypeError", message: /a Float32Array cannot hold items of dtype int32/ });
    assert.throws(() => new NDArray(new Int8Array(1), [1], "bool"), TypeError);
    for (const data of [[1], new ArrayBuffer(1), new DataView(new ArrayBuffer(1)), null, undefined]) {
        assert.throws(() => new NDArray(data, [1]), { name: "TypeError", message: "NDArray: the data must be a typed array" });
    }
});

test("float16 without Float16Array is float32 with a dtype", () => {
    const half = Object.getOwnPropertyDescriptor(globalThis, "Float16Array");
    delete globalThis.Float16Array;
    try {
        const get = (shape) => decode(from_python("float16", shape, [0, 62, 0, 180]))[0][2];
        const [flat, table] = [get(null), get([2, 1])];
        assert.deepEqual([flat.constructor, [...flat], flat.dtype], [Float32Array, [1.5, -0.25], "float16"]);
        assert.deepEqual([table.data.constructor, table.dtype, table.get(1, 0)], [Float32Array, "float16", -0.25]);
        assert.deepEqual([leaving(flat), leaving(table)], [["float32", null], ["float32", [2, 1]]]);
    } finally {
        half && Object.defineProperty(globalThis, "Float16Array", half);
    }
});

// Images ---------------------------------------------------------------------------------------------------------------

/** As much of a canvas as imshow uses. */
class Canvas {
    constructor(width = 300, height = 150) {
        Object.assign(this, { sized: 0, made: 0, put: [], context: "2d" });
        this.size = [width, height];
    }

    get width() { return this.size[0]; }
    get height() { return this.size[1]; }
    set width(width) { this.size[0] = width; this.sized += 1; }
    set height(height) { this.size[1] = height; }

    getContext(kind) {
        return kind !== this.context ? null : {
            createImageData: (width, height) => {
                this.made += 1;
                return { width, height, data: new Uint8ClampedArray(width * height * 4) };
            },
            putImageData: (pixels, x, y) => this.put.push([hex(pixels.data), x, y]),
        };
    }
}

function drawn(shape, bytes) {
    const canvas = new Canvas();
    imshow(canvas, new NDArray(new Uint8Array(bytes), shape));
    return [canvas.size, ...canvas.put];
}

test("imshow: gray, RGB and RGBA", () => {
    assert.deepEqual(drawn([2, 1], [0, 255]), [[1, 2], ["000000ffffffffff", 0, 0]]);
    assert.deepEqual(drawn([1, 2, 1], [16, 32]), [[2, 1], ["101010ff202020ff", 0, 0]]);
    assert.deepEqual(drawn([1, 2, 3], [1, 2, 3, 254, 253, 252]), [[2, 1], ["010203fffefdfcff", 0, 0]]);
    assert.deepEqual(drawn([2, 1, 4], [1, 2, 3, 4, 5, 6, 7, 8]), [[1, 2], ["0102030405060708", 0, 0]]);
});

test("imshow draws a view of a larger buffer", () => {
    const film = new NDArray(new Uint8Array([9, 9, 1, 2]), [2, 1, 2]);
    const canvas = new Canvas();
    imshow(canvas, film.row(1));
    assert.deepEqual(canvas.put, [["010101ff020202ff", 0, 0]]);
});

test("imshow keeps its pixels from frame to frame, until the size changes", () => {
    const [canvas, other] = [new Canvas(), new Canvas()];
    const frame = (height, width) => new NDArray(new Uint8Array(height * width * 3), [height, width, 3]);
    for (let at = 0; at < 5; at += 1) {
        imshow(canvas, frame(4, 6));
    }
    assert.deepEqual([canvas.sized, canvas.made, canvas.put.length], [1, 1, 5]);
    imshow(other, frame(4, 6));
    assert.equal(other.made, 1);
    imshow(canvas, frame(6, 4));
    assert.deepEqual([canvas.size, canvas.made], [[4, 6], 2]);
});

test("imshow throws for other values and leaves the canvas unchanged", () => {
    const canvas = new Canvas();
    const told = (image) => {
        try {
            imshow(canvas, image);
        } catch (error) {
            return `${error.name}: ${error.message}`;
        }
        return "nothing";
    };
    const start = "TypeError: imshow: expected an NDArray of dtype uint8 and shape [height, width], "
        + "[height, width, 3] or [height, width, 4], not ";
    assert.equal(told(new NDArray(new Float64Array(6), [2, 3])), `${start}float64 [2, 3]`);
    assert.equal(told(new NDArray(new Uint8Array(6), [2, 3], "bool")), `${start}bool [2, 3]`);
    assert.equal(told(new NDArray(new Uint8Array(4), [1, 2, 2])), `${start}uint8 [1, 2, 2]`);
    assert.equal(told(new NDArray(new Uint8Array(4), [4])), `${start}uint8 [4]`);
    assert.equal(told(new NDArray(new Uint8Array(0), [0, 5])), `${start}uint8 [0, 5]`);
    assert.equal(told(new Uint8Array(4)), `${start}Uint8Array`);
    assert.equal(told(null), `${start}null`);
    assert.deepEqual([canvas.size, canvas.put], [[300, 150], []]);
    const image = new NDArray(new Uint8Array(1), [1, 1]);
    for (const wrong of [null, undefined, "canvas", Object.assign(new Canvas(), { context: "webgl" })]) {
        assert.throws(() => imshow(wrong, image), { name: "TypeError", message: /imshow: expected a canvas/ });
    }
});

test("every dtype survives the round trip", () => {
    const typed = [new Int8Array([-1]), new Uint16Array([65535]), new BigInt64Array([-(2n ** 63n)]), new BigUint64Array([2n ** 64n - 1n])];
    assert.deepEqual(travelled(typed), typed);
});
