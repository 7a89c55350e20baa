"""A camera: numpy makes 60 frames a second. The page requests the newest one when it is ready; others are dropped."""

import time
from pathlib import Path

import numpy as np

from jsmeets_local import JsMeetsPy

WIDTH, HEIGHT, RATE = 640, 480, 60  # pixels, pixels, frames a second

app = JsMeetsPy()
newest = {"number": 0}

# There is no lens: three ripples move over each other, and a palette gives them colors.
DISTANCE = np.hypot(*np.mgrid[-HEIGHT:HEIGHT, -WIDTH:WIDTH])
RIPPLES = [(42.5 + 42.5 * np.cos(DISTANCE / length)).astype("uint8") for length in (46, 71, 113)]
TURN = np.linspace(0, 2 * np.pi, 256, endpoint=False)[:, np.newaxis]
SHADES = np.array([122, 88, 112]) + np.array([116, 78, 92]) * np.cos(TURN - [0.2, 1.3, 2.3])
PALETTE = np.column_stack([SHADES, np.full(256, 255)]).astype("uint8").view("uint32")  # a pixel is a number: fast


def take(seconds):
    """Return the frame at a time: height x width x (red, green, blue)."""
    heights = np.full((HEIGHT, WIDTH), int(seconds * 40) % 256, dtype="uint8")
    for number, ripple in enumerate(RIPPLES, 1):
        x = int(WIDTH / 2 * (1 + np.sin(seconds * 0.31 * number + number)))
        y = int(HEIGHT / 2 * (1 + np.cos(seconds * 0.23 * number)))
        heights += ripple[y : y + HEIGHT, x : x + WIDTH]
    return PALETTE.take(heights).view("uint8").reshape(HEIGHT, WIDTH, 4)[..., :3]


@app.expose
def frame(after):
    """Return the newest frame, or `None` if the page has it already. No frames queue up, so none is late."""
    return newest if newest["number"] > after else None


def main():
    global newest
    page = app.launch(str(Path(__file__).with_name("camera.html")))
    start, number = time.monotonic(), 0
    while not page.wait(timeout=max(start + number / RATE - time.monotonic(), 0.001)):  # until the page is closed
        seconds = time.monotonic() - start
        number = max(number + 1, int(seconds * RATE))  # a camera does not wait either
        newest = {"number": number, "taken": time.time(), "image": take(seconds)}


if __name__ == "__main__":
    main()
