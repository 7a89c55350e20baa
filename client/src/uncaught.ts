/** Reporting uncaught errors and unhandled rejections to Python. */

import { hasDocument } from "./address.ts";
import type { Connection } from "./connection.ts";
import { isOfPython } from "./description.ts";
import { withoutToken } from "./errors.ts";
import type { ErrorFacts } from "./messages.ts";

/** The maximum number of errors that a document reports. */
const MOST_UNCAUGHT = 50;
const [MESSAGE_ROOM, TRACE_ROOM] = [2000, 8000];

/** Kinds that are not reported, because Python has logged them already or a lost connection caused them. */
const KNOWN_TO_PYTHON = ["raised", "unserializable", "disconnected"];

/** Report each uncaught error of the document to Python once. */
export function reportUncaught(connection: Connection): void {
    const { errors } = connection;
    const seen = new Set<string>();

    function tell(what: string, facts: ErrorFacts, place = ""): void {
        const message = withoutToken(facts.message.slice(0, MESSAGE_ROOM) + (place && ` (${place})`));
        const key = `${facts.name}: ${message}`;
        if (seen.size < MOST_UNCAUGHT && !seen.has(key)) {
            seen.add(key);
            connection.sendFault(what, { kind: "uncaught", ...facts, message, trace: facts.trace.slice(0, TRACE_ROOM) });
        }
    }

    /** Report an error event of the window, or of an element whose file failed to load. */
    function receiveError({ target, error, message, filename, lineno, colno }: ErrorEvent): void {
        if (target instanceof HTMLScriptElement || target instanceof HTMLLinkElement) {
            tell("loading a file", { name: "LoadError", message: loadText(target), trace: "" });
        } else if (target === globalThis as unknown && !errors.wasTold(error) && !/^ResizeObserver loop/.test(message)) {
            const facts = error ? errors.describe(error) : { name: "Error", message: String(message), trace: "" };
            tell("an uncaught error", facts, filename ? `${filename}:${lineno}:${colno}` : "");
        }
    }

    function receiveRejection({ reason }: PromiseRejectionEvent): void {
        const isKnown = isOfPython(reason) && KNOWN_TO_PYTHON.includes(reason.kind);
        if (!isKnown && !errors.wasTold(reason)) {
            tell("an unhandled rejection", errors.describe(reason));
        }
    }

    if (hasDocument()) {
        addEventListener("error", receiveError, true);
        addEventListener("unhandledrejection", receiveRejection);
    }
}

function loadText(element: HTMLScriptElement | HTMLLinkElement): string {
    const address = element instanceof HTMLLinkElement ? element.href : element.src;
    if (address) {
        return `cannot load ${address}`;
    }
    const files = [...(element.textContent ?? "").matchAll(/(?:from|import)\s*["']([^"']+)["']/g)].map(([, file]) => file);
    return `cannot load a file that a module in the page imports: ${files.join(", ")}`;
}
