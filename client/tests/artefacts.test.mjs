// The files in jsmeets_local/assets/, as pages load them.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";

const ASSETS = new URL("../../jsmeets_local/assets/", import.meta.url);
const CLASSIC = ["JsPyTextSocket", "JsPyFunction", "JsPyQueue", "JsPyPubsub", "JsPyBinarySocket"];
const FILES = readdirSync(ASSETS).filter((name) => /\.m?js$/.test(name));
const read = (name) => readFileSync(new URL(name, ASSETS), "utf8");

/** A page of its own, which has loaded files. */
function pageWith(...names) {
    const opened = [];
    class WebSocket {
        constructor(url) {
            opened.push(url);
        }
    }
    const context = vm.createContext({
        WebSocket, URL, TextEncoder, TextDecoder, crypto, queueMicrotask, performance, console, setTimeout, clearTimeout,
    });
    const load = (name) => vm.runInContext(read(`${name}.js`), context, { filename: `${name}.js` });
    names.forEach(load);
    return { context, opened, load };
}

for (const name of CLASSIC.slice(1)) {
    test(`${name}.js needs JsPyTextSocket.js alone`, () => {
        const { context } = pageWith("JsPyTextSocket", name);
        assert.deepEqual(Object.keys(context).filter((key) => key.startsWith("JsPy")), ["JsPyTextSocket", name]);
    });
}

test("a file loaded before JsPyTextSocket.js throws; JsPyBinarySocket.js works without it", () => {
    for (const name of ["JsPyFunction", "JsPyQueue", "JsPyPubsub"]) {
        assert.throws(() => pageWith(name), { message: `Load JsPyTextSocket.js before ${name}.js` });
    }
    assert.equal(typeof pageWith("JsPyBinarySocket").context.JsPyBinarySocket, "function");
    pageWith("badge");
});

test("files that are loaded twice, separate and combined, share one connection", async () => {
    const { context, opened, load } = pageWith(...CLASSIC, "badge");
    const first = CLASSIC.map((name) => context[name]);
    [...CLASSIC, "badge", "jsmeets"].forEach(load);
    assert.ok(CLASSIC.every((name, index) => context[name] === first[index]));
    context.JsPyTextSocket._url = "ws://127.0.0.1:1/jsmeetspy/textsocket";
    await null;
    assert.deepEqual(opened, ["ws://127.0.0.1:1/jsmeetspy/textsocket"]);
});

test("the combined file defines the same globals as the separate ones", () => {
    const [single, joined] = [pageWith(...CLASSIC), pageWith("jsmeets")];
    for (const name of CLASSIC) {
        assert.deepEqual(Object.keys(joined.context[name]), Object.keys(single.context[name]));
    }
});

test("classes have the names that users see", () => {
    for (const { context } of [pageWith(...CLASSIC), pageWith("jsmeets")]) {
        const { JsPyTextSocket, JsPyFunction, JsPyBinarySocket } = context;
        assert.deepEqual([JsPyTextSocket.NDArray.name, JsPyFunction.JsPyError.name, JsPyBinarySocket.name],
            ["NDArray", "JsPyError", "JsPyBinarySocket"]);
    }
});

test("the factories of the globals are compiled with their file", () => {
    const factories = ["createTextSocket", "createFunctions", "createQueues", "createPubsub", "createBinarySocket"];
    for (const name of ["jsmeets.js", "jsmeets.mjs"]) {
        const eager = [...read(name).matchAll(/\bvar (\w+) = \(function\(/g)].map(([, factory]) => factory);
        assert.deepEqual(factories.filter((factory) => !eager.includes(factory)), [], name);
    }
});

test("only code that runs Python's code compiles text", () => {
    for (const name of FILES.filter((file) => file !== "jsmeets-code.mjs")) {
        assert.doesNotMatch(read(name), /\beval\)?\(|new (Async)?Function\(/, name);
    }
});

test("the version is that of the Python package", () => {
    const [, version] = /^version = "(.+)"$/m.exec(readFileSync(new URL("../../pyproject.toml", import.meta.url), "utf8"));
    const { context } = pageWith("jsmeets");
    assert.deepEqual(CLASSIC.map((name) => context[name].VERSION), CLASSIC.map(() => version));
    for (const name of ["package.json", "package-lock.json"]) {
        assert.equal(JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), "utf8")).version, version);
    }
});

test("the lock file has no registry URLs", () => {
    assert.doesNotMatch(readFileSync(new URL("../package-lock.json", import.meta.url), "utf8"), /"resolved"/);
});
