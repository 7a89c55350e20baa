/** Promises of results: calls of functions of Python, and uses of its objects. */

import { checkOptions, inFirstCall, millisecondsOf, optionsOf, type Timeout } from "./arguments.ts";
import type { Connection } from "./connection.ts";
import { ABORTED, timedOut } from "./errors.ts";
import type { Failure, Message } from "./messages.ts";

/** Result of a call of Python. `for await (const row of py.rows(9))` needs no second `await`. */
export type PyResult<Value = any> =
    Promise<Value> & AsyncIterable<Value extends AsyncIterable<infer Item> | Iterable<infer Item> ? Item : any>;

async function* itemsOf(this: Promise<any>): AsyncGenerator<any, void, undefined> {
    const value = await this;
    if (typeof value?.[Symbol.asyncIterator] !== "function" && typeof value?.[Symbol.iterator] !== "function") {
        throw new TypeError(`Python returned no stream that \`for await\` can read, but a value of type ${value === null ? "null" : typeof value}`);
    }
    yield* value;
}

/** Let `for await` read the stream that the promise resolves to. */
const iterable = <Value>(promise: Promise<Value>): PyResult<Value> => {
    (promise as any)[Symbol.asyncIterator] = itemsOf;
    return promise as PyResult<Value>;
};

/** Options of a call: `py.slow.with({ signal, timeout: 2 })(1)`. */
export interface CallOptions {
    /** Cancels the call when it aborts; the call then rejects with the reason of the signal. */
    signal?: AbortSignal | null | undefined;
    /** Seconds; a stream that the call returns ends then, too. */
    timeout?: Timeout;
}

/** Limits on the time that a request waits. */
export interface WaitOptions {
    signal: AbortSignal | undefined;
    timeout: Timeout;
    /** The timeout in milliseconds; null means no limit. */
    limit: number | null;
}

export const NO_LIMIT: WaitOptions = { signal: undefined, timeout: null, limit: null };

/** Check the options of a call, or its timeout. Throws TypeError. */
export function waitOptionsOf(given: Timeout | CallOptions, where: string): WaitOptions {
    if (typeof given !== "object" || given === null) {
        return { signal: undefined, timeout: given, limit: millisecondsOf(given) };
    }
    const { signal, timeout } = optionsOf<CallOptions>(given, ["signal", "timeout"], where);
    if (signal && typeof signal.addEventListener !== "function") {
        throw new TypeError(`${where}: the signal must be an AbortSignal, not ${String(signal)}`);
    }
    return { signal: signal ?? undefined, timeout, limit: millisecondsOf(timeout) };
}

/** Check the arguments of the method `with` of the function `key`. Throws TypeError. */
export function waitOptionsOfWith([options = {}, ...others]: readonly any[], key: string): WaitOptions {
    const where = `call of '${key}'`;
    inFirstCall("with({ timeout: 2 })", undefined, [options, ...others], 1, () => checkOptions(options, "timeout", where));
    return waitOptionsOf(options, where);
}

/** Request whose result a promise has. */
export interface ResultRequest {
    message: (id: number) => Message;
    /** The user's value in the message, and its name, for errors. */
    body: unknown;
    label: string;
    /** The name of the function or object, for errors. */
    key: string;
    /** An object that must not be collected before the response. */
    holder?: object;
    /** The reason that it cannot be sent, if there is one. */
    failure?: Failure | null;
}

/** Send a request, and return a promise of its result. Errors show the call of `below`, the function that the user has called. */
export function resultOf(connection: Connection, below: Function, request: ResultRequest, wait = NO_LIMIT): PyResult {
    const { message, body, label, key, holder, failure = null } = request;
    const { signal, timeout, limit } = wait;
    if (signal?.aborted) {
        return iterable(Promise.reject(signal.reason));
    }
    const { callErrors, streams } = connection;
    const site = callErrors.callSite(below);
    const start = limit === null ? 0 : performance.now();
    return iterable(new Promise((resolve, reject) => {
        const settle = (problem: Failure | null, value?: any): void => {
            void holder;
            if (problem) {
                reject(problem === ABORTED ? signal!.reason : callErrors.at(site, problem, key, timeout));
                return;
            }
            if (signal || limit !== null) {
                const left = limit && Math.max(0, start + limit - performance.now());
                streams.follow(value, { signal, left, late: (reader) => callErrors.at(reader, timedOut("did not end"), key, timeout) });
            }
            resolve(value);
        };
        if (failure) {
            settle(failure);
        } else {
            connection.request({ message, body, label, limit, signal, settle });
        }
    }));
}
