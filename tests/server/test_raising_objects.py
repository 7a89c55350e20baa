"""Objects of the user that raise on any access: the page receives an error, and nothing else happens."""

from __future__ import annotations

import collections
import dataclasses
import functools
import itertools
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jsmeets_local import Bridge, JsMeetsPy, Page, ref
from tests.raw import RawPage, as_page
from tests.timing import scaled

RAISED = [ValueError, TypeError, RuntimeError, RecursionError, MemoryError, OSError, SystemExit, KeyboardInterrupt]


class Told(BaseException):
    """An exception outside of the classes that are usually caught."""


class Silent(Exception):
    def __str__(self) -> str:
        raise SystemExit("of __str__")

    __repr__ = __str__


class Noted(Exception):
    @property
    def __notes__(self) -> list[str]:
        raise SystemExit("of __notes__")


class Nameless(type):
    @property
    def __name__(cls) -> str:
        raise KeyboardInterrupt


errors = st.sampled_from([*(lambda kind=kind: kind("boom") for kind in RAISED), Told, Silent, Noted])


def hostile(raises: Callable[[], BaseException]) -> dict[str, Any]:
    """Return one object for each way in which converting a value runs code of the user."""

    def boom(*_: object) -> Any:
        raise raises()

    class Map(Mapping[str, Any]):
        __getitem__ = boom

        def __iter__(self) -> Iterator[str]:
            return iter("a")

        def __len__(self) -> int:
            return 1

    class Items(dict[str, Any]):
        items = boom

    class Sequence(list[Any]):
        __iter__ = boom

    class Array:
        __array__ = boom

    class Posing:
        __class__ = property(boom)  # type: ignore[assignment]

    class Strange(metaclass=Nameless):
        pass

    @dataclasses.dataclass
    class Box:
        content: int = 1

        def __getattribute__(self, name: str) -> Any:
            return boom() if name == "content" else super().__getattribute__(name)

    class Model(pydantic.BaseModel):
        model_dump = boom  # type: ignore[assignment]

    class Number(int):
        __int__ = __index__ = __str__ = __repr__ = __format__ = boom  # type: ignore[assignment]

    class Key(str):
        __repr__ = boom  # type: ignore[assignment]

    class Awaitable:
        __await__ = boom

    made: dict[str, Any] = {
        "mapping": Map(),
        "dict": Items(a=1),
        "list": Sequence([1]),
        "deque": collections.deque([Map()]),
        "array": Array(),
        "posing": Posing(),
        "nameless": Strange(),
        "dataclass": Box(),
        "model": Model(),
        "key": {Key("k"): {1, 2}},
        "awaitable": Awaitable(),
        "generator": (boom() for _ in "a"),
        "digits": 10**5000,
        "digits of a subclass": Number(10**5000),
        "digits inside": {"a": [10**5000]},
        "digits as a key": {10**5000: 1},
    }
    return made


WAYS = ["plain", "async", "exclusive", "exclusive async"]
numbers = itertools.count(1)


def ask(raw: RawPage, key: str) -> Any:
    """Call without arguments, and stop the generator in the answer, whose body is a part of an exclusive call.

    Returns:
        The kind of the answer, and its content.
    """
    number = next(numbers)
    raw.send(["call", number, key, []])
    while (message := raw.receive())[0] not in ("return", "error"):
        pass
    assert message[1] == number
    specials = message[3] if len(message) > 3 else []
    if streams := [special[2] for special in specials if special[1] == "stream"]:
        raw.send(*(["stop", stream] for stream in streams))
    return message[0], message[2]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[JsMeetsPy, RawPage, dict[str, Any]]]:
    """An application whose functions return, or raise, the result of `given["value"]`."""
    app, given = JsMeetsPy(bridge=Bridge()), dict[str, Any]()

    def plain() -> Any:
        return given["value"]()

    async def coroutine() -> Any:
        return given["value"]()

    for name, func in {"plain": plain, "async": coroutine}.items():
        app.functions.expose(name, func)
        app.functions.expose(f"exclusive {name}" if name == "async" else "exclusive", func, exclusive=True)
    app.functions.expose("fine", lambda: "fine")
    page = app.launch("<p>", mode="none")
    yield app, as_page(page), given
    app.stop()


def rest(app: JsMeetsPy) -> tuple[int, int, int]:
    """Return what still runs or waits once the last answer has left."""
    deadline = time.monotonic() + scaled(5)
    while True:
        stats = app.stats()
        workers = stats["workers"]
        state = workers["running"], workers["waiting"], sum(page["running_calls"] for page in stats["pages"])
        if state == (0, 0, 0) or time.monotonic() > deadline:
            return state


@settings(max_examples=60)
@given(raises=errors, kind=st.sampled_from(list(hostile(ValueError))), way=st.sampled_from(WAYS))
def test_any_raising_object_reaches_the_page_as_an_error(served: Any, raises: Any, kind: str, way: str) -> None:
    app, raw, given = served
    given["value"] = lambda: hostile(raises)[kind]
    answer = ask(raw, way)
    if kind == "awaitable" and way in ("plain", "exclusive") and isinstance(raises(), SystemExit):
        assert answer == ("return", None), "a plain function that returns an awaitable is a function that awaits it"
        return
    if kind == "generator":
        assert answer == ("return", None), "it is sent by reference, and raises when the page reads it"
        return
    assert answer[0] == "error", answer
    error = answer[1]
    if error["kind"] == "unserializable":
        assert error["message"].startswith(f"'{way}' returned a value that cannot be sent: result"), error
    assert ask(raw, "fine") == ("return", "fine")
    given["value"] = lambda: "again"
    assert ask(raw, way) == ("return", "again"), "an exclusive function goes on"
    assert rest(app) == (0, 0, 0)


@settings(max_examples=40)
@given(raises=errors, way=st.sampled_from(WAYS))
def test_any_exception_reaches_the_page_as_an_error(served: Any, raises: Any, way: str) -> None:
    app, raw, given = served

    def fails() -> Any:
        raise raises()

    given["value"] = fails
    answer = ask(raw, way)
    if isinstance(raises(), SystemExit):
        assert answer == ("return", None), "it ends the program"
    else:
        assert answer[0] == "error", answer
        assert (answer[1]["kind"], answer[1]["name"]) == ("raised", type(raises()).__name__)
    assert ask(raw, "fine") == ("return", "fine")
    assert rest(app) == (0, 0, 0)


def test_many_more_raising_calls_than_workers(served: Any) -> None:
    app, raw, given = served
    given["value"] = lambda: hostile(Told)["mapping"]
    for n in range(1, 101):
        raw.send(["call", n, "plain", []], ["notify", "exclusive", []], ["notify", "async", []])
    answers: list[Any] = []
    while len(answers) < 100:
        answers += [message for message in [raw.receive()] if message[0] != "ack"]
    assert sorted(answer[1] for answer in answers) == list(range(1, 101))
    assert {answer[0] for answer in answers} == {"error"}
    assert rest(app) == (0, 0, 0)
    assert not any(app.functions.is_running(key) for key in app.functions.get_keys())


def test_a_dict_that_another_thread_changes(served: Any) -> None:
    """The race takes luck; here an item of the dict lets the other thread in."""
    _, raw, given = served
    shared: dict[Any, Any] = {}

    class Changes(Mapping[str, int]):
        def __iter__(self) -> Iterator[str]:
            thread = threading.Thread(target=shared.update, args=({time.monotonic(): 1},))
            thread.start()
            thread.join()
            return iter(())

        def __len__(self) -> int:
            return 0

        def __getitem__(self, key: str) -> int:
            raise KeyError(key)

    shared.update(a=Changes(), b=2)
    given["value"] = lambda: [shared]
    error = ask(raw, "plain")[1]
    assert (
        "result[0]: object of type dict cannot be sent to a page: RuntimeError: dictionary changed" in error["message"]
    )


def test_sending_a_raising_object_raises_with_its_path(app: JsMeetsPy, page: Page) -> None:
    raw = as_page(page)
    bad = {"rows": [1, hostile(lambda: ValueError("boom"))["mapping"]]}
    sends: list[Callable[[Any], Any]] = [
        page.call("f", 5),
        page.call_nowait("f"),
        lambda data: page.map("f", 5)([1, data]),
        page.queue("q").push,
        page.publish("t"),
        app.queues.push_nowait("q"),
        app.functions.call_nowait("f"),
        lambda data: app.sockets.multicast({"protocol": "p", "key": 0, "id": 0, "data": data, "exception": None}),
    ]
    for send in sends:
        with pytest.raises(
            TypeError, match=r"\['rows'\]\[1\]: object of type .*Map cannot be sent .*ValueError: boom$"
        ) as caught:
            send(bad)
        assert type(caught.value) is TypeError
        assert isinstance(caught.value.__cause__, ValueError)
        with pytest.raises(TypeError, match="Exceeds the limit"):
            send([10**5000])
    stats = app.stats()
    assert (stats["pending_calls"], stats["pages"][0]["waiting"]) == (0, 0)
    page.call_nowait("f")("good")
    assert raw.receive() == ["notify", "f", ["good"]], "nothing was sent before"


def test_ref_of_an_object_without_a_class_is_refused_with_its_path(page: Page) -> None:
    class Odd:
        @property
        def __class__(self) -> Any:  # type: ignore[override]
            raise RuntimeError("no class")

    with pytest.raises(
        TypeError, match=r"args\[0\]\[1\]: object of type .*Odd cannot be sent .*RuntimeError: no class$"
    ):
        page.call("f", 5)([1, ref(Odd())])


def test_ctrl_c_while_a_value_is_converted_stays_ctrl_c(page: Page) -> None:
    with pytest.raises(KeyboardInterrupt):
        page.call("f")(hostile(KeyboardInterrupt)["mapping"])


@pytest.mark.parametrize("raises", [ValueError, SystemExit])
def test_a_function_that_cannot_be_described_hides_no_other(app: JsMeetsPy, page: Page, raises: Any) -> None:
    class Shy:
        def __call__(self) -> None: ...

        @property
        def __doc__(self) -> str:  # type: ignore[override]
            raise raises()

        __signature__ = __wrapped__ = __text_signature__ = __doc__

    class Default:
        def __repr__(self) -> str:
            raise raises()

    default = Default()

    def defaults(first: int, value: Any = default) -> None:
        """Has a default."""

    app.functions.expose("shy", Shy())
    app.functions.expose("defaults", defaults)
    app.functions.expose("partial", functools.partial(defaults, 1))
    app.functions.expose("fine", lambda a: a)
    described = as_page(page).ask("call", "$list", [])[2]
    assert [(one["name"], one["signature"], one["doc"]) for one in described] == [
        ("shy", "shy(...)", ""),
        ("defaults", "defaults(...)", "Has a default."),
        ("partial", "partial(...)", "Has a default."),
        ("fine", "fine(a)", ""),
    ]


@contextmanager
def handler(raises: Any) -> Iterator[None]:
    """A user's handler that raises."""

    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise raises("of the handler")

    logger, broken = logging.getLogger("jsmeets_local"), Broken()
    logger.addHandler(broken)
    try:
        yield
    finally:
        logger.removeHandler(broken)


@pytest.mark.parametrize("raises", [ValueError, SystemExit])
def test_a_handler_of_the_log_that_raises(served: Any, raises: Any, capsys: pytest.CaptureFixture[str]) -> None:
    app, raw, given = served
    heard: list[int] = []
    done = threading.Event()

    def hear(_: str, n: int) -> None:
        if n < 3:
            raise ValueError("of the subscriber")
        heard.append(n)
        done.set()

    app.pubsub.subscribe("t", hear)
    given["value"] = lambda: 1 / 0
    with handler(raises):
        for way in WAYS:
            answer = ask(raw, way)
            assert (answer[0], answer[1]["name"]) == ("error", "ZeroDivisionError")
        for n in range(4):
            app.pubsub.publish("t")(n)
        raw.send(["fault", "a callback", {"kind": "raised", "name": "TypeError", "message": "m", "trace": ""}])
        assert done.wait(scaled(10))
        assert ask(raw, "fine") == ("return", "fine")
    assert heard == [3]
    assert rest(app) == (0, 0, 0)
    assert "--- Logging error ---" in capsys.readouterr().err


def test_a_plain_function_that_returns_a_coroutine_which_calls_sys_exit(served: Any) -> None:
    _, raw, given = served

    async def leave() -> None:
        sys.exit(3)

    given["value"] = leave
    assert ask(raw, "plain") == ("return", None)
    assert ask(raw, "fine") == ("return", "fine"), "the loop goes on"
