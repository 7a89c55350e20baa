/** The widget that shows a page in a notebook: from its port, or carried where the browser cannot reach the port. */

import { Carrier, type PageAddresses } from "./carrier.ts";
import type { carry } from "./page.ts";
import type { Model } from "./wire.ts";

/** Milliseconds for the port to answer. */
const PROBE = 500;
/** The height of an iframe that follows the content, until the page has told its height. */
const AUTO_BEGINS = "150px";
const GONE = "This page was available while Python was running. Run the cell again to restore it.";
const CARRIED = "The browser does not reach the page's port; the notebook's own channel carries the page.";
const LOOK = "box-sizing: border-box; width: 100%; border: 1px solid rgba(128, 128, 128, .35); border-radius: 4px; background: #fff";

/** Show a page in an element. Returns a function that removes it. */
export async function show(model: Model, element: HTMLElement): Promise<() => void> {
    const [width, height] = model.get("size");
    const box = element.appendChild(document.createElement("div"));
    box.style.cssText = `width: ${width}; max-width: 100%`;
    const carrier = new Carrier(() => undefined);
    const addresses = await carrier.open(model);
    if (!addresses) {
        box.textContent = GONE;
        return () => box.remove();
    }
    const frame = Object.assign(document.createElement("iframe"), {
        name: model.get("name"), allow: "loopback-network; local-network-access", title: new URL(addresses.url, document.baseURI).pathname,
    });
    frame.style.cssText = `${LOOK}; height: ${height === "auto" ? AUTO_BEGINS : height}`;
    const resize = ({ source, data }: MessageEvent): void => {
        if (height === "auto" && source === frame.contentWindow && data?.jsmeetsHeight >= 0) {
            frame.style.height = `${Math.min(Math.max(data.jsmeetsHeight, 20), 10000) + 2}px`;
        }
    };
    addEventListener("message", resize);
    const remove = await fill(frame, box, addresses, carrier);
    const leave = (): void => carrier.leave();
    addEventListener("pagehide", leave);
    return () => {
        removeEventListener("pagehide", leave);
        removeEventListener("message", resize);
        remove();
        carrier.close();
        box.remove();
    };
}

async function fill(frame: HTMLIFrameElement, box: HTMLElement, addresses: PageAddresses, carrier: Carrier): Promise<() => void> {
    if (addresses.probe && await isReachable(addresses.probe)) {
        frame.src = addresses.url;
        box.append(frame);
        return () => undefined;
    }
    const code = URL.createObjectURL(new Blob([await carrier.code()], { type: "text/javascript" }));
    const module = await import(code) as { carry: typeof carry };
    URL.revokeObjectURL(code);
    const remove = await module.carry(frame, addresses.place, carrier);
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
