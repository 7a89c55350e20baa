"""A live plot: Python publishes 500 samples a second; the page draws them and controls the source."""

import math
import random
import time
from pathlib import Path

from jsmeets_local import JsMeetsPy

RATE = 500  # samples a second
EVERY = 0.01  # seconds from one publication to the next

app = JsMeetsPy()
state = app.state(hertz=1.0, noise=0.05)  # the page has a slider for each


def measure(phase):
    """Return a sample of three channels."""
    return [math.sin(phase + turn) + random.gauss(0, state.noise) for turn in (0, 2, 4)]


def main():
    page = app.launch(str(Path(__file__).with_name("plot.html")))
    phase = 0.0
    start, sent = time.monotonic(), 0
    while not page.wait(timeout=EVERY):  # until the page is closed
        due = int((time.monotonic() - start) * RATE)
        samples = []
        for _ in range(due - sent):
            phase += 2 * math.pi * state.hertz / RATE
            samples.append(measure(phase))
        sent = due
        page.publish("samples")({"sent": time.time(), "samples": samples})


if __name__ == "__main__":
    main()
