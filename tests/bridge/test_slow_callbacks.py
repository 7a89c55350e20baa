"""Logging user code that blocks an event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from jsmeets_local import Bridge, JsMeetsPy, LaunchError, Page
from tests.raw import Echo, as_page


class Clock:
    """A clock on which only the functions of the test take time, and the stops of a busy machine take none."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now

    def block(self, seconds: float) -> None:
        self.now += seconds


def served(debug: bool, clock: Clock) -> JsMeetsPy:
    app = JsMeetsPy(debug=debug, bridge=Bridge())

    @app.expose
    async def sleeps(seconds: float) -> str:
        await asyncio.sleep(0)
        clock.block(seconds)
        await asyncio.sleep(0)
        return "done"

    @app.expose
    async def waits() -> str:
        waiting = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(lambda: (clock.block(0.2), waiting.set_result("done")))
        return await waiting

    @app.expose
    async def raises() -> None:
        try:
            await asyncio.sleep(0)
            raise KeyError("of the user")
        finally:
            clock.block(0.15)

    @app.expose
    async def cancelled() -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)
        except TimeoutError:
            return "in time"
        return "never"

    @app.pubsub.subscribe("t")
    async def hear(topic: str, data: Any) -> None:
        clock.block(data)

    return app


@pytest.mark.parametrize("debug", [True, False])
def test_an_async_function_that_blocks_the_loop_is_named(
    debug: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("jsmeets_local.bridge.slow_callbacks.monotonic", clock)
    app = served(debug, clock)
    try:
        raw = as_page(app.launch("<p>", mode="none"))
        for _ in range(2):
            assert raw.ask("call", "sleeps", [0.3]) == ["return", 1, "done"]
        assert raw.ask("call", "waits", []) == ["return", 1, "done"]
        assert raw.ask("call", "sleeps", [0]) == ["return", 1, "done"]
        assert raw.ask("call", "cancelled", []) == ["return", 1, "in time"]
        error = raw.ask("call", "raises", [])[2]
        assert error["name"] == "KeyError"
        assert error["trace"].count("File") == 1, "only the user's own frame"
        assert raw.ask("publish", "t", 0.3, False) == ["return", 1, True]
        assert raw.ask("call", "waits", []) == ["return", 1, "done"]
    finally:
        app.stop()
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [text.partition(" blocked")[0] for text in warned] == (
        [
            "the async function 'sleeps'",
            "the async function 'sleeps'",
            "the async function 'raises'",
            "the subscriber of topic 't'",
        ]
        if debug
        else []
    )
    for text in warned[:2]:
        assert " loop for 0.3 s: " in text


async def blocks(page: Page) -> Any:
    return page.call("echo", 10)(1)


async def helps(page: Page) -> Any:
    return helper(page)


def helper(page: Page) -> Any:
    return page.call("echo", 10)(1)


async def generates(page: Page) -> AsyncIterator[Any]:
    yield page.js.echo(1)


async def reads(page: Page) -> Any:
    (value,) = [value async for value in generates(page)]
    return value


async def in_a_thread(page: Page) -> Any:
    return await asyncio.to_thread(helper, page)


async def awaits(page: Page) -> Any:
    return await page.aio.call("echo", 10)(1)


async def called_back(page: Page) -> Any:
    """A plain callback, which no coroutine awaits."""
    heard = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(lambda: heard.set_result(helper(page)))
    return await heard


@pytest.mark.parametrize(
    ("main", "names"),
    [(blocks, "blocks"), (helps, "helps"), (reads, "generates"), (in_a_thread, ""), (awaits, ""), (called_back, "")],
)
def test_a_line_that_blocks_the_users_own_loop_is_named_once(
    page: Page, main: Callable[[Page], Any], names: str, caplog: pytest.LogCaptureFixture
) -> None:
    Echo(page)
    for _ in range(3):
        assert asyncio.run(main(page)) == 1
    warned = [record.getMessage() for record in caplog.records]
    assert len(warned) == bool(names)
    if names:
        assert warned[0].startswith(f"{__file__}:")
        assert f"blocks the event loop in which {names}() runs" in warned[0]
        assert "use await page.aio." in warned[0]


def test_without_a_loop_nothing_is_logged(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    Echo(page)
    assert helper(page) == 1
    with caplog.at_level(logging.DEBUG):
        assert page.js.echo(2) == 2
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_launch_in_a_coroutine_names_its_own_twin(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER", "true %s")

    async def main() -> None:
        with pytest.raises(LaunchError):
            JsMeetsPy(bridge=Bridge()).launch("<p>", mode="browser", timeout=0.05)

    asyncio.run(main())
    warned = [record.getMessage() for record in caplog.records if "blocks" in record.getMessage()]
    assert len(warned) == 1
    assert warned[0].endswith("use await asyncio.to_thread(app.launch, ...) instead")
