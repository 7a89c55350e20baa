/** Who this page is: the launch token, and the name by which Python knows the page. */

import { type Address, hasDocument } from "./address.ts";
import { hexOf } from "./chunks.ts";

const STORED = "jsmeets_local";
const WINDOW_NAME = /^jsmeets_local:(.+)$/;
const FRAGMENT = /^#jsmeets=([\w~-]*)\.([^;]*)(?:;(.*))?$/s;

/** 128 random bits: nobody guesses the name of a document. */
export const randomName = (): string => hexOf(crypto.getRandomValues(new Uint8Array(16)));

const inFrame = (): boolean => Boolean(globalThis.parent) && parent !== window;

/** The page of Python's that this one is an iframe of; a notebook's window is none. */
function pageAround(): any {
    try {
        return inFrame() && (parent as any).JsPyTextSocket ? parent : null;
    } catch {
        return null;   // of another origin
    }
}

export class Identity {
    private known = { token: "", page: "" };
    /** The page's own part of the fragment, where the address tells who we are. */
    private readonly rest: string | null = null;
    private isRecalled: boolean;

    constructor(private readonly address: Address) {
        const [, token, page, rest] = (hasDocument() && FRAGMENT.exec(location.hash)) || [];
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

    /** Take the token out of the address, if it can be kept elsewhere. */
    takeOut(): void {
        if (this.rest === null) {
            return;
        }
        try {
            sessionStorage.getItem(STORED);   // throws in sandboxed and third-party iframes
            if (FRAGMENT.test(location.hash)) {
                history.replaceState(history.state, "", location.pathname + location.search + this.rest);
            }
        } catch (error) {
            console.debug("JsPyTextSocket: the launch token stays in the address:", error);
        }
    }

    /** Keep what the address told for the next documents of this tab. */
    keepTold(): void {
        if (this.rest !== null) {
            this.takeOut();
            this.keep();
        }
    }

    /** Keep the name that Python has given. */
    store(page: string): void {
        this.known.page = page;
        if (hasDocument() && !pageAround()) {
            this.keep();
        }
        if (hasDocument() && inFrame() && (!window.name || WINDOW_NAME.test(window.name))) {
            window.name = `${STORED}:${page}`;
        }
    }

    private keep(): void {
        try {
            sessionStorage.setItem(this.storedAt(), JSON.stringify(this.known));
        } catch (error) {
            console.debug("JsPyTextSocket: the page's name is not kept:", error);
        }
    }

    /** Find who we were in an earlier document of this tab or iframe; not before it is known where Python is. */
    private recall(): void {
        if (this.isRecalled) {
            return;
        }
        this.isRecalled = true;
        try {
            const stored = JSON.parse(sessionStorage.getItem(this.storedAt()) ?? "{}");
            this.known = { token: String(stored.token ?? ""), page: this.pageOf(stored) };
        } catch (error) {
            console.debug("JsPyTextSocket: nothing is known of earlier documents:", error);
        }
    }

    /** Behind a proxy several applications, and Jupyter, have one sessionStorage: each has a place of its own. */
    private storedAt(): string {
        const { pathname } = new URL(this.address.root);
        return pathname === "/" ? STORED : `${STORED}:${pathname}`;
    }

    /** The iframes of a tab share its sessionStorage: an iframe keeps its page in its name. */
    private pageOf(stored: any): string {
        const [, own] = (inFrame() && WINDOW_NAME.exec(window.name)) || [];
        return own ?? (this.isGuest(stored) ? "" : String(stored.page ?? ""));
    }

    /** An iframe shares its page's sessionStorage, and a popup begins with a copy: neither is that page. */
    private isGuest(stored: any): boolean {
        try {
            const host = inFrame() ? pageAround() : opener;
            return Boolean(host) && JSON.parse(host.sessionStorage.getItem(this.storedAt())).page === stored.page;
        } catch {
            return false;   // of another origin, which shares nothing with us
        }
    }
}
