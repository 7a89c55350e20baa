/** What helps in the browser's console. */

import type { Py } from "./module.ts";

/** Make `py` a global, where an import is a lot to type. A page may have a `py` of its own, also later. */
export function exposeToConsole(py: Py): void {
    if (!("py" in globalThis)) {
        Object.defineProperty(globalThis, "py", { value: py, configurable: true, writable: true, enumerable: false });
    }
}
