/**
 * The badge: a note in the corner of the page while the connection to Python is away.
 *
 * It has a shadow root, so that the page's CSS and its own leave each other alone, and a constructed style sheet, which
 * a Content-Security-Policy without 'unsafe-inline' allows.
 */

import type { Connection, ConnectionState } from "./connection.ts";

/** Milliseconds: most connections are back before anybody would have noticed. */
const PATIENCE = 600;

/** What is told of a state; nothing of the others. */
const WORDS: Partial<Record<ConnectionState, string>> = {
    reconnecting: "Reconnecting…",
    lost: "Connection lost. Is the Python program still running?",
    closed: "Disconnected from Python.",
};

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
    .dot { flex: none; width: 8px; height: 8px; border-radius: 50%; background: #d97706; }
    .reconnecting .dot { animation: breathe 1.4s ease-in-out infinite; }
    .lost .dot { background: #dc2626; }
    .closed .dot { background: #6b7280; }
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
        .lost .dot { background: #f87171; }
        .closed .dot { background: #9ca3af; }
        button { color: #7fb4ff; }
        button:hover { background: #7fb4ff26; }
    }
    @media (prefers-reduced-motion: reduce) { .pill, .reconnecting .dot { animation: none; } }
    @media (max-width: 440px) { .words { max-width: 15.5em; } }
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

/** What a screen reader listens to. Beside the body, whose content and layout are the page's. */
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

function makePill(state: ConnectionState): HTMLElement {
    const pill = element("div", { className: `pill ${state}` },
        element("span", { className: "dot" }), element("span", { className: "words", textContent: WORDS[state]! }));
    if (state === "closed") {   // in the other states the page comes back by itself, with all that is in it
        pill.append(element("button", { type: "button", textContent: "Reload", onclick: () => location.reload() }));
    }
    return pill;
}

/** Show the states of a connection, in browsers that can. */
export function createBadge(connection: Connection): void {
    if (!isSupported() || connection.badge) {
        return;
    }
    let status: HTMLElement | null = null;   // there before the first words
    let shown: ConnectionState | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;

    function show(state: ConnectionState | null): void {
        shown = state;
        status?.replaceChildren(...(state ? [makePill(state)] : []));
    }

    connection.badge = (state) => {
        clearTimeout(timer);
        const next = WORDS[state] ? state : null;
        if (next === shown) {
            return;
        }
        if (shown || !next) {
            show(next);
            return;
        }
        status ??= makeStatus();
        timer = setTimeout(show, PATIENCE, next);
    };
}
