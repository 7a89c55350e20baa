/** Where Python is. */

const URL_PATH = "/jsmeetspy/textsocket";

/** The part of a script element that tells where Python is. */
export interface ScriptTag {
    readonly src: string;
    readonly dataset?: DOMStringMap;
}

export const hasDocument = (): boolean => typeof document !== "undefined";

/** The address of a WebSocket, relative to `base` or to the document. */
function socketUrl(path: string, base?: string): string {
    const url = new URL(path, base ?? (hasDocument() ? document.baseURI : undefined));
    url.protocol = url.protocol.replace(/^http/, "ws");
    url.hash = "";
    return url.href;
}

export class Address {
    static readonly path = URL_PATH;
    /** The address of the socket, once it is known. */
    url: string | null = null;
    /** Where the script came from. A module has no script element: it tells its own address. */
    source: string;

    constructor(private readonly script: ScriptTag | null, source = "") {
        this.source = script?.src || source;
    }

    /** The address of the socket: told by the tag, else by where the script came from, else at the root. */
    get socket(): string {
        return this.url ?? this.found();
    }

    /** Connect there from now on. */
    set(url: string): void {
        this.url = socketUrl(url);
    }

    private found(): string {
        const { source } = this;
        const told = this.script?.dataset?.url;
        const path = source ? new URL(source).pathname : "";
        if (told) {
            return socketUrl(told);
        }
        if (/\/jsmeetspy\/(JsPyTextSocket\.js|jsmeets\.m?js)$/.test(path)) {
            return socketUrl("textsocket", source);
        }
        if (path.includes("/static/")) {
            return socketUrl(path.slice(0, path.indexOf("/static/")) + URL_PATH, source);
        }
        return socketUrl(URL_PATH);
    }

    /** Where the application begins: what precedes /jsmeetspy/. */
    get root(): string {
        const url = new URL(this.socket);
        const at = url.pathname.lastIndexOf(URL_PATH);
        return `${url.protocol}//${url.host}${at < 0 ? "" : url.pathname.slice(0, at)}`;
    }

    /** The address of a file of this library. */
    asset(name: string): string {
        return `${this.root.replace(/^ws/, "http")}/jsmeetspy/${name}`;
    }

    /** An address beside the socket's; "" where the page may not fetch from it. */
    http(name: string): string {
        const url = new URL(this.socket);
        url.protocol = url.protocol.replace(/^ws/, "http");
        if (!hasDocument() || url.origin !== globalThis.origin || !url.pathname.endsWith(URL_PATH)) {
            return "";
        }
        url.pathname = url.pathname.slice(0, -"textsocket".length) + name;
        return url.href;
    }
}
