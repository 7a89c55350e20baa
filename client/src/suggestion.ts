/** Suggestions for unknown names in error messages: the closest name and the exposed ones. */

const MAX_SHOWN = 30;

/** Return `"; did you mean 'two'? (exposed: one, two)"`, or a note that nothing is exposed. */
export function instead(key: string, names: readonly string[]): string {
    if (names.length === 0) {
        return "; it exposes none yet";
    }
    const more = names.length > MAX_SHOWN ? ` and ${names.length - MAX_SHOWN} others` : "";
    return `${didYouMean(key, names)} (exposed: ${names.slice(0, MAX_SHOWN).join(", ")}${more})`;
}

/** Return `"; did you mean 'two'?"`, or "" if no name is close. */
export function didYouMean(key: string, names: readonly string[]): string {
    const meant = closest(key, names);
    return meant === undefined ? "" : `; did you mean '${meant}'?`;
}

/** Return the name with the smallest edit distance, if that is at most a third of the length of `key`. */
function closest(key: string, names: readonly string[]): string | undefined {
    let best: string | undefined;
    let fewest = Math.max(1, Math.floor(key.length / 3)) + 1;
    for (const name of names) {
        if (Math.abs(name.length - key.length) < fewest) {
            const distance = edits(key, name);
            if (distance < fewest) {
                [best, fewest] = [name, distance];
            }
        }
    }
    return best;
}

/** Return the edit distance of two names; a transposition counts as one edit (optimal string alignment). */
function edits(from: string, to: string): number {
    let before: number[] = [];
    let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
    for (let row = 1; row <= from.length; row++) {
        const current = [row];
        for (let column = 1; column <= to.length; column++) {
            const same = from[row - 1] === to[column - 1];
            let fewest = Math.min(previous[column]! + 1, current[column - 1]! + 1, previous[column - 1]! + (same ? 0 : 1));
            if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
                fewest = Math.min(fewest, before[column - 2]! + 1);
            }
            current.push(fewest);
        }
        [before, previous] = [previous, current];
    }
    return previous[to.length]!;
}
