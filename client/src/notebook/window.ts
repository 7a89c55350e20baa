/** The window of a carried page: its requests for addresses of the page go through the carrier. */

import { ROOT, ownPath, type Carrier, type Query } from "./carrier.ts";
import type { Loader } from "./document.ts";
import { IMPORT } from "./modules.ts";
import { createSocket, type CarriedSocket, type Realm } from "./socket.ts";

/** Statuses of responses without a body (Fetch standard). */
const NO_BODY = [101, 103, 204, 205, 304];

export type Navigate = (path: string, query?: Query) => void;

/** Prepare the window of a document before the scripts of the page run. Returns a function that closes its WebSockets. */
export function prepare(realm: Realm, url: URL, carrier: Carrier, loader: Loader, navigate: Navigate): () => void {
    const sockets = new Set<CarriedSocket>();
    const absolute = (address: string | URL): URL => new URL(String(address), realm.document.baseURI);
    const own = (address: string | URL): string | null => {
        const found = absolute(address);
        found.host === new URL(ROOT).host || (found.protocol = found.protocol.replace(/^ws/, "http"));
        return ownPath(found);
    };

    const globals = realm as any;
    globals.jsmeetsFragment = url.hash;
    globals[IMPORT] = async (base: string, specifier: unknown) => {
        const found = await loader.modules.resolve(String(specifier), new URL(base)).catch((error: Error) => {
            carrier.report(`cannot import ${String(specifier)} by the notebook's channel: ${error.message}`);
            throw error;
        });
        return new realm.Function("address", "return import(address)")(found);
    };

    globals.WebSocket = new Proxy(realm.WebSocket, {
        construct(Native, [address, protocols = []]: [string | URL, (string | string[])?]) {
            const path = own(address);
            if (path === null) {
                return new Native(address, protocols);
            }
            const socket = createSocket(realm, carrier, absolute(address), path, [protocols].flat());
            sockets.add(socket);
            return socket;
        },
    });

    const nativeFetch = realm.fetch.bind(realm);
    globals.fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
        const request = input instanceof realm.Request && !init ? input : null;
        const path = own(request ? request.url : input as string | URL);
        if (path === null) {
            return nativeFetch(input, init);
        }
        const asked = request ?? new realm.Request(absolute(input instanceof realm.Request ? input.url : input), init);
        asked.signal.throwIfAborted();
        const body = new Uint8Array(await asked.arrayBuffer());
        const answer = await carrier.fetch(path, { method: asked.method, headers: [...asked.headers], body: body.length ? body : null });
        asked.signal.throwIfAborted();
        const content = NO_BODY.includes(answer.status) ? null : answer.body;
        const response = new realm.Response(content, { status: answer.status, headers: answer.headers });
        Object.defineProperty(response, "url", { value: new URL(answer.url, ROOT).href });
        return response;
    };

    const { open } = realm.XMLHttpRequest.prototype;
    realm.XMLHttpRequest.prototype.open = function (this: XMLHttpRequest, ...given: any[]): void {
        if (own(given[1]) !== null) {
            carrier.report(`cannot request ${absolute(given[1]).pathname} with XMLHttpRequest: a notebook's channel carries fetch()`);
        }
        open.apply(this, given as Parameters<typeof open>);
    };
    for (const name of ["EventSource", "Worker", "SharedWorker"] as const) {
        globals[name] = realm[name] && new Proxy(realm[name], {
            construct(Native: any, given: any[]) {
                if (own(given[0]) !== null) {
                    carrier.report(`cannot open ${absolute(given[0]).pathname} as ${name}: no notebook's channel carries that`);
                }
                return new Native(...given);
            },
        });
    }

    // Elements that scripts add name addresses that fail; they get a blob then, before the page sees the error.
    const tried = new WeakSet<Element>();
    realm.addEventListener("error", (event) => {
        const element = event.target as HTMLElement | null;
        const attribute = element?.localName === "link" ? "href" : "src";
        const address = element instanceof realm.Element && element.getAttribute(attribute);
        if (!element || !address || own(address) === null || tried.has(element)) {
            return;
        }
        event.stopImmediatePropagation();
        tried.add(element);
        const found = absolute(address);
        (element.localName === "script" ? scriptAgain(element as HTMLScriptElement, found) : loader.address(found).then(
            (blob) => element.setAttribute(attribute, blob),
        )).catch((error: Error) => {
            carrier.report(`cannot load ${found.pathname} by the notebook's channel: ${error.message}`);
            element.dispatchEvent(new realm.Event("error"));
        });
    }, true);

    /** Run a script that could not be loaded: a script element runs once, so another one runs in its place. */
    async function scriptAgain(element: HTMLScriptElement, found: URL): Promise<void> {
        const again = realm.document.createElement("script");
        again.type = element.type;
        again.dataset.url = new URL("textsocket", found).href;
        again.src = await (element.type === "module" ? loader.modules.find(found) : loader.script(found));
        again.addEventListener("load", () => element.dispatchEvent(new realm.Event("load")));
        element.after(again);
    }

    realm.addEventListener("click", (event) => {
        const link = (event.target as Element | null)?.closest?.("a[href]") as HTMLAnchorElement | null;
        if (event.defaultPrevented || !link || own(link.href) === null || link.origin !== ROOT) {
            return;
        }
        event.preventDefault();
        const target = new URL(link.href);
        if (target.hash && target.pathname + target.search === url.pathname + url.search) {
            realm.location.hash = target.hash;
        } else if (link.hasAttribute("download")) {
            void loader.address(target).then((blob) => Object.assign(realm.document.createElement("a"), {
                href: blob, download: link.download || target.pathname.split("/").pop() || "file",
            }).click(), (error: Error) => carrier.report(`cannot download ${target.pathname}: ${error.message}`));
        } else {
            navigate(target.pathname + target.search + (target.hash || url.hash));
        }
    });
    realm.addEventListener("submit", (event) => {
        const form = event.target as HTMLFormElement;
        const path = own(form.action);
        if (event.defaultPrevented || path === null) {
            return;
        }
        event.preventDefault();
        const data = new realm.FormData(form, event.submitter);
        const asked = form.method.toLowerCase() === "post";
        const plain = new URLSearchParams([...data].map(([name, value]) => [name, typeof value === "string" ? value : value.name]));
        if (!asked) {
            return navigate(`${path.split("?")[0]}?${plain}${url.hash}`);
        }
        const body = new realm.Response(form.enctype === "multipart/form-data" ? data : plain);
        void body.arrayBuffer().then((bytes) => navigate(path + url.hash, {
            method: "POST", headers: [["content-type", body.headers.get("content-type")!]], body: new Uint8Array(bytes),
        }));
    });
    return () => sockets.forEach((socket) => socket.end(1001, ""));
}
