/**
 * Notebook cells (`%%js`).
 *
 * A cell runs as a separate source whose line numbers are those of its editor, so that stacks need no mapping. Its
 * top-level declarations become global, for later cells.
 */

import { isThenable } from "../callbacks.ts";
import { compile, runScript } from "./evaluate.ts";
import { declarations, endOfExpression, isRegistration, needsFunction, parseBody, parseExpression } from "./syntax.ts";

const RETURN = " return (";

type Shared = [name: string, get: () => any, set: (value: any) => void];

/** The state that cells share in a document. */
interface Cells {
    share(names: Shared[]): void;
    /** The getters that `share` defined, to distinguish them from the document's own. */
    getters: WeakSet<() => any>;
    /** Cell name -> source text. */
    sources: Map<string, string>;
}

const CELLS = Symbol.for("jsmeets_local.cells");
const globals = globalThis as unknown as Record<PropertyKey, any>;

export const cellSources = (): string[] => [...((globals[CELLS] as Cells | undefined)?.sources.values() ?? [])];

const isTaken = (name: string): SyntaxError =>
    new SyntaxError(`Identifier '${name}' has already been declared by the page itself: assign to it, or take another name`);

/** Return true if a script of the document declares the name by let, const or class. */
function isLexicalOfPage(name: string): boolean {
    const isOwn = Object.hasOwn(globals, name);
    try {
        runScript(`var ${name}`);
    } catch {
        return true;
    }
    if (!isOwn) {
        delete globals[name];
    }
    return false;
}

class Cell {
    private readonly cells: Cells = globals[CELLS] ??= { share: () => undefined, getters: new WeakSet(), sources: new Map() };
    /** Empty lines for the editor's lines above the JavaScript, such as `%%js`. */
    private readonly head: string;
    private readonly strict: string;
    private readonly isScript: boolean;
    private readonly lexical: string[];
    private readonly hoisted: string[];
    /** The last expression, which is the value of the cell. */
    private readonly last: { start: number; end: number } | null;
    /** True if that only registers a function, so that its value `true` is not shown. */
    readonly registers: boolean = false;

    constructor(private readonly code: string, private readonly name: string, private readonly before: number) {
        const first = code.replace(/^(?:\s|\/\/.*|\/\*[^]*?\*\/)*/, "").slice(0, 12);
        this.head = "\n".repeat(before);
        this.strict = /^(["'])use strict\1/.test(first) ? '"use strict"; ' : "";
        // Users mean {a: 1} as an object, but as a statement it is a block.
        const isExpression = first.startsWith("{") && parseExpression(code) !== null;
        const program = isExpression ? null : this.parse();
        const { lexical, hoisted } = program ? declarations(program) : { lexical: [], hoisted: [] };
        const last = program?.body.findLast((statement) => statement.type !== "EmptyStatement");
        this.lexical = lexical;
        this.hoisted = hoisted;
        this.isScript = program !== null && !this.strict && !needsFunction(program);
        if (!program) {
            this.last = { start: 0, end: code.length };
        } else if (last?.type === "ExpressionStatement") {
            this.last = { start: last === program.body[0] ? 0 : last.start, end: endOfExpression(code, last) };
            this.registers = isRegistration(last.expression);
        } else {
            this.last = null;
        }
    }

    private parse(): ReturnType<typeof parseBody> | null {
        try {
            return parseBody(this.code);
        } catch (error) {
            if (parseExpression(this.code)) {
                return null;   // such as an anonymous function
            }
            throw this.syntaxError(error as SyntaxError & { pos: number });
        }
    }

    /** Return the parser's error with its position in the editor. */
    private syntaxError({ message, pos }: { message: string; pos: number }): SyntaxError {
        const { line, column } = this.placeOf(Math.min(pos, this.code.trimEnd().length));
        const text = pos >= this.code.trimEnd().length && /^Unexpected token/.test(message) ? "Unexpected end of input" : message;
        const error = new SyntaxError(text.replace(/ \(\d+:\d+\)$/, ""));
        error.stack = `SyntaxError: ${error.message}\n    at ${this.name}:${line}:${column}`;
        return error;
    }

    /** Return the line and column of an offset, as the editor counts them. */
    private placeOf(at: number): { line: number; column: number } {
        const lines = this.code.slice(0, at).split("\n");
        return { line: this.before + lines.length, column: lines.at(-1)!.length + 1 };
    }

    run(): any {
        const { cells, lexical, hoisted } = this;
        compile(() => runScript(""));
        cells.sources.set(this.name, this.head + this.code);
        const taken = [...lexical, ...hoisted].find(isLexicalOfPage);
        if (taken !== undefined) {
            throw isTaken(taken);
        }
        cells.share = (names) => names.forEach((shared) => this.share(shared));
        return this.isScript ? this.runAsScript() : this.runAsFunction();
    }

    /** Run the cell as a script, where var and function declare globals. */
    private runAsScript(): any {
        this.hoisted.forEach((name) => this.forget(name));
        const value = runScript(`${this.prelude(this.lexical)}${this.head}${this.code}\n//# sourceURL=${this.name}`);
        return this.last ? value : undefined;   // statements such as blocks have completion values, which are not shown
    }

    /** Run the cell as the body of an async function, which allows await. */
    private async runAsFunction(): Promise<any> {
        const { head, last, strict, name } = this;
        const text = head + this.code;
        const at = last?.start ? head.length + last.start : 0;   // 0: a single expression begins with the empty lines
        const body = last ? `${text.slice(0, at)}${RETURN}${text.slice(at, head.length + last.end)}\n)` : text;
        const prelude = this.prelude([...this.lexical, ...this.hoisted]);
        const source = `(async () => {${strict}${prelude}${body}\n})\n//# sourceURL=${name}`;
        try {
            return await runScript(source)();
        } catch (error) {
            throw last?.start ? this.withoutReturn(error, last.start) : error;
        }
    }

    /** Correct the columns of a stack on the line where `return (` was inserted. */
    private withoutReturn(error: unknown, at: number): unknown {
        const { line, column } = this.placeOf(at);
        const back = (place: string, found: string): string => (
            Number(found) >= column + RETURN.length ? place.slice(0, -found.length) + (Number(found) - RETURN.length) : place
        );
        if (error instanceof Error && typeof error.stack === "string") {
            const file = this.name.replace(/\W/g, "\\$&");
            error.stack = error.stack.replace(new RegExp(`${file}:${line}:(\\d+)`, "g"), back);
        }
        return error;
    }

    // ---------------------------------------------------------------- names shared with later cells

    /** Return the code that shares the names, placed before the first line of the cell. */
    private prelude(names: string[]): string {
        let given = "given";
        while (this.code.includes(given)) {
            given += "_";
        }
        const list = names.map((name) => `["${name}", () => ${name}, (${given}) => { ${name} = ${given}; }]`);
        return list.length ? `void globalThis[Symbol.for("jsmeets_local.cells")].share([${list.join(", ")}]);` : "";
    }

    /** Define a global accessor for a variable of the cell. */
    private share([name, get, set]: Shared): void {
        if (Object.getOwnPropertyDescriptor(globals, name)?.configurable !== false) {
            this.cells.getters.add(get);
            Object.defineProperty(globals, name, { get, set, configurable: true, enumerable: false });
        } else if (this.hoisted.includes(name) && typeof get() === "function") {
            globals[name] = get();   // replaces a function of the document
        } else {
            throw isTaken(name);
        }
    }

    /** Delete the accessor of an earlier cell. */
    private forget(name: string): void {
        const get = Object.getOwnPropertyDescriptor(globals, name)?.get;
        if (get && this.cells.getters.has(get)) {
            delete globals[name];
        }
    }
}

/**
 * Run a cell.
 *
 * `name` is the name of the cell in stacks, `before` the number of lines above its JavaScript in the editor. Returns the
 * value of the last statement if it is an expression, except the `true` of one that registers a function.
 */
export function runCell(code: string, name: string, before: number): any {
    const cell = new Cell(code, name, before);
    const value = cell.run();
    if (!cell.registers) {
        return value;
    }
    const shown = (result: any): any => (result === true ? undefined : result);
    return isThenable(value) ? value.then(shown) : shown(value);
}
