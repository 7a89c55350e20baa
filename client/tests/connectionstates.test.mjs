// The table of states: whatever happens in whatever order, a connection makes no step that is not in it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connections, load, python, quietly, settled } from "./page.mjs";

/** Numbers that look random, the same each time. */
function* numbers(seed) {
    for (let state = seed; ;) {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        yield state / 2 ** 32;
    }
}

const STEPS = {
    open: () => python().transport.readyState === 0 && python().open(),
    welcome: () => python().transport.readyState === 1 && python().send(["welcome", 1, "p", { session: "s", resume_seconds: 10 }]),
    resume: () => python().transport.readyState === 1
        && python().send(["welcome", 1, "p", { session: "s", resume_seconds: 10, resumed: true, received: 0 }]),
    refused: () => python().transport.readyState === 1 && python().send(["close", "no", false]),
    sentAway: () => python().transport.readyState === 1 && python().send(["close", "later", true]),
    garbage: () => python().transport.readyState === 1 && python().raw("?"),
    drop: () => python().transport.readyState < 3 && python().drop(),
    close: () => JsPyTextSocket.close(),
    reconnect: () => JsPyTextSocket.reconnect(),
    hurry: () => JsPyTextSocket._connection.hurry(),
    hide: () => JsPyTextSocket._connection.hide(),
    show: () => JsPyTextSocket._connection.show(),
    listen: (number) => JsPyTextSocket.add_close_event(() => {
        JsPyTextSocket.clear_close_event();
        return number < 0.5 ? JsPyTextSocket.reconnect() : JsPyTextSocket.close();
    }),
};

test("no order of events leaves the table of states", async () => {
    const seen = new Set();
    await quietly(async () => {
        for (let seed = 1; seed <= 60; seed += 1) {
            load();
            await settled();
            const random = numbers(seed);
            const done = [];
            for (let count = 0; count < 100; count += 1) {
                const names = Object.keys(STEPS);
                const name = names[Math.floor(random.next().value * names.length)];
                done.push(name);
                assert.doesNotThrow(() => STEPS[name](random.next().value), `seed ${seed}: ${done.join(" ")}`);
                const state = JsPyTextSocket.state();
                seen.add(state);
                assert.equal(JsPyTextSocket.ready(), state === "open");
                assert.ok(state !== "open" || JsPyTextSocket.get_socket_id() === 1);
            }
            JsPyTextSocket.close();
            assert.equal(JsPyTextSocket.close(), false);
            assert.ok(connections() > 1);
        }
    }, "error", "warn");
    assert.deepEqual([...seen].sort(), ["closed", "connecting", "lost", "open", "reconnecting"]);
});

test("a transition outside the table is an error", async () => {
    load();
    await settled();
    JsPyTextSocket.close();
    assert.throws(() => JsPyTextSocket._connection.enter("open"), /a connection that is closed cannot be open/);
});
