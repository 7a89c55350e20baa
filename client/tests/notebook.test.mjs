import assert from "node:assert/strict";
import { test } from "node:test";
import { Modules, IMPORT } from "../src/notebook/modules.ts";
import { openWire } from "../src/notebook/wire.ts";

const ROOT = "https://page.jsmeets.invalid";

/** A kernel of JupyterLab, which keeps the messages of its comm. */
class Kernel {
    info = Promise.resolve();
    supportsSubshells = true;
    sent = [];
    disposed = 0;
    statusChanged = { connect: (slot) => { this.status = slot; } };
    constructor(setting, subshellStarted = Promise.resolve()) {
        const take = (data) => (this.sent.push(data), { dispose: () => { this.disposed += 1; } });
        this.comm = { commsOverSubshells: setting, subshellStarted, open: take, send: take, isDisposed: false,
            close: () => (this.comm.isDisposed = true, take("close")) };
    }
    createComm() {
        return this.comm;
    }
    receive(message) {
        this.comm.onMsg({ content: { data: message } });
        return new Promise((resolve) => setTimeout(resolve, 10));
    }
}

const open = (kernel, received = () => undefined, closed = () => undefined) => openWire({ get: () => "name", widget_manager: { kernel } }, received, closed);
const nudge = ["nudge", 0];

test("a comm opens behind its subshell", async () => {
    let started;
    const kernel = new Kernel("perCommTarget", new Promise((resolve) => { started = resolve; }));
    const wire = open(kernel);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(kernel.sent, []);
    started();
    await wire;
    assert.deepEqual(kernel.sent, [{ page: "name", alone: true }]);
});

test("a comm opens at once if no subshell will start", async () => {
    const kernel = new Kernel("disabled", new Promise(() => undefined));
    await open(kernel);
    assert.deepEqual(kernel.sent, [{ page: "name", alone: false }]);
    await kernel.receive(["text", 1, "a"]);
    assert.equal(kernel.sent.length, 1, "nobody is nudged where the kernel reports on each message");
});

test("a subshell that cannot be created is not ours", async () => {
    const kernel = new Kernel("perCommTarget", Promise.reject(new Error("no subshell")));
    await open(kernel);
    assert.deepEqual(kernel.sent, [{ page: "name", alone: false }]);
});

test("a nudge follows received messages that are not answered", async () => {
    const kernel = new Kernel("perCommTarget");
    await open(kernel);
    void kernel.receive(["text", 1, "a"]);
    await kernel.receive(["text", 1, "b"]);
    assert.deepEqual(kernel.sent.slice(1), [nudge]);
});

test("an answer needs no nudge, and no report of the kernel", async () => {
    const kernel = new Kernel("perCommTarget");
    const wire = await open(kernel, () => wire.send(["text", 1, "answer"]));
    await kernel.receive(["text", 1, "a"]);
    assert.deepEqual(kernel.sent.slice(1), [["text", 1, "answer"]]);
    wire.close();
    assert.equal(kernel.disposed, 3);
});

test("a kernel that restarts closes the wire", async () => {
    const kernel = new Kernel("perCommTarget");
    let closed = 0;
    await open(kernel, undefined, () => { closed += 1; });
    kernel.status(kernel, "busy");
    assert.equal(closed, 0);
    kernel.status(kernel, "restarting");
    assert.equal(closed, 1);
});

test("a front end without a kernel uses the messages of the widget, which has several views", async () => {
    const sent = [];
    const taken = [];
    const takers = new Set();
    const model = {
        get: () => "name", send: (content, _, buffers) => sent.push([...content, buffers]),
        on: (_, take) => takers.add(take), off: (_, take) => takers.delete(take),
    };
    const wire = await openWire(model, (message) => taken.push(message), () => undefined);
    const [[view, message]] = sent;
    assert.deepEqual(message, ["open", 0]);
    takers.forEach((take) => take([view, ["hello", 0]], []));
    takers.forEach((take) => take(["another", ["text", 0]], []));
    assert.deepEqual(taken, [["hello", 0]]);
    const buffer = new Uint8Array(3);
    wire.send(["bytes", 1], [buffer]);
    assert.deepEqual(sent[1], [view, ["bytes", 1], [buffer]]);
    wire.close();
    assert.equal(takers.size, 0);
});

function modulesOf(files) {
    const loads = [];
    const blobs = [];
    const modules = new Modules(
        async (url) => {
            loads.push(url.pathname);
            if (!(url.pathname in files)) {
                throw new TypeError("Python answers 404");
            }
            return files[url.pathname];
        },
        (url) => url.origin === ROOT,
        (text) => `blob:${blobs.push(text)}`,
    );
    return { modules, loads, blobs };
}

test("a module becomes a blob behind those that it imports, each once", async () => {
    const { modules, loads, blobs } = modulesOf({
        "/a/main.mjs": `import { x } from "./x.mjs"; export * from '../y.mjs'; import "https://cdn.example/z.mjs"; import "x:y"; x`,
        "/a/x.mjs": `import "/y.mjs"; export const x = import.meta.url;`,
        "/y.mjs": "const y = 1; // import of nothing",
    });
    assert.equal(await modules.find(new URL("/a/main.mjs", ROOT)), "blob:3");
    assert.deepEqual(loads.sort(), ["/a/main.mjs", "/a/x.mjs", "/y.mjs"]);
    assert.equal(blobs[1], `import "blob:1"; export const x = ({ url: "${ROOT}/a/x.mjs" }).url;`);
    assert.equal(blobs[2], `import { x } from "blob:2"; export * from "blob:1"; import "https://cdn.example/z.mjs"; import "x:y"; x`);
});

test("an import() in any script asks the loader", async () => {
    const { modules } = modulesOf({});
    const base = new URL("/a/", ROOT);
    assert.equal(await modules.rewrite(`import("./x.mjs").then(f)`, base, "script"), `${IMPORT}("${ROOT}/a/", "./x.mjs").then(f)`);
    assert.equal(await modules.rewrite("const text = 'import(1)'", base, "script"), "const text = 'import(1)'");
});

test("an import map names addresses and prefixes", async () => {
    const { modules } = modulesOf({ "/lib/x.js": "1", "/three.js": "2" });
    modules.imports = { three: `${ROOT}/three.js`, "lib/": `${ROOT}/lib/`, [`${ROOT}/old.js`]: `${ROOT}/lib/x.js`, far: "https://cdn.example/far.js" };
    const base = new URL("/", ROOT);
    assert.equal(await modules.resolve("three", base), "blob:1");
    assert.equal(await modules.resolve("lib/x.js", base), "blob:2");
    assert.equal(await modules.resolve("./old.js", base), "blob:2");
    assert.equal(await modules.resolve("far", base), "https://cdn.example/far.js");
    assert.equal(await modules.resolve("unknown", base), "unknown");
});

test("modules that import each other are named, in whatever order they are loaded", async () => {
    const { modules } = modulesOf({
        "/main.mjs": `import "./a.mjs"; import "./b.mjs";`, "/a.mjs": `import "./b.mjs";`, "/b.mjs": `import "./a.mjs";`,
    });
    await assert.rejects(modules.find(new URL("/main.mjs", ROOT)), /modules that import each other \(\/[ab].mjs and \/[ab].mjs\)/);
});

test("a module that is missing may come later", async () => {
    const files = {};
    const { modules } = modulesOf(files);
    await assert.rejects(modules.find(new URL("/a.mjs", ROOT)), /Python answers 404/);
    files["/a.mjs"] = "1";
    assert.equal(await modules.find(new URL("/a.mjs", ROOT)), "blob:1");
});

test("a script that does not parse stays, for the browser to report", async () => {
    const { modules } = modulesOf({});
    assert.equal(await modules.rewrite("import from (", new URL(ROOT), "module"), "import from (");
});
