import { py, expose } from "./jsmeetspy/jsmeets.mjs";

const element = (id) => document.getElementById(id);
const buttons = { start: element("start"), pause: element("pause"), stop: element("stop") };
const rate = element("rate");
const epochs = [];
let picture = null;
let status = "";

// What Python calls ----------------------------------------------------------------------------------------------------

function change(state) {
    status = state.status;
    buttons.start.disabled = ["running", "paused"].includes(status);
    buttons.stop.disabled = !buttons.start.disabled;
    buttons.pause.disabled = buttons.stop.disabled;
    buttons.pause.textContent = status === "paused" ? "Resume" : "Pause";
    if (!rate.matches(":active")) {
        rate.value = Math.log10(state.rate);
    }
    document.querySelector("output").textContent = Number(state.rate.toPrecision(2));
    element("says").textContent = state.says;
}

function progress(more, newest) {
    if (more.length > 0) {
        picture = newest;
        epochs.length = more[0].epoch - 1;   // a new training begins with epoch 1
        epochs.push(...more);
        const last = epochs.at(-1);
        element("epoch").textContent = last.epoch;
        element("loss").textContent = last.loss.toFixed(4);
        element("validation").textContent = last.validation.toFixed(4);
        element("accuracy").textContent = `${(100 * last.accuracy).toFixed(1)} %`;
        requestAnimationFrame(draw);
    }
}

/** Ask the user of this tab, which is the one that has started the training. */
function ask(text) {
    const question = element("question");
    question.querySelector("p").textContent = text;
    question.returnValue = "no";
    question.showModal();
    return new Promise((answer) => {
        question.onclose = () => answer(question.returnValue === "yes");
    });
}

// The pictures ---------------------------------------------------------------------------------------------------------

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);

function draw() {
    draw_chart(element("chart"));
    draw_map(element("map"));
}

/** Draw both losses; the scale is logarithmic. */
function draw_chart(canvas) {
    const [wide, high] = [canvas.clientWidth, canvas.clientHeight];
    [canvas.width, canvas.height] = [wide * devicePixelRatio, high * devicePixelRatio];
    const pen = canvas.getContext("2d");
    pen.scale(devicePixelRatio, devicePixelRatio);
    pen.font = "12px system-ui, sans-serif";
    const [left, bottom, top] = [58, high - 24, 10];
    const count = Math.max(100, epochs.length);
    const lowest = Math.floor(Math.log10(Math.min(0.1, ...epochs.map(({ loss, validation }) => Math.min(loss, validation)))));
    const x = (epoch) => left + (epoch / count) * (wide - left - 18);
    const y = (loss) => top + (Math.log10(loss) / lowest) * (bottom - top);

    pen.lineWidth = 1;
    for (let power = lowest; power <= 0; power += 1) {
        rule(left, y(10 ** power), wide - 18, y(10 ** power), "--grid");
        write(10 ** power, left - 8, y(10 ** power) + 4, "right");
    }
    const step = [20, 50, 100, 200, 500, 1000, 2000].find((size) => count / size <= 8) ?? 5000;
    for (let epoch = 0; epoch <= count; epoch += step) {
        write(epoch, x(epoch), high - 6, "center");
    }
    let free = left;   // where the next label has room
    epochs.forEach((one, index) => {
        if (one.rate !== (epochs[index - 1] ?? one).rate) {
            pen.setLineDash([3, 4]);
            rule(x(one.epoch), top, x(one.epoch), bottom, "--soft");
            pen.setLineDash([]);
            if (x(one.epoch) > free) {
                write(`rate ${Number(one.rate.toPrecision(2))}`, x(one.epoch) + 5, top + 10, "left");
                free = x(one.epoch) + 75;
            }
        }
    });
    line("validation");
    line("train", "loss");

    function rule(x1, y1, x2, y2, name) {
        pen.strokeStyle = color(name);
        pen.beginPath();
        pen.moveTo(x1, y1);
        pen.lineTo(x2, y2);
        pen.stroke();
    }
    function write(text, at, below, align) {
        pen.fillStyle = color("--soft");
        pen.textAlign = align;
        pen.fillText(text, at, below);
    }
    function line(name, key = name) {
        pen.strokeStyle = color(`--${name}`);
        pen.lineWidth = 2;
        pen.lineJoin = "round";
        pen.beginPath();
        epochs.forEach((one) => pen.lineTo(x(one.epoch), y(Math.max(1e-6, Math.min(1, one[key])))));
        pen.stroke();
    }
}

/** Draw how sure the network is of either spiral in each place. */
function draw_map(canvas) {
    if (!picture) {
        return;
    }
    const image = new ImageData(canvas.width, canvas.height);
    const [one, other] = ["--one", "--other"].map((name) => color(name).match(/\w\w/g).map((hex) => parseInt(hex, 16)));
    picture.forEach((answer, index) => {
        const sure = Math.abs(answer / 127.5 - 1);
        const channels = (answer < 128 ? one : other).map((channel) => 246 + (channel - 246) * (0.12 + 0.88 * sure));
        image.data.set([...channels, 255], 4 * index);
    });
    canvas.getContext("2d").putImageData(image, 0, 0);
}

new ResizeObserver(draw).observe(element("chart"));
matchMedia("(prefers-color-scheme: dark)").onchange = draw;

// What calls Python ----------------------------------------------------------------------------------------------------

buttons.start.onclick = () => py.train();
buttons.pause.onclick = () => (status === "paused" ? py.resume() : py.pause());
buttons.stop.onclick = () => py.stop();
rate.oninput = () => py.tune(10 ** rate.valueAsNumber);

expose({ ask });
element("tab").textContent = await py.watch(change, progress);
