"""Filters: each takes height x width x 3 bytes and an amount from 0 to 1, and returns as many bytes."""

import numpy as np

LUMA = np.array([0.2126, 0.7152, 0.0722], dtype="float32")  # how bright red, green and blue seem


def none(image, amount):
    return image


def smoothed(image, radius):
    """Return the means of squares of (2 * radius + 1) pixels, by running sums along each axis."""
    width = 2 * radius + 1
    for _ in range(2):
        padded = np.pad(image, [(radius + 1, radius), (0, 0), (0, 0)], mode="edge")
        sums = padded.cumsum(axis=0, dtype="float64")
        image = ((sums[width:] - sums[:-width]) / width).swapaxes(0, 1)
    return image


def blur(image, amount):
    radius = round(1 + 15 * amount)
    return smoothed(smoothed(image, radius), radius).astype("uint8")


def sharpen(image, amount):
    return (image + (image - smoothed(image, 2)) * (0.5 + 4 * amount)).clip(0, 255).astype("uint8")


def edges(image, amount):
    """Return the differences in brightness between adjacent pixels."""
    down, across = np.gradient(image @ LUMA)
    return (np.hypot(down, across) * (2 + 18 * amount)).clip(0, 255).astype("uint8")[..., np.newaxis]


def threshold(image, amount):
    return np.where(image @ LUMA > 255 * amount, 255, 0)[..., np.newaxis]


def invert(image, amount):
    return 255 - image


FILTERS = {f.__name__: f for f in (none, blur, sharpen, edges, threshold, invert)}
