import assert from "node:assert/strict";
import { test } from "node:test";
import { after, connected, settled } from "./page.mjs";

/** What Python gets. */
async function described(end, key) {
    end.send(["call", 1, "$describe", [key]]);
    await after(5);
    const [[kind, , value]] = end.messages();
    return kind === "return" ? value : [kind, value.kind, value.message];
}

const SIGNATURES = [
    [() => 1, "f()"],
    [(a, b) => a + b, "f(a, b)"],
    [a => a, "f(a)"],
    [async a => a, "f(a)"],
    [async (a, b = 2) => a + b, "f(a, b = 2)"],
    [function (a, ...rest) { return [a, rest]; }, "f(a, ...rest)"],
    [async function* named(a) { yield a; }, "f(a)"],
    [{ method(a, b) { return [a, b]; } }.method, "f(a, b)"],
    [{ async *"a (b) {"(c) { yield c; } }["a (b) {"], "f(c)"],
    [{ ["(" + ")"](c) { return c; } }["()"], "f(c)"],
    [({ x, y: [z = 3] = [] }, { w } = {}) => [x, z, w], "f({ x, y: [z = 3] = [] }, { w } = {})"],
    [(a = ")", b = "(,", c = `,${[1, 2]}`, d = /[,)]/) => [a, b, c, d], 'f(a = ")", b = "(,", c = `,${[1, 2]}`, d = /[,)]/)'],
    [(a = (x, y) => x, b = (1, 2)) => [a, b], "f(a = (x, y) => x, b = (1, 2))"],
    [(a = function () { return 1, 2; }, b) => [a, b], "f(a = function () { return 1, 2; }, b)"],
    [(a /* the ) first, */, // the ) second
        b = 1, /* last */) => [a, b], "f(a, b = 1)"],
    [/* ( */ function /* (x) { */ (a) { return a; }, "f(a)"],
    [($el, _b, ünder) => [$el, _b, ünder], "f($el, _b, ünder)"],
    [(a, b = a === 1 ? 2 : 3) => b, "f(a, b = a === 1 ? 2 : 3)"],
    [Math.max, ""],
    [(() => 1).bind(null), ""],
];

test("the signature of each kind of function", async () => {
    const end = await connected("JsPyFunction");
    for (const [func, wanted] of SIGNATURES) {
        JsPyFunction.expose("f", func);
        assert.equal((await described(end, "f")).signature, wanted, String(func));
    }
});

test("parameters one by one; a native function has none", async () => {
    const end = await connected("JsPyFunction");
    JsPyFunction.expose("f", ({ a }, b = [1, 2], ...rest) => [a, b, rest]);
    JsPyFunction.expose("native", Math.max);
    const { params } = await described(end, "f");
    assert.deepEqual(params, [{ name: "{ a }" }, { name: "b", default: "[1, 2]" }, { name: "rest", rest: true }]);
    assert.deepEqual(await described(end, "native"), { params: null, signature: "", doc: "" });
    const unknown = await described(end, "nope");
    assert.deepEqual(unknown.slice(0, 2), ["error", "unknown"]);
    assert.match(unknown[2], /'nope' \(exposed: f, native\)/);
    assert.deepEqual(JsPyFunction.get_keys(), ["f", "native"]);
});

test("a comment at the beginning of a function without one above it", async () => {
    const end = await connected("JsPyFunction");
    const functions = {
        line(a) {
            // One line,
            // and another.
            return a;
        },
        block: (a) => {
            /** A block.
             *    indented
             */
            return a;
        },
        expression: () => /* quickly */ 1,
        later: () => { const a = 1; /* not this one */ return a; },
    };
    Object.entries(functions).forEach(([key, func]) => JsPyFunction.expose(key, func));
    const docs = {};
    for (const key of Object.keys(functions)) {
        docs[key] = (await described(end, key)).doc;
    }
    assert.deepEqual(docs, { line: "One line,\nand another.", block: "A block.\n   indented", expression: "quickly", later: "" });
});

const SOURCE = `
/** The first. */
const first = (a) => a + 1;
JsPyFunction.expose("first", first);

/**
 * The second:
 * two lines.
 */
JsPyFunction.expose(
    "second",
    (a) => a + 2,
);

/** Of a value. */
const value = 3
const unrelated = (a) => a + 4;

/** Of something with a body. */
function outer() { return (a) => a + 5; }

const object = {
    /** The sixth. */
    sixth: (a) => a + 6,
    /** The seventh. */
    seventh(a) { return a + 7; },
    /** The thirteenth. */
    thirteenth: (a) => a + 13,
    fourteenth: (a) => a + 14, "fifteenth": (a) => a + 15,
    /** The sixteenth. */
    "sixteenth":
        (a) => a + 16,
    "seventeenth":
        (a) => a + 17,
};

/** The eighteenth. */
JsPyFunction
    .expose("eighteenth", (a) => a + 18);

/** The eighth. */
expose("eighth", (a) => a);
/** The ninth. */
expose("ninth", (a) => a);
/** Nobody's: */
other("tenth", (a) => a);
/* No documentation. */
const eleventh = (a) => a + 11;
/** The twelfth. */
export default async function twelfth(a) { return a + 12; }
`;

test("the documentation above the statement", async () => {
    const end = await connected("JsPyFunction");
    const bodies = {
        first: (a) => a + 1, second: (a) => a + 2, unrelated: (a) => a + 4, inner: (a) => a + 5, sixth: (a) => a + 6,
        seventh: { seventh(a) { return a + 7; } }.seventh, eighth: (a) => a, ninth: (a) => a, nobody: (a) => a,
        eleventh: (a) => a + 11, twelfth: async function twelfth(a) { return a + 12; },
        thirteenth: (a) => a + 13, fourteenth: (a) => a + 14, fifteenth: (a) => a + 15, sixteenth: (a) => a + 16, seventeenth: (a) => a + 17,
        eighteenth: (a) => a + 18,
    };
    globalThis.document = { scripts: [{ src: "", text: SOURCE }] };
    try {
        const docs = {};
        for (const [key, func] of Object.entries(bodies)) {
            JsPyFunction.expose(key, func);
            docs[key] = (await described(end, key)).doc;
        }
        assert.deepEqual(docs, {
            first: "The first.", second: "The second:\ntwo lines.", unrelated: "", inner: "", sixth: "The sixth.",
            seventh: "The seventh.", eighth: "The eighth.", ninth: "The ninth.", nobody: "", eleventh: "", twelfth: "The twelfth.",
            thirteenth: "The thirteenth.", fourteenth: "", fifteenth: "", sixteenth: "The sixteenth.", seventeenth: "", eighteenth: "The eighteenth.",
        });
    } finally {
        delete globalThis.document;
    }
});

test("a page that forbids eval describes its functions all the same", async () => {
    const end = await connected("JsPyFunction");
    JsPyFunction.expose("f", (a) => a);
    const { Function: original } = globalThis;
    const { debug } = console;
    globalThis.Function = Object.assign(() => { throw new EvalError("forbidden"); }, { prototype: original.prototype });
    console.debug = () => {};
    try {
        assert.deepEqual(await described(end, "f"), { params: [{ name: "a" }], signature: "f(a)", doc: "" });
    } finally {
        Object.assign(globalThis, { Function: original });
        console.debug = debug;
    }
});

test("Python's functions: list() asks Python", async () => {
    const end = await connected("JsPyFunction");
    const listed = JsPyFunction.list();
    await settled();
    const [[kind, id, key, args]] = end.messages();
    assert.deepEqual([kind, key, args], ["call", "$list", []]);
    const infos = [{ name: "add2", signature: "add2(a, b)", doc: "", exclusive: false }];
    end.send(["return", id, infos]);
    assert.deepEqual(await listed, infos);
});
