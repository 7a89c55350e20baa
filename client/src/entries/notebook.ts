/** The entry point of `jsmeets-notebook.mjs`, an anywidget module. */

import { show } from "../notebook/widget.ts";
import type { Model } from "../notebook/wire.ts";

export default {
    render: ({ model, el }: { model: Model; el: HTMLElement }): Promise<() => void> => show(model, el),
};
