/**
 * jsmeets_local: a small badge in the corner of the page while the connection to Python is away, so that a person knows.
 *
 * Load it after JsPyTextSocket.js. `JsPyTextSocket.set_badge(false)`, or `JsMeetsPy(badge=False)` in Python, keeps it away.
 * It has a shadow root, so that the page's CSS and its own leave each other alone, and a constructed style sheet, which a
 * Content-Security-Policy without 'unsafe-inline' lets be.
 *
 * MIT License
 */
(() => {
    "use strict";
    const socket = /** @type {any} */ (globalThis.JsPyTextSocket);
    const able = typeof document !== "undefined" && "adoptedStyleSheets" in document;
    if (!able || !socket || socket._badge) {
        return;
    }

    const PATIENCE = 600;   // milliseconds: most connections are back before anybody would have noticed

    /** @type {Record<string, string>} what is told of a trouble, and on a second line what to do; nothing of other states */
    const WORDS = {
        "reconnecting": "Reconnecting…",
        "lost": "Python does not answer. Trying again…",
        "closed": "Disconnected from Python.",
        "restarting": "Python starts again…",
        "broken": "Python is not running.\nThe terminal tells why.",
        "no token": "This address lacks its token.\nOpen the one that Python printed.",
        "other token": "Python has started again.\nOpen the address that it printed now.",
        "refused": "Python refuses this page.\nIts log tells why.",
    };

    /** @type {Array<[RegExp, string]>} what Python says of the end of a connection, in a few words */
    const REASONS = [
        [/^the Python program has ended$/, "The Python program has ended."],
        [/^stopped by Python$/, "Stopped by Python."],
        [/^closed by Python$/, "Closed by Python."],
        [/connection limit/, "Python allows no more pages."],
        [/^this Python speaks /, "This page is of another version."],
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

    /** @type {HTMLElement | null} what a screen reader listens to: there before the first words */
    let status = null;
    let shown = "";
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;

    /** @template {keyof HTMLElementTagNameMap} T @param {T} tag @param {object} properties @param {Node[]} children */
    function element(tag, properties, ...children) {
        const made = Object.assign(document.createElement(tag), properties);
        made.append(...children);
        return made;
    }

    /** Beside the body, whose content and layout are the page's. */
    function make_status() {
        const host = document.createElement("jsmeets-badge");
        const root = host.attachShadow({ mode: "open" });
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(CSS);
        root.adoptedStyleSheets = [sheet];
        const made = element("div", { lang: "en", dir: "ltr" });
        made.setAttribute("role", "status");
        root.append(made);
        document.documentElement.append(host);
        return made;
    }

    /** @type {(trouble: string, reason: string) => string} */
    function words_for(trouble, reason) {
        const ended = trouble === "lost" || trouble === "closed";
        return (ended && REASONS.find(([said]) => said.test(reason))?.[1]) || WORDS[trouble] || "";
    }

    /** @type {(trouble: string, words: string) => string} the color of the dot */
    function look_of(trouble, words) {
        if (trouble === "closed" || (trouble === "lost" && words !== WORDS.lost)) {
            return "ended";
        }
        return trouble === "reconnecting" || trouble === "restarting" ? "waits" : "fails";
    }

    /** @type {(trouble: string, words: string) => HTMLElement} */
    function pill(trouble, words) {
        const [what, hint] = words.split("\n");
        const lines = [new Text(what), ...(hint ? [new Text(" "), element("span", { className: "hint", textContent: hint })] : [])];
        const made = element("div", { className: `pill ${look_of(trouble, words)}` },
            element("span", { className: "dot" }), element("span", {}, ...lines));
        if (trouble === "closed") {   // in the other states the page comes back by itself, with all that is in it
            made.append(element("button", { type: "button", textContent: "Reload", onclick: () => location.reload() }));
        }
        return made;
    }

    /** @type {(trouble: string, words: string) => void} */
    function show(trouble, words) {
        shown = words;
        status?.replaceChildren(...(words ? [pill(trouble, words)] : []));
    }

    socket._badge = (/** @type {string} */ trouble, /** @type {string} */ reason) => {
        clearTimeout(timer);
        const words = words_for(trouble, reason);
        if (words === shown) {
            return;
        }
        if (shown || !words) {
            show(trouble, words);
            return;
        }
        status ??= make_status();
        timer = setTimeout(show, PATIENCE, trouble, words);
    };
})();
