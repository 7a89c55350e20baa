import { NDArray, expose, imshow, py } from "./jsmeetspy/jsmeets.mjs";

const [view, open, file, amount, histogram, name, pixel, took, zoom, problem] =
    ["#view", "#open", "#file", "#amount", "#histogram", "#name", "#pixel", "#took", "#zoom", "#problem"].map((one) => document.querySelector(one));
const pen = view.getContext("2d");
const picture = document.createElement("canvas");   // the image in its own size
let image = null;   // numpy's array: { data, shape: [height, width, 4] }
let place = { x: 0, y: 0, scale: 1 };   // where the image's corner is in the view, and how large a pixel

// The image ------------------------------------------------------------------------------------------------------------

function take(array) {
    image = array;
    imshow(picture, array);
}

function show(title, array) {
    take(array);
    document.title = title;
    name.textContent = `${title}, ${picture.width} × ${picture.height}`;
    document.querySelector("[value=none]").checked = true;
    fit();
    calculate();
}

// One calculation at a time: what was chosen in the meantime comes next.
let [wanted, calculating] = [false, false];
async function calculate() {
    wanted = true;
    if (calculating) {
        return;
    }
    calculating = true;
    try {
        while (wanted) {
            wanted = false;
            const filter = document.querySelector("[name=filter]:checked").value;
            amount.hidden = ["none", "invert"].includes(filter);
            const result = await py.calculate(filter, amount.valueAsNumber);
            take(result.image);
            draw();
            draw_histogram(result.histogram);
            took.textContent = filter === "none" ? "" : `${filter}: ${result.ms.toFixed(0)} ms in numpy`;
        }
    } finally {
        calculating = false;
    }
}

function draw_histogram(channels) {
    const most = Math.max(...channels.flat());
    histogram.innerHTML = channels.map((counts, index) => {
        const line = counts.map((count, at) => `L${at} ${24 - 23 * Math.sqrt(count / most)}`).join("");
        return `<path d="M0 24${line}L63 24Z" fill="${["#d33", "#3b3", "#46f"][index]}"/>`;
    }).join("");
}

// The view -------------------------------------------------------------------------------------------------------------

function draw() {
    const ratio = devicePixelRatio;
    const [x, y] = [Math.round(ratio * place.x), Math.round(ratio * place.y)];   // at 100% nothing is blurred
    [view.width, view.height] = [view.clientWidth * ratio, view.clientHeight * ratio];
    pen.setTransform(ratio * place.scale, 0, 0, ratio * place.scale, x, y);
    pen.imageSmoothingEnabled = place.scale < 2;   // close by, pixels are squares
    pen.drawImage(picture, 0, 0);
    zoom.textContent = `${Math.round(place.scale * 100)}%`;
}

function fit() {
    const scale = Math.min(view.clientWidth / picture.width, view.clientHeight / picture.height) * 0.96;
    place = {
        scale,
        x: (view.clientWidth - picture.width * scale) / 2,
        y: (view.clientHeight - picture.height * scale) / 2,
        is_fitted: true,   // until the user zooms or moves the image
    };
    draw();
}

// Zoom around the point x, y of the view.
function zoom_to(scale, x = view.clientWidth / 2, y = view.clientHeight / 2) {
    const to = Math.min(64, Math.max(0.05, scale));
    const factor = to / place.scale;
    place = { scale: to, x: x - (x - place.x) * factor, y: y - (y - place.y) * factor };
    draw();
}

function tell({ offsetX, offsetY }) {
    const [x, y] = [(offsetX - place.x) / place.scale, (offsetY - place.y) / place.scale].map(Math.floor);
    const inside = x >= 0 && y >= 0 && x < picture.width && y < picture.height;
    const color = inside ? [...image.row(y).row(x)].slice(0, 3) : null;
    pixel.textContent = inside ? `${x}, ${y}: ${color.join(" ")}` : "";
    pixel.style.setProperty("--color", inside ? `rgb(${color})` : "transparent");
}

view.onwheel = (event) => {
    event.preventDefault();
    zoom_to(place.scale * Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
};
view.onpointerdown = (event) => view.setPointerCapture(event.pointerId);
view.onpointermove = (event) => {
    if (event.buttons === 1) {
        place = { scale: place.scale, x: place.x + event.movementX, y: place.y + event.movementY };
        draw();
    }
    tell(event);
};
view.onpointerleave = () => tell({ offsetX: -1e9, offsetY: 0 });
view.ondblclick = fit;
document.querySelector("#fit").onclick = fit;
zoom.onclick = () => zoom_to(1);
window.onkeydown = ({ key }) => {
    const closer = (factor) => () => zoom_to(place.scale * factor);
    const action = { "+": closer(1.25), "-": closer(0.8), 0: fit, 1: () => zoom_to(1), o: () => open.click() }[key];
    action?.();
};
new ResizeObserver(() => (place.is_fitted ? fit() : draw())).observe(view);

// Files ----------------------------------------------------------------------------------------------------------------

async function attempt(action) {
    problem.hidden = true;
    try {
        await action();
    } catch (error) {
        problem.textContent = error.message;
        problem.hidden = false;
    }
}

const send = async (chosen) => py.load(chosen.name, await chosen.arrayBuffer());

// For Python: the pixels of an image file, decoded by the browser.
async function decode(bytes) {
    const bitmap = await createImageBitmap(new Blob([bytes]));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    canvas.drawImage(bitmap, 0, 0);
    const { data } = canvas.getImageData(0, 0, bitmap.width, bitmap.height);
    return new NDArray(data, [bitmap.height, bitmap.width, 4]);
}

file.onchange = () => file.files.length > 0 && attempt(() => send(file.files[0]));
window.ondragover = (event) => event.preventDefault();
window.ondrop = (event) => {
    event.preventDefault();
    attempt(() => send(event.dataTransfer.files[0]));
};
document.querySelectorAll("[name=filter]").forEach((radio) => { radio.onchange = () => attempt(calculate); });
amount.oninput = () => attempt(calculate);

expose({ show, decode });
const has_dialogs = py.has_dialogs();
open.onclick = async () => (await has_dialogs ? attempt(() => py.open_dialog()) : file.click());
