/**
 * Pictures of the page.
 *
 * The document is copied with everything that it shows as text: style sheets, the state of form fields, and canvases and
 * images as data URLs. An SVG image with that copy is drawn on a canvas. The browser draws it as it draws the page, but
 * loads nothing for it: web fonts, background images of other files, shadow roots and iframes are missing.
 */

import type { PyFunction } from "../pyproxy.ts";

/** Milliseconds without a change after which a watched page is drawn, and between two pictures. */
const [QUIET, GAP] = [700, 3000];
const LONGEST_SIDE = 4096;
const SMALLEST_SCALE = 0.25;
const DROPPED = "script, noscript, iframe, object, embed, link, base, meta, template, jsmeets-badge, jsmeets-progress";
const STILL = "*, *::before, *::after { animation: none !important; transition: none !important; caret-color: transparent !important; }";

export interface Picture {
    type: string;
    width: number;
    height: number;
    data: Uint8Array;
}

const cannot = (why: string): Error => new Error(`this page cannot be drawn: ${why}`);

/** Return the text of a style sheet; "" if it is of another origin and not readable. */
function textOfSheet(sheet: CSSStyleSheet): string {
    try {
        const text = [...sheet.cssRules].map((rule) => (
            rule instanceof CSSImportRule && rule.styleSheet ? textOfSheet(rule.styleSheet) : rule.cssText
        )).join("\n");
        return sheet.media.mediaText ? `@media ${sheet.media.mediaText} {\n${text}\n}` : text;
    } catch (error) {
        if (error instanceof DOMException) {
            return "";
        }
        throw error;
    }
}

function styles(): string {
    const sheets = [...document.styleSheets, ...document.adoptedStyleSheets].filter((sheet) => !sheet.disabled);
    return [...sheets.map(textOfSheet), STILL].join("\n");
}

/** Return the pixels of an element as a data URL; null if another origin forbids to read them, or it is empty. */
function pixelsOf(element: HTMLCanvasElement | HTMLImageElement | HTMLVideoElement): string | null {
    try {
        if (element instanceof HTMLCanvasElement) {
            return element.width && element.height ? element.toDataURL() : null;
        }
        const [width, height] = element instanceof HTMLImageElement
            ? [element.naturalWidth, element.naturalHeight] : [element.videoWidth, element.videoHeight];
        if (!width || !height) {
            return null;
        }
        const canvas = Object.assign(document.createElement("canvas"), { width, height });
        canvas.getContext("2d")!.drawImage(element, 0, 0);
        return canvas.toDataURL();
    } catch (error) {
        if (error instanceof DOMException) {
            return null;
        }
        throw error;
    }
}

/** Copy what an element shows, and its attributes do not have. */
function keepState(element: Element, copy: Element): void {
    if (element instanceof HTMLCanvasElement || element instanceof HTMLVideoElement) {
        // Without scripts, a canvas is an inline element, without the size that its attributes set.
        const { style } = copy as HTMLElement;
        const { display, width, height, backgroundColor } = getComputedStyle(element);
        Object.assign(style, { display: display === "inline" ? "inline-block" : display, width, height });
        copy.removeAttribute("src");
        style.background = `url("${pixelsOf(element) ?? "data:,"}") 0 0 / 100% 100% no-repeat content-box border-box ${backgroundColor}`;
    } else if (element instanceof HTMLImageElement) {
        copy.setAttribute("src", element.currentSrc.startsWith("data:") ? element.currentSrc : pixelsOf(element) ?? "data:,");
        copy.removeAttribute("srcset");
    } else if (element instanceof HTMLInputElement) {
        if (element.type !== "file" && element.type !== "password") {
            copy.setAttribute("value", element.value);
        }
        copy.toggleAttribute("checked", element.checked);
    } else if (element instanceof HTMLTextAreaElement) {
        copy.textContent = element.value;
    } else if (element instanceof HTMLOptionElement) {
        copy.toggleAttribute("selected", element.selected);
    }
}

/** Change a copy of the document so that it has a form in XML, which an SVG image is. */
function toXml(copy: HTMLElement): void {
    const comments = document.createTreeWalker(copy, NodeFilter.SHOW_COMMENT | NodeFilter.SHOW_PROCESSING_INSTRUCTION);
    for (let comment = comments.nextNode(); comment; comment = comments.nextNode()) {
        comment.nodeValue = "";   // they may contain "--"
    }
    for (const element of [copy, ...copy.querySelectorAll("*")]) {
        // Names such as "@click" and "x-on:click", which has an unknown prefix, are errors in XML.
        [...element.attributes].filter(({ name, namespaceURI }) => (
            name.startsWith("on") || !/^[A-Za-z_][\w.:-]*$/.test(name) || (!namespaceURI && /:|^xmlns$/.test(name))
        )).forEach(({ name }) => element.removeAttribute(name));
        if (!/^[A-Za-z_][\w.-]*$/.test(element.localName)) {
            const span = document.createElement("span");
            [...element.attributes].forEach(({ name, value }) => span.setAttribute(name, value));
            span.append(...element.childNodes);
            element.replaceWith(span);
        }
    }
}

/** Return the document as the markup of an SVG image. */
function markup(width: number, height: number): string {
    const root = document.documentElement;
    const copy = root.cloneNode(true) as HTMLElement;
    const copies = [...copy.querySelectorAll("*")];
    [...root.querySelectorAll("*")].forEach((element, place) => keepState(element, copies[place]!));
    copy.querySelectorAll(DROPPED).forEach((element) => element.remove());
    copy.querySelectorAll("style").forEach((element) => element.remove());
    toXml(copy);
    const style = document.createElement("style");
    style.textContent = styles();
    (copy.querySelector("head") ?? copy).append(style);
    copy.style.width = `${width}px`;
    copy.style.minHeight = `${height}px`;
    copy.style.transform = `translate(${-scrollX}px, ${-scrollY}px)`;
    // Characters that XML does not have.
    const text = new XMLSerializer().serializeToString(copy).replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/gu, "");
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">`
        + `<foreignObject width="100%" height="100%">${text}</foreignObject></svg>`;
}

/** Return the color behind the page. */
function background(): string {
    const colors = [document.body, document.documentElement].filter(Boolean).map((element) => getComputedStyle(element).backgroundColor);
    return colors.find((color) => color !== "transparent" && color !== "rgba(0, 0, 0, 0)") ?? "#fff";
}

async function imageOf(svg: string): Promise<HTMLImageElement> {
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
    try {
        await image.decode();
    } catch {
        throw cannot("the browser does not accept its copy as an image");
    }
    return image;
}

/**
 * Draw what the page shows now, as a PNG image.
 *
 * @param most the largest size in bytes; a larger picture is drawn smaller, down to a quarter.
 */
export async function takeSnapshot(most: number): Promise<Picture> {
    const [width, height] = [innerWidth, innerHeight];
    if (!width || !height) {
        throw cannot("it has no size, because nothing shows it");
    }
    const image = await imageOf(markup(width, height));
    let scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
    for (; scale >= SMALLEST_SCALE; scale /= 1.5) {
        const canvas = document.createElement("canvas");
        canvas.width = Math.max(1, Math.round(width * scale));
        canvas.height = Math.max(1, Math.round(height * scale));
        const context = canvas.getContext("2d")!;
        context.fillStyle = background();
        context.fillRect(0, 0, canvas.width, canvas.height);
        context.drawImage(image, 0, 0, canvas.width, canvas.height);
        const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
        if (blob && blob.size <= most) {
            return { type: "image/png", width, height, data: new Uint8Array(await blob.arrayBuffer()) };
        }
    }
    throw cannot(`its picture is larger than ${most} bytes`);
}

let watching: { changed: PyFunction; most: number } | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
let last = 0;

function draw(): void {
    timer = undefined;
    last = performance.now();
    if (watching) {
        const { changed, most } = watching;
        takeSnapshot(most).then((picture) => changed(picture)).catch((error: unknown) => console.debug("jsmeets_local:", error));
    }
}

function later(): void {
    clearTimeout(timer);
    timer = setTimeout(draw, Math.max(QUIET, last + GAP - performance.now()));
}

/** Pass on a picture of the page now, and after each later change. A second call replaces the function. */
export function watchPicture(most: number, changed: PyFunction): void {
    if (!watching) {
        const everything = { subtree: true, childList: true, attributes: true, characterData: true };
        new MutationObserver(later).observe(document.documentElement, everything);
        for (const event of ["input", "change", "pointerup", "keyup"]) {   // they change fields and canvases
            addEventListener(event, later, { capture: true, passive: true });
        }
        addEventListener("scroll", later, { capture: true, passive: true });
        addEventListener("resize", later);
    }
    watching = { changed, most };
    clearTimeout(timer);
    draw();
}
