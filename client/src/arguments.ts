/** Validation of the arguments of public functions: timeouts, functions, values. */

/** Return null for undefined, functions and symbols, which JSON cannot represent, and any other value unchanged. */
export const orNull = (value: unknown): unknown =>
    (["undefined", "function", "symbol"].includes(typeof value) ? null : value);

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

/** Return `func`. Throws TypeError unless it is a function. */
export function checkedFunction<T extends (...args: any[]) => any>(func: T, where: string): T {
    if (typeof func !== "function") {
        throw new TypeError(`${where}: expected a function, not ${String(func)}`);
    }
    return func;
}
