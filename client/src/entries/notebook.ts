/** The entry point of `jsmeets-notebook.mjs`, an anywidget module. */

import { show, type Model } from "../notebook/widget.ts";

export default {
    render: ({ model, el }: { model: Model; el: HTMLElement }): Promise<() => void> => show(model, el),
};
