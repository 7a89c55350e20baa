// The page's half of the demo; Python's half is main.py.
import { expose, JsPyTextSocket, pubsub, py, queue, ready } from "../jsmeetspy/jsmeets.mjs";

const $ = (id) => document.getElementById(id);
const seen = { draw: 0, describe: 0, squares: 0, clock: 0 };
expose("seen", () => seen);

// 1. Python calls JavaScript ---------------------------------------------------------------------------

const curve = $("curve");
const line = $("line");

const path = (numbers) => numbers.map((y, x) => `${x ? "L" : "M"}${(x * 640) / (numbers.length - 1)} ${70 - y * 56}`).join("");

expose("draw", (numbers) => {
    line.setAttribute("d", path(numbers));
    $("area").setAttribute("d", `${path(numbers)}V140H0Z`);
    $("size").textContent = `[${curve.clientWidth}, ${curve.clientHeight}]`;
    seen.draw += 1;
    return [curve.clientWidth, curve.clientHeight];
});

// 2. JavaScript calls Python ---------------------------------------------------------------------------

async function ask() {
    const numbers = $("numbers").value.split(/[\s,;]+/).filter(Boolean).map(Number);
    $("error").textContent = "";
    try {
        const summary = await py.describe(numbers);
        $("summary").replaceChildren(...Object.entries(summary).map(([name, value]) => fact(name, round(value))));
        seen.describe += 1;
    } catch (error) { // what Python raised: its type is the name, its text the message
        $("error").textContent = `${error.name}: ${error.message}`;
    }
}

$("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
});

// 3. Queues, both ways ---------------------------------------------------------------------------------

let next = 2;
const jobs = []; // what Python has not answered yet

async function push() {
    const number = next;
    next = next < 12 ? next + 1 : 2;
    const item = element("li", element("b", String(number)), element("i", "waiting"));
    jobs.push(item);
    $("jobs").prepend(item);
    show_waiting();
    await queue("numbers").push(number);
}

async function take() {
    for await (const square of queue("squares")) show_done(square);
}

function show_done(square) {
    const item = jobs.shift();
    if (item) {
        item.className = "done";
        item.lastChild.textContent = square;
    }
    seen.squares += 1;
    show_waiting();
}

function show_waiting() {
    $("waiting").textContent = jobs.length;
    while ($("jobs").children.length > Math.max(12, jobs.length)) {
        $("jobs").lastChild.remove();
    }
}

$("push").addEventListener("click", () => Promise.all([push(), push(), push()]));

// 4. Topics, both ways ---------------------------------------------------------------------------------

await pubsub.subscribe("clock", (topic, data) => show_beat(data));

function show_beat({ beat, time }) {
    $("beat").textContent = beat;
    $("time").textContent = time;
    $("pulse").getAnimations().forEach((animation) => animation.cancel());
    $("pulse").animate({ transform: ["scale(1)", "scale(0.72)"], opacity: [1, 0.45] }, { duration: 450, easing: "ease-out" });
    seen.clock += 1;
}

$("tempo").addEventListener("input", () => {
    $("every").textContent = Number($("tempo").value).toFixed(1);
});

$("tempo").addEventListener("change", async () => {
    const seconds = Number($("tempo").value);
    await pubsub.publish("tempo", seconds);
});

// The transcript: what Python prints -------------------------------------------------------------------

const KINDS = { call: "Python calls JavaScript", called: "JavaScript calls Python", queue: "queue", topic: "topic" };

await pubsub.subscribe("transcript", (topic, { kind, what, answer }) => {
    const entry = element("li", element("b", KINDS[kind]), element("span", what), element("i", answer));
    entry.className = kind;
    $("transcript").append(entry);
    while ($("transcript").children.length > 8) {
        $("transcript").firstChild.remove();
    }
});

// The connection ---------------------------------------------------------------------------------------

function connection(state, text) {
    $("connection").className = state;
    $("state").textContent = text;
}

JsPyTextSocket.add_open_event(() => connection("open", `connected, socket ${JsPyTextSocket.get_socket_id()}`));
JsPyTextSocket.add_close_event(() => connection("closed", "Python has gone"));

// Helpers ----------------------------------------------------------------------------------------------

const round = (value) => Math.round(value * 1000) / 1000;

function element(name, ...children) {
    const made = document.createElement(name);
    made.append(...children);
    return made;
}

function fact(name, value) {
    return element("div", element("dt", name), element("dd", String(value)));
}

/** Colours a piece of code; the words of both languages, which are few here. */
function highlight(pre) {
    const token = /(#.*|\/\/.*)|("[^"]*")|\b(for|await|async|const|of|in|def|return)\b|(@[\w.]+)|\b(\d+)\b/g;
    const classes = ["comment", "string", "word", "decorator", "number"];
    const code = pre.textContent;
    let end = 0;
    pre.replaceChildren();
    for (const match of code.matchAll(token)) {
        const span = element("span", match[0]);
        span.className = classes[match.slice(1).findIndex(Boolean)];
        pre.append(code.slice(end, match.index), span);
        end = match.index + match[0].length;
    }
    pre.append(code.slice(end));
}

document.querySelectorAll("pre").forEach(highlight);
connection("open", `connected, socket ${await ready()}`);
const { python, version } = await py.about();
$("about").textContent = `jsmeets_local ${version}, Python ${python}`;

take();
await ask();
await Promise.all([push(), push(), push(), push(), push()]);
