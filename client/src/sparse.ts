/** Arrays with holes, each of which is sent as null. */

/** The number of holes that are sent. `Object.assign([], { length: 2 ** 32 - 1 })` would occupy the page for minutes. */
export const MOST_HOLES = 1000000;

/** Return true for an array that has more holes than are sent. */
export function isSparse(value: unknown): boolean {
    if (!Array.isArray(value) || value.length <= MOST_HOLES) {
        return false;
    }
    let holes = 0;
    for (let index = 0; index < value.length && holes <= MOST_HOLES; index += 1) {
        holes += value[index] === undefined && !(index in value) ? 1 : 0;
    }
    return holes > MOST_HOLES;
}

/** Explain why an array cannot be sent. */
export const sparseText = (value: unknown): string =>
    `an array with too many holes (its length is ${(value as unknown[]).length}) cannot be sent; send its entries, Object.entries(array)`;
