"""An image viewer: numpy holds and filters the pixels; the page shows and zooms them."""

import argparse
import io
import time
from pathlib import Path

import numpy as np
from filters import FILTERS

from jsmeets_local import JsMeetsPy, LaunchError

FILES = [("Images", ["*.png", "*.jpg", "*.jpeg", "*.webp", "*.gif", "*.bmp", "*.npy"]), ("All files", ["*"])]

app = JsMeetsPy()


def sample(width=1200, height=800):
    """Return a picture to begin with: a sunset behind hills."""
    y, x = np.mgrid[1 : 0 : height * 1j, 0 : width / height : width * 1j]
    glow = np.exp(-3 * np.hypot(x - 1.0, y - 0.52))[..., np.newaxis]
    image = np.array([36, 42, 92]) + (1 - y)[..., np.newaxis] * [120, 50, 20] + glow * [230, 150, 60]
    image[np.hypot(x - 1.0, y - 0.52) < 0.07] = [255, 236, 170]
    for hill in range(5):
        top = 0.48 - 0.09 * hill + sum(np.sin(x * k * (3 + hill) + 7 * hill * k) / k**1.6 for k in (1, 2, 5, 11)) / 18
        image[y < top] = np.array([104, 60, 96]) * (1 - hill / 5.5) + [8, 10, 24]
    return to_pixels(image.clip(0, 255).astype("uint8"))


def to_pixels(array):
    """Convert an array of grays, or of 1, 3 or 4 channels, to height x width x (red, green, blue, opacity) in bytes."""
    if array.ndim == 2:
        array = array[..., np.newaxis]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or array.size == 0:
        raise ValueError(f"an array of shape {array.shape} is no image")
    if array.dtype != np.uint8:  # whatever its range is, all of it is shown
        array = np.nan_to_num(array.astype("float32"))
        array = ((array - array.min()) * (255 / (np.ptp(array) or 1))).astype("uint8")
    pixels = np.full((*array.shape[:2], 4), 255, dtype="uint8")
    pixels[..., : max(3, array.shape[2])] = array
    return pixels


original = sample()


@app.expose
def has_dialogs():
    """Return whether there is a window with native dialogs; in a browser, the page uses its own."""
    try:
        return app.pages[0].window is not None
    except LaunchError:
        return False


@app.expose
def open_dialog():
    paths = app.pages[0].window.open_dialog(file_types=FILES)
    if paths:
        load(Path(paths[0]).name, Path(paths[0]).read_bytes())


@app.expose
def load(name, data):
    """Show the content of a file. The browser decodes PNG, JPEG and others; numpy its own format."""
    global original
    original = to_pixels(np.load(io.BytesIO(data)) if name.endswith(".npy") else app.pages[0].js.decode(data))
    show(name)


def show(name):
    page = app.pages[0]
    page.js.show(name, original)
    if has_dialogs():
        page.window.title = name


@app.expose
def calculate(name, amount):
    """Apply a filter, and return the image, its histogram and the milliseconds that it took."""
    start = time.perf_counter()
    image = original.copy()
    image[..., :3] = FILTERS[name](original[..., :3], amount)
    counts = [np.bincount(image[..., channel].ravel() // 4, minlength=64).tolist() for channel in range(3)]
    return {"image": image, "histogram": counts, "ms": (time.perf_counter() - start) * 1000}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--window", dest="mode", action="store_const", const="window", default="auto-window")
    parser.add_argument("--browser", dest="mode", action="store_const", const="browser")
    given = parser.parse_args()

    def begin(page):
        if given.file:
            load(given.file.name, given.file.read_bytes())
        else:
            show("A sunset, calculated")

    app.run(str(Path(__file__).with_name("viewer.html")), given.mode, begin, width=1000, height=680)


if __name__ == "__main__":
    main()
