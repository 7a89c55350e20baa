/** A carried page in its iframe. The notebook's file keeps the widget's module, so this and the parser are loaded by the wire. */

import type { Carrier } from "./carrier.ts";
import { Loader } from "./document.ts";
import type { Realm } from "./socket.ts";
import { prepare, type Navigate } from "./window.ts";

type Frame = HTMLIFrameElement & { jsmeets?: (window: Realm) => void };

/** Load a document into an iframe by the carrier. Returns a function that releases its blobs. */
export async function carry(frame: Frame, place: string, carrier: Carrier): Promise<() => void> {
    const loader = new Loader(carrier);
    let leave = (): void => undefined;
    const navigate: Navigate = (path, query = {}) => void load(path, query).catch((error: Error) =>
        carrier.report(`cannot load ${path.split("#")[0]} by the notebook's channel: ${error.message}`));
    const load = async (path: string, query = {}): Promise<void> => {
        const { html, url } = await loader.document(path, query, "frameElement.jsmeets(window)");
        frame.jsmeets = (realm) => {
            leave();   // the WebSockets of the document before, such as before a reload
            leave = prepare(realm, url, carrier, loader, navigate);
        };
        frame.srcdoc = html;
    };
    await load(place);
    return () => loader.dispose();
}
