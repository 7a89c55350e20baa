/**
 * The badge in the corner of the document while the connection to Python is lost.
 *
 * A shadow root isolates its CSS from the document's, and a constructed style sheet works under a
 * Content-Security-Policy without 'unsafe-inline'.
 */

import type { Connection } from "./connection.ts";
import type { Trouble } from "./trouble.ts";

/** Milliseconds before the badge appears: most reconnects take less. */
const PATIENCE = 600;

/** The text for each trouble, with an optional hint on the second line. */
const WORDS: Partial<Record<Trouble, string>> = {
    "reconnecting": "Reconnecting…",
    "lost": "Python is not responding. Retrying…",
    "closed": "Disconnected from Python.",
    "restarting": "Python is restarting…",
    "broken": "Python is not running.\nSee the terminal for the reason.",
    "no token": "This URL has no launch token.\nOpen the URL that Python printed.",
    "other token": "Python has restarted.\nOpen the URL that it printed.",
    "refused": "Python refused this page.\nSee its log for the reason.",
};

/** Close reason -> the text of the badge. */
const REASONS: ReadonlyArray<[RegExp, string]> = [
    [/^the Python program has ended$/, "The Python program has ended."],
    [/^the kernel was restarted$/, "The kernel was restarted: run the cell again."],
    [/^the kernel has ended$/, "The kernel has ended."],
    [/^stopped by Python$/, "Stopped by Python."],
    [/^closed by Python$/, "Closed by Python."],
    [/connection limit/, "Python accepts no more pages."],
    [/^this Python speaks /, "This page has another version than Python."],
];

const CSS = `
    :host {
        all: initial !important;
        position: fixed !important;
        inset: auto max(16px, env(safe-area-inset-right)) max(16px, env(safe-area-inset-bottom)) auto !important;
        z-index: 2147483647 !important;
        color-scheme: light dark !important;
    }
    div[role="status"] { display: flex; justify-content: flex-end; margin-left: 16px; }
    .pill {
        display: flex; align-items: center; gap: 10px;
        padding: 9px 16px 9px 14px; border-radius: 20px;
        font: 500 13px/1.4 system-ui, sans-serif; text-wrap: balance;
        color: #24292f; background: #ffffffeb; border: 1px solid #0000001a;
        box-shadow: 0 1px 2px #00000014, 0 8px 24px #0000001f;
        backdrop-filter: blur(12px); -webkit-backdrop-filter: blur(12px);
        animation: rise 0.25s ease-out;
    }
    .hint { display: block; font-weight: 400; opacity: 0.75; }
    .dot { flex: none; width: 8px; height: 8px; border-radius: 50%; background: #d97706; }
    .waits .dot { animation: breathe 1.4s ease-in-out infinite; }
    .fails .dot { background: #dc2626; }
    .ended .dot { background: #6b7280; }
    button {
        all: unset; flex: none; padding: 2px 10px; margin: -2px -8px -2px 2px; border-radius: 12px; cursor: pointer;
        font-weight: 600; color: #0b5cd5;
    }
    button:hover { background: #0b5cd51a; }
    button:focus-visible { outline: 2px solid currentColor; }
    @keyframes rise { from { opacity: 0; transform: translateY(6px); } }
    @keyframes breathe { 50% { opacity: 0.25; } }
    @media (prefers-color-scheme: dark) {
        .pill { color: #e6e8eb; background: #24272deb; border-color: #ffffff24; box-shadow: 0 8px 24px #00000080; }
        .dot { background: #fbbf24; }
        .fails .dot { background: #f87171; }
        .ended .dot { background: #9ca3af; }
        button { color: #7fb4ff; }
        button:hover { background: #7fb4ff26; }
    }
    @media (prefers-reduced-motion: reduce) { .pill, .waits .dot { animation: none; } }
    @media print { .pill { display: none; } }
`;

const isSupported = (): boolean => typeof document !== "undefined" && "adoptedStyleSheets" in document;

function element<T extends keyof HTMLElementTagNameMap>(
    tag: T, properties: Partial<HTMLElementTagNameMap[T]>, ...children: Node[]
): HTMLElementTagNameMap[T] {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
}

/** Create the live region for screen readers, outside the body, whose content and layout belong to the user. */
function makeStatus(): HTMLElement {
    const host = document.createElement("jsmeets-badge");
    const root = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    root.adoptedStyleSheets = [sheet];
    const status = element("div", { lang: "en", dir: "ltr" });
    status.setAttribute("role", "status");
    root.append(status);
    document.documentElement.append(host);
    return status;
}

function wordsFor(trouble: Trouble, reason: string): string {
    const isEnd = trouble === "lost" || trouble === "closed";
    return (isEnd && REASONS.find(([said]) => said.test(reason))?.[1]) || WORDS[trouble] || "";
}

/** Return the class that sets the color of the dot. */
function lookOf(trouble: Trouble, words: string): string {
    if (trouble === "closed" || (trouble === "lost" && words !== WORDS.lost)) {
        return "ended";
    }
    return trouble === "reconnecting" || trouble === "restarting" ? "waits" : "fails";
}

function makePill(trouble: Trouble, words: string): HTMLElement {
    const [what, hint] = words.split("\n");
    const lines = [new Text(what), ...(hint ? [new Text(" "), element("span", { className: "hint", textContent: hint })] : [])];
    const pill = element("div", { className: `pill ${lookOf(trouble, words)}` },
        element("span", { className: "dot" }), element("span", {}, ...lines));
    if (trouble === "closed") {   // in the other states the client reconnects by itself
        pill.append(element("button", { type: "button", textContent: "Reload", onclick: () => location.reload() }));
    }
    return pill;
}

/** Install the badge of a connection, in browsers that support constructed style sheets. */
export function createBadge(connection: Connection): void {
    if (!isSupported() || connection.badge) {
        return;
    }
    let status: HTMLElement | null = null;   // a live region announces only text added after its creation
    let shown = "";
    let timer: ReturnType<typeof setTimeout> | undefined;

    function show(trouble: Trouble, words: string): void {
        shown = words;
        status?.replaceChildren(...(words ? [makePill(trouble, words)] : []));
    }

    connection.badge = (trouble, reason) => {
        clearTimeout(timer);
        const words = wordsFor(trouble, reason);
        if (words === shown) {
            return;
        }
        if (shown || !words) {
            show(trouble, words);
            return;
        }
        status ??= makeStatus();
        timer = setTimeout(show, PATIENCE, trouble, words);
    };
}
