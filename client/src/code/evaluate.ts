/** Evaluating code with `eval` and `AsyncFunction`, which a Content-Security-Policy may forbid. */

import { endOfExpression, ifParses, needsFunction, parseBody, parseExpression } from "./syntax.ts";

const AsyncFunction = (async () => undefined).constructor as new (code: string) => () => Promise<unknown>;

const FORBIDDEN = "the Content-Security-Policy of this page forbids it: "
    + "page.eval and %%js need 'unsafe-eval' in its script-src; calls of exposed functions need nothing";

/** Compile code. If a Content-Security-Policy forbids it, the EvalError names the directive to add. */
export function compile<T>(action: () => T): T {
    try {
        return action();
    } catch (error) {
        throw error instanceof EvalError ? new EvalError(FORBIDDEN) : error;
    }
}

/** Run a script in the global scope. */
export const runScript = (code: string): any => (0, eval)(code);

/** Evaluate an expression or statements, and return the value of the last one. Allows top-level await. */
export function evaluate(code: string): any {
    if (parseExpression(code)) {
        return compile(() => new AsyncFunction(`return (\n${code}\n);`))();
    }
    const program = ifParses(() => parseBody(code));
    if (!program || !needsFunction(program)) {
        compile(() => new AsyncFunction(""));
        return runScript(code);   // returns the completion value, or throws the engine's SyntaxError
    }
    const last = program.body.at(-1);
    const body = last?.type === "ExpressionStatement"
        ? `${code.slice(0, last.start)}\nreturn (${code.slice(last.start, endOfExpression(code, last))}\n);` : code;
    return compile(() => new AsyncFunction(body))();
}
