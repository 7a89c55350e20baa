"""A slider that steers numpy while a cell computes, in a real JupyterLab."""

from __future__ import annotations

import json

from tests.notebook.cells import OpenNotebook
from tests.timing import scaled

LAUNCH = '''
import json, time
import numpy as np
from jsmeets_local import JsMeetsPy

app = JsMeetsPy()
PAGE = """
<input type="range" id="slider" min="0" max="180"> <output id="energy"></output>
<script type="module">
    import { expose, state } from "./jsmeetspy/jsmeets.mjs";

    const s = await state();
    const told = [];
    slider.oninput = () => { s.slider = { value: slider.valueAsNumber, moved: Date.now() }; };
    s.on("slider", ({ value }) => told.push(value));
    s.on("energy", (value) => { energy.value = value; });

    // As a hand does it: one `input` event for each frame.
    expose("drag", (end) => {
        const start = performance.now();
        let frames = 0;
        const step = () => {
            slider.value = ++frames;
            slider.dispatchEvent(new Event("input"));
            if (frames < end) {
                requestAnimationFrame(step);
            } else {
                s.took = performance.now() - start;
            }
        };
        requestAnimationFrame(step);
    });
    expose("told", () => told);
</script>
"""
state = app.state(slider={"value": 0, "moved": 0.0}, energy=0.0, took=0.0)
observed = []
state.observe("slider", lambda slider: observed.append(slider.value))
page = app.launch(PAGE, height=80)
'''
COMPUTE = """
x = np.linspace(0, 1, 100_000)
steps, used, delays = 0, [], []
page.call_nowait("drag")(180)
while state.energy != np.square(np.sin(180 * x)).sum():
    slider = state.slider
    if slider.value not in used[-1:]:
        used.append(slider.value)
        delays.append(time.time() * 1000 - slider.moved)
    state.energy = float(np.square(np.sin(slider.value * x)).sum())
    steps += 1
json.dumps([steps, used, delays[1:]])
"""
REPORT = 'json.dumps([observed, page.js.told(), page.eval("energy.value"), state.energy, state.took])'


def test_a_slider_steers_a_cell_that_computes(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(LAUNCH, COMPUTE, REPORT)
    notebook.run(0)
    steps, used, delays = json.loads(notebook.run(1)[1:-1])
    observed, told, shown, energy, took = json.loads(notebook.run(2)[1:-1])

    assert took < scaled(6_000)  # 3 s at 60 updates a second
    assert steps >= len(used)
    delays.sort()
    assert told == list(range(1, 181))  # each once: no update comes back
    for values in (observed, used):
        assert values == sorted(set(values))
        assert values[-1] == 180
        assert len(values) > 90
    assert shown == str(energy)  # the last value, exactly
    assert delays[len(delays) // 2] < scaled(50)
