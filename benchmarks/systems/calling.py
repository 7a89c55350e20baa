"""Parts that all servers share: the functions that pages call, and the loops of Python. Each answer is checked."""

import time


def add(a, b):
    return a + b


def echo(value):
    return value


def make(size):
    """Return nested data of about `size` bytes of JSON, as `big_value` of driver.js does."""
    rest = {"name": "a row of a table", "tags": ["one", "two"], "at": [1.5, -2.25], "ok": True, "none": None}
    return {"rows": [{"id": i, **rest} for i in range(size // 100)]}


def take(value):
    """Return the sum of the ids."""
    return sum(row["id"] for row in value["rows"])


PLAIN = {"add": add, "echo": echo, "make": make, "take": take}


async def add_async(a, b):
    return a + b


def check(value, wanted):
    if value != wanted:
        raise AssertionError(f"a wrong answer: {value!r} for {wanted!r}")


def sequence(call, count, warm_up=0):
    """Call `add` of the page, one blocking call at a time, and return the seconds of each after the warm-up."""
    seconds = []
    for i in range(-warm_up, count):
        start = time.perf_counter()
        value = call("add", i, 7)
        end = time.perf_counter()
        check(value, i + 7)
        if i >= 0:
            seconds.append(end - start)
    return {"seconds": seconds}


def in_turn(calls, count, warm_up=0):
    """Make each of `calls` one after another, as `sequence` does, and return the seconds of each by name."""
    seconds = {name: [] for name in calls}
    for i in range(-warm_up, count):
        for name, call in calls.items():
            start = time.perf_counter()
            value = call("add", i, 7)
            end = time.perf_counter()
            check(value, i + 7)
            if i >= 0:
                seconds[name].append(end - start)
    return seconds


def floods(flood, size, count, warm_up=0):
    """Return the seconds per call of `flood(size)`, which has `size` calls of `add(i, 7)` in flight."""
    seconds = []
    for repetition in range(-warm_up, count):
        start = time.perf_counter()
        values = flood(size)
        end = time.perf_counter()
        check(values, [i + 7 for i in range(size)])
        if repetition >= 0:
            seconds.append((end - start) / size)
    return {"seconds": seconds}


def publications(messages):
    """Yield the publications; the last one is marked."""
    for n in range(messages):
        yield {"n": n, "text": f"message {n}"}
    yield {"n": -1, "text": "the end"}
