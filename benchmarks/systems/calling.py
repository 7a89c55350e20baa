"""Python's loops over the page's functions: the harness asks for them, and each answer is checked."""

import time


def big_value(size):
    """About `size` bytes of nested JSON."""
    row = {"id": 12345, "name": "a row of a table", "tags": ["one", "two"], "at": [1.5, -2.25], "ok": True, "none": None}
    return {"rows": [row for _ in range(size // 110)]}


def sequence(call, count, warm_up):
    """One blocking call after the other: the seconds of each, after the warm-up."""
    seconds = []
    for i in range(-warm_up, count):
        start = time.perf_counter()
        value = call("add", i, 7)
        end = time.perf_counter()
        if value != i + 7:
            raise AssertionError("a wrong answer: %r for %r" % (value, i + 7))
        if i >= 0:
            seconds.append(end - start)
    return {"seconds": seconds}
