import { py } from "./jsmeetspy/jsmeets.mjs";

const ROW = 30;   // pixels
const PART = 200;   // rows of one request

const element = (id) => document.getElementById(id);
const view = element("view");
let table = null;   // the Table of Python
let rows = null;   // the Rows of Python that the table shows
let count = 0;   // their number
let parts = new Map();   // the parts that have arrived, and null for parts that are on their way
let sorted = { column: null, descending: false };
let loading = null;   // the AbortController of the file that is being read

const say = (text) => { element("about").textContent = text; };
const amount = (number) => `${number.toLocaleString("en")} ${number === 1 ? "row" : "rows"}`;

async function attempt(action) {
    element("problem").hidden = true;
    try {
        await action();
    } catch (error) {
        element("problem").textContent = error.message;
        element("problem").hidden = false;
    }
}

// A file ---------------------------------------------------------------------------------------------------------------

async function load(file) {
    loading?.abort();
    const controller = loading = new AbortController();
    const opened = await py.open_table(file);
    if (loading !== controller) {
        return;   // another file was opened in the meantime
    }
    ({ table, rows } = opened);
    parts = new Map();
    [count, sorted] = [0, { column: null, descending: false }];
    element("filter").value = "";
    view.scrollTop = 0;
    make_columns(opened.columns);
    busy(true);
    try {
        for await (const { rows: read, share } of table.load.with({ signal: controller.signal })()) {
            element("bar").value = share;
            element("share").textContent = `${amount(read)}, ${Math.floor(100 * share)} %`;
            count = read;
            requestAnimationFrame(draw);
        }
    } catch (error) {
        if (!controller.signal.aborted) {
            throw error;
        }
    } finally {
        if (loading === controller) {
            busy(false);
        }
    }
    if (loading === controller) {
        await choose();
        say(`${file.name}: ${amount(count)}${controller.signal.aborted ? " read, then cancelled" : ""}`);
    }
}

function busy(on) {
    element("loading").hidden = !on;
    element("filter").disabled = element("save").disabled = on;
    element("columns").querySelectorAll("button").forEach((button) => { button.disabled = on; });
    say(on ? "Reading…" : "");
}

// What is shown --------------------------------------------------------------------------------------------------------

let choices = 0;
async function choose() {
    choices += 1;
    const mine = choices;
    const chosen = await table.choose(element("filter").value, sorted.column, sorted.descending);
    if (mine === choices) {   // no later choice has been made
        ({ count, rows } = chosen);
        parts = new Map();
        say(`${amount(count)}`);
        draw();
    }
}

function make_columns(names) {
    element("columns").replaceChildren(...names.map((name, column) => {
        const button = document.createElement("button");
        button.textContent = name;
        button.onclick = () => attempt(() => sort(column));
        return button;
    }));
    view.style.setProperty("--widths", `repeat(${names.length}, minmax(8rem, 1fr))`);
}

function sort(column) {
    sorted = { column, descending: sorted.column === column && !sorted.descending };
    [...element("columns").children].forEach((button, index) => {
        button.ariaSort = index !== column ? null : sorted.descending ? "descending" : "ascending";
    });
    view.scrollTop = 0;
    return choose();
}

// A part that is incomplete, because the file is still being read, is requested again.
async function fetch_part(number) {
    const of = parts;
    of.set(number, null);
    of.set(number, await rows.part(number * PART, (number + 1) * PART));
    if (of === parts) {
        draw();
    }
}

const is_number = (cell) => cell !== "" && Number.isFinite(Number(cell));

/** Create the rows in view, and request those that are missing. */
function draw() {
    const first = Math.max(0, Math.floor(view.scrollTop / ROW) - 10);
    const last = Math.min(count, Math.ceil((view.scrollTop + view.clientHeight) / ROW) + 10);
    element("rows").style.height = `${count * ROW}px`;
    const shown = [];
    for (let index = first; index < last; index += 1) {
        const part = Math.floor(index / PART);
        const cells = parts.get(part)?.[index % PART];
        if (!cells && parts.get(part) !== null) {
            attempt(() => fetch_part(part));
        }
        const row = document.createElement("div");
        row.className = cells ? "row" : "row waiting";
        row.style.top = `${index * ROW}px`;
        row.append(...(cells ?? ["…"]).map((cell) => {
            const span = document.createElement("span");
            span.textContent = cell;
            span.classList.toggle("number", is_number(cell));
            return span;
        }));
        shown.push(row);
    }
    element("rows").replaceChildren(...shown);
    const example = parts.get(0)?.[0] ?? [];
    [...element("columns").children].forEach((button, index) => button.classList.toggle("number", is_number(example[index] ?? "")));
}

view.onscroll = () => requestAnimationFrame(draw);
new ResizeObserver(draw).observe(view);

// What the user does ---------------------------------------------------------------------------------------------------

const file = element("file");
element("open").onclick = () => file.click();
file.onchange = () => file.files.length > 0 && attempt(() => load(file.files[0]));
window.ondragover = (event) => event.preventDefault();
window.ondrop = (event) => {
    event.preventDefault();
    attempt(() => load(event.dataTransfer.files[0]));
};
element("sample").onclick = () => attempt(async () => {
    say("Making 200,000 rows…");
    const made = await py.sample();
    await load(new File([await made.blob()], made.name));
});
element("cancel").onclick = () => loading.abort();
element("filter").oninput = () => attempt(choose);
element("save").onclick = () => attempt(async () => (await rows.export()).save());
