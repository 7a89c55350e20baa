/**
 * jsmeets_local: runs a cell of a notebook (`%%js`). Python sends this file with each cell; no page has to load it.
 *
 * The cell runs as a text of its own whose lines have the numbers that its editor shows, so that errors need no
 * translation. What a text declares is not found by reading it: the engine's own parser is asked, with small changes.
 *
 * MIT License
 */
(/** @type {(code: string, name: string, before: number) => Promise<any>} */ (async (code, name, before) => {
    "use strict";
    const AsyncFunction = /** @type {FunctionConstructor} */ ((async () => undefined).constructor);
    const HEAD = "\n".repeat(before);   // the lines above the JavaScript, its %%js for one
    const RETURN = " return (";

    // ---------------------------------------------------------------- questions to the parser

    /** @type {(text: string, kind?: FunctionConstructor) => boolean} whether it is statements; await is allowed */
    function parses(text, kind = AsyncFunction) {
        try {
            return Boolean(new kind(text));
        } catch (error) {
            if (error instanceof SyntaxError) {
                return false;
            }
            throw error;
        }
    }

    /** Whole in both kinds of brackets, which a text that closes the one and opens another is not. @param {string} text */
    const is_expression = (text) => parses(`(\n${text}\n)`) && parses(`[\n${text}\n]`);

    /** Whether a text ends between two statements, and not in a comment. @param {string} text */
    const is_whole = (text) => parses(text) && !parses(`${text} (`);

    // A static block is a place for statements where await and return are not allowed: a plain script.
    const is_script = () => parses(`class Check { static {\n${code}\n} }`, Function);

    const first = code.replace(/^(?:\s|\/\/.*|\/\*[^]*?\*\/)*/, "").slice(0, 12);
    const strict = /^(["'])use strict\1/.test(first) ? '"use strict"; ' : "";

    /** @type {(text: string, words: string[], keyword: string) => string[]} those that the text declares itself */
    function declared_twice(text, words, keyword) {
        if (words.length === 0 || parses(`${text}\n${keyword} ${words.join(", ")};`)) {
            return [];
        }
        const half = words.length >> 1;
        const parts = half ? [words.slice(0, half), words.slice(half)] : [];
        return half ? parts.flatMap((part) => declared_twice(text, part, keyword)) : words;
    }

    /** The names that the cell declares at its top: by let, const and class; by var and function. */
    function declarations() {
        const found = parses(code) ? code.match(/[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/gu) : [];
        const words = [...new Set(found)].filter((word) => parses(`${strict}let ${word}`));
        const lexical = declared_twice(code, words, "var");
        const hoisted = declared_twice(code, words.filter((word) => !lexical.includes(word)), "let");
        return { words, lexical, hoisted };
    }

    // ---------------------------------------------------------------- names that later cells see

    /** @type {{share: (names: Array<[string, () => any, (value: any) => void]>) => void, getters: WeakSet<any>, sources: Map<string, string>}} */
    const state = (/** @type {any} */ (globalThis))[Symbol.for("jsmeets_local.cells")] ??= { getters: new WeakSet(), sources: new Map() };

    /** @param {string} word */
    const taken = (word) => new SyntaxError(`Identifier '${word}' has already been declared by the page itself: assign to it, or take another name`);

    /** @param {string} word whether a script of the page declares it by let, const or class */
    function is_lexical_of_page(word) {
        const own = Object.hasOwn(globalThis, word);
        try {
            (0, eval)(`var ${word}`);
        } catch (error) {
            return true;
        }
        if (!own) {
            delete (/** @type {any} */ (globalThis))[word];
        }
        return false;
    }

    /** A variable of an earlier cell gives way. @param {string} word */
    function forget(word) {
        if (state.getters.has(Object.getOwnPropertyDescriptor(globalThis, word)?.get)) {
            delete (/** @type {any} */ (globalThis))[word];
        }
    }

    /** The variables stay the cell's; globals of their names lead to them. @type {typeof state.share} */
    state.share = (names) => names.forEach(([word, get, set]) => {
        if (Object.getOwnPropertyDescriptor(globalThis, word)?.configurable !== false) {
            state.getters.add(get);
            Object.defineProperty(globalThis, word, { get, set, configurable: true, enumerable: false });
        } else if (hoisted.includes(word) && typeof get() === "function") {
            (/** @type {any} */ (globalThis))[word] = get();   // a function of the page is replaced
        } else {
            throw taken(word);
        }
    });

    /** @param {string[]} shared what begins the cell, in front of its first line */
    function prelude(shared) {
        let given = "given";
        while (words.includes(given)) {
            given += "_";
        }
        const list = shared.map((word) => `["${word}", () => ${word}, (${given}) => { ${word} = ${given}; }]`);
        return list.length ? `void globalThis[Symbol.for("jsmeets_local.cells")].share([${list.join(", ")}]);` : "";
    }

    // ---------------------------------------------------------------- the value: of the last expression

    /** The end of the statements: what follows is a semicolon and comments. */
    function end_of_code() {
        const ends = [...code.matchAll(/;(?=(?:[\s;]|\/\/.*|\/\*[^]*?\*\/)*$)/g)].map((match) => match.index);
        return ends.find((end) => is_whole(code.slice(0, end))) ?? code.length;
    }

    // Where a statement may begin: behind a semicolon, a block, or a line if nothing of the next could go on with it.
    const STARTS = /;|\}|\n(?=(?:\s|\/\/.*|\/\*[^]*?\*\/)*(?:[\p{L}\d_$"'{!~]|\+\+|--))/gu;

    /** @type {(at: number, end: number) => boolean} whether the last statement begins there, and is an expression */
    function begins_last(at, end) {
        const [head, tail] = [code.slice(0, at), code.slice(at, end)];
        return is_expression(tail) && is_whole(head)
            && (!head.endsWith("}") || parses(`${head}{}`))   // a block, and not an object or a function
            && !(parses(tail) && declared_twice(tail, [...lexical, ...hoisted], "let").length);   // function f() {}
    }

    /** Where the last expression begins and ends; null where the last statement is none. */
    function last_expression() {
        const end = end_of_code();
        const found = [...code.slice(0, end).matchAll(STARTS)].slice(-2000).reverse();
        const at = [...found.map((match) => match.index + 1), 0].find((start) => begins_last(start, end));
        return at === undefined ? null : { at, end };
    }

    // ---------------------------------------------------------------- what is wrong with a cell that does not parse

    /**
     * Reads a text that cannot run as a script: only so Chromium tells the line. In a frame, where the page does not hear.
     * @type {(text: string) => ErrorEvent | null}
     */
    function read_as_script(text) {
        /** @type {ErrorEvent[]} */
        const events = [];
        const frame = document.createElement("iframe");
        document.documentElement.append(frame);
        const inner = /** @type {Window} */ (frame.contentWindow);
        inner.addEventListener("error", (event) => {
            events.push(event);
            event.preventDefault();
        });
        const script = inner.document.createElement("script");
        script.textContent = text;
        inner.document.documentElement.append(script);
        frame.remove();
        return events[0] ?? null;
    }

    /** @param {number} at in the code; the line and the column are those of the editor */
    function place_of(at) {
        const lines = code.slice(0, at).split("\n");
        return { line: before + lines.length, column: (/** @type {string} */ (lines.at(-1))).length + 1 };
    }

    /** @type {(message: string, place: {line: number, column: number}) => SyntaxError} */
    function syntax_error(message, { line, column }) {
        const error = new SyntaxError(message);
        error.stack = `SyntaxError: ${message}\n    at ${name}:${line}:${column}`;
        return error;
    }

    function what_is_wrong() {
        // A brace too many would end our function; it is where the text becomes whole behind an opened block.
        const brace = [...code.matchAll(/\}/g)].find(({ index }) => parses(`{${code.slice(0, index + 1)}`));
        if (brace) {
            return syntax_error("Unexpected token '}'", place_of(brace.index));
        }
        const event = read_as_script(`async () => {\n${code}\n} )`);   // the last bracket is always wrong
        const message = String(event?.error?.message ?? event?.message).replace(/^Failed to execute '\w+' on '\w+': /, "");
        if (event && event.lineno > code.split("\n").length + 1) {
            const told = /^(missing|unterminated)/i.test(message) ? message : "Unexpected end of input";
            return syntax_error(told, place_of(code.trimEnd().length));
        }
        return event && syntax_error(message, { line: event.lineno - 1 + before, column: event.colno });
    }

    // ---------------------------------------------------------------- running

    /** @param {string[]} shared a plain script: what its var and function declare is global already */
    function run_script(shared) {
        hoisted.forEach(forget);
        const value = (0, eval)(`${prelude(shared)}${HEAD}${code}\n//# sourceURL=${name}`);
        return last ? value : undefined;   // blocks have values too, which nobody wants to see
    }

    /** @param {string[]} shared with await, in a function */
    async function run_function(shared) {
        const text = HEAD + code;
        const at = last?.at ? HEAD.length + last.at : 0;   // of a cell that is one expression: above it
        const body = last ? `${text.slice(0, at)}${RETURN}${text.slice(at, HEAD.length + last.end)}\n)` : text;
        const source = `(async () => {${strict}${prelude(shared)}${body}\n})\n//# sourceURL=${name}`;
        try {
            return await (0, eval)(source)();
        } catch (error) {
            throw last?.at ? without_return(error, last.at) : error;
        }
    }

    /** What stands behind our `return (` in its line has moved to the right. @type {(error: any, at: number) => any} */
    function without_return(error, at) {
        const { line, column } = place_of(at);
        const back = (/** @type {string} */ place, /** @type {string} */ found) => (
            Number(found) >= column + RETURN.length ? place.slice(0, -found.length) + (Number(found) - RETURN.length) : place
        );
        if (error instanceof Error && typeof error.stack === "string") {
            const file = name.replace(/\W/g, "\\$&");
            error.stack = error.stack.replace(new RegExp(`${file}:${line}:(\\d+)`, "g"), back);
        }
        return error;
    }

    const only_expression = is_expression(code);
    if (!only_expression && !parses(code)) {
        throw what_is_wrong() ?? new AsyncFunction(code);   // which says it without the line
    }
    state.sources.set(name, HEAD + code);
    const { words, lexical, hoisted } = declarations();
    const lost = [...lexical, ...hoisted].find(is_lexical_of_page);
    if (lost !== undefined) {
        throw taken(lost);
    }
    const last = last_expression();
    const is_object = only_expression && first.startsWith("{");   // as a statement it would be a block
    return is_script() && !strict && !is_object ? run_script(lexical) : run_function([...lexical, ...hoisted]);
}))
