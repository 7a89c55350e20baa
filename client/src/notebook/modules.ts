/**
 * Scripts of a carried page. Their imports lead to addresses that the browser cannot reach, so each module is loaded
 * through the carrier and becomes a blob, behind those that it imports.
 */

import { parse, type Node } from "acorn";
import { children, ifParses } from "../code/syntax.ts";

/** Loads a path of the page, and returns the text of an own script. Rejects if that fails. */
export type LoadText = (url: URL) => Promise<string>;

/** The global function that stands in for `import()` in a carried page. */
export const IMPORT = "jsmeetsImport";

interface Cut {
    start: number;
    end: number;
    text: string;
}

export class Modules {
    private readonly loaded = new Map<string, Promise<string>>();
    private readonly imported = new Map<string, Set<string>>();
    /** The `imports` of the page's import map. */
    imports: Record<string, string> = {};

    /**
     * @param load loads the text of a module of the page.
     * @param isOwn tells whether an address is of the page.
     * @param toBlob returns the address of a script with this text.
     */
    constructor(
        private readonly load: LoadText, private readonly isOwn: (url: URL) => boolean,
        private readonly toBlob: (text: string) => string,
    ) {}

    /** Return where the browser finds a module: a blob, or the address itself if it is not of the page. */
    async find(url: URL, importer = ""): Promise<string> {
        if (!this.isOwn(url)) {
            return url.href;
        }
        if (importer && this.leads(url.href, importer)) {
            const circle = [importer, url.href].map((href) => new URL(href).pathname).join(" and ");
            throw new TypeError(`modules that import each other (${circle})`);
        }
        this.imported.set(importer, (this.imported.get(importer) ?? new Set()).add(url.href));
        let found = this.loaded.get(url.href);
        if (!found) {
            found = this.load(url).then((text) => this.rewrite(text, url, "module", url.href)).then(this.toBlob);
            this.loaded.set(url.href, found);
            found.catch(() => this.loaded.delete(url.href));   // it may be there later
        }
        return found;
    }

    /** Return true if one module imports another, or a module that does. */
    private leads(from: string, to: string): boolean {
        return from === to || [...this.imported.get(from) ?? []].some((href) => this.leads(href, to));
    }

    /** Return the text of a script whose imports the browser can reach. */
    async rewrite(text: string, base: URL, type: "module" | "script", importer = ""): Promise<string> {
        if (!/\bimport\b|\bexport\b/.test(text)) {
            return text;
        }
        const program = ifParses(() => parse(text, { ecmaVersion: "latest", sourceType: type, allowHashBang: true }));
        if (!program) {
            return text;   // the browser reports the error, with its line
        }
        const cuts: Array<Cut | Promise<Cut>> = [];
        visit(program, (node: any) => {
            if (node.type === "ImportExpression") {
                cuts.push({ start: node.start, end: node.source.start, text: `${IMPORT}(${JSON.stringify(base.href)}, ` });
            } else if (node.type === "MetaProperty" && node.meta.name === "import") {
                cuts.push({ start: node.start, end: node.end, text: `({ url: ${JSON.stringify(base.href)} })` });
            } else if (node.source?.type === "Literal" && /^(Import|Export)/.test(node.type)) {
                const { start, end, value } = node.source;
                cuts.push(this.resolve(value, base, importer).then((found) => ({ start, end, text: JSON.stringify(found) })));
            }
        });
        const all = (await Promise.all(cuts)).sort((a, b) => b.start - a.start);
        return all.reduce((whole, { start, end, text: by }) => whole.slice(0, start) + by + whole.slice(end), text);
    }

    /** Return what to write in place of the specifier of an import. */
    async resolve(specifier: string, base: URL, importer = ""): Promise<string> {
        const isAddress = /^(\.{0,2}\/|[a-z][a-z0-9+.-]*:)/i.test(specifier);
        const key = isAddress ? new URL(specifier, base).href : specifier;
        const href = this.mapped(key) ?? (isAddress ? key : null);
        return href === null ? specifier : this.find(new URL(href), importer);   // the browser refuses other bare names
    }

    private mapped(specifier: string): string | null {
        const exact = this.imports[specifier];
        if (exact !== undefined) {
            return exact;
        }
        const prefix = Object.keys(this.imports)
            .filter((key) => key.endsWith("/") && specifier.startsWith(key))
            .sort((a, b) => b.length - a.length)[0];
        return prefix === undefined ? null : new URL(specifier.slice(prefix.length), this.imports[prefix]).href;
    }
}

function visit(node: Node, seen: (node: Node) => void): void {
    seen(node);
    for (const child of children(node)) {
        visit(child, seen);
    }
}
