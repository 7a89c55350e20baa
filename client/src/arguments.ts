/** Validation of the arguments of public functions: timeouts, options, functions. */

/** A timeout in seconds. `undefined`, `null`, 0 and negative numbers mean no limit. */
export type Timeout = number | null | undefined;

/** Convert a timeout to milliseconds; null means no limit. Throws TypeError for a value that is not a finite number. */
export function millisecondsOf(timeout: unknown): number | null {
    if (timeout === undefined || timeout === null || (typeof timeout === "number" && timeout <= 0)) {
        return null;
    }
    if (typeof timeout !== "number" || !Number.isFinite(timeout)) {
        throw new TypeError(`timeout must be a number of seconds (0 or omitted for no limit), not ${codeOf(timeout)}`);
    }
    return Math.min(timeout * 1000, 0x7FFFFFFF);   // the maximum delay of setTimeout
}

/** Return a value as a line of code has it, without the content of objects. */
export function codeOf(value: unknown): string {
    if (typeof value === "string") {
        return JSON.stringify(value.slice(0, 60));
    }
    const isCode = value === null || (typeof value !== "object" && typeof value !== "function");
    return isCode ? String(value) : Array.isArray(value) ? "[...]" : typeof value === "function" ? "function" : "{...}";
}

/**
 * Return what `check` returns for the first call of `call("sum")(4, 7)`. If it throws, or there are more than `most` values,
 * the TypeError says to pass them in a second call.
 */
export function inFirstCall<Result>(name: string, key: unknown, given: readonly unknown[], most: number, check: () => Result): Result {
    const call = key === undefined ? name : `${name}(${codeOf(key)})`;
    let reason = `${call} takes no ${most ? "more than its options" : "values"}`;
    if (given.length <= most) {
        try {
            return check();
        } catch (error) {
            reason = (error as Error).message;
        }
    }
    throw new TypeError(`${reason}; pass the arguments in a second call: ${call}(${given.map(codeOf).join(", ")})`);
}

/** Check that `options` is an object. Throws TypeError, which shows one with `name`. */
export function checkOptions(options: unknown, name: string, where: string): void {
    if (typeof options !== "object" || options === null || Array.isArray(options)) {
        throw new TypeError(`${where}: the options must be an object, such as { ${name}: ... }, not ${codeOf(options)}`);
    }
}

/** Return `options`. Throws TypeError for what is not an object, and for a name that is not one of `known`. */
export function optionsOf<Options extends object>(options: Options, known: ReadonlyArray<keyof Options & string>, where: string): Options {
    checkOptions(options, known.at(-1)!, where);
    const other = Object.keys(options).find((name) => !(known as readonly string[]).includes(name));
    if (other !== undefined) {
        const names = known.map((name) => `'${name}'`);
        throw new TypeError(`${where}: no option '${other}'; ${names.length > 1 ? `there are ${names.slice(0, -1).join(", ")} and` : "there is"} ${names.at(-1)}`);
    }
    return options;
}

/** Return `func`. Throws TypeError unless it is a function. */
export function checkedFunction<T extends (...args: any[]) => any>(func: T, where: string): T {
    if (typeof func !== "function") {
        throw new TypeError(`${where}: expected a function, not ${codeOf(func)}`);
    }
    return func;
}
