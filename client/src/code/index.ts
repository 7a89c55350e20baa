/** What is only needed sometimes: running code that Python sends, and describing functions. It brings a parser. */

import { runCell } from "./cell.ts";
import { createDescribe, type Describe } from "./describe.ts";
import { evaluate } from "./evaluate.ts";

export interface Code {
    evaluate: typeof evaluate;
    runCell: typeof runCell;
    describe: Describe;
}

export const createCode = (): Code => ({ evaluate, runCell, describe: createDescribe() });
