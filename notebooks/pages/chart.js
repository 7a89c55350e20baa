// A line chart in SVG. What Python may call stands at the end.
import { expose, py } from "./jsmeetspy/jsmeets.mjs";

const COLORS = ["#9db7d1", "#1c4e80", "#d1495b", "#2a9d8f", "#e9a23b", "#7b5ea7"];
const EDGE = { left: 52, right: 20, top: 44, bottom: 32 };   // pixels around the plot

const [chart, legend, tip] = ["#chart", "#legend", "#tip"].map((one) => document.querySelector(one));

const lines = new Map();   // name -> { name, x, y, color }; x rises
const notes = new Map();   // a point's key -> { line, index, text }
let wanted = null;   // the range of x that Python asked for; null for all there is
let shown = null;   // the ranges on the screen, which move to what is wanted: { x: [from, to], y: [from, to] }
let hovered = null;   // the point under the mouse: { line, index }
let clicked = null;   // the point that was clicked last

// Numbers --------------------------------------------------------------------------------------------------------------

function extent(numbers) {
    const [from, to] = [numbers.reduce((a, b) => Math.min(a, b)), numbers.reduce((a, b) => Math.max(a, b))];
    return from < to ? [from, to] : [from - 1, to + 1];
}

// The ranges to show: the wanted x, and the y of all points in it with a little air.
function goal() {
    const all = [...lines.values()];
    if (all.length === 0) {
        return { x: wanted ?? [0, 1], y: [0, 1] };
    }
    const x = wanted ?? extent(all.flatMap((line) => [line.x[0], line.x.at(-1)]));
    const inside = all.flatMap((line) => [...line.y].filter((_, index) => line.x[index] >= x[0] && line.x[index] <= x[1]));
    const [low, high] = extent(inside.length > 0 ? inside : [0]);
    const air = (high - low) * 0.08;
    return { x, y: [low - air, high + air] };
}

// About `count` round numbers in a range: steps of 1, 2 or 5 times a power of ten.
function ticks([from, to], count) {
    const rough = (to - from) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find((times) => times * power >= rough) * power;
    const first = Math.ceil(from / step);
    const length = Math.floor(to / step) - first + 1;
    return Array.from({ length }, (_, index) => Number(((first + index) * step).toPrecision(10)));
}

function nearest({ x }, at) {
    let [low, high] = [0, x.length - 1];
    while (high - low > 1) {
        const middle = (low + high) >> 1;
        [low, high] = x[middle] > at ? [low, middle] : [middle, high];
    }
    return at - x[low] < x[high] - at ? low : high;
}

const brief = (number) => Number(number.toFixed(2)).toLocaleString("en");
const value = ({ line, index }) => ({ name: line.name, index, x: line.x[index], y: line.y[index] });
const key = ({ line, index }) => `${index} ${line.name}`;

// Drawing --------------------------------------------------------------------------------------------------------------

const width = () => chart.clientWidth - EDGE.left - EDGE.right;
const height = () => chart.clientHeight - EDGE.top - EDGE.bottom;
const across = (x) => EDGE.left + (x - shown.x[0]) / (shown.x[1] - shown.x[0]) * width();
const down = (y) => EDGE.top + (shown.y[1] - y) / (shown.y[1] - shown.y[0]) * height();

function add(parent, tag, attributes, text = "") {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, one]) => element.setAttribute(name, one));
    element.textContent = text;
    parent.append(element);
    return element;
}

function draw_axes() {
    const [right, bottom] = [EDGE.left + width(), EDGE.top + height()];
    for (const y of ticks(shown.y, height() / 45)) {
        add(chart, "line", { class: "grid", x1: EDGE.left, x2: right, y1: down(y), y2: down(y) });
        add(chart, "text", { class: "tick left", x: EDGE.left - 10, y: down(y) }, brief(y));
    }
    for (const x of ticks(shown.x, width() / 90)) {
        add(chart, "text", { class: "tick bottom", x: across(x), y: bottom + 22 }, brief(x));
    }
}

function draw_lines() {
    const clip = { x: EDGE.left, y: EDGE.top, width: width(), height: height() };
    const plot = add(chart, "svg", { ...clip, viewBox: Object.values(clip).join(" ") });
    for (const { x, y, color } of lines.values()) {
        const points = Array.from(x, (one, index) => `${across(one).toFixed(1)},${down(y[index]).toFixed(1)}`);
        add(plot, "polyline", { class: "line", stroke: color, points: points.join(" ") });
    }
}

const visible = ({ line, index }) => line.x[index] >= shown.x[0] && line.x[index] <= shown.x[1];

function draw_marks() {
    for (const point of [hovered, clicked].filter((one) => one !== null && visible(one))) {
        const { x, y } = value(point);
        add(chart, "circle", { class: "dot", r: 6, cx: across(x), cy: down(y), fill: point.line.color });
    }
    for (const note of [...notes.values()].filter(visible)) {
        const { x, y } = value(note);
        add(chart, "circle", { class: "ring", r: 7, cx: across(x), cy: down(y) });
        add(chart, "text", { class: "note", x: across(x), y: down(y) - 15 }, note.text);
    }
}

function draw() {
    chart.replaceChildren();
    draw_axes();
    draw_lines();
    draw_marks();
}

// Every frame goes a fifth of the way to the goal, until it is there.
let frame = 0;
function move() {
    const target = goal();
    const step = (axis) => shown[axis].map((from, index) => {
        const [to, size] = [target[axis][index], target[axis][1] - target[axis][0]];
        return Math.abs(to - from) < size / 1000 ? to : from + (to - from) / 5;
    });
    shown = { x: step("x"), y: step("y") };
    draw();
    frame = JSON.stringify(shown) === JSON.stringify(target) ? 0 : requestAnimationFrame(move);
}

function update() {
    shown ??= goal();
    frame ||= requestAnimationFrame(move);
}

function free_color() {
    const taken = [...lines.values()].map(({ color }) => color);
    return COLORS.find((color) => !taken.includes(color)) ?? COLORS[0];
}

function draw_legend() {
    legend.replaceChildren(...[...lines.values()].map(({ name, color }) => {
        const item = document.createElement("li");
        item.textContent = name;
        item.style.setProperty("--color", color);
        return item;
    }));
}

// The mouse ------------------------------------------------------------------------------------------------------------

// The point of any line that is nearest to the mouse, if it is near.
function under({ offsetX, offsetY }) {
    if (shown === null) {
        return null;
    }
    const at = shown.x[0] + (offsetX - EDGE.left) / width() * (shown.x[1] - shown.x[0]);
    const far = (point) => Math.hypot(across(value(point).x) - offsetX, down(value(point).y) - offsetY);
    const points = [...lines.values()].map((line) => ({ line, index: nearest(line, at) })).filter(visible);
    const [first] = points.sort((a, b) => far(a) - far(b));
    return first !== undefined && far(first) < 60 ? first : null;
}

function draw_tip() {
    tip.hidden = hovered === null;
    if (hovered !== null) {
        const { name, x, y } = value(hovered);
        tip.textContent = `${name}\n${brief(x)}: ${brief(y)}`;
        const left = Math.min(across(x) + 14, chart.clientWidth - tip.offsetWidth - 8);
        [tip.style.left, tip.style.top] = [`${left}px`, `${Math.max(8, down(y) - tip.offsetHeight - 10)}px`];
    }
}

function hover(point) {
    hovered = point;
    draw_tip();
    update();
}

async function click(point) {
    if (point !== null) {
        clicked = point;
        const { name, x, y } = value(point);
        notes.set(key(point), { ...point, text: await py.explain(name, x, y) });
        update();
    }
}

chart.onpointermove = (event) => hover(under(event));
chart.onpointerleave = () => hover(null);
chart.onclick = (event) => click(under(event));
new ResizeObserver(update).observe(chart);

// What Python may call -------------------------------------------------------------------------------------------------

expose({
    line(name, x, y) {
        const line = lines.get(name) ?? { name, color: free_color() };
        lines.set(name, Object.assign(line, { x, y }));
        draw_legend();
        update();
    },
    remove(name) {
        lines.delete(name);
        notes.forEach(({ line }, one) => line.name === name && notes.delete(one));
        [hovered, clicked] = [null, clicked?.line.name === name ? null : clicked];
        draw_tip();
        draw_legend();
        update();
    },
    range(from = null, to = null) {
        wanted = from === null ? null : [from, to];
        update();
    },
    note(name, x, text) {
        const line = lines.get(name);
        const point = { line, index: nearest(line, x) };
        notes.set(key(point), { ...point, text });
        update();
        return value(point);
    },
    clicked: () => clicked && value(clicked),
});
