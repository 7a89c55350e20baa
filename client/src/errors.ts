/** Errors: those a caller in this page sees, and those that leave the page. */

import type { Failure, JsPyErrorKind } from "./messages.ts";

/** A call failed, in Python or on the way. Its `stack` leads to the call (to the first 16 of one turn), followed by Python's traceback. */
export class JsPyError extends Error {
    /** The exception's type in Python ("ValueError"), or UnknownFunction, TimeoutError, DisconnectedError. */
    declare name: string;
    /** Exactly the text of the exception in Python. */
    declare message: string;
    kind: JsPyErrorKind;
    /** The function that was called. */
    key: string;
    /** The socket of this page at that moment. */
    socket_id: number | null;
    /** Python's traceback, or "". */
    python_traceback: string;

    constructor(message = "") {
        super(message);
        this.name = "JsPyError";
        this.kind = "";
        this.key = "";
        this.socket_id = null;
        this.python_traceback = "";
    }
}

/** Facts about an error, as they go to Python. */
export interface Description {
    name: string;
    message: string;
    trace: string;
}

/** Describe whatever was thrown; also what throws when it is looked at. */
export function describeError(error: any): Description {
    try {
        return isErrorLike(error) ? describeErrorLike(error) : describeOther(error);
    } catch {
        return { name: "Error", message: "an error that cannot be shown", trace: "" };
    }
}

const isErrorLike = (error: any): error is { message: string; name?: unknown; stack?: unknown } =>
    typeof error === "object" && error !== null && typeof error.message === "string";

function describeErrorLike(error: { message: string; name?: unknown; stack?: unknown }): Description {
    const name = typeof error.name === "string" ? error.name : "Error";
    const stack = typeof error.stack === "string" ? withoutToken(error.stack) : "";
    const header = error.message ? `${name}: ${error.message}` : name;
    return { name, message: error.message, trace: stack.startsWith(name) ? stack : `${header}\n${stack}` };
}

function describeOther(value: any): Description {
    const type = value?.constructor?.name;
    return { name: typeof type === "string" ? type : typeof value, message: textOf(value), trace: "" };
}

function textOf(value: unknown): string {
    try {
        return typeof value === "object" ? String(JSON.stringify(value)) : String(value);
    } catch (error) {
        return `a value that cannot be shown (${error})`;
    }
}

/** Firefox writes the address a page was opened by into its stacks: the launch token goes out of it. */
const withoutToken = (stack: string): string => stack.replace(/#jsmeets=[\w~-]*\.[^;:\s]*;?/g, "#");

/** Why a call ended without Python's answer. */
export const timedOut = (): Failure => ({ kind: "timeout", name: "TimeoutError", message: "", trace: "" });
export const disconnected = (message: string): Failure => ({ kind: "disconnected", name: "DisconnectedError", message, trace: "" });

// ---------------------------------------------------------------- where a call was made

/** Calls of one turn that keep their place: it costs more than the call itself. */
const TRACED = 16;
const UNTRACED = `    at one of more than ${TRACED} calls made at once`;

type Place = { stack?: string } | null;

const captureStackTrace = (Error as { captureStackTrace?: (holder: object, below: Function) => void }).captureStackTrace;

/** Makes the errors of calls, with the places where these were made. */
export class CallErrors {
    private traced = 0;

    constructor(private readonly socketId: () => number | null) {}

    /** The place of a call: the stack below the function `below`. */
    placeOf(below: Function): Place {
        if (this.traced === 0) {
            queueMicrotask(() => { this.traced = 0; });
        }
        this.traced += 1;
        if (this.traced > TRACED) {
            return null;
        }
        const place = captureStackTrace ? {} : new Error();
        captureStackTrace?.(place, below);
        return place;
    }

    at(place: Place, failure: Failure, key: string, seconds: unknown): JsPyError {
        const error = new JsPyError();
        const frames = place ? framesOf(withoutToken(place.stack ?? "")) : UNTRACED;
        const { name, message } = wordsFor(failure, key, seconds);
        const python = failure.trace ? `\n\nIn Python:\n${failure.trace}` : "";
        Object.assign(error, {
            name, message, kind: failure.kind, key, socket_id: this.socketId(), python_traceback: failure.trace,
        });
        error.stack = `${name}: ${message}\n${frames}${python}`;
        return error;
    }
}

/** The frames of a stack without the header that Chromium puts before them. */
function framesOf(stack: string): string {
    const at = stack.indexOf("\n    at ");
    return at < 0 ? stack.replace(/^\w*Error\s*/, "") : stack.slice(at + 1);
}

function wordsFor(failure: Failure, key: string, seconds: unknown): { name: string; message: string } {
    if (failure.kind === "timeout") {
        const detail = `'${key}' did not answer within ${seconds} s`;
        return { name: "TimeoutError", message: `A timeout has occurred @javascript: ${detail}` };
    }
    if (failure.kind === "disconnected") {
        const detail = failure.message ? `: ${failure.message}` : "";
        return { name: "DisconnectedError", message: `Unable to communicate with the server @javascript${detail}` };
    }
    return { name: failure.kind === "unknown" ? "UnknownFunction" : failure.name, message: failure.message };
}
