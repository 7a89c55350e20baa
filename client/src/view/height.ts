/** The height of a notebook's iframe follows its content: see jsmeets_local/notebook/display.py. */

/** Tell the embedding document the height of this one, now, on request, and whenever it changes. */
export function reportHeight(): void {
    const tell = (): void => {
        const height = Math.ceil(document.documentElement.getBoundingClientRect().height);
        parent.postMessage({ jsmeetsHeight: height }, "*");   // the notebook's origin is unknown; a height is no secret
    };
    addEventListener("message", ({ source, data }) => source === parent && data === "jsmeetsHeight?" && tell());
    new ResizeObserver(tell).observe(document.documentElement);
}
