/** Object literals, which cross as data, and their properties. */

/** Return true for an object literal, also one of another iframe; false for other objects, such as `Math`. */
export function isObjectLiteral(value: unknown): value is object {
    if (typeof value !== "object" || value === null || Symbol.toStringTag in value) {
        return false;
    }
    const prototype = Object.getPrototypeOf(value);
    return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Define a property, whose key may be `__proto__`. An assignment would replace the prototype. */
export const define = (target: object, key: PropertyKey, value: unknown): void =>
    void Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
