import { pubsub, state } from "./jsmeetspy/jsmeets.mjs";

const SHOWN = 1000;   // samples in the window: two seconds
const canvas = document.querySelector("canvas");
const pen = canvas.getContext("2d");
const channels = [0, 1, 2].map(() => new Float32Array(SHOWN));   // rings: the newest sample replaces the oldest
let total = 0;
let latencies = [];

pubsub.subscribe("samples", (topic, { sent, samples }) => {
    latencies.push(performance.timeOrigin + performance.now() - sent * 1000);
    for (const sample of samples) {
        sample.forEach((value, index) => { channels[index][total % SHOWN] = value; });
        total += 1;
    }
});

state().then((s) => document.querySelectorAll("input").forEach((input) => {
    const show = (value) => { input.value = value; };
    input.oninput = () => { s[input.name] = input.valueAsNumber; };
    s.on(input.name, show);   // changed in another page, or in Python
    show(s[input.name]);
}));

function fit() {
    const { width, height } = canvas.getBoundingClientRect();
    const wide = Math.round(width * devicePixelRatio);
    const high = Math.round(height * devicePixelRatio);
    if (canvas.width !== wide || canvas.height !== high) {
        [canvas.width, canvas.height] = [wide, high];
    }
}

function line(values, color) {
    const { width, height } = canvas;
    const count = Math.min(total, SHOWN);
    pen.beginPath();
    pen.strokeStyle = color;
    for (let index = 0; index < count; index += 1) {
        const value = values[(total - count + index) % SHOWN];
        pen.lineTo((SHOWN - count + index) / SHOWN * width, height / 2 - value * height / 4.4);
    }
    pen.stroke();
}

let frames = 0;
function draw() {
    fit();
    const style = getComputedStyle(canvas);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.lineWidth = 1.5 * devicePixelRatio;
    pen.lineJoin = "bevel";
    channels.forEach((values, index) => line(values, style.getPropertyValue(`--channel-${index + 1}`)));
    frames += 1;
    requestAnimationFrame(draw);
}
requestAnimationFrame(draw);

let then = { time: performance.now(), frames: 0, total: 0 };
setInterval(() => {
    const now = { time: performance.now(), frames, total };
    const seconds = (now.time - then.time) / 1000;
    const median = latencies.sort((a, b) => a - b)[latencies.length >> 1];
    const show = (id, text) => { document.getElementById(id).textContent = text; };
    show("fps", Math.round((now.frames - then.frames) / seconds));
    show("rate", Math.round((now.total - then.total) / seconds));
    show("latency", median === undefined ? "–" : Math.max(0, median).toFixed(1));
    then = now;
    latencies = [];
}, 1000);
