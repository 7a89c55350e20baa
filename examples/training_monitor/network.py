"""A small neural network that tells two spirals apart, and its training."""

from itertools import pairwise

import numpy as np

SIDE = 96  # the picture of its answers has SIDE x SIDE points


def spirals(count, random):
    """Return points in the square from -1 to 1, and for each the spiral it belongs to: 0 or 1."""
    which = np.arange(count) % 2
    turn = np.sqrt(random.uniform(0.02, 1, count))
    angle = 3.4 * np.pi * turn + np.pi * which
    points = (0.92 * turn * np.array([np.cos(angle), np.sin(angle)])).T
    return (points + random.normal(0, 0.022, points.shape)).astype("float32"), which.astype("float32")


class Network:
    """Three hidden layers, trained by stochastic gradient descent with momentum."""

    def __init__(self, seed=5, hidden=(48, 48, 48)):
        self.random = np.random.default_rng(seed)
        sizes = [2, *hidden, 1]
        self.weights = [self.random.normal(0, 1.4 / np.sqrt(m), (m, n)).astype("float32") for m, n in pairwise(sizes)]
        self.weights[0] *= 3
        self.biases = [self.random.normal(0, 0.5, n).astype("float32") for n in sizes[1:]]
        self.speeds = [np.zeros_like(value) for value in (*self.weights, *self.biases)]
        self.points, self.which = spirals(1200, self.random)
        self.validation = spirals(400, self.random)
        axis = np.linspace(-1, 1, SIDE, dtype="float32")
        self.grid = np.stack(np.meshgrid(axis, -axis), axis=-1).reshape(-1, 2)

    def layers(self, points):
        """Return the values of all layers; the last one has the probability of spiral 1."""
        values = [points]
        for weights, biases in zip(self.weights[:-1], self.biases[:-1], strict=True):
            values.append(np.tanh(values[-1] @ weights + biases))
        score = values[-1] @ self.weights[-1] + self.biases[-1]
        return [*values, 1 / (1 + np.exp(-score.clip(-30, 30)))]

    def step(self, chosen, rate):
        """Change the weights a little, so that the answers for some points become better."""
        values = self.layers(self.points[chosen])
        slope = (values[-1] - self.which[chosen, np.newaxis]) / len(chosen)
        by_weights, by_biases = [], []
        for layer in reversed(range(len(self.weights))):
            by_weights.insert(0, values[layer].T @ slope)
            by_biases.insert(0, slope.sum(axis=0))
            slope = slope @ self.weights[layer].T * (1 - values[layer] ** 2)
        slopes = [*by_weights, *by_biases]
        size = np.sqrt(sum(float(np.square(one).sum()) for one in slopes))
        for value, speed, one in zip((*self.weights, *self.biases), self.speeds, slopes, strict=True):
            speed *= 0.9
            speed -= rate * min(1, 1 / size) * one  # one step never goes far
            value += speed

    def epoch(self, rate):
        """Learn from every point once, and return the losses and the accuracy."""
        order = self.random.permutation(len(self.points))
        for chosen in np.array_split(order, 30):
            self.step(chosen, rate)
        return {
            "loss": loss(self.layers(self.points)[-1], self.which),
            "validation": loss(self.layers(self.validation[0])[-1], self.validation[1]),
            "accuracy": float(np.mean((self.layers(self.validation[0])[-1][:, 0] > 0.5) == self.validation[1])),
        }

    def picture(self):
        """Return the answers in all points of the grid, from 0 to 255."""
        return (255 * self.layers(self.grid)[-1]).astype("uint8").ravel()


def loss(answers, which):
    """Return the cross entropy."""
    right = np.where(which == 1, answers[:, 0], 1 - answers[:, 0])
    return float(-np.log(right.clip(1e-7)).mean())
