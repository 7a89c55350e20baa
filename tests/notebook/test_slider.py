"""A slider that steers numpy while a cell computes, in a real JupyterLab."""

from __future__ import annotations

import json

from tests.notebook.cells import OpenNotebook

LAUNCH = '''
import json
import numpy as np
from jsmeets_local import JsMeetsPy

app = JsMeetsPy()
PAGE = """
<input type="range" id="slider" min="0" max="180"> <output id="energy"></output>
<script type="module">
    import { expose, state } from "./jsmeetspy/jsmeets.mjs";

    const s = await state();
    const told = [];
    slider.oninput = () => { s.slider = { value: slider.valueAsNumber }; };
    s.on("slider", ({ value }) => told.push(value));
    s.on("energy", (value) => { energy.value = value; });

    // As a hand does it: one `input` event for each frame.
    expose("drag", (end) => {
        let frames = 0;
        const step = () => {
            slider.value = ++frames;
            slider.dispatchEvent(new Event("input"));
            if (frames < end) {
                requestAnimationFrame(step);
            }
        };
        requestAnimationFrame(step);
    });
    expose("told", () => told);
</script>
"""
state = app.state(slider={"value": 0}, energy=0.0)
observed = []
state.observe("slider", lambda slider: observed.append(slider.value))
page = app.launch(PAGE, height=80)
'''
COMPUTE = """
x = np.linspace(0, 1, 100_000)
used = []
page.call_nowait("drag")(180)
while state.energy != np.square(np.sin(180 * x)).sum():
    value = state.slider.value
    if value not in used[-1:]:
        used.append(value)
    state.energy = float(np.square(np.sin(value * x)).sum())
json.dumps(used)
"""
REPORT = 'json.dumps([observed, page.js.told(), page.eval("energy.value"), state.energy])'


def test_a_slider_steers_a_cell_that_computes(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(LAUNCH, COMPUTE, REPORT)
    notebook.run(0)
    used = json.loads(notebook.run(1)[1:-1])
    observed, told, shown, energy = json.loads(notebook.run(2)[1:-1])

    assert told == list(range(1, 181))  # each once: no update comes back
    for values in (observed, used):
        assert values == sorted(set(values))
        assert values[-1] == 180
        assert len(values) > 30  # of 180; the loop reads what is there when it comes by
    assert shown == str(energy)  # the last value, exactly
