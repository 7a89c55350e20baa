/** A carried document: HTML in which everything that the page's application serves has become a blob. */

import { ROOT, ownPath, type Answer, type Carrier, type Query } from "./carrier.ts";
import { Modules } from "./modules.ts";

const CSS_ADDRESS = /url\(\s*(?:"([^"]*)"|'([^']*)'|([^"')\s]*))\s*\)|@import\s+(?:"([^"]*)"|'([^']*)')/gi;
/** Elements and the attributes that name the files they load. `srcset` names several. */
const SOURCES: ReadonlyArray<readonly [selector: string, attribute: string]> = [
    ["img[src], audio[src], video[src], source[src], track[src], input[src]", "src"], ["video[poster]", "poster"],
    ["image[href], use[href]", "href"],
];
const OUR_SCRIPT = /\/jsmeetspy\/(?:JsPyTextSocket|jsmeets)\.js$/;

/** Loads the parts of a page through its carrier. */
export class Loader {
    private readonly blobs = new Map<string, Promise<string>>();
    private readonly addresses: string[] = [];
    readonly modules: Modules;

    constructor(private readonly carrier: Carrier) {
        this.modules = new Modules(
            async (url) => textOf(await this.get(url)), (url) => ownPath(url) !== null,
            (text) => this.blob(text, "text/javascript"),
        );
    }

    /** Release all blobs. */
    dispose(): void {
        this.addresses.splice(0).forEach((address) => URL.revokeObjectURL(address));
    }

    /** Load a document, and return its HTML and address. `begin` is the code that its first script runs. */
    async document(path: string, query: Query, begin: string): Promise<{ html: string; url: URL }> {
        const answer = await this.carrier.fetch(path, query);
        const url = new URL(answer.url, ROOT);
        const type = headerOf(answer, "content-type");
        const isMarkup = /html|xml/.test(type) || !type;
        const parsed = new DOMParser().parseFromString(isMarkup ? textOf(answer) : "", "text/html");
        if (!isMarkup) {
            parsed.body.append(Object.assign(parsed.createElement("pre"), { textContent: textOf(answer) }));
        }
        await this.convert(parsed, url, begin);
        return { html: `<!DOCTYPE html>${parsed.documentElement.outerHTML}`, url };
    }

    /** Return the address of a blob with the content of an address of the page. */
    async address(url: URL): Promise<string> {
        let found = this.blobs.get(url.href);
        if (!found) {
            found = this.get(url).then((answer) => {
                const type = headerOf(answer, "content-type");
                return type.startsWith("text/css")
                    ? this.stylesheet(textOf(answer), new URL(answer.url, ROOT)).then((text) => this.blob(text, type))
                    : this.blob(answer.body, type);
            });
            this.blobs.set(url.href, found);
            found.catch(() => this.blobs.delete(url.href));
        }
        return found;
    }

    /** Return the address of a blob with a classic script of the page. */
    async script(url: URL): Promise<string> {
        return this.blob(await this.modules.rewrite(textOf(await this.get(url)), url, "script"), "text/javascript");
    }

    blob(content: BlobPart, type: string): string {
        const address = URL.createObjectURL(new Blob([content], { type }));
        this.addresses.push(address);
        return address;
    }

    private async get(url: URL): Promise<Answer> {
        const answer = await this.carrier.fetch(ownPath(url)!);
        if (answer.status >= 400) {
            throw new TypeError(`Python answers ${answer.status}`);
        }
        return answer;
    }

    private async convert(parsed: Document, url: URL, begin: string): Promise<void> {
        const old = parsed.querySelector("base[href]");
        const base = new URL(old?.getAttribute("href") ?? "", url);
        base.hash = "";
        old?.removeAttribute("href");
        await this.importMap(parsed, base);
        const work: Array<Promise<unknown>> = [];
        const all = (selector: string): Element[] => [...parsed.querySelectorAll(selector)];
        for (const element of all("script")) {
            work.push(this.scriptElement(element as HTMLScriptElement, base));
        }
        for (const element of all("link[href]")) {
            const relations = (element.getAttribute("rel") ?? "").toLowerCase().split(/\s+/);
            if (relations.includes("stylesheet")) {
                work.push(this.replace(element, "href", base));
            } else if (ownPath(new URL(element.getAttribute("href")!, base)) !== null) {
                element.remove();   // icons and preloads
            }
        }
        for (const [selector, attribute] of SOURCES) {
            all(selector).forEach((element) => work.push(this.replace(element, attribute, base)));
        }
        all("[srcset]").forEach((element) => work.push(this.sourceSet(element, base)));
        all("style").forEach((element) => work.push(this.stylesheet(element.textContent, base)
            .then((text) => { element.textContent = text; })));
        all("[style*='url(']").forEach((element) => work.push(this.stylesheet(element.getAttribute("style")!, base)
            .then((text) => element.setAttribute("style", text))));
        all("iframe[src], frame[src], embed[src], object[data]").forEach((element) => this.refuse(element, base));
        await Promise.all(work);
        const first = parsed.createElement("script");
        first.textContent = begin;
        const anchor = Object.assign(parsed.createElement("base"), { href: base.href });
        parsed.head.prepend(anchor, first);
    }

    private async importMap(parsed: Document, base: URL): Promise<void> {
        const element = parsed.querySelector("script[type=importmap]");
        let listed: Record<string, string> = {};
        try {
            listed = JSON.parse(element?.textContent ?? "{}").imports ?? {};
        } catch {
            return;   // the browser reports it
        }
        const isAddress = (key: string): boolean => /^(\.{0,2}\/|[a-z][a-z0-9+.-]*:)/i.test(key);
        const pairs = Object.entries(listed).map(([key, value]) =>
            [isAddress(key) ? new URL(key, base).href : key, new URL(value, base).href] as const);
        this.modules.imports = Object.fromEntries(pairs);
        element?.remove();   // all imports of the page itself are resolved here
    }

    private async scriptElement(element: HTMLScriptElement, base: URL): Promise<void> {
        const type = (element.getAttribute("type") ?? "").trim().toLowerCase();
        const isModule = type === "module";
        if (!isModule && type !== "" && !/(java|ecma)script/.test(type)) {
            return;   // data
        }
        const source = element.getAttribute("src");
        element.removeAttribute("integrity");
        if (source === null) {
            element.textContent = await this.modules.rewrite(element.textContent, base, isModule ? "module" : "script")
                .catch((error: Error) => this.failed(`the imports of an inline script of ${base.pathname}`, error, element.textContent));
            return;
        }
        const url = new URL(source, base);
        if (ownPath(url) === null) {
            return;
        }
        if (OUR_SCRIPT.test(url.pathname)) {
            element.dataset.url ??= new URL("textsocket", url).href;   // a blob does not tell where it comes from
        }
        await (isModule ? this.modules.find(url) : this.script(url)).then(
            (address) => element.setAttribute("src", address), (error: Error) => this.failed(url.pathname, error, null),
        );
    }

    private async replace(element: Element, attribute: string, base: URL): Promise<void> {
        const url = new URL(element.getAttribute(attribute)!, base);
        if (ownPath(url) !== null && !(url.hash && url.pathname === base.pathname)) {
            await this.address(url).then(
                (address) => element.setAttribute(attribute, address + url.hash), (error: Error) => this.failed(url.pathname, error, null),
            );
        }
    }

    private async sourceSet(element: Element, base: URL): Promise<void> {
        const parts = element.getAttribute("srcset")!.split(/,\s+/).map((part) => part.trim().split(/\s+/));
        await Promise.all(parts.map(async (part) => {
            const url = new URL(part[0]!, base);
            part[0] = ownPath(url) === null ? part[0]! : await this.address(url).catch((error: Error) => this.failed(url.pathname, error, part[0]!));
        }));
        element.setAttribute("srcset", parts.map((part) => part.join(" ")).join(", "));
    }

    /** Return a stylesheet whose addresses the browser can reach. */
    private async stylesheet(text: string, base: URL): Promise<string> {
        const matches = [...text.matchAll(CSS_ADDRESS)];
        const found = await Promise.all(matches.map(async (match) => {
            const [whole, ...groups] = match;
            const given = groups.find((group) => group !== undefined) ?? "";
            if (!given || given.startsWith("#") || given.startsWith("data:")) {
                return whole;
            }
            const url = new URL(given, base);
            const address = ownPath(url) === null
                ? url.href : await this.address(url).catch((error: Error) => this.failed(url.pathname, error, url.href));
            return `${whole.startsWith("@") ? "@import " : ""}url("${address}")`;
        }));
        return matches.reduceRight((whole, match, n) =>
            whole.slice(0, match.index) + found[n]! + whole.slice(match.index + match[0].length), text);
    }

    private refuse(element: Element, base: URL): void {
        const url = new URL(element.getAttribute(element.hasAttribute("data") ? "data" : "src")!, base);
        if (ownPath(url) !== null) {
            this.carrier.report(`cannot show ${url.pathname}: a notebook's channel carries no documents in <${element.localName}>`);
        }
    }

    private failed<Value>(what: string, error: Error, instead: Value): Value {
        this.carrier.report(`cannot load ${what} by the notebook's channel: ${error.message}`);
        return instead;
    }
}

const headerOf = ({ headers }: Answer, name: string): string => headers.find(([key]) => key === name)?.[1] ?? "";

function textOf(answer: Answer): string {
    const [, charset = "utf-8"] = /charset="?([\w-]+)/i.exec(headerOf(answer, "content-type")) ?? [];
    return new TextDecoder(charset).decode(answer.body);
}
