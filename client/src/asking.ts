/** Requests whose result a promise tells: calls of Python's functions, and use of its objects. */

import { millisecondsOf, optionsOf, type Timeout } from "./arguments.ts";
import type { Connection } from "./connection.ts";
import { ABORTED } from "./errors.ts";
import { iterable, type PyResult } from "./iterable.ts";
import type { Failure, Message } from "./messages.ts";

/** How a Python function is called: `py.slow.with({ signal, timeout: 2 })(1)`. */
export interface CallOptions {
    /** Cancels the call when it aborts; the call then rejects with the reason of the signal. */
    signal?: AbortSignal | null | undefined;
    /** Seconds. */
    timeout?: Timeout;
}

/** How long a request waits. */
export interface Patience {
    signal: AbortSignal | undefined;
    timeout: Timeout;
    /** The timeout in milliseconds; null means no limit. */
    limit: number | null;
}

export const ENDLESS: Patience = { signal: undefined, timeout: null, limit: null };

/** Return how long a call waits by its options, or by its timeout. Throws TypeError. */
export function patienceOf(given: Timeout | CallOptions, where: string): Patience {
    if (typeof given !== "object" || given === null) {
        return { signal: undefined, timeout: given, limit: millisecondsOf(given) };
    }
    const { signal, timeout } = optionsOf<CallOptions>(given, ["signal", "timeout"], where);
    if (signal && typeof signal.addEventListener !== "function") {
        throw new TypeError(`${where}: the signal must be an AbortSignal, not ${String(signal)}`);
    }
    return { signal: signal ?? undefined, timeout, limit: millisecondsOf(timeout) };
}

/** A request. */
export interface Question {
    message: (id: number) => Message;
    /** The user's value in the message, and its name, for errors. */
    body: unknown;
    label: string;
    /** The name of what is asked, for errors. */
    key: string;
    /** An object that must not be collected before the answer. */
    holder?: object;
    /** Why it cannot be asked, if it cannot. */
    failure?: Failure | null;
}

/** Send a request, and return a promise of its result. `below` is the function that the user has called. */
export function ask(connection: Connection, below: Function, question: Question, patience = ENDLESS): PyResult {
    const { message, body, label, key, holder, failure = null } = question;
    const { signal, timeout, limit } = patience;
    if (signal?.aborted) {
        return iterable(Promise.reject(signal.reason));
    }
    const place = connection.callErrors.placeOf(below);
    return iterable(new Promise((resolve, reject) => {
        const settle = (problem: Failure | null, value?: any): void => {
            void holder;
            if (problem) {
                reject(problem === ABORTED ? signal!.reason : connection.callErrors.at(place, problem, key, timeout));
                return;
            }
            if (signal) {
                connection.streams.follow(value, signal);
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
