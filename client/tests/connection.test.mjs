import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtocolError } from "../src/messages.ts";
import { Outbox } from "../src/outbox.ts";
import { Chunker, after, connected, connections, contentOf, decode, encode, load, python, quietly, run, settled } from "./page.mjs";

const LIBRARY = ["JsPyFunction", "JsPyQueue", "JsPyPubsub"];

test("hello, welcome, ready; earlier calls are sent after the welcome, in order", async () => {
    load(...LIBRARY);
    const first = JsPyFunction.call("f")(1);
    JsPyQueue.push_nowait("q")(2);
    await settled();
    const end = python();
    assert.deepEqual(end.transport.protocols, ["jsmeets.v1"]);
    end.open();
    const [[kind, document, page, topics]] = end.messages();
    assert.deepEqual([kind, document.length, page, topics], ["hello", 32, "", []]);
    assert.equal(JsPyTextSocket.ready(), false);
    assert.equal(JsPyTextSocket.get_socket_id(), null);
    const ready = JsPyTextSocket.wait_ready();
    end.send(["welcome", 3, "p9", {}]);
    assert.equal(await ready, true);
    assert.equal(JsPyTextSocket.get_socket_id(), 3);
    assert.deepEqual(end.messages(), [["call", 1, "f", [1]], ["push", 0, "q", 2]]);
    end.send(["return", 1, "value"]);
    assert.equal(await first, "value");
});

test("a document's name is 128 random bits, so no other page can impersonate it", async () => {
    const names = [];
    for (let count = 0; count < 50; count += 1) {
        load(...LIBRARY);
        await settled();
        python().open();
        names.push(python().messages()[0][1]);
    }
    assert.equal(new Set(names).size, 50);
    assert.ok(names.every((name) => /^[0-9a-f]{32}$/.test(name)));
    const places = Array.from({ length: 32 }, (_, place) => new Set(names.map((name) => name[place])).size);
    assert.ok(Math.min(...places) > 8, "no place of it is fixed");
});

test("a document that is left reports it over HTTP while large messages are not acknowledged", async () => {
    const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
    const beacons = [];
    const sendBeacon = (url) => beacons.push(url);
    for (const [size, isAcknowledged, count] of [[100_000, false, 1], [100_000, true, 1], [10, false, 1], [1_000_000, false, 2]]) {
        const end = await connected("JsPyFunction");
        JsPyFunction.call_nowait("f")("x".repeat(size));   // the transport has no `bufferedAmount`: nothing waits in the page
        await settled();
        if (isAcknowledged) {
            end.send(["ack", end.messages().length]);
        }
        Object.assign(globalThis, { document: {}, origin: "http://127.0.0.1:1" });
        Object.defineProperty(globalThis, "navigator", { value: { sendBeacon }, configurable: true });
        try {
            JsPyTextSocket._connection.hide();
        } finally {
            delete globalThis.document;
            delete globalThis.origin;
            Object.defineProperty(globalThis, "navigator", before);
        }
        assert.equal(beacons.length, count);
    }
    assert.match(beacons[0], /^http:\/\/127\.0\.0\.1:1\/jsmeetspy\/left\/[0-9a-f]{32}$/);
});

test("one turn is one frame", async () => {
    const end = await connected(...LIBRARY);
    for (let i = 0; i < 50; i += 1) {
        JsPyFunction.call_nowait("f")(i, new Uint8Array([i]));
    }
    await settled();
    assert.equal(end.frames().length, 1);
});

test("a burst is sent in order while the rest of it is created", async () => {
    const end = await connected(...LIBRARY);
    for (let i = 0; i < 600; i += 1) {
        JsPyFunction.call_nowait("f")(i);
    }
    const [early, all] = [end.messages(), Array.from({ length: 600 }, (_, i) => i)];
    assert.deepEqual(early.map(([, , [i]]) => i), all.slice(0, 512));   // without waiting for the end of the turn
    await settled();
    assert.deepEqual(end.messages().map(([, , [i]]) => i), all.slice(512));
});

test("later changes to sent values have no effect", async () => {
    const end = await connected(...LIBRARY);
    const small = new Uint8Array([1]);
    const large = new Uint8Array(300000).fill(1);
    const list = [1];
    JsPyFunction.call_nowait("f")(small, large, list);
    JsPyFunction.call_nowait("g")(small, list);
    small[0] = large[0] = list[0] = 9;
    await settled();
    const [g, f] = end.messages();
    assert.deepEqual(f.slice(0, 2), ["notify", "f"]);
    assert.deepEqual([f[2][0][0], f[2][1][0], f[2][2][0], g[2][0][0], g[2][1][0]], [1, 1, 1, 1, 1]);
});

test("a timed-out call that was not sent is never sent", async () => {
    load(...LIBRARY);
    const call = JsPyFunction.call("f", 0.02)();
    await assert.rejects(call, { name: "TimeoutError", kind: "timeout",
        message: "A timeout has occurred @javascript: 'f' did not answer within 0.02 s" });
    const end = python();
    end.welcome();
    assert.deepEqual(end.messages().map(([kind]) => kind), ["hello"]);
});

test("a late answer is ignored", async () => {
    const end = await connected(...LIBRARY);
    const call = JsPyFunction.call("f", 0.01)();
    await assert.rejects(call, { name: "TimeoutError" });
    const [[, id]] = end.messages();
    end.send(["return", id, 1], ["return", 999, 1], ["error", 998, { kind: "raised", name: "E", message: "", trace: "" }]);
    assert.ok(JsPyTextSocket.ready());
    const twice = JsPyFunction.call("f")();
    await settled();
    assert.equal(JsPyTextSocket.stats().pending, 1);
    const [[, again]] = end.messages();
    end.send(["return", again, 1], ["return", again, 2]);
    assert.equal(await twice, 1);
    const { references, ...counts } = JsPyTextSocket.stats();
    assert.deepEqual(counts, { pending: 0, ignored: 4, dropped: 0, connections: 1, streams: 0 });
    assert.deepEqual(references, { exported: 0, imported: 0 });
});

test("another Python is a new session, however fast it starts", async () => {
    load(...LIBRARY);
    await settled();
    const said = [];
    JsPyTextSocket.add_state_event((state) => said.push([state, JsPyTextSocket.get_socket_id()]));
    JsPyTextSocket.add_session_event((restarted) => said.push([restarted, JsPyTextSocket.state()]));
    python().welcome(7, "p1", { session: "one", resume_seconds: 10 });
    const call = JsPyFunction.call("f")();
    await settled();
    await quietly(async () => {
        python().drop();
        JsPyTextSocket.reconnect();
        python().welcome(1, "p1", { session: "two", resume_seconds: 10 });
        await assert.rejects(call, /the connection was lost: it may or may not have run/);
        python().drop();
        JsPyTextSocket.reconnect();
        python().welcome(1, "p1", { session: "two", resumed: true, received: 0, resume_seconds: 10 });
        python().drop();
        JsPyTextSocket.reconnect();
        python().welcome(2, "p1", { session: "two", resumed: false, resume_seconds: 10 });
    }, "warn");
    assert.deepEqual(said, [
        ["open", 7], [false, "open"],
        ["reconnecting", 7], ["lost", null], ["open", 1], [true, "open"],
        ["reconnecting", 1], ["open", 1],
        ["reconnecting", 1], ["lost", null], ["open", 2], [false, "open"],
    ]);
    JsPyTextSocket.close();
});

test("a close during the events of a new session takes effect", async () => {
    load(...LIBRARY);
    await settled();
    python().welcome(1, "p1", { session: "one", resume_seconds: 10 });
    JsPyTextSocket.add_state_event((state) => state === "lost" && JsPyTextSocket.close());
    python().drop();
    JsPyTextSocket.reconnect();
    python().welcome(1, "p1", { session: "two", resume_seconds: 10 });
    assert.equal(JsPyTextSocket.state(), "closed");
    assert.equal(JsPyTextSocket.ready(), false);
    JsPyTextSocket.clear_state_event();
    JsPyTextSocket.reconnect();
    python().open();
    const [[, , , , session, received]] = python().messages();
    assert.deepEqual([session, received], ["", 0]);
    const sessions = [];
    JsPyTextSocket.add_session_event((restarted) => sessions.push(restarted));
    JsPyTextSocket.add_open_event(() => JsPyTextSocket.close());
    python().send(["welcome", 2, "p1", { session: "two" }]);
    assert.deepEqual([JsPyTextSocket.state(), sessions], ["closed", []]);
});

test("a lost connection fails sent calls; later ones wait for the next", async () => {
    const end = await connected(...LIBRARY);
    const seen = [];
    JsPyTextSocket.add_close_event(() => seen.push(["close", JsPyTextSocket.get_socket_id(), JsPyTextSocket.ready()]));
    JsPyTextSocket.add_open_event(() => seen.push(["open", JsPyTextSocket.get_socket_id(), JsPyTextSocket.ready()]));
    const lost = JsPyFunction.call("f")();
    const lost_push = JsPyQueue.push("q")(1);
    await settled();
    end.drop();
    assert.equal(JsPyTextSocket.get_socket_id(), null);
    await assert.rejects(lost, { name: "DisconnectedError", kind: "disconnected",
        message: "Unable to communicate with the server @javascript: the connection was lost: it may or may not have run" });
    assert.equal(await lost_push, false);
    const later = JsPyFunction.call("g")();
    await after(150);
    assert.equal(connections(), 2);
    const again = python();
    again.welcome(2);
    assert.deepEqual(again.messages().map(([kind, , key]) => [kind, key].slice(0, kind === "hello" ? 1 : 2)), [["hello"], ["call", "g"]]);
    again.send(["return", 3, true]);
    assert.equal(await later, true);
    assert.deepEqual(seen, [["close", 1, false], ["open", 2, true]]);
});

test("under --reload, a document that lost its connection reloads", async () => {
    const loads = [];
    globalThis.document = { readyState: "complete", addEventListener() {}, currentScript: null, baseURI: "http://127.0.0.1:1/" };
    globalThis.location = { hash: "", href: "http://127.0.0.1:1/", reload: () => loads.push(connections()) };
    globalThis.addEventListener = () => {};
    try {
        load(...LIBRARY);
        await settled();
        python().open();
        assert.equal(python().messages()[0][0], "hello");   // the first connection is not a reason
        python().send(["welcome", 1, "p1", { max_message_bytes: 268435456, reload: true }]);
        python().drop();
        await after(150);
        python().open();
        assert.deepEqual(loads, [2]);
        assert.deepEqual(python().messages(), []);
    } finally {
        JsPyTextSocket.close();
        delete globalThis.document;
        delete globalThis.location;
        delete globalThis.addEventListener;
    }
});

test("close: no return, everything fails at once; reconnect opens again", async () => {
    const end = await connected(...LIBRARY);
    const pending = JsPyFunction.call("f")();
    assert.equal(JsPyTextSocket.close(), true);
    assert.equal(JsPyTextSocket.close(), false);
    assert.deepEqual(end.messages().map(([kind]) => kind), ["call", "goodbye"]);
    await assert.rejects(pending, { kind: "disconnected" });
    await assert.rejects(JsPyFunction.call("f")(), { kind: "disconnected" });
    assert.throws(() => JsPyFunction.call_nowait("f")(), { message: "Could not send to server @javascript" });
    assert.throws(() => JsPyQueue.push_nowait("q")(1), { message: "Could not send to server @javascript" });
    assert.equal(await JsPyQueue.push("q")(1), false);
    assert.equal(await JsPyPubsub.publish("t")(1), false);
    assert.equal(await JsPyPubsub.subscribe("t", () => 1), false);
    assert.deepEqual(JsPyPubsub.get_topics(), []);
    assert.equal(await JsPyTextSocket.wait_ready(), false);
    await after(150);
    assert.equal(connections(), 1);
    assert.equal(JsPyTextSocket.reconnect("http://127.0.0.1:2/x"), true);
    assert.equal(JsPyTextSocket.reconnect(), false);
    assert.equal(python().transport.url, "ws://127.0.0.1:2/x");
    python().welcome(5);
    assert.equal(JsPyTextSocket.get_socket_id(), 5);
    assert.equal(JsPyTextSocket.init(), false);
});

test("close before the welcome says goodbye too; before the hello there is nothing to say", async () => {
    load(...LIBRARY);
    await settled();
    const end = python();
    end.open();
    assert.equal(end.messages()[0][0], "hello");
    JsPyTextSocket.close();
    assert.deepEqual(end.messages(), [["goodbye"]]);
    JsPyTextSocket.reconnect();
    JsPyTextSocket.close();
    assert.deepEqual(python().frames(), []);
});

test("Python closes for good, with a reason", async () => {
    const end = await connected(...LIBRARY);
    const said = await quietly(() => end.send(["close", "kicked", false]), "warn");
    assert.match(said[0], /disconnected: kicked/);
    assert.equal(JsPyTextSocket._disconnect_reason, "kicked");
    await after(150);
    assert.equal(connections(), 1);
});

test("refused by the connection limit, without a welcome", async () => {
    load(...LIBRARY);
    const call = JsPyFunction.call("f")();
    await settled();
    const end = python();
    end.open();
    await quietly(() => end.send(["close", "Connection refused due to connection limit @python", false]), "warn");
    await assert.rejects(call, { kind: "disconnected" });
    assert.match(JsPyTextSocket._disconnect_reason, /connection limit/);
});

test("a refused page runs its close events, also when it reconnects", async () => {
    const end = await connected(...LIBRARY);
    let closed = 0;
    JsPyTextSocket.add_close_event(() => { closed += 1; });
    await quietly(async () => {
        end.send(["close", "kicked", false]);
        assert.equal(closed, 1);
        JsPyTextSocket.reconnect();
        python().drop();   // it did not even open
        assert.equal(closed, 1);
        JsPyTextSocket.reconnect();
        const again = python();
        again.open();
        again.send(["close", "limit", false]);
        again.drop(4403, "limit");
    }, "warn", "error");
    assert.deepEqual([closed, JsPyTextSocket.state()], [2, "closed"]);
    JsPyTextSocket.close();
});

test("a close event may reconnect: the new connection is kept", async () => {
    const end = await connected(...LIBRARY);
    let answer = null;
    JsPyTextSocket.add_close_event(() => { answer = JsPyTextSocket.reconnect(); });
    end.drop();
    assert.equal(answer, true);
    await after(150);
    assert.equal(connections(), 2);
    python().welcome(2);
    assert.equal(JsPyTextSocket.get_socket_id(), 2);
});

test("an error in an event is logged, and the next event runs", async () => {
    const end = await connected(...LIBRARY);
    const seen = [];
    JsPyTextSocket.add_close_event(() => { throw new Error("oh"); });
    JsPyTextSocket.add_close_event(() => seen.push(1));
    const said = await quietly(() => end.drop(), "error");
    assert.match(said[0], /oh/);
    assert.deepEqual(seen, [1]);
    JsPyTextSocket.close();
});

for (const data of ["junk", '[["shout"]]', '[["hello","d","p",[]]]', '[["welcome",2,"p",{}]]', new Uint8Array([9, 9]).buffer]) {
    test(`garbage from Python (${String(data)}) closes with 4400, and the page comes back`, async () => {
        const end = await connected(...LIBRARY);
        const said = await quietly(() => end.raw(data), "error");
        assert.match(said[0], /protocol error/);
        assert.equal(end.transport.closed.code, 4400);
        await after(150);
        assert.equal(connections(), 2);
        JsPyTextSocket.close();
    });
}

test("the first failure without a token is explained once", async () => {
    load(...LIBRARY);
    await settled();
    const said = await quietly(async () => {
        python().drop();
        await after(150);
        python().drop();
    }, "error");
    assert.equal(said.length, 1);
    assert.match(said[0], /app\.launch\(\)/);
    JsPyTextSocket.close();
});

test("loading a file twice keeps the first", async () => {
    await connected(...LIBRARY);
    const before = [JsPyTextSocket, JsPyFunction, JsPyQueue, JsPyPubsub];
    ["JsPyTextSocket", ...LIBRARY].forEach(run);
    await settled();
    assert.deepEqual(before.map((item) => item.VERSION), Array(4).fill(JsPyTextSocket.VERSION));
    assert.ok(before[0] === JsPyTextSocket && before[1] === JsPyFunction && before[2] === JsPyQueue);
    assert.equal(connections(), 1);
});

test("a message for a script that is not loaded", async () => {
    const end = await connected();
    const said = await quietly(() => end.send(["call", 1, "f", []], ["push", 2, "q", 1], ["push", 0, "q", 1], ["push", 0, "q", 1]), "warn");
    await settled();
    const error = (text) => ({ kind: "unavailable", name: "UnavailableError", message: text, trace: "" });
    assert.deepEqual(end.messages(), [["error", 1, error("This page has not loaded JsPyFunction.js")],
        ["error", 2, error("This page has not loaded JsPyQueue.js")]]);
    assert.equal(said.length, 1);
});

test("chunks: at most six ahead of the credit, small messages overtake, order is kept", async () => {
    const end = await connected(...LIBRARY);
    const big = "x".repeat(262144 * 8);   // nine chunks, with what is around it
    JsPyQueue.push_nowait("q")(big);
    JsPyQueue.push_nowait("q")("second");
    JsPyQueue.push_nowait("other")("overtakes");
    await settled();
    const frames = end.frames();
    assert.equal(frames.length, 1 + 6);
    assert.deepEqual(decode(frames[0]), [["push", 0, "other", "overtakes"]]);
    JsPyFunction.call_nowait("f")();
    await settled();
    assert.deepEqual(end.messages(), [["notify", "f", []]]);
    frames.slice(1).forEach((frame) => end.assembler.accept(frame));
    end.send(["credit", 1, 2]);
    assert.deepEqual(end.messages(), []);
    end.send(["credit", 1, 4]);
    const rest = end.messages();
    assert.deepEqual(rest.map(([, , key, data]) => [key, data.length]), [["q", big.length], ["q", 6]]);
});

test("an unfinished stream restarts on the next connection, with the messages behind it", async () => {
    const end = await connected(...LIBRARY);
    const answer = JsPyQueue.push("q")("x".repeat(262144 * 8));
    JsPyQueue.push_nowait("q")("second");
    await settled();
    end.drop();
    JsPyQueue.push_nowait("q")("third");
    await after(150);
    const again = python();
    again.welcome(2);
    const [, ...first] = again.messages();
    assert.deepEqual(first, []);
    again.send(["credit", 2, 6]);
    const pushed = again.messages();
    assert.deepEqual(pushed.map(([, , , data]) => data.length), [262144 * 8, 6, 5]);
    again.send(["return", pushed[0][1], true]);
    assert.equal(await answer, true);
});

test("a large message reuses the memory of the previous one, without its content", async () => {
    const end = await connected(...LIBRARY);
    const values = [0xAB, 0xCD, 0xEF].map((byte, index) => new Uint8Array(300000 - index).fill(byte));
    for (const [index, value] of values.entries()) {
        JsPyQueue.push_nowait("q")([value, value.subarray(0, 3)]);
        await settled();
        const frames = end.frames();
        const chunks = frames.map((frame) => end.assembler.accept(frame));
        const whole = chunks.at(-1).content;
        const [[, , , got]] = decode(whole);
        assert.deepEqual(got, [value, value.subarray(0, 3)]);
        assert.deepEqual(whole.subarray(-5), new Uint8Array(5));   // the padding
        end.send(["ack", index + 1]);
    }
});

test("a text of up to a million characters is one frame, a longer one is chunked", async () => {
    const end = await connected(...LIBRARY);
    for (const [index, [length, count]] of [[300000, 1], [1040000, 1], [1050000, 5]].entries()) {
        JsPyQueue.push_nowait("q")("x".repeat(length));
        await settled();
        const frames = end.frames();
        assert.equal(frames.length, count);
        assert.equal(typeof frames[0], count === 1 ? "string" : "object");
        end.send(["ack", index + 1]);
    }
});

test("while one long text is in flight as one frame, others are chunked, so small messages wait for only one", async () => {
    const end = await connected(...LIBRARY);
    const large = () => JsPyQueue.push_nowait("q")("x".repeat(300000));
    large();
    large();
    await settled();
    assert.deepEqual(end.frames().map((frame) => typeof frame), ["string", "object", "object"]);
    large();
    await settled();
    assert.deepEqual(end.frames().map((frame) => typeof frame), ["object", "object"]);
    end.send(["ack", 1]);   // the first one
    large();
    await settled();
    assert.deepEqual(end.frames().map((frame) => typeof frame), ["string"]);
});

test("chunks from Python are credited and their message is handled", async () => {
    const end = await connected(...LIBRARY);
    const chunker = new Chunker(contentOf([encode([["push", 0, "q", new Float64Array(200000)]])]), false, 7);
    while (!chunker.done) {
        end.raw(chunker.next().slice().buffer);
    }
    assert.deepEqual(end.messages(), [["credit", 7, 4], ["credit", 7, 3], ["ack", 1]], "all of its bytes count");
    assert.equal(JsPyQueue.shift("q").length, 200000);
});

test("custom messages", async () => {
    const end = await connected();
    const seen = [];
    JsPyTextSocket.add_protocol("mine", (object) => seen.push(object));
    const object = { protocol: "mine", key: "k", id: 1, data: undefined, exception: null };
    assert.equal(JsPyTextSocket.send_json(object), true);
    assert.throws(() => JsPyTextSocket.send_json({ protocol: "mine", key: 1 }), /lacks id, data, exception/);
    assert.throws(() => JsPyTextSocket.send_json(null), TypeError);
    await settled();
    assert.deepEqual(end.messages(), [["custom", { ...object, data: null }]]);
    end.send(["custom", { ...object, data: 5 }]);
    assert.deepEqual(seen, [{ ...object, data: 5 }]);
    JsPyTextSocket.close();
    assert.equal(JsPyTextSocket.send_json(object), false);
});

test("a hand-built message of 2020 reaches its target unless the page handles that protocol itself", async () => {
    const end = await connected(...LIBRARY);
    const seen = [];
    JsPyFunction.expose("f", (...args) => seen.push(["f", ...args]));
    JsPyPubsub.subscribe("t", (topic, data) => seen.push([topic, data]));
    await settled();
    end.messages();
    const by_hand = (protocol, key, data) => end.send(["custom", { protocol, key, id: 1, data, exception: null }]);
    by_hand("queue", "q", [1]);
    by_hand("queue_call", "q", 2);
    by_hand("function", "f", [1, 2]);
    by_hand("function_call", "f", [3]);
    by_hand("pub", "t", "news");
    await settled();
    assert.deepEqual([JsPyQueue.shift("q"), JsPyQueue.shift("q")], [[1], 2]);
    assert.deepEqual(seen, [["f", 1, 2], ["f", 3], ["t", "news"]]);
    assert.deepEqual(end.messages(), []);
    JsPyTextSocket.add_protocol("queue", ({ data }) => seen.push(["mine", data]));
    by_hand("queue", "q", 4);
    assert.deepEqual(seen.pop(), ["mine", 4]);
    assert.equal(JsPyQueue.is_empty("q"), true);
});

test("timeouts: values without a limit, and refused values", async () => {
    await connected(...LIBRARY);
    for (const none of [undefined, null, 0, -1, -Infinity]) {
        assert.equal(typeof JsPyFunction.call("f", none), "function");
    }
    for (const wrong of ["1", NaN, Infinity, {}, true]) {
        const given = typeof wrong === "object" ? { timeout: wrong } : wrong;
        assert.throws(() => JsPyFunction.call("f", given), /must be a number of seconds/);
        assert.throws(() => JsPyQueue.push("q", wrong), TypeError);
        await assert.rejects(JsPyPubsub.subscribe("t", () => 1, wrong), TypeError);
    }
});

// ---------------------------------------------------------------- the session goes on

const SESSION = { session: "s", resume_seconds: 0.3 };

/** Connected with a session, which goes on after a cut. */
async function in_session(...names) {
    load(...names);
    await settled();
    const end = python();
    end.welcome(1, "p1", SESSION);
    end.messages();
    return end;
}

/** The next connection, after hello. */
async function next_connection() {
    const before = connections();
    while (connections() === before) {
        await after(10);
    }
    const end = python();
    end.open();
    return [end, end.messages()[0]];
}

test("a connection that resumes in time loses and duplicates nothing", async () => {
    const end = await in_session(...LIBRARY);
    const states = [];
    JsPyTextSocket.add_state_event((state) => states.push(state));
    JsPyFunction.expose("double", (x) => 2 * x);
    end.send(["call", 7, "double", [21]]);
    const first = JsPyFunction.call("f")(1);
    const second = JsPyFunction.call("f")(2);
    JsPyQueue.push_nowait("q")("x");
    await settled();
    assert.deepEqual(end.messages().map(([kind]) => kind), ["return", "call", "call", "push"]);
    end.drop();
    assert.equal(JsPyTextSocket.state(), "reconnecting");
    assert.equal(JsPyTextSocket.get_socket_id(), 1);
    const third = JsPyFunction.call("f")(3);
    const [again, hello] = await next_connection();
    assert.deepEqual(hello.slice(4), ["s", 1]);
    again.send(["welcome", 1, "p1", { ...SESSION, resumed: true, received: 2 }]);
    const replayed = again.messages();
    assert.deepEqual(replayed.map(([kind]) => kind), ["call", "push", "call"], "the answer and the first call had come");
    again.send(["return", 1, "a"], ["return", 2, "b"], ["return", replayed[2][1], "c"]);
    assert.deepEqual(await Promise.all([first, second, third]), ["a", "b", "c"]);
    assert.deepEqual(states, ["reconnecting", "open"]);
});

test("a request that timed out meanwhile is not sent again", async () => {
    const end = await in_session(...LIBRARY);
    const call = JsPyFunction.call("f", 0.01)();
    const kept = JsPyFunction.call("g")();
    await settled();
    end.drop();
    await assert.rejects(call, { kind: "timeout" });
    const [again] = await next_connection();
    again.send(["welcome", 1, "p1", { ...SESSION, resumed: true, received: 0 }]);
    const replayed = again.messages();
    assert.deepEqual(replayed, [["call", 2, "g", []], ["cancel", 1]]);
    again.send(["return", replayed[0][1], 1]);
    assert.equal(await kept, 1);
});

test("after the grace time sent calls fail with their names, and later ones wait", async () => {
    const end = await in_session(...LIBRARY);
    const states = [];
    JsPyTextSocket.add_state_event((state) => states.push(state));
    const sent = JsPyFunction.call("f")();
    JsPyQueue.push_nowait("q")(1);
    await settled();
    const said = await quietly(async () => {
        end.drop();
        await assert.rejects(sent, { kind: "disconnected", message: /may or may not have run/ });
    }, "warn");
    assert.match(said.join(), /1 messages may or may not have arrived/);
    assert.deepEqual(states, ["reconnecting", "lost"]);
    assert.equal(JsPyTextSocket.get_socket_id(), null);
    const later = JsPyFunction.call("g")();
    const end2 = python();
    end2.open();
    assert.deepEqual(end2.messages()[0].slice(4), ["", 0]);
    end2.send(["welcome", 2, "p1", SESSION]);
    const [[, id]] = end2.messages();
    end2.send(["return", id, 5]);
    assert.equal(await later, 5);
});

test("another Python begins a new session and fails sent calls", async () => {
    const end = await in_session(...LIBRARY);
    const sent = JsPyFunction.call("f")();
    await settled();
    await quietly(async () => {
        end.drop();
        const later = JsPyFunction.call("g")();
        const [again] = await next_connection();
        again.send(["welcome", 1, "p1", { session: "other", resume_seconds: 10, resumed: false, received: 0 }]);
        await assert.rejects(sent, { kind: "disconnected" });
        const [[, id, key]] = again.messages();
        assert.equal(key, "g");
        again.send(["return", id, 6]);
        assert.equal(await later, 6);
    }, "warn");
});

test("received messages are acknowledged in batches", async () => {
    const end = await in_session(...LIBRARY);
    for (let i = 0; i < 64; i += 1) {
        end.send(["push", 0, "q", i]);
    }
    assert.deepEqual(end.messages(), [["ack", 64]]);
    end.send(["push", 0, "q", "x".repeat(300000)]);
    assert.deepEqual(end.messages(), [["ack", 65]]);
});

test("acknowledged messages are not kept", async () => {
    const end = await in_session(...LIBRARY);
    for (let i = 0; i < 5; i += 1) {
        JsPyQueue.push_nowait("q")(i);
    }
    await settled();
    end.send(["ack", 5]);
    assert.ok(JsPyTextSocket.ready());
    const outbox = new Outbox(() => undefined);
    assert.throws(() => outbox.acknowledge(1), ProtocolError);
    const said = await quietly(() => end.send(["ack", 9]), "error");
    assert.match(said[0], /9 messages acknowledged/);
});
