import { expose, py, pubsub } from "./jsmeetspy/jsmeets.mjs";

const [name, list, add, text, count, tidy, question, problem] =
    ["#name", "#list", "#add", "#text", "#count", "#tidy", "#question", "#problem"].map((one) => document.querySelector(one));
let state = { items: [], changed: false };

function show(new_state) {
    state = new_state;
    const left = state.items.filter((item) => !item.done).length;
    document.title = `${state.changed ? "• " : ""}${state.name}`;
    name.textContent = state.name;
    name.classList.toggle("changed", state.changed);
    list.replaceChildren(...state.items.map(row));
    count.textContent = state.items.length === 0 ? "" : `${left} of ${state.items.length} to do`;
    tidy.hidden = left === state.items.length;
    document.querySelectorAll("[data-dialogs]").forEach((button) => { button.hidden = !state.dialogs; });
}

function row(item) {
    const element = document.querySelector("#item").content.cloneNode(true);
    const box = element.querySelector("input");
    element.querySelector("span").textContent = item.text;
    box.checked = item.done;
    box.onchange = () => attempt(() => py.tick(item.key, box.checked));
    element.querySelector("button").onclick = () => attempt(() => py.remove([item.key]));
    return element;
}

// Python has the list: it is told what the user does, and publishes what is to be shown.
async function attempt(action) {
    problem.hidden = true;
    try {
        await action();
    } catch (error) {
        problem.textContent = error.message;
        problem.hidden = false;
    }
}

const actions = {
    new_list: () => py.new_list(),
    open_list: () => py.open_list(),
    save: () => py.save(),
    save_as: () => py.save(true),
};
document.querySelectorAll("[data-does]").forEach((button) => {
    button.onclick = () => attempt(actions[button.dataset.does]);
});
add.onsubmit = (event) => {
    event.preventDefault();
    if (text.value.trim()) {
        const words = text.value.trim();
        attempt(() => py.add(words));
        add.reset();
    }
};
tidy.onclick = () => attempt(() => py.remove(state.items.filter((item) => item.done).map((item) => item.key)));

const SHORTCUTS = { s: "save", "shift s": "save_as", o: "open_list", n: "new_list" };
window.onkeydown = (event) => {
    const does = SHORTCUTS[`${event.shiftKey ? "shift " : ""}${event.key.toLowerCase()}`];
    const button = document.querySelector(`[data-does=${does}]`);
    if ((event.ctrlKey || event.metaKey) && button && !button.hidden && !question.open) {
        event.preventDefault();
        button.click();
    }
};

window.onbeforeunload = (event) => {
    if (state.changed && !state.dialogs) {   // in a window Python asks
        event.preventDefault();
    }
};

// Python asks: the answer is one of the texts, or "" where the user wants neither.
function ask(words, answers) {
    question.querySelector("p").textContent = words;
    question.querySelector("form").replaceChildren(...["Cancel", ...answers].map((answer) => {
        const button = document.createElement("button");
        button.textContent = answer;
        button.value = answer === "Cancel" ? "" : answer;
        button.className = answer === "Save" ? "main" : "";
        button.autofocus = answer === "Save";
        return button;
    }));
    question.returnValue = "";
    question.showModal();
    return new Promise((resolve) => { question.onclose = () => resolve(question.returnValue); });
}

expose({ ask });
await pubsub.subscribe("state", (topic, new_state) => show(new_state));
show(await py.state());
