import { expose } from "/jsmeetspy/jsmeets.mjs";

/**
 * @typedef {Object} Item
 * @property {number} id
 * @property {string} [note] what to show
 */
/** @typedef {"a" | "b"} Letter */

/**
 * Add numbers.
 * @param {number} a the first
 * @param {number} [b=1] the second
 * @param {...number} more
 * @returns {Promise<number>} the sum
 */
export async function add(a, b = 1, ...more) {
    return a + b + more.length;
}

/** Show items. @param {Item[]} items @param {Object} options @param {string} options.title @returns {Item} */
function show(items, options) {
    return items[0] ?? options;
}

/** @param {Array.<?Letter>} letters @returns {{a: number}} */
const letters = (letters) => ({ a: letters.length });

// A comment, and no documentation.
function hidden() {}

/**
 * Save it.
 * @param {function(number): void} done
 * @param {Object<string, number>} map
 */
expose("save", (done, map) => done(map.a));
expose({ add, show, letters, hidden });
