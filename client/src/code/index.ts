/** Code that is loaded on demand because it includes a parser: evaluation for Python and function descriptions. */

import { runCell } from "./cell.ts";
import { createDescribe, type Describe } from "./describe.ts";
import { evaluate } from "./evaluate.ts";

export interface Code {
    evaluate: typeof evaluate;
    runCell: typeof runCell;
    describe: Describe;
}

export const createCode = (): Code => ({ evaluate, runCell, describe: createDescribe() });
