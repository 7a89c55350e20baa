"""Objects of a page over a connection: which messages their use sends, and which it does not."""

from __future__ import annotations

import asyncio
import inspect
import operator
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from jsmeets_local import Disconnected, JsMeetsPy, JSProxy, Page, PageClosed, ProtocolError, UnknownProperty
from tests.raw import RawPage, as_page
from tests.timing import scaled, until


@pytest.fixture
def proxy(app: JsMeetsPy, raw: RawPage) -> JSProxy:
    """The object 7 of the page, of a class Chart."""
    got: list[Any] = []
    app.functions.expose("take", got.append)
    raw.send(["call", 1, "take", [None], [[[3, 0], "object", 7, "Chart"]]])
    assert raw.receive() == ["return", 1, None]
    app.functions.clear("take")
    (proxy,) = got
    assert isinstance(proxy, JSProxy)
    return proxy


def begun(func: Callable[[], Any]) -> Future[Any]:
    return ThreadPoolExecutor(1).submit(func)


def answered(raw: RawPage, func: Callable[[], Any], *answer: Any) -> tuple[Any, Any]:
    """Run a function, answer its only request, and return the request, without its id, and the result."""
    result = begun(func)
    kind, number, *rest = raw.receive()
    raw.send(["return", number, *answer])
    return [kind, *rest], result.result(scaled(10))


USES: dict[str, tuple[Callable[[Any], Any], list[Any], Any, Any]] = {  # -> steps, answer, result
    "attribute": (lambda p: p.title, [["attribute", "title"]], ["T", False], "T"),
    "call": (lambda p: p.draw(1, a=2), [["get", "draw"], ["call", [1, {"a": 2}]]], 3, 3),
    "call, an own name": (lambda p: p.destroy_(), [["get", "destroy"], ["call", []]], 3, 3),
    "keyword": (lambda p: p.class_, [["attribute", "class"]], [1, False], 1),
    "own name": (lambda p: p.destroy_, [["attribute", "destroy"]], [1, False], 1),
    "assignment": (lambda p: setattr(p, "title", [1]), [["set", "title", [1]]], None, None),
    "deletion": (lambda p: delattr(p, "title"), [["delete", "title"]], None, None),
    "item": (lambda p: p[-1], [["get_item", -1]], 5, 5),
    "item assignment": (lambda p: p.__setitem__("k", 1), [["set_item", "k", 1]], None, None),
    "item deletion": (lambda p: p.__delitem__("k"), [["delete_item", "k"]], None, None),
    "in": (lambda p: "k" in p, [["has", "k"]], True, True),
    "len": (len, [["length"]], 3, 3),
    "new": (lambda p: p.new(1, a=2), [["new", [1, {"a": 2}]]], None, None),
    "to_py": (lambda p: p.to_py(), [["data", None, False]], {"a": 1}, {"a": 1}),
    "by_ref": (lambda p: p.by_ref("o"), [["get", "o"], ["reference"]], 1, 1),
    "path": (
        lambda p: asyncio.run(awaited(p.aio.a["b"](1, c=2).d)),
        [["get", "a"], ["get_item", "b"], ["call", [1, {"c": 2}]], ["get", "d"]],
        4,
        4,
    ),
    "path, a promise": (lambda p: asyncio.run(awaited(p.aio)), [["await"]], 4, 4),
    "path, an assignment": (
        lambda p: asyncio.run(awaited(p.aio.a.setattr("b", 1))),
        [["get", "a"], ["set", "b", 1]],
        None,
        None,
    ),
}


async def awaited(path: Any) -> Any:
    return await path


@pytest.mark.parametrize("use", USES)
def test_each_use_is_one_request(proxy: JSProxy, raw: RawPage, use: str) -> None:
    func, steps, answer, result = USES[use]
    assert answered(raw, lambda: func(proxy), answer) == (["use", 7, steps], result)


def test_arguments_of_all_kinds_have_their_paths(proxy: JSProxy, raw: RawPage) -> None:
    path = proxy.aio.a(2**60, proxy).b(lambda: 1)
    (_, _, steps, specials), _ = answered(raw, lambda: asyncio.run(awaited(path)), None)
    assert steps == [["get", "a"], ["call", [None, None]], ["get", "b"], ["call", [None]]]
    assert specials == [
        [[3, 1, 1, 0], "bigint", str(2**60)],
        [[3, 1, 1, 1], "own", 7],
        [[3, 3, 1, 0], "function", 1, "<lambda>"],
    ]


def test_a_method_is_read_once_and_called_by_its_name(proxy: JSProxy, raw: RawPage) -> None:
    reference = [[2, 0], "function", 8, "update"]
    steps, method = answered(raw, lambda: proxy.update, [None, True], [reference])
    assert steps == ["use", 7, [["attribute", "update"]]]
    call = ["use", 7, [["get", "update"], ["call", [1]]]]
    assert answered(raw, lambda: method(1), 5) == (call, 5)
    assert answered(raw, lambda: proxy.update(1), 5) == (call, 5)
    assert proxy.update.nowait(2) is True
    assert raw.receive() == ["use", 0, 7, [["get", "update"], ["call", [2]]]]


def test_a_function_of_the_object_itself_is_read_each_time(proxy: JSProxy, raw: RawPage) -> None:
    for _ in range(2):
        steps, method = answered(raw, lambda: proxy.update, [None, False], [[[2, 0], "function", 8, "update"]])
        assert steps == ["use", 7, [["attribute", "update"]]]
        assert method.__name__ == "update"  # and not released before the next request


def test_an_announced_function_is_called_by_a_call(page: Page, raw: RawPage) -> None:
    raw.send(["names", ["sum"]])
    page.wait_for("sum", scaled(10))
    assert answered(raw, lambda: page.js.sum(1, a=2), 3) == (["call", "sum", [1, {"a": 2}]], 3)
    assert answered(raw, lambda: asyncio.run(awaited(page.aio.js.sum(1, a=2))), 3) == (
        ["call", "sum", [1, {"a": 2}]],
        3,
    )
    steps = [["get", "sum"], ["call", [1]], ["get", "b"]]
    assert answered(raw, lambda: asyncio.run(awaited(page.aio.js.sum(1).b)), 3) == (["use", 0, steps], 3)


def test_an_announced_function_has_the_methods_of_a_function(page: Page, raw: RawPage) -> None:
    raw.send(["names", ["sum"]])
    page.wait_for("sum", scaled(10))
    wanted = (["call", "sum", [1, {"a": 2}]], 3)
    assert answered(raw, lambda: page.js.sum.timeout(scaled(10))(1, a=2), 3) == wanted
    assert answered(raw, lambda: asyncio.run(awaited(page.js.sum.timeout(scaled(10)).aio(1, a=2))), 3) == wanted
    assert answered(raw, lambda: asyncio.run(awaited(page.js.sum.aio(1, a=2))), 3) == wanted
    assert page.js.sum.nowait(1, a=2) is True
    assert raw.receive() == ["notify", "sum", [1, {"a": 2}]]


def test_other_names_of_the_world_are_read(page: Page, raw: RawPage) -> None:
    assert answered(raw, lambda: page.js.counter, 3) == (["use", 0, [["get", "counter"]]], 3)
    assert answered(raw, lambda: setattr(page.js, "counter", 3), None) == (["use", 0, [["set", "counter", 3]]], None)
    assert answered(raw, lambda: delattr(page.js, "counter"), None) == (["use", 0, [["delete", "counter"]]], None)
    reading = begun(lambda: page.js.nope)
    raw.send(["error", raw.receive()[1], {"kind": "unknown", "name": "UnknownFunction", "message": "no"}])
    with pytest.raises(UnknownProperty, match="no"):
        reading.result(scaled(10))


def test_a_call_of_a_name_that_is_not_announced_is_one_request(page: Page, raw: RawPage) -> None:
    assert answered(raw, lambda: page.js.show(1, a=2), 3) == (["use", 0, [["get", "show"], ["call", [1, {"a": 2}]]]], 3)
    names: dict[str, Any] = {}
    code = "\n".join(["def call(page, w):", *(f"    w.a{i} = 1" for i in range(300)), "    return page.js.show(1)"])
    exec(code, names)
    request, _ = answered(raw, lambda: names["call"](page, type("W", (), {})()), 3)
    assert request == ["use", 0, [["get", "show"], ["call", [1]]]]
    calling = begun(lambda: page.js.nope(1))
    raw.send(["error", raw.receive()[1], {"kind": "unknown", "name": "UnknownFunction", "message": "no"}])
    with pytest.raises(UnknownProperty, match="no"):
        calling.result(scaled(10))


def test_a_value_that_is_not_called_at_once_is_read(page: Page, raw: RawPage) -> None:
    class Holder:
        title = property(operator.attrgetter("page.js.title"))
        f = property(lambda self: page.js.f)

    holder = Holder()
    holder.page = page  # type: ignore[attr-defined]
    read = ["use", 0, [["get", "title"]]]
    assert answered(raw, lambda: page.js.title, "T") == (read, "T")
    assert answered(raw, lambda: page.js.title.upper(), "t") == (read, "T")
    assert answered(raw, lambda: holder.title.upper(), "t") == (read, "T")
    assert answered(raw, lambda: getattr(page.js, "title"), "T") == (read, "T")  # noqa: B009
    assert answered(raw, lambda: hasattr(page.js, "title"), "T") == (read, True)
    function = [[2], "function", 8, "f"]
    assert answered(raw, lambda: callable(page.js.f), None, [function])[1] is True
    reading = begun(lambda: holder.f(1))
    for answer in ([None, [function]], [5]):
        raw.send(["return", raw.next("use")[1], *answer])
    assert reading.result(scaled(10)) == 5
    reading = begun(lambda: page.js.f(*[1, 2]))  # the bytecode of such a call differs
    for answer in ([None, [function]], [5]):
        raw.send(["return", raw.next("use")[1], *answer])
    assert reading.result(scaled(10)) == 5


def test_a_page_that_has_left_has_its_functions_and_no_page_is_waited_for(page: Page, raw: RawPage) -> None:
    raw.send(["names", ["sum"]])
    until(lambda: "sum" in page._client.names())
    raw.send(["goodbye"])
    until(lambda: not page.is_connected())
    begun_at = time.monotonic()
    assert str(inspect.signature(page.js.sum)) == "(*args)"
    assert dir(page.js) == []
    ipython: dict[str, Any] = {"__name__": "IPython.core.oinspect"}  # the module that reads for `page.js.nope?`
    exec("def read(world): return world.nope", ipython)
    with pytest.raises(Disconnected):  # at once
        ipython["read"](page.js)
    assert time.monotonic() - begun_at < scaled(1)


def test_a_loop_reads_a_stream_and_break_closes_it(proxy: JSProxy, raw: RawPage) -> None:
    stream = [[2], "stream", 9]
    items, _ = answered(raw, lambda: iter(proxy), None, [stream])
    assert items == ["use", 7, [["iterate"]]]

    def read() -> list[Any]:
        got = []
        for item in proxy:
            got.append(item)
            if item == 2:
                break
        return got

    reading = begun(read)
    assert raw.next("use")[2:] == [7, [["iterate"]]]
    raw.send(["return", 2, None, [[[2], "stream", 10]]])
    assert raw.next("pull") == ["pull", 10, 256]
    raw.send(["items", 10, [1, 2, 3]])
    assert raw.next("stop") == ["stop", 10]
    assert reading.result(scaled(10)) == [1, 2]


@pytest.mark.parametrize("is_left", [False, True])
def test_async_for_reads_a_path(page: Page, raw: RawPage, is_left: bool) -> None:
    async def read() -> list[Any]:
        got = []
        async for item in page.aio.js.list.items:
            got.append(item)
            if is_left:
                break
        return got

    reading = begun(lambda: asyncio.run(read()))
    kind, number, *rest = raw.receive()
    assert [kind, *rest] == ["use", 0, [["get", "list"], ["get", "items"], ["iterate"]]]
    raw.send(["return", number, None, [[[2], "stream", 9]]])
    assert raw.receive() == ["pull", 9, 256]
    raw.send(["items", 9, [1, 2]], *([] if is_left else [["end", 9]]))
    if is_left:
        assert raw.receive() == ["stop", 9]
    assert reading.result(scaled(10)) == ([1] if is_left else [1, 2])


@pytest.mark.parametrize("trait", ["array", "map", "tree", 5, [], None])
def test_an_object_may_have_a_trait(app: JsMeetsPy, raw: RawPage, trait: Any) -> None:
    app.functions.expose("take", lambda thing: type(thing).__name__)
    raw.send(["call", 1, "take", [None], [[[3, 0], "object", 7, "X", trait]]])
    kinds = {"array": "JSArray", "map": "JSMap"}
    assert raw.receive()[2] == (kinds.get(trait, "JSProxy") if isinstance(trait, str) else "JSProxy")


def test_the_world_waits_for_the_page(app: JsMeetsPy) -> None:
    page = app.launch("<p>", mode="none")
    reading = begun(lambda: page.js.counter)
    raw = as_page(page)
    message = raw.receive()
    assert message[2:] == [0, [["get", "counter"]]]
    raw.send(["return", message[1], 3])
    assert reading.result(scaled(10)) == 3


def test_a_read_ends_with_its_page(page: Page, proxy: JSProxy, raw: RawPage) -> None:
    reading = begun(lambda: proxy.title)
    raw.receive()
    raw.send(["goodbye"])
    with pytest.raises(ConnectionError, match=r"'Chart\.title'"):
        reading.result(scaled(10))
    with pytest.raises(PageClosed, match=r"the page of 'Chart\.title' has left"):
        proxy.title  # noqa: B018
    assert repr(proxy) == "<JSProxy of Chart>"


@pytest.mark.parametrize("detail", [5, None, []])
def test_an_object_without_a_class_name_is_a_protocol_error(app: JsMeetsPy, raw: RawPage, detail: Any) -> None:
    app.functions.expose("take", lambda thing: None)
    raw.send(["call", 1, "take", [None], [[[3, 0], "object", 7, detail]]])
    assert "protocol error" in raw.next("close")[1]


LIES: dict[str, tuple[Callable[[Any], Any], Any, str]] = {  # -> answer, error
    "attribute": (lambda p: p.title, 5, "'Chart.title': Expected `array`, got `int`"),
    "attribute, too short": (lambda p: p.title, [1], "'Chart.title': Expected `array` of length 2, got 1"),
    "attribute, no bool": (lambda p: p.title, [1, None], "'Chart.title': Expected `bool`, got `null`"),
    "len": (len, None, "'Chart.length': Expected `int | float`, got `null`"),
    "loop": (list, [1], "'Chart': Expected `JSStream`, got `list`"),
    "async for": (lambda p: asyncio.run(read(p.aio.a)), 5, "proxy.aio.a': Expected `JSStream`, got `int`"),
    "keys": (lambda p: p.as_object_map().keys(), 5, "'the properties of Chart': Expected `array`, got `int`"),
    "items": (lambda p: p.as_object_map().items(), [["a"]], "Expected `array` of length 3, got 1 - at `$[0]`"),
    "item": (lambda p: p.as_object_map()["a"], None, "Expected `array`, got `null`"),
    "popitem": (lambda p: p.as_object_map().popitem(), [1, 2, True], "Expected `str`, got `int` - at `$[0]`"),
}


async def read(path: Any) -> list[Any]:
    return [item async for item in path]


@pytest.mark.parametrize("use", LIES)
def test_an_answer_of_another_form_is_told(proxy: JSProxy, raw: RawPage, use: str) -> None:
    func, answer, text = LIES[use]
    with pytest.raises(ProtocolError, match="the page does not follow the protocol in its answer for ") as caught:
        answered(raw, lambda: func(proxy), answer)
    assert text in str(caught.value)
    assert answered(raw, lambda: proxy.title, ["T", False])[1] == "T"


def test_a_value_is_no_method_because_the_page_says_so(proxy: JSProxy, raw: RawPage) -> None:
    for title in ("T", "U"):
        assert answered(raw, lambda: proxy.title, [title, True])[1] == title


def test_names_and_texts_of_another_form_are_left_out(
    page: Page, proxy: JSProxy, raw: RawPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bridge.proxies.js_proxy.QUERY", "api.world.QUERY", "bridge.client.QUERY"):
        monkeypatch.setattr(f"jsmeets_local.{name}_SECONDS", scaled(10))
    assert "to_py" in answered(raw, lambda: dir(proxy), [1])[1]
    assert answered(raw, lambda: repr(proxy), {"text": 5})[1] == "<JSProxy of Chart>"
    raw.send(["names", ["sum"]])
    page.wait_for("sum", scaled(10))
    assert answered(raw, lambda: dir(page.js), 5)[1] == ["sum"]
    assert answered(raw, lambda: page.js.sum.__doc__, {"params": 5})[1] == ""


def test_a_picture_and_the_values_of_a_map_have_their_form(page: Page, raw: RawPage) -> None:
    for use in (page.snapshot, lambda: page.map("sum")([1])):
        with pytest.raises(ProtocolError, match="the page does not follow the protocol in its answer for "):
            answered(raw, use, {"data": 10**9})
