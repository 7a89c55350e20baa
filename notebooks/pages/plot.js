// A small plotting library. It knows nothing of Python: it has classes, attributes, methods and listeners.

const EDGE = { left: 70, right: 40, top: 30, bottom: 46 };   // pixels around the plot

function add(parent, tag, attributes, text = "") {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
    element.textContent = text;
    parent.append(element);
    return element;
}

/** One of the two axes, with a logarithmic scale. */
class Axis {
    #plot;
    #range = null;

    constructor(plot, title) {
        this.#plot = plot;
        this.title = title;
    }

    /** [from, to]; null for all there is. */
    get range() {
        return this.#range;
    }

    set range(range) {
        this.#range = range;
        this.#plot.draw();
    }

    /** The place of a value between 0 and 1. */
    place(value, [from, to]) {
        return Math.log(value / from) / Math.log(to / from);
    }

    ticks([from, to]) {
        const powers = Array.from({ length: 12 }, (_, index) => 10 ** (index - 5));
        const all = [1, 2, 5].flatMap((times) => powers.map((power) => Number((times * power).toPrecision(1))));
        const inside = all.filter((value) => value >= from && value <= to).sort((a, b) => a - b);
        return inside.length > 7 ? inside.filter((value) => powers.includes(value)) : inside;
    }
}

/** A dot of a plot. Change its color, radius and label. */
class Dot {
    #color;
    #radius;
    #label;

    constructor(x, y, { color = "#4c78a8", radius = 7, label = "" } = {}) {
        Object.assign(this, { x, y });
        this.element = document.createElementNS("http://www.w3.org/2000/svg", "circle");
        this.element.classList.add("dot");
        this.text = document.createElementNS("http://www.w3.org/2000/svg", "text");
        this.text.classList.add("label");
        Object.assign(this, { color, radius, label });
    }

    get color() {
        return this.#color;
    }

    set color(color) {
        this.#color = color;
        this.element.style.fill = color;
    }

    get radius() {
        return this.#radius;
    }

    set radius(radius) {
        this.#radius = radius;
        this.element.style.r = `${radius}px`;
    }

    get label() {
        return this.#label;
    }

    set label(label) {
        this.#label = label;
        this.text.textContent = label;
    }

    move(x, y) {
        this.element.style.cx = `${x}px`;
        this.element.style.cy = `${y}px`;
        this.text.setAttribute("x", x);
        this.text.setAttribute("y", y - this.radius - 6);
    }
}

/** A plot with logarithmic axes. */
class Plot {
    #svg;
    #back;
    #front;
    #lines = [];
    #listeners = [];

    constructor(selector, { x = "", y = "" } = {}) {
        this.x = new Axis(this, x);
        this.y = new Axis(this, y);
        this.dots = [];
        this.#svg = document.querySelector(selector);
        this.#svg.replaceChildren();
        this.#back = add(this.#svg, "g", {});
        this.#front = add(this.#svg, "g", {});
        new ResizeObserver(() => this.draw()).observe(this.#svg);
        this.draw();
    }

    dot(x, y, options) {
        const dot = new Dot(x, y, options);
        dot.element.onclick = () => this.#listeners.forEach((listener) => listener(dot));
        this.dots.push(dot);
        this.#front.append(dot.element, dot.text);
        this.draw();
        return dot;
    }

    line(x, y, { color = "#888" } = {}) {
        this.#lines.push({ x, y, color });
        this.draw();
    }

    /** Call a function with each dot that is clicked. */
    on_click(listener) {
        this.#listeners.push(listener);
    }

    remove(dot) {
        this.dots.splice(this.dots.indexOf(dot), 1);
        dot.element.remove();
        dot.text.remove();
        this.draw();
    }

    #range(axis, values) {
        return axis.range ?? [Math.min(...values, 1) / 1.8, Math.max(...values, 1) * 1.8];
    }

    draw() {
        const [width, height] = [this.#svg.clientWidth, this.#svg.clientHeight];
        const [right, bottom] = [width - EDGE.right, height - EDGE.bottom];
        const range = { x: this.#range(this.x, this.dots.map(({ x }) => x)), y: this.#range(this.y, this.dots.map(({ y }) => y)) };
        const across = (x) => EDGE.left + this.x.place(x, range.x) * (right - EDGE.left);
        const down = (y) => bottom - this.y.place(y, range.y) * (bottom - EDGE.top);

        this.#back.replaceChildren();
        for (const x of this.x.ticks(range.x)) {
            add(this.#back, "line", { class: "grid", x1: across(x), x2: across(x), y1: EDGE.top, y2: bottom });
            add(this.#back, "text", { class: "tick bottom", x: across(x), y: bottom + 18 }, x);
        }
        for (const y of this.y.ticks(range.y)) {
            add(this.#back, "line", { class: "grid", x1: EDGE.left, x2: right, y1: down(y), y2: down(y) });
            add(this.#back, "text", { class: "tick left", x: EDGE.left - 10, y: down(y) }, y);
        }
        add(this.#back, "text", { class: "title bottom", x: right, y: bottom + 38 }, this.x.title);
        add(this.#back, "text", { class: "title", x: EDGE.left, y: EDGE.top - 12 }, this.y.title);
        const inside = { x: EDGE.left, y: EDGE.top, width: right - EDGE.left, height: bottom - EDGE.top };
        const clipped = add(this.#back, "svg", { ...inside, viewBox: Object.values(inside).join(" ") });
        for (const { x, y, color } of this.#lines) {
            const points = Array.from(x, (one, index) => `${across(one).toFixed(1)},${down(y[index]).toFixed(1)}`);
            add(clipped, "polyline", { class: "line", stroke: color, points: points.join(" ") });
        }
        this.dots.forEach((dot) => dot.move(across(dot.x), down(dot.y)));
    }
}

globalThis.Plot = Plot;
