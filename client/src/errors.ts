/** Errors raised by calls to Python functions. */

import type { Failure, JsPyErrorKind } from "./messages.ts";

/** The error of a failed call. Its `stack` shows the call (for the first 16 calls of a turn), followed by Python's traceback. */
export class JsPyError extends Error {
    /** The type of the exception in Python, such as "ValueError", or UnknownFunction, TimeoutError or DisconnectedError. */
    declare name: string;
    /** The text of the exception in Python, unchanged. */
    declare message: string;
    kind: JsPyErrorKind;
    /** The name of the called function. */
    key: string;
    /** The socket number of this page at the time of the error. */
    socket_id: number | null;
    /** Python's traceback, or "" if there is none. */
    python_traceback: string;
    /** The attributes of the exception that can be sent, such as `error.fields.code`. */
    fields: Record<string, any>;
    /** The cause of the exception (`raise ... from`). */
    declare cause?: JsPyError;
    /** The members of an ExceptionGroup. */
    errors: JsPyError[];

    constructor(message = "") {
        super(message);
        this.name = "JsPyError";
        this.kind = "";
        this.key = "";
        this.socket_id = null;
        this.python_traceback = "";
        this.fields = {};
        this.errors = [];
    }
}

/** Add the fields, the cause and the members of the exception. */
function addDetails(error: JsPyError, { fields = {}, cause, errors = [] }: Failure): void {
    error.fields = fields;
    error.errors = errors.map((member) => nestedError(member, error));
    if (cause) {
        Object.defineProperty(error, "cause", { value: nestedError(cause, error), writable: true, configurable: true });
    }
}

/** Create the error for the cause or a member of an exception. */
function nestedError(failure: Failure, { key, socket_id }: JsPyError): JsPyError {
    const error = new JsPyError(failure.message);
    Object.assign(error, { name: failure.name, kind: failure.kind, key, socket_id, python_traceback: failure.trace });
    error.stack = failure.trace || `${failure.name}: ${failure.message}`;
    addDetails(error, failure);
    return error;
}

/** Remove the launch token from a stack: Firefox includes the document's initial URL. */
export const withoutToken = (stack: string): string => stack.replace(/#jsmeets=[\w~-]*\.[^;:\s]*;?/g, "#");

/** The failure of a call whose signal has aborted, and has the reason. */
export const ABORTED: Failure = { kind: "", name: "AbortError", message: "", trace: "" };
/** Create the failure of a timeout; `what` follows the name of the function. */
export const timedOut = (what = "did not answer"): Failure => ({ kind: "timeout", name: "TimeoutError", message: what, trace: "" });
export const disconnected = (message: string): Failure => ({ kind: "disconnected", name: "DisconnectedError", message, trace: "" });

/** Create an error of kind "unknown": the page has no such function, or no such object any more. */
export function unknownError(name: string, message: string): Error {
    const error = new Error(message);
    Object.defineProperty(error, "jsmeets_kind", { value: "unknown" });   // not enumerable: fields are sent
    return Object.assign(error, { name, stack: "" });
}

// ---------------------------------------------------------------- stacks of calls

/** Calls per turn whose stack is captured. Capturing a stack costs more than the call itself. */
const TRACED = 16;
const UNTRACED = `    at one of more than ${TRACED} calls in one turn`;

/** The place of a call in the page's code, as the `stack` of an error; null if it was not captured. */
export type CallSite = { stack?: string } | null;

const captureStackTrace = (Error as { captureStackTrace?: (holder: object, below: Function) => void }).captureStackTrace;

/** Creates the errors of calls, with the stack of each call. */
export class CallErrors {
    /** The class of these errors: every file of this library has a copy of its own. */
    readonly JsPyError = JsPyError;
    private traced = 0;

    constructor(private readonly socketId: () => number | null) {}

    /** Capture the stack of a call below the function `below`. Returns null beyond the limit per turn. */
    callSite(below: Function): CallSite {
        if (this.traced === 0) {
            queueMicrotask(() => { this.traced = 0; });
        }
        this.traced += 1;
        if (this.traced > TRACED) {
            return null;
        }
        const site = captureStackTrace ? {} : new Error();
        captureStackTrace?.(site, below);
        return site;
    }

    at(site: CallSite, failure: Failure, key: string, seconds: unknown): JsPyError {
        const error = new JsPyError();
        const frames = site ? framesOf(withoutToken(site.stack ?? "")) : UNTRACED;
        const { name, message } = wordsFor(failure, key, seconds);
        const python = failure.trace ? `\n\nIn Python:\n${failure.trace}` : "";
        Object.assign(error, {
            name, message, kind: failure.kind, key, socket_id: this.socketId(), python_traceback: failure.trace,
        });
        error.stack = `${name}: ${message}\n${frames}${python}`;
        addDetails(error, failure);
        return error;
    }
}

/** Return the frames of a stack without the header that Chromium prepends. */
function framesOf(stack: string): string {
    const at = stack.indexOf("\n    at ");
    return at < 0 ? stack.replace(/^\w*Error\s*/, "") : stack.slice(at + 1);
}

function wordsFor(failure: Failure, key: string, seconds: unknown): { name: string; message: string } {
    if (failure.kind === "timeout") {
        const detail = `'${key}' ${failure.message} within ${seconds} s`;
        return { name: "TimeoutError", message: `A timeout has occurred @javascript: ${detail}` };
    }
    if (failure.kind === "disconnected") {
        const detail = failure.message ? `: ${failure.message}` : "";
        return { name: "DisconnectedError", message: `Unable to communicate with the server @javascript${detail}` };
    }
    return { name: failure.kind === "unknown" && failure.name !== "UnknownReference" ? "UnknownFunction" : failure.name, message: failure.message };
}
