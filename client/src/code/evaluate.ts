/** Evaluation of code, by the functions of the engine that a Content-Security-Policy may forbid. */

import { endOfExpression, ifParses, needsFunction, parseBody, parseExpression } from "./syntax.ts";

const AsyncFunction = (async () => undefined).constructor as new (code: string) => () => Promise<unknown>;

const FORBIDDEN = "the Content-Security-Policy of this page forbids it: "
    + "page.eval and %%js need 'unsafe-eval' in its script-src; calls of exposed functions need nothing";

/** Compile code; tells what a page has to allow. */
export function compile<T>(action: () => T): T {
    try {
        return action();
    } catch (error) {
        throw error instanceof EvalError ? new EvalError(FORBIDDEN) : error;
    }
}

/** Run a script in the global scope. */
export const runScript = (code: string): any => (0, eval)(code);

/** Evaluate an expression, or statements whose last value counts; await is allowed. */
export function evaluate(code: string): any {
    if (parseExpression(code)) {
        return compile(() => new AsyncFunction(`return (\n${code}\n);`))();
    }
    const program = ifParses(() => parseBody(code));
    if (!program || !needsFunction(program)) {
        compile(() => new AsyncFunction(""));
        return runScript(code);   // which has a completion value, or says what is wrong with the code
    }
    const last = program.body.at(-1);
    const body = last?.type === "ExpressionStatement"
        ? `${code.slice(0, last.start)}\nreturn (${code.slice(last.start, endOfExpression(code, last))}\n);` : code;
    return compile(() => new AsyncFunction(body))();
}
