/**
 * The loops that all systems share, put into each page before its own scripts, as `loops`.
 *
 * A page gives `window.bench = {ready: Promise, call(name, ...args): Promise}` and answers Python's calls of
 * `loops.functions`. Every answer is checked here.
 */
(() => {
    "use strict";

    const check = (got, wanted) => {
        if (JSON.stringify(got) !== JSON.stringify(wanted)) {
            throw new Error(`a wrong answer: ${JSON.stringify(got)?.slice(0, 100)} for ${JSON.stringify(wanted).slice(0, 100)}`);
        }
    };
    const functions = { add: (a, b) => a + b, echo: (value) => value };

    /** One call at a time. @returns {Promise<number[]>} seconds of each call */
    async function sequence({ name, count, warm_up = 0 }) {
        const seconds = [];
        for (let i = -warm_up; i < count; i++) {
            const start = performance.now();
            const sum = await bench.call(name, i, 7);
            const end = performance.now();
            check(sum, i + 7);
            if (i >= 0) {
                seconds.push((end - start) / 1000);
            }
        }
        return seconds;
    }

    /** `size` calls in one turn, all awaited, then the next turn. @returns {Promise<number[]>} seconds per call of each turn */
    async function bursts({ name, count, size, warm_up = 0 }) {
        const seconds = [];
        for (let turn = -warm_up; turn < count; turn++) {
            const start = performance.now();
            const calls = [];
            for (let i = 0; i < size; i++) {
                calls.push(bench.call(name, i, turn));
            }
            const sums = await Promise.all(calls);
            const end = performance.now();
            sums.forEach((sum, i) => check(sum, i + turn));
            if (turn >= 0) {
                seconds.push((end - start) / 1000 / size);
            }
        }
        return seconds;
    }

    globalThis.loops = { check, functions, sequence, bursts };
})();
