/** The identity of the client: the launch token and the page name that Python assigned. */

import { type Address, hasDocument } from "./address.ts";
import { hexOf } from "./chunks.ts";

const STORED = "jsmeets_local";
const WINDOW_NAME = /^jsmeets_local:(.+)$/;
/** The names that do not belong to the page: none, that of an iframe in a notebook, and ours. */
const FREE_NAME = /^(jsmeets-.*|jsmeets_local:.+)?$/;
const FRAGMENT = /^#jsmeets=([\w~-]*)\.([^;]*)(?:;(.*))?$/s;

/** Return an unguessable name of 128 random bits. */
export const randomName = (): string => hexOf(crypto.getRandomValues(new Uint8Array(16)));

const inFrame = (): boolean => Boolean(globalThis.parent) && parent !== window;

/** Return the fragment of the address. The address of a document that a notebook carries has none. */
const fragment = (): string => (globalThis as { jsmeetsFragment?: string }).jsmeetsFragment ?? location.hash;

/** Return the parent window if it is a client of Python, unlike the window of a notebook. */
function pageAround(): any {
    try {
        return inFrame() && (parent as any).JsPyTextSocket ? parent : null;
    } catch {
        return null;   // of another origin
    }
}

export class Identity {
    private known = { token: "", page: "" };
    /** The user's own part of the fragment, if the fragment carries the identity; else null. */
    private readonly rest: string | null = null;
    private isRecalled: boolean;

    constructor(private readonly address: Address) {
        const [, token, page, rest] = (hasDocument() && FRAGMENT.exec(fragment())) || [];
        if (token !== undefined) {
            this.known = { token, page: page! };
            this.rest = rest ? `#${rest}` : "";
        }
        this.isRecalled = !hasDocument() || token !== undefined;
    }

    get token(): string {
        this.recall();
        return this.known.token;
    }

    get page(): string {
        this.recall();
        return this.known.page;
    }

    /** Remove the token from the address bar if sessionStorage is available to keep it. */
    removeToken(): void {
        if (this.rest === null) {
            return;
        }
        try {
            sessionStorage.getItem(STORED);   // throws in sandboxed and third-party iframes
            if (FRAGMENT.test(location.hash)) {
                history.replaceState(history.state, "", location.pathname + location.search + this.rest);
            }
        } catch (error) {
            console.debug("JsPyTextSocket: cannot remove the launch token from the address:", error);
        }
    }

    /** Store the identity from the fragment for later documents of this tab. */
    storeFromFragment(): void {
        if (this.rest !== null) {
            this.removeToken();
            this.save();
        }
    }

    /** Store the page name that Python assigned. */
    store(page: string): void {
        this.known.page = page;
        if (hasDocument() && !pageAround()) {
            this.save();
        }
        if (hasDocument() && inFrame() && FREE_NAME.test(window.name)) {
            window.name = `${STORED}:${page}`;
        }
    }

    private save(): void {
        try {
            sessionStorage.setItem(this.storedAt(), JSON.stringify(this.known));
        } catch (error) {
            console.debug("JsPyTextSocket: cannot store the page name:", error);
        }
    }

    /** Restore the identity of an earlier document of this tab. Called lazily, because the key depends on the address. */
    private recall(): void {
        if (this.isRecalled) {
            return;
        }
        this.isRecalled = true;
        try {
            const stored = JSON.parse(sessionStorage.getItem(this.storedAt()) ?? "{}");
            this.known = { token: String(stored.token ?? ""), page: this.pageOf(stored) };
        } catch (error) {
            console.debug("JsPyTextSocket: cannot read the stored identity:", error);
        }
    }

    /** Return the storage key. Applications behind one proxy share a sessionStorage, so it includes the path. */
    private storedAt(): string {
        const { pathname } = new URL(this.address.root);
        return pathname === "/" ? STORED : `${STORED}:${pathname}`;
    }

    /** Return the stored page name. Iframes use `window.name`, because the iframes of a tab share its sessionStorage. */
    private pageOf(stored: any): string {
        const [, own] = (inFrame() && WINDOW_NAME.exec(window.name)) || [];
        return own ?? (this.isGuest(stored) ? "" : String(stored.page ?? ""));
    }

    /** Return true if the stored name belongs to the parent, whose storage is shared, or the opener, whose storage was copied. */
    private isGuest(stored: any): boolean {
        try {
            const host = inFrame() ? pageAround() : opener;
            return Boolean(host) && JSON.parse(host.sessionStorage.getItem(this.storedAt())).page === stored.page;
        } catch {
            return false;   // of another origin, whose storage is separate
        }
    }
}
