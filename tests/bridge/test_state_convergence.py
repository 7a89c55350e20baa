"""Any interleaving of changes in Python and in pages ends with the same state on all sides.

The pages are the client's own code in Node. The test carries the messages between them and Python, in order per page.
"""

from __future__ import annotations

import json
import subprocess
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jsmeets_local import Bridge, JsMeetsPy
from jsmeets_local.protocol.messages import Hello, Message
from jsmeets_local.protocol.state_tree import plain
from tests.tools import need

STATE = Path(__file__).parents[2] / "jsmeets_local" / "assets" / "jsmeets-state.mjs"
START = {"n": 0, "list": [0, {"x": 1}, [2]], "tree": {"a": {"b": 1}, "c": [1, 2, 3]}}


class Pages:
    """Node, with pages that are made anew for each example."""

    def __init__(self) -> None:
        command = [need("node"), str(Path(__file__).with_name("state_pages.mjs")), str(STATE)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def do(self, *command: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def pages() -> Iterator[Pages]:
    pages = Pages()
    yield pages
    pages.close()


class World:
    """Python, two pages, and the messages under way between them."""

    def __init__(self, pages: Pages) -> None:
        self.bridge = Bridge()
        self.state = JsMeetsPy(bridge=self.bridge).state(**START)
        self.pages = pages
        self.sockets = [self.bridge.protocol.hello(Hello(f"d{i}", "", []), f"p{i}") for i in range(2)]
        self.to_python: list[deque[Any]] = [deque(), deque()]
        self.to_page: list[deque[Any]] = [deque(), deque()]
        self.errors: list[str] = []
        self.heard: list[list[Any]] = [[], []]
        self.note(pages.do("pages", 2))
        self.settle()

    def note(self, answer: dict[str, Any]) -> dict[str, Any]:
        for queue, sent in zip(self.to_python, answer["sent"], strict=True):
            queue.extend(sent)
        for heard, more in zip(self.heard, answer["heard"], strict=True):
            heard += more
        self.errors += answer["errors"]
        return answer

    def turn(self) -> None:
        """Let the loop run what was posted, and write the outboxes."""
        self.bridge.portal.drain()
        for socket, queue in zip(self.sockets, self.to_page, strict=True):
            while (frame := self.bridge.protocol.outbox(socket).take()) is not None:
                queue.extend(one for one in json.loads(frame) if one[0] in ("state", "patch", "patched"))

    def python_receives(self, page: int) -> None:
        if self.to_python[page]:
            message = msgspec.convert(self.to_python[page].popleft(), Message)
            self.bridge.protocol.receive(self.sockets[page], [message])
            self.turn()

    def page_receives(self, page: int) -> None:
        if self.to_page[page]:
            self.note(self.pages.do("receive", page, self.to_page[page].popleft()))

    def settle(self) -> list[Any]:
        """Deliver everything, and return the states of the pages."""
        self.turn()
        while any(self.to_python) or any(self.to_page):
            for page in range(2):
                self.python_receives(page)
                self.page_receives(page)
        return [plain(self.state._store.root), *self.note(self.pages.do("nothing"))["states"]]


values = st.recursive(
    st.integers(-3, 3) | st.sampled_from(["s", None, True, 0.5, 2**60]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["x", "b", "0", "__proto__"]), inner, max_size=2)
    ),
    max_leaves=4,
)
paths = st.sampled_from([["list"], ["tree"], ["tree", "a"], ["tree", "c"], ["list", 1], ["list", 2], ["list", 0]])
indexes = st.integers(0, 4)
keys = st.sampled_from(["a", "b", "c", "x", "__proto__"])
plain_values = values.filter(
    lambda value: "1152921504606846976" not in json.dumps(value)
)  # JSON of the test has no BigInt
changes = st.one_of(
    st.tuples(st.just([]), st.just("set"), st.sampled_from(["n", "list", "tree"]), plain_values),
    st.tuples(paths, st.just("set"), keys | indexes, plain_values),
    st.tuples(paths, st.just("delete"), keys),
    st.tuples(paths, st.just("push"), plain_values),
    st.tuples(paths, st.just("unshift"), plain_values, plain_values),
    st.tuples(paths, st.sampled_from(["pop", "shift", "reverse"])),
    st.tuples(paths, st.just("splice"), indexes, st.integers(0, 2), plain_values),
)
steps = st.lists(
    st.tuples(st.just("python"), changes)
    | st.tuples(st.just("page"), st.integers(0, 1), st.lists(changes, min_size=1, max_size=4))
    | st.tuples(st.just("python receives"), st.integers(0, 1))
    | st.tuples(st.just("page receives"), st.integers(0, 1))
    | st.tuples(st.just("turn")),
    max_size=25,
)


def change_in_python(state: Any, path: list[Any], method: str, *args: Any) -> None:
    """Make the change that the page makes with these arguments, if its place exists."""
    place = state
    for step in path:
        try:
            place = getattr(place, step) if place is state else place[step]
        except (KeyError, IndexError, TypeError):
            return
    if place is state:
        setattr(place, *args)
    elif isinstance(place, dict):
        if method == "set" and isinstance(args[0], str):
            place[args[0]] = args[1]
        elif method == "delete":
            place.pop(args[0], None)
    elif isinstance(place, list):
        if method == "set" and isinstance(args[0], int):
            place[args[0] : args[0] + 1] = [args[1]]
        elif method == "push":
            place.append(args[0])
        elif method == "unshift":
            place[0:0] = args
        elif method in ("pop", "shift") and place:
            place.pop(-1 if method == "pop" else 0)
        elif method == "reverse":
            place.reverse()
        elif method == "splice":
            start, count, item = args
            place[start : start + count] = [item]


@given(steps)
@settings(max_examples=300)
def test_all_sides_converge(pages: Pages, steps: list[tuple[Any, ...]]) -> None:
    world = World(pages)
    for name, *args in steps:
        if name == "python":
            change_in_python(world.state, *args[0])
        elif name == "page":
            world.note(pages.do("change", args[0], args[1]))
        elif name == "python receives":
            world.python_receives(args[0])
        elif name == "page receives":
            world.page_receives(args[0])
        else:
            world.turn()
    python, *others = world.settle()
    assert others == [python, python]
    assert all("RefusedChange" in error or "there is no" in error for error in world.errors)
    for heard in world.heard:  # the listeners have been told the last value of each field that they were told of
        for field, value in dict(map(tuple, heard)).items():
            assert value == python[field]
    assert all(world.settle()[0] == one for one in others)  # no echo bounces
