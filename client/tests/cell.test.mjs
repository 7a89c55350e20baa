// The cells of notebooks, as far as an engine without a document goes; tests/browser has the rest.
import assert from "node:assert/strict";
import { test } from "node:test";
import { runCell } from "../src/code/cell.ts";

let number = 0;
const run = async (code) => runCell(code, `In[${number += 1}]`, 1);

const VALUES = [
    ["1 + 1", 2], ["1 + 1;", 2], ["1 + 1; // done", 2], ["1;\n/* a */ 2 /* b */ ; /* c; d */\n// e; f", 2],
    ["{a: 1}", { a: 1 }], ["{a: 1, b: 2}", { a: 1, b: 2 }], ["// an object\n{a: 1}", { a: 1 }], ["{ let block = 1; block }", undefined],
    ["", undefined], ["// nothing", undefined], ["undefined", undefined], ["null", null], ["'use strict'", "use strict"],
    ["Promise.resolve(3)", 3], ["await Promise.resolve(3)", 3], ["await 1; 5", 5], ["await 1\n5", 5], ["await 1; 5 // a; b", 5],
    ["await 1; 'a; // b'", "a; // b"], ["await 1; `a;${`b\n`}`", "a;b\n"], ["await 1; /;/.source; // x", ";"],
    ["await 1;\n[1, 2]", [1, 2]], ["await 1\n\n[3].length", [undefined]],
    ["if (1) { await 2 }\n[3, 4]", [3, 4]], ["function sq(x) { return x * x }\n[1, 2].map(sq)", [1, 4]],
    ["function sq(x) { return x * x }\nawait 1;\n[1, 2].map(sq)", [1, 4]], ["var o = {}\n[0]", undefined],
    ["var g = () => 4\n/* c */ g()", 4], ["await 1\n// c\ng()", 4], ["let i = 1\n++i", 2], ["await 1; i +\n  1", 3],
    ["for (const n of [1, 2]) { n }", undefined], ["await 1; if (true) { 3 }", undefined], ["if (true) 3; else 4", undefined],
    ["(function named() { return 3 })()", 3], ["function only() {}", undefined], ["class Only {}", undefined], ["async function later() {}", undefined],
    ["await 1; async function later2() {}", undefined], ["var v1 = 1", undefined], ["v1 = 2", 2], ["return 5", 5],
    ["const list = [1, 2].map((n) => {\n  return n * 2;\n});\nlist", [2, 4]], ["await Promise.all([1, 2].map(async (n) => {\n  return n * 2;\n}))", [2, 4]],
    ["label: for (;;) { break label }", undefined], ["new.target === undefined", undefined],
];

test("the value of a cell is that of its last expression", async () => {
    for (const [code, wanted] of VALUES.slice(0, -1)) {
        if (Array.isArray(wanted) && wanted[0] === undefined) {
            await assert.rejects(run(code), TypeError, code);   // await 1[3].length: one expression for JavaScript too
        } else {
            assert.deepEqual(await run(code), wanted, code);
        }
    }
});

test("a cell that ends by registering a function has a value only if that failed", async () => {
    globalThis.given = true;
    globalThis.expose = () => globalThis.given;
    globalThis.JsPy = { expose, has: expose, subscribe: async () => globalThis.given };
    const cells = ["expose('f', f => 1)", "JsPy.expose('f', f => 1);", "await 1; JsPy.expose('f')", "await JsPy.subscribe('t')", "JsPy.subscribe('t')"];
    for (const code of cells) {
        assert.equal(await run(code), undefined, code);
    }
    assert.equal(await run("JsPy.has('f')"), true);
    assert.equal(await run("JsPy.expose('f') === true"), true);
    globalThis.given = false;
    for (const code of cells) {
        assert.equal(await run(code), false, code);
    }
});

test("later cells see the live declarations of a cell, and may repeat them", async () => {
    for (const wait of ["", "await 0;"]) {
        for (let round = 1; round <= 2; round += 1) {
            await run(`${wait} const c = ${round}; let l = ${round}; var v = ${round}; class K { static n = ${round} }
                function f() { return [c, l, v, K.n]; } async function a() {}
                const { d: [e, ...g], h = 7 } = { d: [round, 2, 3] };`.replace("[round", `[${round}`));
            assert.deepEqual(await run("[c, l, v, K.n, e, g, h, f()]"), [round, round, round, round, round, [2, 3], 7, Array(4).fill(round)]);
            await run("l = 'new'; v += 10");
            assert.deepEqual(await run("f()"), [round, "new", round + 10, round]);
            await assert.rejects(run("c = 5"), TypeError);
        }
    }
});

test("a name may change its kind from cell to cell", async () => {
    const kinds = ["const x = 1", "var x = 1", "function x() {} x = 1", "let x = 1", "await 0; var x = 1", "class x {} x = 1", "await 0; function x() {} x = 1"];
    for (const first of kinds) {
        for (const second of kinds) {
            await run(first);
            assert.equal(await run("x"), 1);
            await run(second.replace("= 1", "= 2"));
            assert.equal(await run("x"), 2, `${first} / ${second}`);
        }
    }
});

test("nested declarations stay local", async () => {
    await run(`
        { let inner1 = 1; const inner2 = 2; class Inner3 {} }
        for (const inner4 of [1]) { inner4; }
        function outer(inner5) { var inner6 = 1; return inner6 + inner5; }
        const text = \`const inner7 = 1; \${(() => { const inner8 = 1; return inner8; })()}\`; // let inner9 = 1
        /* let inner10 = 1 */ var hoisted; if (true) { var from_block = 1; }
    `);
    const names = Array.from({ length: 10 }, (_, index) => `typeof ${index === 2 ? "Inner" : "inner"}${index + 1}`);
    assert.deepEqual(await run(`[${names.join(", ")}]`), Array(10).fill("undefined"));
    assert.deepEqual(await run("[typeof outer, text, typeof hoisted, from_block]"), ["function", "const inner7 = 1; 1", "undefined", 1]);
});

test("a cell that fails keeps its earlier declarations", async () => {
    await assert.rejects(run("const before_it = 1; throw new Error('stop')"), /stop/);
    assert.equal(await run("before_it"), 1);
});

test("names of the global scope: own functions are replaced, fixed ones refused", async () => {
    Object.defineProperty(globalThis, "fixed", { value: () => "page", writable: true, enumerable: true, configurable: false });
    await run("function fixed() { return 'script' }");
    assert.equal(globalThis.fixed(), "script");
    await run("await 0; function fixed() { return 'awaited' }");
    assert.equal(globalThis.fixed(), "awaited");
    for (const code of ["let fixed = 1", "await 0; var fixed = 1", "const undefined = 1"]) {
        await assert.rejects(run(code), { name: "SyntaxError", message: /already been declared by the page itself/ }, code);
    }
    assert.equal(Object.keys(globalThis).includes("before_it"), false);
    await run("let given = 1, given_ = 2");
    assert.deepEqual(await run("given = 3; [given, given_]"), [3, 2]);
});

test("strict cells are strict", async () => {
    await assert.rejects(run("// a comment\n'use strict'; undeclared_anywhere = 1"), ReferenceError);
    assert.equal(await run("'use strict'; let s = 1; s"), 1);
    assert.equal(await run("s"), 1);
    assert.equal(await run("with (Math) { var three = abs(-3) }\nthree"), 3);
});

test("stacks show the lines of the editor, whose JavaScript begins in line 2", async () => {
    await run("function far() {\n  throw new Error('far');\n}");
    const [first] = [`In[${number}]`];
    const stack = async (code) => (await run(code).catch((error) => error)).stack;
    const places = (text) => [...text.matchAll(/(In\[\d+\]:\d+:\d+)/g)].map((match) => match[1]);
    const wanted = [
        ["\n  far()", "3:3"], ["await 1;\n\nfar()", "4:1"], ["await 1; far()", "2:10"], ["far();", "2:1"],
        ["const g = async () => {\n  await 1;\n  far();\n}\nawait g()", "4:3"], ["await 1; far(),\n 2", "2:10"], ["let a1 = 1; let b1 = 2; far()", "2:25"],
    ];
    for (const [code, place] of wanted) {
        assert.deepEqual(places(await stack(code)).slice(0, 2), [`${first}:3:9`, `In[${number}]:${place}`], code);
    }
});
