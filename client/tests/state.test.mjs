import assert from "node:assert/strict";
import { test } from "node:test";
import { createStates } from "../src/state.ts";
import { NDArray } from "../src/ndarray.ts";
import { connected, quietly, settled } from "./page.mjs";

const LIBRARY = ["JsPyFunction"];

/** A state with these fields, and Python's end of its connection. */
async function made(fields) {
    const end = await connected(...LIBRARY);
    const got = createStates(JsPyTextSocket._connection, NDArray)("");
    await settled();
    assert.deepEqual(end.messages(), [["follow", ""]]);
    end.send(["state", "", 3, fields]);
    return [await got, end];
}

/** The changes of the one patch that a turn sends. */
async function patchOf(end, action) {
    action();
    await settled();
    const messages = end.messages();
    assert.equal(messages.length, 1, JSON.stringify(messages));
    const [kind, name, version, changes] = messages[0];
    assert.deepEqual([kind, name, version], ["patch", "", 3]);
    end.send(["patched", "", 3, null, null]);
    return changes;
}

test("the changes of a turn are one patch, in front of the messages that follow", async () => {
    const [s, end] = await made({ freq: 3, points: [{ x: 1 }] });
    for (let i = 0; i < 10; i += 1) {
        s.freq = i;
    }
    s.points[0].x = 2;
    s.points[0].x = 3;
    JsPyFunction.call_nowait("f")(1);
    s.freq = 20;
    s.freq = 20;
    await settled();
    assert.deepEqual(end.messages(), [
        ["patch", "", 3, [[["freq"], 9], [["points", 0, "x"], 3]]], ["notify", "f", [1]], ["patch", "", 3, [[["freq"], 20]]],
    ]);
});

test("the time of a turn grows with its changes, not with their square", async () => {
    const [s, end] = await made({ list: [], tree: {} });
    const began = performance.now();
    const changes = await patchOf(end, () => {
        for (let i = 0; i < 20000; i += 1) {
            s.list.push(i);
            s.tree[`k${i}`] = i;
        }
    });
    assert.equal(changes.length, 40000);
    assert.ok(performance.now() - began < 8000, `${performance.now() - began} ms`);
});

test("what has not changed is not sent", async () => {
    const [s, end] = await made({ freq: 3, points: [1], nothing: null });
    Object.assign(s, { freq: 3, points: s.points, nothing: undefined });
    s.points.length = 1;
    s.points.push();
    await settled();
    assert.deepEqual(end.messages(), []);
});

test("every method of arrays is one change", async () => {
    const [s, end] = await made({ list: [3, 1, 2] });
    const check = async (action, change, list) => {
        assert.deepEqual(await patchOf(end, action), [change]);
        assert.deepEqual([...s.list], list);
    };
    await check(() => assert.equal(s.list.push(5, 6), 5), [["list"], 3, 0, [5, 6]], [3, 1, 2, 5, 6]);
    await check(() => assert.equal(s.list.pop(), 6), [["list"], 4, 1, []], [3, 1, 2, 5]);
    await check(() => assert.equal(s.list.shift(), 3), [["list"], 0, 1, []], [1, 2, 5]);
    await check(() => assert.equal(s.list.unshift(0), 4), [["list"], 0, 0, [0]], [0, 1, 2, 5]);
    await check(() => assert.deepEqual(s.list.splice(-2, 1, 8, 9), [2]), [["list"], 2, 1, [8, 9]], [0, 1, 8, 9, 5]);
    await check(() => s.list.sort((a, b) => b - a), [["list"], 0, 5, [9, 8, 5, 1, 0]], [9, 8, 5, 1, 0]);
    await check(() => s.list.splice(3), [["list"], 3, 2, []], [9, 8, 5]);
    await check(() => s.list.reverse(), [["list"], 0, 3, [5, 8, 9]], [5, 8, 9]);
    await check(() => s.list.fill(0, 1), [["list"], 0, 3, [5, 0, 0]], [5, 0, 0]);
    await check(() => { s.list[1] = 7; }, [["list", 1], 7], [5, 7, 0]);
    await check(() => { s.list[4] = 1; }, [["list"], 3, 0, [null, 1]], [5, 7, 0, null, 1]);
    await check(() => { s.list.length = 1; }, [["list"], 1, 4, []], [5]);
});

test("values become what Python gets", async () => {
    const [s, end] = await made({ a: 0 });
    const given = { nan: NaN, none: undefined, list: [undefined, -0], map: new Map([["k", new Set([1])]]), date: new Date(0), big: 5n, large: 2n ** 60n };
    await patchOf(end, () => { s.a = given; });
    given.list.push(1);
    assert.deepEqual(JSON.parse(JSON.stringify({ ...s.a, large: String(s.a.large) })), {
        nan: null, list: [null, 0], map: { k: [1] }, date: "1970-01-01T00:00:00.000Z", big: 5, large: String(2n ** 60n),
    });
    const image = new NDArray(new Uint8Array(6), [2, 3], "uint8");
    await patchOf(end, () => { s.a = { image, clamped: new Uint8ClampedArray(2) }; });
    assert.ok(s.a.image instanceof NDArray && s.a.image !== image);
    assert.equal(s.a.clamped.constructor, Uint8Array);
    for (const value of [() => 1, Symbol("s"), new (class Model {})(), [Math], new Map([[1, 2]])]) {
        assert.throws(() => { s.a = value; }, TypeError);
    }
    const circle = {};
    circle.self = circle;
    assert.throws(() => { s.a = circle; }, /nested more than 256 levels/);
    assert.throws(() => { s.b = 1; }, /the state has no field 'b'; its fields are a/);
    assert.throws(() => { delete s.a; }, TypeError);
    assert.throws(() => s.on("b", () => {}), /no field 'b'/);
});

test("listeners hear of a turn once, and not of an echo", async () => {
    const [s, end] = await made({ freq: 3, points: [{ x: 1 }] });
    const heard = [];
    const stop = s.on("freq", (value) => heard.push(value));
    s.on("points", (points) => heard.push(points[0].x));
    await patchOf(end, () => { s.freq = 4; s.freq = 5; });
    assert.deepEqual(heard, [5]);
    end.send(["patch", "", 4, [[["freq"], 6], [["points", 0, "x"], 2]]]);
    end.send(["patch", "", 5, [[["freq"], 7]]]);
    await settled();
    assert.deepEqual(heard, [5, 7, 2]);
    stop();
    end.send(["patch", "", 6, [[["freq"], 8]]]);
    await settled();
    assert.deepEqual(heard, [5, 7, 2]);
    assert.equal(s.freq, 8);
});

test("a change of Python that comes first is below that of the page", async () => {
    const [s, end] = await made({ freq: 3, list: [1] });
    s.freq = 4;
    s.list.push("page");
    await settled();
    end.messages();
    end.send(["patch", "", 4, [[["freq"], 5], [["list"], 1, 0, ["python"]]]]);
    assert.deepEqual([s.freq, ...s.list], [4, 1, "page", "python"]);   // the page's index is the one that it sent
    end.send(["patched", "", 5, null, null]);
    assert.deepEqual([s.freq, ...s.list], [4, 1, "page", "python"]);
});

test("listeners do not hear again of an unanswered change, unless Python changes the same field", async () => {
    const [s, end] = await made({ slider: { value: 0 }, list: [0], energy: 0 });
    const heard = [];
    s.on("slider", ({ value }) => heard.push(value));
    s.on("list", (list) => heard.push([...list]));
    s.slider = { value: 1 };
    await settled();
    for (let version = 4; version < 7; version += 1) {   // Python computes, and has not yet read the change
        end.send(["patch", "", version, [[["energy"], version]]]);
        await settled();
    }
    assert.deepEqual(heard.splice(0), [1]);
    s.list[0] = 5;
    s.slider.value = 2;
    await settled();
    end.send(["patch", "", 7, [[["list"], []]]]);   // the page's change of an item no longer has a place
    await settled();
    assert.deepEqual(heard.splice(0), [[5], 2, [], 1]);
    end.send(["patch", "", 8, [[["list"], [3]]]]);   // and has one again
    await settled();
    assert.deepEqual(heard.splice(0), [[5], 2]);
});

test("a value that changes in the turn in which it was set is sent as it was set", async () => {
    const [s, end] = await made({ list: [], n: 0 });
    assert.deepEqual(await patchOf(end, () => {
        s.list = [];
        s.n = 1;
        s.list.push([]);
    }), [[["list"], []], [["n"], 1], [["list"], 0, 0, [[]]]]);
});

test("a page that has fallen behind asks for the whole", async () => {
    const [s, end] = await made({ freq: 3, list: [1] });
    end.send(["patch", "", 9, [[["list", 5], 1]]]);
    await settled();
    assert.deepEqual(end.messages(), [["follow", ""]]);
    end.send(["state", "", 10, { freq: 1, list: [] }]);
    assert.deepEqual([s.freq, s.list.length], [1, 0]);
});

test("a change that was not sent reaches the next session", async () => {
    const [s, end] = await made({ freq: 3, n: 0 });
    end.drop();
    s.freq = 9;
    const said = await quietly(async () => {
        JsPyTextSocket.reconnect();
        const { python } = await import("./page.mjs");
        const next = python();
        next.welcome(2);
        await settled();
        assert.deepEqual(next.messages().filter(([kind]) => kind !== "hello"), [["follow", ""]]);
        next.send(["state", "", 0, { freq: 1, n: 5 }]);
        await settled();
        assert.deepEqual(next.messages(), [["patch", "", 0, [[["freq"], 9]]]]);
        assert.deepEqual([s.freq, s.n], [9, 5]);
    }, "warn");
    assert.deepEqual(said, []);
});

test("an array of a state has no huge holes, and does not get them", async () => {
    const [s, end] = await made({ points: [1] });
    const huge = 2 ** 32 - 1;
    assert.throws(() => { s.points = Object.assign([], { length: huge }); }, /an array with too many holes \(its length is 4294967295\)/);
    assert.throws(() => { s.points.length = huge; }, /an array of a state grows by at most 1000000 items at once/);
    assert.throws(() => { s.points[huge - 1] = 1; }, /grows by at most 1000000 items/);
    assert.deepEqual([...s.points], [1]);
    assert.deepEqual(await patchOf(end, () => { s.points[2] = 3; }), [[["points"], 1, 0, [null, 3]]]);
});
