/** Progress bars of Python's loops, with a button that stops the loop. */

import type { PyFunction } from "../pyproxy.ts";

/** Milliseconds between two updates: Python waits for the answer before it sends the next one. */
const PACE = 60;
/** Milliseconds for which the bar of a loop that has ended stays. */
const STAY = 1500;

/** The state of one loop. */
export interface Bar {
    id: number;
    label: string;
    count: number;
    /** The number of items, or null if it is unknown. */
    total: number | null;
    /** Seconds since the loop began. */
    seconds: number;
    state: "running" | "done" | "stopped";
}

const CSS = `
    :host {
        all: initial; position: fixed; inset: auto 12px 12px 12px; z-index: 2147483646; color-scheme: light dark;
        pointer-events: none;
    }
    :host([placed]) { position: static; display: block; }
    .bar {
        display: flex; align-items: center; gap: 10px; padding: 6px 12px; margin-top: 6px; border-radius: 10px;
        font: 13px/1.4 system-ui, sans-serif; color: #24292f; background: #fffffff2; border: 1px solid #0000001f;
        box-shadow: 0 4px 16px #0000001f; pointer-events: auto;
    }
    progress { flex: 1; min-width: 40px; height: 10px; accent-color: #0b5cd5; }
    .text { font-variant-numeric: tabular-nums; white-space: nowrap; }
    button { font: inherit; padding: 1px 12px; border-radius: 8px; border: 1px solid #00000033; cursor: pointer; }
    @media (prefers-color-scheme: dark) { .bar { color: #e6e8eb; background: #24272df2; border-color: #ffffff24; } }
    @media print { .bar { display: none; } }
`;

interface Shown {
    row: HTMLElement;
    text: HTMLElement;
    meter: HTMLProgressElement;
    button: HTMLButtonElement;
    stop: PyFunction;
}

/** Return the root of the bars: in the page's own `<jsmeets-progress>` element, or above the lower edge of the page. */
function makeRoot(): ShadowRoot {
    const own = document.querySelector<HTMLElement>("jsmeets-progress");
    const host = own ?? document.createElement("jsmeets-progress");
    const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    root.adoptedStyleSheets = [sheet];
    if (own) {
        own.setAttribute("placed", "");
    } else {
        document.documentElement.append(host);
    }
    return root;
}

function textOf({ label, count, total, seconds, state }: Bar): string {
    const rate = seconds > 0 ? count / seconds : 0;
    const parts = [
        total === null ? `${count}` : `${count} of ${total}`,
        rate > 0 ? `${rate >= 10 ? Math.round(rate) : rate.toPrecision(2)}/s` : "",
        state === "stopped" ? "stopped" : "",
    ];
    return (label ? `${label}: ` : "") + parts.filter(Boolean).join(", ");
}

export function createProgress(): (bar: Bar, stop: PyFunction) => Promise<void> {
    const shown = new Map<number, Shown>();
    let root: ShadowRoot | null = null;

    function begin(id: number, stop: PyFunction): Shown {
        root = root?.host.isConnected ? root : makeRoot();
        const row = document.createElement("div");
        const text = document.createElement("span");
        const meter = document.createElement("progress");
        const button = document.createElement("button");
        Object.assign(row, { className: "bar" });
        Object.assign(text, { className: "text" });
        Object.assign(button, { type: "button", textContent: "Stop" });
        const made = { row, text, meter, button, stop };
        button.onclick = () => {
            button.disabled = true;
            made.stop().catch((error: unknown) => console.warn("jsmeets_local: cannot stop the loop:", error));
        };
        row.append(text, meter, button);
        root.append(row);
        shown.set(id, made);
        return made;
    }

    return async (bar, stop) => {
        const { row, text, meter, button } = Object.assign(shown.get(bar.id) ?? begin(bar.id, stop), { stop });
        text.textContent = textOf(bar);
        if (bar.total !== null) {
            meter.max = Math.max(1, bar.total);
            meter.value = bar.count;
        } else if (bar.state !== "running") {
            meter.value = 1;
        }
        if (bar.state !== "running") {
            button.remove();
            shown.delete(bar.id);
            setTimeout(() => row.remove(), STAY);
            return;
        }
        await new Promise((done) => setTimeout(done, PACE));
    };
}
