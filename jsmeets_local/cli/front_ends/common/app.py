"""myapp: a page made with Vite, driven by Python."""

import math
import time
from pathlib import Path

from jsmeets_local import JSFunction, JsMeetsPy

app = JsMeetsPy()
FOLDER = Path(__file__).parent


@app.expose
def wave(frequency: float, points: int = 200) -> list[float]:
    """Return one second of a sine wave."""
    return [math.sin(2 * math.pi * frequency * i / points) for i in range(points)]


@app.expose
def count(to: int, step: JSFunction) -> str:
    """Count, and report each step to the page."""
    for i in range(1, to + 1):
        time.sleep(0.05)
        step.nowait(i)
    return "done"


if __name__ == "__main__":  # the built page: npm run build
    app.run(FOLDER / "dist" / "index.html", mode="auto-window", title="myapp")
