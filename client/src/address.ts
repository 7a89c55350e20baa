/** The address of the Python server. */

const URL_PATH = "/jsmeetspy/textsocket";

/** The attributes of a script element that locate the Python server. */
export interface ScriptTag {
    readonly src: string;
    readonly dataset?: DOMStringMap;
}

export const hasDocument = (): boolean => typeof document !== "undefined";

/** Return the URL of a WebSocket, resolved against `base` or the document. */
function socketUrl(path: string, base?: string): string {
    const url = new URL(path, base ?? (hasDocument() ? document.baseURI : undefined));
    url.protocol = url.protocol.replace(/^http/, "ws");
    url.hash = "";
    return url.href;
}

export class Address {
    static readonly path = URL_PATH;
    /** The URL of the WebSocket, once it is determined. */
    url: string | null = null;
    /** The URL of the script. A module has no script element and passes its own URL. */
    source: string;

    constructor(private readonly script: ScriptTag | null, source = "") {
        this.source = script?.src || source;
    }

    /** The URL of the WebSocket: from the tag's `data-url`, else from the script's URL, else below the root. */
    get socket(): string {
        return this.url ?? this.found();
    }

    /** Set the URL for the next connections. */
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

    /** The root of the application: the part of the URL before /jsmeetspy/. */
    get root(): string {
        const url = new URL(this.socket);
        const at = url.pathname.lastIndexOf(URL_PATH);
        return `${url.protocol}//${url.host}${at < 0 ? "" : url.pathname.slice(0, at)}`;
    }

    /** Return the URL of a file of this library. */
    asset(name: string): string {
        return `${this.root.replace(/^ws/, "http")}/jsmeetspy/${name}`;
    }

    /** Return the HTTP URL of `name` next to the WebSocket, or "" if that is not same-origin with the document. */
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
