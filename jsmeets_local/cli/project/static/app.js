// The page's side. Python's is in app.py.
import { expose, pubsub, py } from "/jsmeetspy/jsmeets.mjs";

const text = document.getElementById("text");

function show(id, value) {
    document.getElementById(id).textContent = value;
}

// JavaScript calls Python: py.NAME(...) is a promise of what the function returns.
async function count() {
    const found = await py.count(text.value);
    Object.entries(found).forEach(([id, value]) => show(id, value));
}

// Python calls JavaScript, and waits for it: page.call("write")("some words"). Here it calls Python meanwhile.
function write(words) {
    text.value = words;
    return count();
}

expose({ write });
pubsub.subscribe("time", (topic, time) => show("clock", time));
text.addEventListener("input", count);
count();
