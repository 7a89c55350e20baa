/** The widget that shows a page in a notebook: from its port, or carried where the browser cannot reach the port. */

import { Carrier, type Offer } from "./carrier.ts";
import type { carry } from "./page.ts";
import type { WidgetManager } from "./wire.ts";

/** Milliseconds for the port to answer. */
const PROBE = 500;
const GONE = "This page was available while Python was running. Run the cell again to restore it.";
const CARRIED = "The browser does not reach the page's port; the notebook's own channel carries the page.";
const LOOK = "box-sizing: border-box; width: 100%; border: 1px solid rgba(128, 128, 128, .35); border-radius: 4px; background: #fff";

/** The model of an anywidget. */
export interface Model {
    get(name: "page"): string;
    get(name: "size"): [width: string, height: string];
    widget_manager: WidgetManager;
}

/** Show a page in an element. Returns a function that removes it. */
export async function show(model: Model, element: HTMLElement): Promise<() => void> {
    const [width, height] = model.get("size");
    const box = element.appendChild(document.createElement("div"));
    box.style.cssText = `width: ${width}; max-width: 100%`;
    const carrier = new Carrier(() => undefined);
    const offer = await carrier.open(model.widget_manager, model.get("page"));
    if (!offer) {
        box.textContent = GONE;
        return () => box.remove();
    }
    const frame = Object.assign(document.createElement("iframe"), {
        allow: "loopback-network; local-network-access", title: new URL(offer.url, document.baseURI).pathname,
    });
    frame.style.cssText = `${LOOK}; height: ${height}`;
    const remove = await fill(frame, box, offer, carrier);
    const leave = (): void => carrier.leave();
    addEventListener("pagehide", leave);
    return () => {
        removeEventListener("pagehide", leave);
        remove();
        carrier.close();
        box.remove();
    };
}

async function fill(frame: HTMLIFrameElement, box: HTMLElement, offer: Offer, carrier: Carrier): Promise<() => void> {
    if (offer.probe && await isReachable(offer.probe)) {
        frame.src = offer.url;
        box.append(frame);
        return () => undefined;
    }
    const code = URL.createObjectURL(new Blob([await carrier.code()], { type: "text/javascript" }));
    const module = await import(code) as { carry: typeof carry };
    URL.revokeObjectURL(code);
    const remove = await module.carry(frame, offer.place, carrier);
    const note = Object.assign(document.createElement("div"), { textContent: CARRIED });
    note.style.cssText = "font-size: 12px; line-height: 1.6; opacity: .7";
    box.append(frame, note);
    return remove;
}

/** Return whether the browser reaches the server of an image. */
async function isReachable(image: string): Promise<boolean> {
    try {
        await fetch(image, { mode: "no-cors", cache: "no-store", signal: AbortSignal.timeout(PROBE) });
        return true;
    } catch {
        return false;
    }
}
