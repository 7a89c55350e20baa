/** The tree of a state: its containers, their places, and the changes that are made in it. */

import { define, isObjectLiteral } from "./literals.ts";
import type { Step } from "./specials.ts";

/** A change, in the form of the wire: `[path, value]` sets, `[path]` deletes, `[path, start, count, items]` splices. */
export type Change = any[];
export type Undo = () => void;

export const isContainer = (value: unknown): value is object => Array.isArray(value) || isObjectLiteral(value);

const placeName = (path: readonly Step[]): string =>
    `state${path.map((step) => (typeof step === "string" && /^[\p{L}_$][\p{L}\d_$]*$/u.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`)).join("")}`;

/** Container -> the one above it and its key there; for an item of an array, the index where it was last found. */
const places = new WeakMap<object, { above: any; key: Step }>();

/** Note the places of a value and of what is in it. */
function plant(value: any, above: object, key: Step): void {
    if (isContainer(value)) {
        places.set(value, { above, key });
        plantItems(value);
    }
}

export function plantItems(value: any): void {
    if (Array.isArray(value)) {
        value.forEach((item, index) => plant(item, value, index));
    } else {
        Object.keys(value).forEach((key) => plant(value[key], value, key));
    }
}

/** Make a value that was removed from a tree an ordinary one. */
export const cut = (value: any): boolean => isContainer(value) && places.delete(value);

/** Return the path of a container in a tree; null if it was removed from it. */
export function pathOf(container: object, root: object): Step[] | null {
    const path: Step[] = [];
    for (let at = container; at !== root;) {
        const place = places.get(at);
        if (!place) {
            return null;
        }
        if (Array.isArray(place.above) && place.above[place.key as number] !== at) {
            place.key = place.above.indexOf(at);
        }
        path.unshift(place.key);
        at = place.above;
    }
    return path;
}

function placeAt(root: any, path: readonly Step[]): any {
    let place = root;
    path.forEach((step, depth) => {
        const fits = Array.isArray(place) ? typeof step === "number" : isContainer(place) && typeof step === "string";
        if (!fits || !Object.hasOwn(place, step)) {
            throw new TypeError(`there is no ${placeName(path.slice(0, depth + 1))}`);
        }
        place = place[step];
    });
    if (!isContainer(place)) {
        throw new TypeError(`${placeName(path)} is neither an object nor an array`);
    }
    return place;
}

function replaceItems(place: any[], start: number, count: number, items: readonly any[]): any[] {
    const tail = place.splice(start);
    const old = tail.splice(0, count);
    old.forEach(cut);
    for (const item of items) {
        plant(item, place, place.length);
        place.push(item);
    }
    for (const item of tail) {
        place.push(item);
    }
    return old;
}

/** Make a change in a tree, as Python makes it. Returns what undoes it; throws TypeError if its place does not exist. */
export function apply(root: any, change: Change): Undo {
    const [path, value] = change;
    if (change.length >= 4) {
        const [, start, count, items] = change;
        const list = placeAt(root, path);
        if (!Array.isArray(list) || start > list.length) {
            throw new TypeError(`${placeName(path)} has no place ${start} for items`);
        }
        const old = replaceItems(list, start, count, items);
        return () => void replaceItems(list, start, items.length, old);
    }
    const [place, key] = [placeAt(root, path.slice(0, -1)), path.at(-1)];
    const isSet = change.length > 1;
    const hasKey = Object.hasOwn(place, key);
    if (Array.isArray(place) ? !isSet || typeof key !== "number" || !hasKey : typeof key !== "string" || !(isSet || hasKey)) {
        throw new TypeError(`there is no ${placeName(path)}`);
    }
    const before = hasKey ? place[key] : undefined;
    const put = (next: any, has: boolean, last: any): void => {
        cut(last);
        if (has) {
            define(place, key, next);
            plant(next, place, key);
        } else {
            delete place[key];
        }
    };
    put(value, isSet, before);
    return () => put(before, hasKey, value);
}

/** Copy the containers of a value. */
export function cloned(value: any): any {
    if (Array.isArray(value)) {
        return value.map(cloned);
    }
    if (!isContainer(value)) {
        return value;
    }
    const copy = {};
    Object.entries(value).forEach(([key, item]) => define(copy, key, cloned(item)));
    return copy;
}

/** Return true for a container that is in a tree. */
export const isPlanted = (value: unknown): value is object => isContainer(value) && places.has(value);
