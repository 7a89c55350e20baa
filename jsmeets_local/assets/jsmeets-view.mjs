// jsmeets_local 1.0.0, MIT License. Built from client/src: change it there, then run ./scripts/client.

// src/view/height.ts
function reportHeight() {
  const tell = () => {
    const height = Math.ceil(document.documentElement.getBoundingClientRect().height);
    parent.postMessage({ jsmeetsHeight: height }, "*");
  };
  addEventListener("message", ({ source, data }) => source === parent && data === "jsmeetsHeight?" && tell());
  new ResizeObserver(tell).observe(document.documentElement);
}

// src/view/progress.ts
var PACE = 60;
var STAY = 1500;
var CSS = `
    :host {
        all: initial; position: fixed; inset: auto 12px 12px 12px; z-index: 2147483646; color-scheme: light dark;
        pointer-events: none;
    }
    :host([placed]) { position: static; display: block; }
    .bar {
        display: flex; align-items: center; gap: 10px; padding: 6px 12px; margin-top: 6px; border-radius: 10px;
        font: 13px/1.4 system-ui, sans-serif; color: #24292f; background: #fffffff2; border: 1px solid #0000001f;
        box-shadow: 0 4px 16px #0000001f; pointer-events: auto;
    }
    progress { flex: 1; min-width: 40px; height: 10px; accent-color: #0b5cd5; }
    .text { font-variant-numeric: tabular-nums; white-space: nowrap; }
    button { font: inherit; padding: 1px 12px; border-radius: 8px; border: 1px solid #00000033; cursor: pointer; }
    @media (prefers-color-scheme: dark) { .bar { color: #e6e8eb; background: #24272df2; border-color: #ffffff24; } }
    @media print { .bar { display: none; } }
`;
function makeRoot() {
  const own = document.querySelector("jsmeets-progress");
  const host = own ?? document.createElement("jsmeets-progress");
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);
  root.adoptedStyleSheets = [sheet];
  if (own) {
    own.setAttribute("placed", "");
  } else {
    document.documentElement.append(host);
  }
  return root;
}
function textOf({ label, count, total, seconds, state }) {
  const rate = seconds > 0 ? count / seconds : 0;
  const parts = [
    total === null ? `${count}` : `${count} of ${total}`,
    rate > 0 ? `${rate >= 10 ? Math.round(rate) : rate.toPrecision(2)}/s` : "",
    state === "stopped" ? "stopped" : ""
  ];
  return (label ? `${label}: ` : "") + parts.filter(Boolean).join(", ");
}
function createProgress() {
  const shown = /* @__PURE__ */ new Map();
  let root = null;
  function begin(id, stop) {
    root = root?.host.isConnected ? root : makeRoot();
    const row = document.createElement("div");
    const text = document.createElement("span");
    const meter = document.createElement("progress");
    const button = document.createElement("button");
    Object.assign(row, { className: "bar" });
    Object.assign(text, { className: "text" });
    Object.assign(button, { type: "button", textContent: "Stop" });
    const made = { row, text, meter, button, stop };
    button.onclick = () => {
      button.disabled = true;
      made.stop().catch((error) => console.warn("jsmeets_local: cannot stop the loop:", error));
    };
    row.append(text, meter, button);
    root.append(row);
    shown.set(id, made);
    return made;
  }
  return async (bar, stop) => {
    const { row, text, meter, button } = Object.assign(shown.get(bar.id) ?? begin(bar.id, stop), { stop });
    text.textContent = textOf(bar);
    if (bar.total !== null) {
      meter.max = Math.max(1, bar.total);
      meter.value = bar.count;
    } else if (bar.state !== "running") {
      meter.value = 1;
    }
    if (bar.state !== "running") {
      button.remove();
      shown.delete(bar.id);
      setTimeout(() => row.remove(), STAY);
      return;
    }
    await new Promise((done) => setTimeout(done, PACE));
  };
}

// src/view/snapshot.ts
var [QUIET, GAP] = [700, 3e3];
var LONGEST_SIDE = 4096;
var SMALLEST_SCALE = 0.25;
var DROPPED = "script, noscript, iframe, object, embed, link, base, meta, template, jsmeets-badge, jsmeets-progress";
var STILL = "*, *::before, *::after { animation: none !important; transition: none !important; caret-color: transparent !important; }";
var cannot = (why) => new Error(`this page cannot be drawn: ${why}`);
function textOfSheet(sheet) {
  try {
    const text = [...sheet.cssRules].map((rule) => rule instanceof CSSImportRule && rule.styleSheet ? textOfSheet(rule.styleSheet) : rule.cssText).join("\n");
    return sheet.media.mediaText ? `@media ${sheet.media.mediaText} {
${text}
}` : text;
  } catch (error) {
    if (error instanceof DOMException) {
      return "";
    }
    throw error;
  }
}
function styles() {
  const sheets = [...document.styleSheets, ...document.adoptedStyleSheets].filter((sheet) => !sheet.disabled);
  return [...sheets.map(textOfSheet), STILL].join("\n");
}
function pixelsOf(element) {
  try {
    if (element instanceof HTMLCanvasElement) {
      return element.width && element.height ? element.toDataURL() : null;
    }
    const [width, height] = element instanceof HTMLImageElement ? [element.naturalWidth, element.naturalHeight] : [element.videoWidth, element.videoHeight];
    if (!width || !height) {
      return null;
    }
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    canvas.getContext("2d").drawImage(element, 0, 0);
    return canvas.toDataURL();
  } catch (error) {
    if (error instanceof DOMException) {
      return null;
    }
    throw error;
  }
}
function keepState(element, copy) {
  if (element instanceof HTMLCanvasElement || element instanceof HTMLVideoElement) {
    const { style } = copy;
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
function toXml(copy) {
  const comments = document.createTreeWalker(copy, NodeFilter.SHOW_COMMENT | NodeFilter.SHOW_PROCESSING_INSTRUCTION);
  for (let comment = comments.nextNode(); comment; comment = comments.nextNode()) {
    comment.nodeValue = "";
  }
  for (const element of [copy, ...copy.querySelectorAll("*")]) {
    [...element.attributes].filter(({ name, namespaceURI }) => name.startsWith("on") || !/^[A-Za-z_][\w.:-]*$/.test(name) || !namespaceURI && /:|^xmlns$/.test(name)).forEach(({ name }) => element.removeAttribute(name));
    if (!/^[A-Za-z_][\w.-]*$/.test(element.localName)) {
      const span = document.createElement("span");
      [...element.attributes].forEach(({ name, value }) => span.setAttribute(name, value));
      span.append(...element.childNodes);
      element.replaceWith(span);
    }
  }
}
function markup(width, height) {
  const root = document.documentElement;
  const copy = root.cloneNode(true);
  const copies = [...copy.querySelectorAll("*")];
  [...root.querySelectorAll("*")].forEach((element, place) => keepState(element, copies[place]));
  copy.querySelectorAll(DROPPED).forEach((element) => element.remove());
  copy.querySelectorAll("style").forEach((element) => element.remove());
  toXml(copy);
  const style = document.createElement("style");
  style.textContent = styles();
  (copy.querySelector("head") ?? copy).append(style);
  copy.style.width = `${width}px`;
  copy.style.minHeight = `${height}px`;
  copy.style.transform = `translate(${-scrollX}px, ${-scrollY}px)`;
  const text = new XMLSerializer().serializeToString(copy).replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/gu, "");
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><foreignObject width="100%" height="100%">${text}</foreignObject></svg>`;
}
function background() {
  const colors = [document.body, document.documentElement].filter(Boolean).map((element) => getComputedStyle(element).backgroundColor);
  return colors.find((color) => color !== "transparent" && color !== "rgba(0, 0, 0, 0)") ?? "#fff";
}
async function imageOf(svg) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  try {
    await image.decode();
  } catch {
    throw cannot("the browser does not accept its copy as an image");
  }
  return image;
}
async function takeSnapshot(most) {
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
    const context = canvas.getContext("2d");
    context.fillStyle = background();
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    if (blob && blob.size <= most) {
      return { type: "image/png", width, height, data: new Uint8Array(await blob.arrayBuffer()) };
    }
  }
  throw cannot(`its picture is larger than ${most} bytes`);
}
var watching = null;
var timer;
var last = 0;
function draw() {
  timer = void 0;
  last = performance.now();
  if (watching) {
    const { changed, most } = watching;
    takeSnapshot(most).then((picture) => changed(picture)).catch((error) => console.debug("jsmeets_local:", error));
  }
}
function later() {
  clearTimeout(timer);
  timer = setTimeout(draw, Math.max(QUIET, last + GAP - performance.now()));
}
function watchPicture(most, changed) {
  if (!watching) {
    const everything = { subtree: true, childList: true, attributes: true, characterData: true };
    new MutationObserver(later).observe(document.documentElement, everything);
    for (const event of ["input", "change", "pointerup", "keyup"]) {
      addEventListener(event, later, { capture: true, passive: true });
    }
    addEventListener("scroll", later, { capture: true, passive: true });
    addEventListener("resize", later);
  }
  watching = { changed, most };
  clearTimeout(timer);
  draw();
}

// src/view/index.ts
function createView() {
  const showProgress = createProgress();
  const methods = {
    snapshot: (most) => takeSnapshot(most),
    watch: (most, changed) => watchPicture(most, changed),
    progress: (bar, stop) => showProgress(bar, stop)
  };
  return {
    run(method, args) {
      const func = methods[method];
      if (!func) {
        throw new TypeError(`$view has no method '${method}'`);
      }
      return func(...args);
    },
    reportHeight
  };
}
export {
  createView
};
