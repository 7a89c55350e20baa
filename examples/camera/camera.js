import { imshow, py } from "./jsmeetspy/jsmeets.mjs";

const [canvas, load, output] = ["canvas", "#load", "output"].map((one) => document.querySelector(one));
let last = 0;   // the number of the frame that was shown last
let counts = { shown: 0, dropped: 0, latencies: [] };

function show({ number, taken, image }) {
    imshow(canvas, image);
    counts.shown += 1;
    counts.dropped += last > 0 ? number - last - 1 : 0;
    counts.latencies.push(performance.timeOrigin + performance.now() - taken * 1000);
    last = number;
}

function be_busy(milliseconds) {
    const end = performance.now() + milliseconds;
    while (performance.now() < end) {
        // as a page that has much to calculate
    }
}

const next_refresh = () => new Promise(requestAnimationFrame);

async function watch() {
    let coming = py.frame(0);
    for (;;) {
        const [frame] = await Promise.all([coming, next_refresh()]);
        coming = py.frame(frame?.number ?? last);   // it travels while this one is shown
        if (frame) {
            be_busy(load.valueAsNumber);
            show(frame);
        }
    }
}
watch();

load.oninput = () => { output.textContent = `${load.value} ms a frame`; };

let then = performance.now();
setInterval(() => {
    const now = performance.now();
    const a_second = (count) => Math.round(count * 1000 / (now - then));
    const median = counts.latencies.sort((a, b) => a - b)[counts.latencies.length >> 1];
    const tell = (id, text) => { document.getElementById(id).textContent = text; };
    tell("shown", a_second(counts.shown));
    tell("dropped", a_second(counts.dropped));
    tell("latency", median === undefined ? "–" : Math.max(0, median).toFixed(0));
    counts = { shown: 0, dropped: 0, latencies: [] };
    then = now;
}, 1000);
