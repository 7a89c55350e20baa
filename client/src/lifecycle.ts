/** The life of the document, as far as the connection follows it. */

import { hasDocument } from "./address.ts";
import type { Connection } from "./connection.ts";

function scriptsHaveRun(): boolean {
    if (!hasDocument() || document.readyState === "complete") {
        return true;
    }
    // Between DOMContentLoaded and load there is no event to wait for but a late one: ask the clock.
    const [timing] = performance.getEntriesByType?.("navigation") ?? [];
    return document.readyState === "interactive"
        && ((timing as PerformanceNavigationTiming | undefined)?.domContentLoadedEventStart ?? 0) > 0;
}

/** Keep back messages until the page's scripts have run; close and open with the document. */
export function followDocument(connection: Connection): void {
    const release = scriptsHaveRun() ? () => undefined : connection.deliveries.hold();
    if (!hasDocument()) {
        return;
    }
    // A task later: the page's own listeners of this event may expose functions, and ours is called first.
    document.addEventListener("DOMContentLoaded", () => setTimeout(release), { once: true });
    addEventListener("load", release, { once: true });
    addEventListener("online", () => connection.hurry());
    document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" || connection.hurry());
    addEventListener("pagehide", () => connection.hide());
    addEventListener("pageshow", (event) => event.persisted && connection.show());
}
