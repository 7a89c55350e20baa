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
    addEventListener("pagehide", () => connection.hide());
    addEventListener("pageshow", (event) => event.persisted && connection.show());
}
