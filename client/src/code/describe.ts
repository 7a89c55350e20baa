/** Descriptions of exposed functions: parameters and documentation comment. */

import type { Comment, Function as FunctionNode, Node, Pattern } from "acorn";
import { cellSources } from "./cell.ts";
import { children, parseExpression, parseFile } from "./syntax.ts";

export interface Parameter {
    name: string;
    default?: string;
    rest?: boolean;
}

export interface FunctionDescription {
    /** Null if they cannot be determined. */
    params: Parameter[] | null;
    signature: string;
    doc: string;
}

/** A function in a source of the document, with its documentation comment. */
interface Place {
    /** The comment before the statement or property that contains the function; "" if there is none. */
    doc: string;
    /** The text of the statement before the function. */
    before: string;
}

/** Text of a function -> its occurrences. */
type Index = Map<string, Place[]>;

// ---------------------------------------------------------------- text of the function

/** Parse the text of a function, an arrow function or a method. Returns null for native functions and classes. */
function parseFunction(text: string): { node: FunctionNode; code: string; comments: Comment[] } | null {
    for (const code of [text, `{${text}}`]) {
        const comments: Comment[] = [];
        const expression = parseExpression(code, comments);
        const property = expression?.type === "ObjectExpression" ? expression.properties[0] : undefined;
        const node = property?.type === "Property" ? property.value : expression;
        if (node?.type === "FunctionExpression" || node?.type === "ArrowFunctionExpression") {
            return { node, code: `(${code}\n)`, comments };
        }
    }
    return null;
}

function parameterOf(node: Pattern, textOf: (part: Node) => string): Parameter {
    if (node.type === "AssignmentPattern") {
        return { name: textOf(node.left), default: textOf(node.right) };
    }
    return node.type === "RestElement" ? { name: textOf(node.argument), rest: true } : { name: textOf(node) };
}

const parameterText = ({ name, default: value, rest }: Parameter): string =>
    (rest ? "..." : "") + name + (value === undefined ? "" : ` = ${value}`);

/** Return the text of the comments at the start of the body: one block, or consecutive lines. */
function docInside({ body }: FunctionNode, code: string, comments: readonly Comment[]): string {
    let at = body.type === "BlockStatement" ? body.start + 1 : code.lastIndexOf("=>", body.start) + 2;
    const lines: string[] = [];
    for (const { type, start, end } of comments.filter((comment) => comment.start >= at)) {
        const isNext = code.slice(at, start).trim() === "" && (lines.length === 0 || type === "Line");
        if (!isNext) {
            break;
        }
        lines.push(code.slice(start, end));
        at = end;
        if (type === "Block") {
            break;
        }
    }
    return commentText(lines.join("\n"));
}

/** Return the text of a comment without its delimiters. */
const commentText = (comment: string): string => comment.trim().replace(/^\/\*+|\*+\/$/g, "").split("\n")
    .map((line) => line.trim().replace(/^(\*|\/\/) ?/, "")).join("\n").trim();

// ---------------------------------------------------------------- scripts of the document

/** Index the functions of a file by text, each with the comment before its innermost statement or property. */
function indexOf(source: string): Index {
    const index: Index = new Map();
    const comments: Comment[] = [];
    const program = parseFile(source, comments);
    const isDoc = ({ type, value }: Comment): boolean => type === "Block" && value.startsWith("*");
    /** Return the start of the code that follows a comment, skipping further comments. */
    const codeBehind = ({ end }: Comment): number => {
        const start = end + Math.max(0, source.slice(end).search(/\S/));
        const next = comments.find((comment) => comment.start === start);
        return next ? codeBehind(next) : start;
    };
    const docs = new Map(comments.filter(isDoc).map((doc) => [codeBehind(doc), commentText(`/*${doc.value}*/`)]));

    function visit(node: Node, parent: Node, owner: Node): void {
        const own = ownsDoc(node) && !parent.type.startsWith("Export") ? node : owner;
        if (isFunctionLike(node)) {
            const text = source.slice(node.start, node.end).replace(/^static\s+/, "");
            const places = index.get(text) ?? [];
            places.push({ doc: docs.get(own.start) ?? "", before: source.slice(own.start, node.start) });
            index.set(text, places);
        }
        for (const child of children(node)) {
            visit(child, node, own);
        }
    }

    if (program) {
        visit(program, program, program);
    }
    return index;
}

const ownsDoc = ({ type }: Node): boolean =>
    /Statement$|Declaration$|^Property$|^MethodDefinition$|^PropertyDefinition$/.test(type) && type !== "BlockStatement";

/** Return true for nodes whose source is the text of a function; the text of a method includes its name. */
function isFunctionLike(node: Node): boolean {
    const isMethod = node.type === "MethodDefinition" || (node as unknown as { method?: boolean }).method === true;
    return isMethod || /Function|^Class(Declaration|Expression)$/.test(node.type);
}

/** The scripts of the document. Each is read once, from the browser's cache, so that the text is the one that ran. */
class Files {
    private readonly texts = new Map<string, Promise<string>>();
    private readonly indexes = new Map<string, Index>();

    /** Find the occurrences of a function's text in the document's own scripts and in cells. */
    async find(text: string): Promise<Place[]> {
        const sources = [...cellSources(), ...await Promise.all(this.scripts())];
        return sources.filter((source) => source.includes(text)).flatMap((source) => this.index(source).get(text) ?? []);
    }

    private scripts(): Array<string | Promise<string>> {
        const scripts = [...(globalThis.document?.scripts ?? [])];
        const loaded = performance.getEntriesByType("resource").map((entry) => entry.name).filter((name) => /\.m?js(\?|$)/.test(name));
        const files = [...new Set([...scripts.map((script) => script.src).filter(Boolean), ...loaded])]
            .filter((name) => new URL(name).origin === location.origin && !name.includes("/jsmeetspy/"));
        return [...scripts.filter((script) => !script.src).map((script) => script.text), ...files.map((name) => this.read(name))];
    }

    private read(name: string): Promise<string> {
        const text = this.texts.get(name) ?? read(name);
        this.texts.set(name, text);
        return text;
    }

    private index(source: string): Index {
        const index = this.indexes.get(source) ?? indexOf(source);
        this.indexes.set(source, index);
        return index;
    }
}

async function read(name: string): Promise<string> {
    try {
        return await (await fetch(name, { cache: "force-cache" })).text();
    } catch (error) {
        console.debug("JsPyFunction: $describe:", error);
        return "";
    }
}

/** Describes an exposed function by its key. `hasContext`: its last parameter is not passed by Python. */
export type Describe = (key: string, func: (...args: any[]) => any, hasContext: boolean) => Promise<FunctionDescription>;

export function createDescribe(): Describe {
    const files = new Files();

    /** Return the comment before the statement that contains the function. */
    async function docBefore(key: string, text: string): Promise<string> {
        const places = await files.find(text);
        // If the text occurs more than once, the statement has to contain the key.
        const name = new RegExp(`(?<![\\w$])${key.replace(/\W/g, "\\$&")}(?![\\w$])`);
        const place = places.length === 1 ? places[0]
            : places.find(({ doc, before }) => doc && name.test(before + text.slice(0, 200)));
        return place?.doc ?? "";
    }

    return async (key, func, hasContext) => {
        const text = Function.prototype.toString.call(func);
        const parsed = parseFunction(text);
        if (!parsed) {
            return { params: null, signature: "", doc: await docBefore(key, text) };
        }
        const { node, code, comments } = parsed;
        const own = hasContext ? node.params.slice(0, -1) : node.params;
        const params = own.map((parameter) => parameterOf(parameter, ({ start, end }) => code.slice(start, end)));
        const signature = `${key}(${params.map(parameterText).join(", ")})`;
        return { params, signature, doc: await docBefore(key, text) || docInside(node, code, comments) };
    };
}
