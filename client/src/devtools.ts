/** Helpers for the browser's console. */

import type { Py } from "./module.ts";

/** Expose `py` as a global for the console. A `py` that user code defines takes precedence, even if defined later. */
export function exposeToConsole(py: Py): void {
    if (!("py" in globalThis)) {
        Object.defineProperty(globalThis, "py", { value: py, configurable: true, writable: true, enumerable: false });
    }
}
