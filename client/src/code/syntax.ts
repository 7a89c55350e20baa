/** Syntax analysis with acorn. */

import { parse, type Comment, type Expression, type Node, type Options, type Pattern, type Program } from "acorn";

/** Options that parse code as the body of an async function, where await and return are allowed. */
const BODY: Options = {
    ecmaVersion: "latest",
    allowAwaitOutsideFunction: true,
    allowReturnOutsideFunction: true,
    checkPrivateFields: false,   // the text of a method does not include its class
};

/** Parse statements, with await and return. Throws SyntaxError. */
export const parseBody = (code: string): Program => parse(code, BODY);

/** Return the result of `action`, or null if it throws SyntaxError. */
export function ifParses<T>(action: () => T): T | null {
    try {
        return action();
    } catch (error) {
        if (error instanceof SyntaxError) {
            return null;
        }
        throw error;
    }
}

/** Parse a single expression. Returns null for any other code. */
export function parseExpression(code: string, onComment: Comment[] = []): Expression | null {
    const program = ifParses(() => parse(`(${code}\n)`, { ...BODY, preserveParens: true, onComment }));
    const [statement] = program?.body ?? [];
    const isOne = program?.body.length === 1 && statement?.type === "ExpressionStatement"
        && statement.expression.type === "ParenthesizedExpression" && statement.expression.end === code.length + 3;
    return isOne ? (statement.expression as { expression: Expression } & Node).expression : null;
}

/** Parse a file, which may be a classic script or a module. */
export function parseFile(code: string, onComment: Comment[]): Program | null {
    for (const sourceType of ["script", "module"] as const) {
        const comments: Comment[] = [];
        const program = ifParses(() => parse(code, { ...BODY, sourceType, onComment: comments }));
        if (program) {
            onComment.push(...comments);
            return program;
        }
    }
    return null;
}

/** Yield the child nodes of a node. */
export function* children(node: Node): Generator<Node> {
    for (const value of Object.values(node)) {
        for (const item of Array.isArray(value) ? value : [value]) {
            if (typeof item?.type === "string") {
                yield item;
            }
        }
    }
}

const isFunction = (node: Node): boolean =>
    ["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"].includes(node.type);

/** Return true if code awaits or returns outside of functions, which a script may not. */
export function needsFunction(node: Node): boolean {
    const { await: isAwaiting, kind } = node as unknown as { await?: boolean; kind?: string };
    if (["AwaitExpression", "ReturnStatement"].includes(node.type) || isAwaiting || kind === "await using") {
        return true;
    }
    // The computed key of a method belongs to the outer function, its body to the method.
    return !isFunction(node) && node.type !== "StaticBlock" && [...children(node)].some(needsFunction);
}

/** Return the names of top-level declarations: `lexical` by let, const and class, `hoisted` by var and function. */
export function declarations(program: Program): { lexical: string[]; hoisted: string[] } {
    const [lexical, hoisted] = [new Set<string>(), new Set<string>()];
    for (const statement of program.body) {
        if (statement.type === "ClassDeclaration") {
            lexical.add(statement.id.name);
        } else if (statement.type === "FunctionDeclaration") {
            hoisted.add(statement.id.name);
        } else if (statement.type === "VariableDeclaration" && statement.kind !== "var") {
            statement.declarations.flatMap(({ id }) => boundNames(id)).forEach((name) => lexical.add(name));
        }
        variables(statement).forEach((name) => hoisted.add(name));
    }
    return { lexical: [...lexical], hoisted: [...hoisted] };
}

/** Return the names that var declares, including in blocks. */
function variables(node: Node): string[] {
    if (isFunction(node) || node.type === "ClassDeclaration" || node.type === "ClassExpression") {
        return [];
    }
    const { kind, declarations: declared = [] } = node as unknown as { kind?: string; declarations?: Array<{ id: Pattern }> };
    const own = node.type === "VariableDeclaration" && kind === "var" ? declared.flatMap(({ id }) => boundNames(id)) : [];
    return [...own, ...[...children(node)].flatMap(variables)];
}

/** Return the names that a pattern binds. */
function boundNames(pattern: Pattern): string[] {
    switch (pattern.type) {
        case "Identifier":
            return [pattern.name];
        case "ObjectPattern":
            return pattern.properties.flatMap((property) => boundNames(property.type === "Property" ? property.value : property.argument));
        case "ArrayPattern":
            return pattern.elements.flatMap((element) => (element ? boundNames(element) : []));
        case "AssignmentPattern":
            return boundNames(pattern.left);
        case "RestElement":
            return boundNames(pattern.argument);
        default:
            return [];
    }
}

/** Return true for `expose(...)`, `JsPyFunction.expose(...)`, `await JsPyPubsub.subscribe(...)` and the like. */
export function isRegistration(expression: Expression): boolean {
    const call = expression.type === "AwaitExpression" ? expression.argument : expression;
    if (call.type !== "CallExpression") {
        return false;
    }
    const callee = call.callee.type === "MemberExpression" ? call.callee.property : call.callee;
    return callee.type === "Identifier" && ["expose", "subscribe"].includes(callee.name);
}

/** Return the end of an expression statement without its semicolon. */
export const endOfExpression = (code: string, { end }: Node): number => (code[end - 1] === ";" ? end - 1 : end);
