/** Questions to the parser. */

import { parse, type Comment, type Expression, type Node, type Options, type Pattern, type Program } from "acorn";

/** Code as the body of an async function: await and return are allowed. */
const BODY: Options = {
    ecmaVersion: "latest",
    allowAwaitOutsideFunction: true,
    allowReturnOutsideFunction: true,
    checkPrivateFields: false,   // the text of a method is not its class
};

/** Parse statements, with await and return. Throws SyntaxError. */
export const parseBody = (code: string): Program => parse(code, BODY);

/** The result, or null where it throws SyntaxError. */
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

/** Parse a single expression; null for everything else. */
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

/** The nodes directly below a node. */
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

/** True for code that is no plain script: it awaits or returns outside of functions. */
export function needsFunction(node: Node): boolean {
    const { await: isAwaiting, kind } = node as unknown as { await?: boolean; kind?: string };
    if (["AwaitExpression", "ReturnStatement"].includes(node.type) || isAwaiting || kind === "await using") {
        return true;
    }
    // The key of a method is outside of it, its body inside.
    return !isFunction(node) && node.type !== "StaticBlock" && [...children(node)].some(needsFunction);
}

/** The names that code declares at its top: by let, const and class; by var and function. */
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

/** The names that var declares, in blocks too. */
function variables(node: Node): string[] {
    if (isFunction(node) || node.type === "ClassDeclaration" || node.type === "ClassExpression") {
        return [];
    }
    const { kind, declarations: declared = [] } = node as unknown as { kind?: string; declarations?: Array<{ id: Pattern }> };
    const own = node.type === "VariableDeclaration" && kind === "var" ? declared.flatMap(({ id }) => boundNames(id)) : [];
    return [...own, ...[...children(node)].flatMap(variables)];
}

/** The names that a pattern binds. */
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

/** The end of an expression statement without its semicolon. */
export const endOfExpression = (code: string, { end }: Node): number => (code[end - 1] === ";" ? end - 1 : end);
