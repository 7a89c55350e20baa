/** Object literals, which cross as data. */

/** Return true for an object literal, also one of another iframe; false for other objects, such as `Math`. */
export function isObjectLiteral(value: unknown): value is object {
    if (typeof value !== "object" || value === null || Symbol.toStringTag in value) {
        return false;
    }
    const prototype = Object.getPrototypeOf(value);
    return prototype === null || Object.getPrototypeOf(prototype) === null;
}
