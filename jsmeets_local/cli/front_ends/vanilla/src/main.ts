import { expose, py } from "jsmeets-local";
import "./style.css";

document.querySelector("#app")!.innerHTML = `
    <main>
        <h1>myapp</h1>
        <svg viewBox="0 -1.1 200 2.2" preserveAspectRatio="none"><polyline></polyline></svg>
        <input type="range" min="1" max="20" value="3">
        <p><button>Count in Python</button> <output></output></p>
    </main>`;
const slider = document.querySelector("input")!;
const line = document.querySelector("polyline")!;
const output = document.querySelector("output")!;

async function draw(): Promise<void> {
    const values: number[] = await py.wave(slider.valueAsNumber);
    line.setAttribute("points", values.map((y, x) => `${x},${-y}`).join(" "));
}

slider.addEventListener("input", draw);
document.querySelector("button")!.addEventListener("click", async () => {
    output.value = await py.count(20, (step: number) => { output.value = String(step); });
});
expose("setFrequency", (value: number) => { slider.valueAsNumber = value; return draw(); });
void draw();
