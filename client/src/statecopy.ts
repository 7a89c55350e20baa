/** Copies of values that are assigned to a state, in the form in which Python gets them. */

import type { NDArray } from "./ndarray.ts";
import { define, isObjectLiteral } from "./literals.ts";
import { isSparse, sparseText } from "./sparse.ts";

/** The maximum nesting depth that Python accepts. */
const DEPTH = 256;

/**
 * Make the function that copies a value, and throws TypeError for what is no data.
 *
 * @param originalOf returns the container behind a proxy, and other objects as they are.
 */
export function createCopy(NDArrayType: typeof NDArray, originalOf: (value: object) => object): (value: unknown) => any {
    function copied(given: any, room: number): any {
        if (typeof given !== "object" || given === null) {
            return scalar(given);
        }
        const value: any = originalOf(given);
        if (room === 0) {
            throw new TypeError(`a state cannot hold a value that is nested more than ${DEPTH} levels deep, or contains itself`);
        }
        if (value instanceof NDArrayType) {
            return new NDArrayType(value.data.slice(), value.shape, value.dtype);
        }
        const tag = Object.prototype.toString.call(value).slice(8, -1);
        if (ArrayBuffer.isView(value) || tag === "ArrayBuffer" || tag === "SharedArrayBuffer") {
            return binary(value, tag);
        }
        if (isSparse(value)) {
            throw new TypeError(sparseText(value));
        }
        if (Array.isArray(value) || value instanceof Set) {
            return Array.from(value, (item) => copied(item, room - 1));
        }
        if (!(value instanceof Map) && typeof value.toJSON === "function") {
            return copied(value.toJSON(), room - 1);
        }
        if (!(value instanceof Map) && !isObjectLiteral(value)) {
            throw new TypeError(`a state has only data; got an object of ${value.constructor?.name ?? tag}`);
        }
        const copy = {};
        for (const [key, item] of value instanceof Map ? value : Object.entries(value)) {
            if (typeof key !== "string") {
                throw new TypeError("the keys of a Map in a state are strings");
            }
            if (item !== undefined) {
                define(copy, key, copied(item, room - 1));
            }
        }
        return copy;
    }
    return (value) => copied(value, DEPTH);
}

function scalar(value: any): any {
    switch (typeof value) {
        case "number":
            return Number.isFinite(value) ? value || 0 : null;   // Python gets NaN as null, and -0 as 0
        case "bigint":
            return BigInt(Number(value)) === value && Number.isSafeInteger(Number(value)) ? Number(value) : value;
        case "undefined":
            return null;
        case "function":
        case "symbol":
            throw new TypeError(`a state has only data; got a ${typeof value}`);
        default:
            return value;
    }
}

function binary(value: any, tag: string): any {
    if (!ArrayBuffer.isView(value)) {
        return new Uint8Array(value).slice();
    }
    if (tag === "DataView" || tag === "Uint8ClampedArray") {
        return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
    }
    const copy = (value as any).slice();
    return (value as any).dtype === "bool" ? Object.assign(copy, { dtype: "bool" }) : copy;
}
