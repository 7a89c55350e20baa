/** Arrays: the dtypes of their items, and NDArray for arrays that are not one-dimensional. */

/** Any typed array. */
export type TypedArray =
    | Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array
    | BigInt64Array | BigUint64Array | Float32Array | Float64Array;

/** A one-dimensional array of bool. Python receives it as one; a Uint8Array without `dtype` arrives as bytes. */
export type BoolArray = Uint8Array & { readonly dtype: "bool" };

/** A data frame of pandas or polars. `jsmeets_local.values.to_frame` converts it back. */
export interface Frame {
    /** The column names, in order. */
    readonly columns: ReadonlyArray<string | number>;
    /** Name -> values: typed arrays for numbers, dates (milliseconds since 1970) and durations, where NaN is missing; else arrays. */
    readonly data: { readonly [name: string]: TypedArray | BoolArray | any[] };
    /** The row labels, or `null` if the rows are only numbered. */
    readonly index: { readonly name: string | number | null; readonly data: TypedArray | any[]; readonly dtype: string } | null;
    /** Name -> dtype in the notation of pandas, such as "float64", "datetime64[us]" or "string". */
    readonly dtypes: { readonly [name: string]: string };
}

type ArrayConstructor = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => TypedArray;

/** Return Float16Array, or undefined in a browser without it. */
const float16Array = (): ArrayConstructor | undefined =>
    (globalThis as unknown as { Float16Array?: ArrayConstructor }).Float16Array;

/** dtype -> typed array class and item size in bytes. */
const DTYPES: ReadonlyMap<unknown, readonly [ArrayConstructor, number]> = new Map(Object.entries({
    bytes: [Uint8Array, 1],
    bool: [Uint8Array, 1],
    int8: [Int8Array, 1],
    uint8: [Uint8Array, 1],
    int16: [Int16Array, 2],
    uint16: [Uint16Array, 2],
    int32: [Int32Array, 4],
    uint32: [Uint32Array, 4],
    int64: [BigInt64Array, 8],
    uint64: [BigUint64Array, 8],
    float16: [Float32Array, 2],   // see makeArray
    float32: [Float32Array, 4],
    float64: [Float64Array, 8],
} as Record<string, [ArrayConstructor, number]>));

const BYTES_LIKE = ["Uint8Array", "Uint8ClampedArray", "DataView", "ArrayBuffer", "SharedArrayBuffer"];

/** Return the size of an item in bytes, or undefined for an unknown dtype. */
export const itemSize = (dtype: unknown): number | undefined => DTYPES.get(dtype)?.[1];

/** Return the dtype by toStringTag, which also works for objects of another window. */
export function dtypeOf(data: any): string {
    const tag: string = data[Symbol.toStringTag];
    return BYTES_LIKE.includes(tag) ? "bytes" : tag.replace("BigInt", "Int").replace("BigUint", "Uint")
        .replace("Array", "").toLowerCase();
}

export function bytesOf(value: ArrayBufferView | ArrayBufferLike): Uint8Array {
    return ArrayBuffer.isView(value)
        ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value);
}

export const product = (shape: readonly number[]): number => shape.reduce((total, length) => total * length, 1);

/** Create an array over received bytes. */
export function makeArray(dtype: string, bytes: Uint8Array, count: number): any {
    if (dtype === "float16") {
        const Float16 = float16Array();
        return Float16 ? new Float16(bytes.buffer, bytes.byteOffset, count)
            : Float32Array.from(new Uint16Array(bytes.buffer, bytes.byteOffset, count), widen);
    }
    return new (DTYPES.get(dtype)![0])(bytes.buffer, bytes.byteOffset, count);
}

/** Convert the bits of a float16 to a number. */
function widen(half: number): number {
    const [sign, exponent, fraction] = [half & 0x8000 ? -1 : 1, (half >> 10) & 31, half & 1023];
    if (exponent === 31) {
        return fraction ? NaN : sign * Infinity;
    }
    return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
}

/** Define `dtype` on a typed array whose class does not determine it. */
export function marked(data: any, dtype: string): any {
    const isTold = dtype !== "bool" && !(dtype === "float16" && data instanceof Float32Array);
    return isTold ? data : Object.defineProperty(data, "dtype", { value: dtype });
}

/** Return the dtype of an array of this data. Throws TypeError if `dtype` does not fit the data. */
function checkedDtype(data: any, dtype: string | undefined): string {
    if (!ArrayBuffer.isView(data) || data instanceof DataView) {
        throw new TypeError("NDArray: the data must be a typed array");
    }
    const own = dtypeOf(data);
    const fitting = own === "bytes" ? ["uint8", "bytes", "bool"] : own === "float32" ? [own, "float16"] : [own];
    const mark = (data as { dtype?: any }).dtype;
    const told = dtype ?? (fitting.includes(mark) ? mark : fitting[0]);
    if (!fitting.includes(told)) {
        throw new TypeError(`NDArray: a ${data.constructor.name} cannot hold items of dtype ${told}`);
    }
    return told;
}

function checkedIndex(index: any, axis: number, length: number): number {
    if (!Number.isInteger(index)) {
        throw new TypeError(`NDArray: an index must be an integer, not ${String(index)}`);
    }
    if (index < 0 || index >= length) {
        throw new RangeError(`NDArray: index ${index} is out of bounds for dimension ${axis}, of length ${length}`);
    }
    return index;
}

/**
 * An array that is not one-dimensional, as numpy arrays arrive (one-dimensional ones arrive as typed arrays). It can be
 * sent back. The object is frozen; its `data` is not.
 */
export class NDArray {
    /** The items in C order (the last index changes fastest). */
    readonly data: TypedArray;
    /** The length of each dimension. */
    readonly shape: readonly number[];
    /** The dtype, such as "float64" or "bool". In browsers without Float16Array, the `data` of "float16" is a Float32Array. */
    readonly dtype: string;

    /** Throws TypeError if `data` does not fill `shape` or cannot hold `dtype`. `"bool"` takes a Uint8Array of 0 and 1. */
    constructor(data: TypedArray, shape: readonly number[], dtype?: string) {
        this.dtype = checkedDtype(data, dtype);
        if (product(shape) !== data.length) {
            throw new TypeError(`NDArray: ${data.length} items do not fill the shape [${shape}]`);
        }
        this.data = data;
        this.shape = Object.freeze([...shape]);
        Object.freeze(this);
    }

    /** Return the item at one index per dimension. Throws RangeError if out of range, TypeError if not an integer. */
    get(...indices: number[]): number | bigint {
        const { data, shape } = this;
        if (indices.length !== shape.length) {
            throw new TypeError(`NDArray.get: ${indices.length} indices for ${shape.length} dimensions; row(i) returns a part`);
        }
        return data[indices.reduce((at, index, axis) => at * shape[axis]! + checkedIndex(index, axis, shape[axis]!), 0)]!;
    }

    /** Return a view with one dimension less: an NDArray, or a typed array if one dimension is left. Throws as `get` does. */
    row(index: number): NDArray | TypedArray {
        const [length, ...rest] = this.shape;
        if (rest.length === 0) {
            throw new TypeError(`NDArray.row: an array of ${this.shape.length} dimensions has no rows`);
        }
        const [size, at] = [product(rest), checkedIndex(index, 0, length!)];
        const items = marked(this.data.subarray(at * size, (at + 1) * size), this.dtype);
        return rest.length === 1 ? items : partOf(items, rest, this.dtype);
    }
}

/** Create an NDArray. Defined outside the class, because bundlers rename a class that refers to itself. */
const partOf = (...given: ConstructorParameters<typeof NDArray>): NDArray => new NDArray(...given);
