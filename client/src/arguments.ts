/** Validation of the arguments of public functions: timeouts, functions. */

/** A timeout in seconds. `undefined`, `null`, 0 and negative numbers mean no limit. */
export type Timeout = number | null | undefined;

/** Convert a timeout to milliseconds; null means no limit. Throws TypeError for a value that is not a finite number. */
export function millisecondsOf(timeout: unknown): number | null {
    if (timeout === undefined || timeout === null || (typeof timeout === "number" && timeout <= 0)) {
        return null;
    }
    if (typeof timeout !== "number" || !Number.isFinite(timeout)) {
        throw new TypeError(`timeout must be a number of seconds (0 or omitted for no limit), not ${String(timeout)}`);
    }
    return Math.min(timeout * 1000, 0x7FFFFFFF);   // the maximum delay of setTimeout
}

/** Return `options`. Throws TypeError for a name that is not one of `known`. */
export function optionsOf<Options extends object>(options: Options, known: ReadonlyArray<keyof Options & string>, where: string): Options {
    const other = Object.keys(options).find((name) => !(known as readonly string[]).includes(name));
    if (other !== undefined) {
        const names = known.map((name) => `'${name}'`);
        throw new TypeError(`${where}: no option '${other}'; there are ${names.slice(0, -1).join(", ")} and ${names.at(-1)}`);
    }
    return options;
}

/** Return `func`. Throws TypeError unless it is a function. */
export function checkedFunction<T extends (...args: any[]) => any>(func: T, where: string): T {
    if (typeof func !== "function") {
        throw new TypeError(`${where}: expected a function, not ${String(func)}`);
    }
    return func;
}
