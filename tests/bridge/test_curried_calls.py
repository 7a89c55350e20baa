"""Curried calls, the first half of `call(name)(arguments)`: warnings, repr and errors."""

from __future__ import annotations

import asyncio
import gc
import inspect
import warnings
from typing import Any

import pytest

from jsmeets_local.bridge.curried_calls import AsyncCurriedCall, AsyncCurriedSend, CurriedCall, CurriedSend


def call(key: str, timeout: float | None = None) -> CurriedCall[Any]:
    return CurriedCall("call", key, lambda args: args)


def publish(topic: str) -> CurriedSend[Any]:
    return CurriedSend("publish", topic, lambda data: data)


ALONE = r"call\('two'\) alone has no effect; pass the arguments in a second call: call\('two'\)\(arguments\)"


def test_a_statement_without_the_second_call_warns() -> None:
    with pytest.warns(RuntimeWarning, match=ALONE) as caught:
        call("two")
    assert (caught[0].filename, caught[0].lineno) == (__file__, inspect.currentframe().f_lineno - 1)  # type: ignore[union-attr]
    with pytest.warns(RuntimeWarning, match=ALONE):
        call("two", timeout=4)
    with pytest.warns(RuntimeWarning, match=r"publish\('t'\)\(data\)"):
        publish("t")


def test_a_callback_without_the_second_call_warns() -> None:
    listener = lambda event: call("two")  # noqa: E731
    with pytest.warns(RuntimeWarning, match=ALONE):
        listener("click")


def test_a_statement_in_a_coroutine_without_the_second_call_warns() -> None:
    async def main() -> None:
        call("two")

    with pytest.warns(RuntimeWarning, match=ALONE):
        asyncio.run(main())


def test_a_call_returned_by_a_coroutine_does_not_warn() -> None:
    async def prepares() -> CurriedCall[Any]:
        return call("two")

    async def main() -> list[CurriedCall[Any]]:
        task = asyncio.create_task(prepares())
        return [await task, await prepares(), *await asyncio.gather(prepares())]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(asyncio.run(main())) == 3
        assert asyncio.run(prepares())(4) == (4,)


class Owner:
    def __init__(self) -> None:
        self.draw = call("draw")


def test_a_kept_curried_call_does_not_warn() -> None:
    def keeps_it_in_a_variable() -> None:
        _draw = call("draw")

    def keeps_another() -> None:
        for key in "ab":
            _draw = call(key)

    def keeps_it_in_an_object() -> None:
        owner = Owner()
        del owner

    def keeps_it_while_it_fails() -> None:
        _draw = call("draw")
        raise ValueError

    def keeps_it_in_a_cycle() -> None:
        cycle: list[Any] = [call("draw")]
        cycle.append(cycle)

    def keeps_it_in_a_table() -> None:
        table = {"draw": call("draw")}
        table.clear()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keeps_it_in_a_variable()
        keeps_another()
        keeps_it_in_an_object()
        with pytest.raises(ValueError, match=r"^$"):
            keeps_it_while_it_fails()
        keeps_it_in_a_cycle()
        keeps_it_in_a_table()
        gc.collect()


def test_a_completed_call_does_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert call("f")(1, 2) == (1, 2)
        call("f")()
        publish("t")(1)
        kept = call("f")
        assert [kept(1), kept()] == [(1,), ()]
        del kept


def test_the_repr_shows_the_missing_call() -> None:
    assert repr(call("two")) == "<call('two'): pass the arguments in a second call: call('two')(arguments)>"
    assert repr(publish("t")) == "<publish('t'): pass the arguments in a second call: publish('t')(data)>"


def test_functions_of_javascript_take_no_keywords() -> None:
    with pytest.raises(TypeError) as caught:
        call("two")(a=1, b="x")
    assert str(caught.value) == (
        "JavaScript functions take positional arguments; got a=1, b='x'. "
        "Write call('two')(1, 'x'), or call('two')({'a': 1, 'b': 'x'}) to pass an object"
    )


@pytest.mark.parametrize(
    ("args", "text"), [((), "got 0"), ((1, 2), r"got 2; to pass several, write publish\('t'\)\(\[1, 2\]\)")]
)
def test_publishing_takes_exactly_one_value(args: tuple[Any, ...], text: str) -> None:
    with pytest.raises(TypeError, match=r"publish\('t'\) takes one value: publish\('t'\)\(data\); " + text):
        publish("t")(*args)
    assert publish("t")(data=5) == 5
    with pytest.raises(TypeError, match="takes one value"):
        publish("t")(message=5)


@pytest.mark.parametrize(
    ("half", "text"),
    [
        (AsyncCurriedCall("call", "f", lambda args: args), r"await call\('f'\)\(arguments\)"),
        (AsyncCurriedSend("push", "q", lambda data: data), r"await push\('q'\)\(data\)"),
    ],
)
def test_a_curried_call_cannot_be_awaited(half: Any, text: str) -> None:
    async def main() -> None:
        await half

    with pytest.raises(TypeError, match="pass the arguments in a second call: " + text):
        asyncio.run(main())
