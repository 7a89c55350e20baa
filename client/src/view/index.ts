/** Pictures of the page, progress bars, and the height of a notebook's iframe, which only some pages need. */

import type { PyFunction } from "../pyproxy.ts";
import { reportHeight } from "./height.ts";
import { createProgress, type Bar } from "./progress.ts";
import { takeSnapshot, watchPicture, type Picture } from "./snapshot.ts";

export interface View {
    /** Run a `$view` call of Python. */
    run(method: string, args: any[]): unknown;
    /** Serve the iframe of a notebook whose height follows the content. */
    reportHeight(): void;
}

export function createView(): View {
    const showProgress = createProgress();
    const methods: Record<string, (...args: any[]) => unknown> = {
        snapshot: (most: number): Promise<Picture> => takeSnapshot(most),
        watch: (most: number, changed: PyFunction): void => watchPicture(most, changed),
        progress: (bar: Bar, stop: PyFunction): Promise<void> => showProgress(bar, stop),
    };
    return {
        run(method, args) {
            const func = methods[method];
            if (!func) {
                throw new TypeError(`$view has no method '${method}'`);
            }
            return func(...args);
        },
        reportHeight,
    };
}
