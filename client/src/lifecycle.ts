/** Events of the document that open, close and retry the connection. */

import { hasDocument } from "./address.ts";
import type { Connection } from "./connection.ts";

function scriptsHaveRun(): boolean {
    if (!hasDocument() || document.readyState !== "interactive") {
        return !hasDocument() || document.readyState === "complete";
    }
    // After DOMContentLoaded the only event left is load, which may be late. The timing entry tells the two apart.
    const [timing] = performance.getEntriesByType?.("navigation") ?? [];
    return ((timing as PerformanceNavigationTiming | undefined)?.domContentLoadedEventStart ?? 0) > 0;
}

/**
 * Disconnect a document that is being left, after its own listeners, which may send a last word. It is called by the first
 * listener of `pagehide`.
 *
 * A visible document becomes hidden next. In a hidden one, Firefox runs a listener that is added now, and Chromium those of
 * `unload`, if it has not abolished that; otherwise the browser itself closes the connection.
 */
function leave(connection: Connection, mayReturn: boolean): void {
    const isVisible = document.visibilityState === "visible";
    if (mayReturn && !isVisible) {
        connection.hide();
        return;
    }
    const done = new AbortController();
    const listen = (name: string, action: () => void): void => addEventListener(name, action, { signal: done.signal });
    const hide = (): void => {
        done.abort();
        connection.hide();
    };
    (isVisible ? ["visibilitychange"] : ["pagehide", "unload"]).forEach((name) => listen(name, hide));
    listen("pageshow", () => done.abort());
}

/** Hold back messages until the document's scripts have run. Close and reopen the connection with the document. */
export function followDocument(connection: Connection): void {
    const release = scriptsHaveRun() ? () => undefined : connection.deliveries.hold();
    if (!hasDocument()) {
        return;
    }
    // In a later task, because the document's own listeners, which run after this one, may expose functions.
    document.addEventListener("DOMContentLoaded", () => setTimeout(release), { once: true });
    addEventListener("load", release, { once: true });
    addEventListener("online", () => connection.hurry());
    document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" || connection.hurry());
    addEventListener("pagehide", ({ persisted }) => leave(connection, persisted), { capture: true });
    addEventListener("pageshow", (event) => event.persisted && connection.show());
}
