/** What a function tells of itself: its parameters, and the comment that documents it. */

import type { Comment, Function as FunctionNode, Node, Pattern } from "acorn";
import { cellSources } from "./cell.ts";
import { children, parseExpression, parseFile } from "./syntax.ts";

export interface Parameter {
    name: string;
    default?: string;
    rest?: boolean;
}

export interface FunctionDescription {
    /** Null where they cannot be told. */
    params: Parameter[] | null;
    signature: string;
    doc: string;
}

/** A function in a file of the page, and what may document it. */
interface Place {
    /** The comment in front of the statement or property that the function stands in; "" where there is none. */
    doc: string;
    /** The statement up to the function. */
    before: string;
}

/** Text of a function -> where it stands. */
type Index = Map<string, Place[]>;

// ---------------------------------------------------------------- the function's own text

/** Parse the text of a function, an arrow or a method; null for native ones and classes. */
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

/** The comments that the body begins with: a block, or lines. */
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

/** A comment without its stars and slashes. */
const commentText = (comment: string): string => comment.trim().replace(/^\/\*+|\*+\/$/g, "").split("\n")
    .map((line) => line.trim().replace(/^(\*|\/\/) ?/, "")).join("\n").trim();

// ---------------------------------------------------------------- the files of the page

/** Find the functions of a file, and the comment in front of the innermost statement or property of each. */
function indexOf(source: string): Index {
    const index: Index = new Map();
    const comments: Comment[] = [];
    const program = parseFile(source, comments);
    const isDoc = ({ type, value }: Comment): boolean => type === "Block" && value.startsWith("*");
    /** Where the code begins that a comment is in front of, other comments between them left out. */
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

/** True for what has the text of a function: the text of a method includes its name. */
function isFunctionLike(node: Node): boolean {
    const isMethod = node.type === "MethodDefinition" || (node as unknown as { method?: boolean }).method === true;
    return isMethod || /Function|^Class(Declaration|Expression)$/.test(node.type);
}

/** The files of the page: each is read once, as the page has it, from the browser's cache. */
class Files {
    private readonly texts = new Map<string, Promise<string>>();
    private readonly indexes = new Map<string, Index>();

    /** Where a function of this text stands, in the page's own scripts and in the cells that ran in it. */
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

/** Describes an exposed function by its key. */
export type Describe = (key: string, func: (...args: any[]) => any) => Promise<FunctionDescription>;

export function createDescribe(): Describe {
    const files = new Files();

    /** The comment in front of the statement that the function stands in. */
    async function docBefore(key: string, text: string): Promise<string> {
        const places = await files.find(text);
        // The same text may stand in several places: then the statement has to name the key.
        const name = new RegExp(`(?<![\\w$])${key.replace(/\W/g, "\\$&")}(?![\\w$])`);
        const place = places.length === 1 ? places[0]
            : places.find(({ doc, before }) => doc && name.test(before + text.slice(0, 200)));
        return place?.doc ?? "";
    }

    return async (key, func) => {
        const text = Function.prototype.toString.call(func);
        const parsed = parseFunction(text);
        if (!parsed) {
            return { params: null, signature: "", doc: await docBefore(key, text) };
        }
        const { node, code, comments } = parsed;
        const params = node.params.map((parameter) => parameterOf(parameter, ({ start, end }) => code.slice(start, end)));
        const signature = `${key}(${params.map(parameterText).join(", ")})`;
        return { params, signature, doc: await docBefore(key, text) || docInside(node, code, comments) };
    };
}
