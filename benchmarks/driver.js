/**
 * The loops that all systems share, put into each page before its own scripts, as `loops`.
 *
 * A page gives `window.bench = {ready: Promise, call(name, ...args): Promise, subscribe(func)}`, and answers Python's calls
 * of `loops.functions`. Every answer is checked here.
 */
(() => {
    "use strict";

    const short = (value) => String(JSON.stringify(value)).slice(0, 100);

    function check(got, wanted) {
        if (got !== wanted) {
            throw new Error(`a wrong answer: ${short(got)} for ${short(wanted)}`);
        }
    }

    const functions = { add: (a, b) => a + b, echo: (value) => value };

    /** @returns {Promise<number>} seconds until `work` has ended */
    async function timed(work) {
        const start = performance.now();
        await work();
        return (performance.now() - start) / 1000;
    }

    /** The seconds of each of `count` runs of `work(i)`, after a warm-up. */
    async function series({ count, warm_up = 0 }, work) {
        const seconds = [];
        for (let i = -warm_up; i < count; i++) {
            const taken = await work(i);
            if (i >= 0) {
                seconds.push(taken);
            }
        }
        return seconds;
    }

    /** One call at a time. @returns {Promise<number[]>} seconds of each call */
    async function sequence({ name, ...options }) {
        return series(options, async (i) => {
            let sum;
            const seconds = await timed(async () => { sum = await bench.call(name, i, 7); });
            check(sum, i + 7);
            return seconds;
        });
    }

    /** `size` calls in one turn, all awaited, then the next turn. @returns {Promise<number[]>} seconds per call, of each turn */
    async function bursts({ name, size, ...options }) {
        return series(options, async (turn) => {
            let sums;
            const seconds = await timed(async () => {
                const calls = [];
                for (let i = 0; i < size; i++) {
                    calls.push(bench.call(name, i, turn));
                }
                sums = await Promise.all(calls);
            });
            sums.forEach((sum, i) => check(sum, i + turn));
            return seconds / size;
        });
    }

    /** Nested data of about `size` bytes of JSON; Python's `make` makes the same. */
    function big_value(size) {
        const rows = [];
        for (let id = 0; id < Math.floor(size / 100); id++) {
            rows.push({ id, name: "a row of a table", tags: ["one", "two"], at: [1.5, -2.25], ok: true, none: null });
        }
        return { rows };
    }

    /** Python's big values. */
    async function down({ size, ...options }) {
        const wanted = JSON.stringify(big_value(size));
        return series(options, async () => {
            let value;
            const seconds = await timed(async () => { value = await bench.call("make", size); });
            check(JSON.stringify(value) === wanted, true);
            return seconds;
        });
    }

    /** Big values for Python, which answers with the sum of their ids. */
    async function up({ size, ...options }) {
        const value = big_value(size);
        const wanted = value.rows.reduce((sum, row) => sum + row.id, 0);
        return series(options, async () => {
            let sum;
            const seconds = await timed(async () => { sum = await bench.call("take", value); });
            check(sum, wanted);
            return seconds;
        });
    }

    /** What each of the pages that listen has heard. */
    let heard = [];

    /** Opens `count` frames of this page, each with its own connection, and has them subscribe. */
    async function listen({ count }) {
        heard = await Promise.all(Array.from({ length: count }, listener));
    }

    async function listener() {
        const frame = document.createElement("iframe");
        const loaded = new Promise((resolve) => { frame.onload = resolve; });
        frame.src = location.href;
        document.body.append(frame);
        await loaded;
        await frame.contentWindow.bench.ready;
        const one = { got: 0, last: -1, disordered: 0 };
        one.end = new Promise((resolve) => { one.resolve = resolve; });
        await frame.contentWindow.bench.subscribe((message) => take(one, message));
        return one;
    }

    /** A publication is `{n, text}`; the last one has n = -1. */
    function take(one, { n, text }) {
        if (n < 0) {
            one.resolve();
            return;
        }
        check(text, `message ${n}`);
        one.got += 1;
        one.disordered += n > one.last ? 0 : 1;
        one.last = n;
    }

    /** Waits until all frames have heard the last publication. */
    async function all_heard({ messages }) {
        await Promise.all(heard.map((one) => one.end));
        const sum = (name) => heard.reduce((total, one) => total + one[name], 0);
        return { lost: messages * heard.length - sum("got"), disordered: sum("disordered") };
    }

    /** What takes longer than this has hung. */
    const LIMIT = 60_000;

    const limited = (loop) => (options) => {
        let timer;
        const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error("no answer in 60 s")), LIMIT); });
        return Promise.race([loop(options), late]).finally(() => clearTimeout(timer));
    };

    globalThis.loops = { check, functions };
    for (const loop of [sequence, bursts, down, up, listen, all_heard]) {
        globalThis.loops[loop.name] = limited(loop);
    }
})();
