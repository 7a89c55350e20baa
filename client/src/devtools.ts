/** Helpers for the browser's console. */

import type { Py } from "./module.ts";

/** Expose `py` as a global for the console. A `py` defined by user code takes precedence, even if defined later. */
export function exposeToConsole(py: Py): void {
    if (!("py" in globalThis)) {
        Object.defineProperty(globalThis, "py", { value: py, configurable: true, writable: true, enumerable: false });
    }
}
