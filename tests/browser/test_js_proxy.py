"""Objects of a page in Python, in real browsers."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import itertools
import pickle
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page as Tab

from jsmeets_local import (
    JavaScriptError,
    JSFunction,
    JsMeetsPy,
    JSProxy,
    Page,
    PageClosed,
    UnknownFunction,
    UnknownProperty,
    UnknownReference,
    WouldDeadlock,
)
from tests.timing import scaled, until

from .conftest import Tabs

Open = Callable[..., Page]

SCRIPT = """
class Point {
    static make(x) { return new this(x); }
    constructor(x) { this.x = x; this._secret = 9; this.destroyed = 0; }
    add(n) { return this.x + n; }
    later(n) { return Promise.resolve(this.add(n)); }
    fail() { throw new RangeError("no"); }
    destroy() { this.destroyed += 1; return this.destroyed; }
    options(...args) { return args; }
    get twice() { return 2 * this.x; }
    get handler() { return this.onstep ?? null; }
    set strict(value) { throw new TypeError("read only"); }
    class() { return "classy"; }
}
globalThis.Point = Point;
globalThis.point = new Point(5);
globalThis.counter = 1;
globalThis.config = { a: { b: 1 }, list: [1, 2, 3] };
globalThis.chart = { data: [1], add(n) { this.data.push(n); return this.data; } };
function log(...args) { return args; }
globalThis.Endless = class Endless { *[Symbol.iterator]() { for (let n = 0; ; n += 1) { yield n; } } };
globalThis.big = Array.from({ length: 600 }, (_, index) => new Point(index));
JsPyFunction.expose("sum", (a, b) => a + b);
JsPyFunction.expose("Point", Point);
JsPyFunction.expose("make", (x) => new Point(x));
JsPyFunction.expose("given", (...args) => args);
"""


@pytest.fixture
def page(app: JsMeetsPy, open_page: Open) -> Page:
    page = open_page(SCRIPT)
    page.wait_connected(scaled(10))
    return page


def awaited(path: Any) -> Any:
    """Await a path on an event loop of another thread."""

    async def run() -> Any:
        return await path

    return ThreadPoolExecutor(1).submit(asyncio.run, run()).result(scaled(20))


def sent(app: JsMeetsPy, func: Callable[[], Any]) -> int:
    """Return how many requests of Python a function sends."""
    before = app.bridge.protocol._last_id
    func()
    return app.bridge.protocol._last_id - before


# The world ---------------------------------------------------------------------------------------------------------


def test_the_world_has_the_exposed_functions_and_then_the_globals(app: JsMeetsPy, page: Page, tab: Tab) -> None:
    assert page.js.sum(4, 7) == 11
    assert page.js.document.title == "T"
    page.js.document.title = "Loss"
    assert tab.title() == "Loss"
    assert page.js.Math.max(1, 2) == 2
    assert page.js.log(1, color="red") == [1, {"color": "red"}]
    assert page.js.given(1, color="red") == [1, {"color": "red"}]
    assert page.js.counter == 1
    page.js.counter = 5
    assert (page.js.counter, tab.evaluate("counter")) == (5, 5)
    page.js["counter"] = 6
    assert page.js["counter"] == 6
    assert "counter" in page.js
    assert "sum" in page.js
    del page.js.counter
    assert "counter" not in page.js
    assert page.js.Promise.resolve(5) == 5  # promises are awaited, and a function keeps its object


def test_an_exposed_function_needs_no_request_of_its_own(app: JsMeetsPy, page: Page) -> None:
    page.wait_for("sum", scaled(10))
    assert sent(app, lambda: page.js.sum) == 0
    assert sent(app, lambda: page.js.sum(1, 2)) == 1
    assert sent(app, lambda: page.js.Point.new(3)) == 1


def test_absent_names_are_attribute_errors(page: Page) -> None:
    assert not hasattr(page.js, "nope")
    assert getattr(page.js, "nope", 5) == 5
    with pytest.raises(UnknownFunction, match=r"no function 'documnt' and has no global.*did you mean 'document'"):
        page.js.documnt.title  # noqa: B018
    with pytest.raises(AttributeError, match="Point has no 'twise'; did you mean 'twice'"):
        page.js.point.twise  # noqa: B018
    assert not hasattr(page.js.point, "nope")


def test_names_of_python_ask_no_page(app: JsMeetsPy, page: Page) -> None:
    point, function = page.js.point, page.js.log

    def probe() -> None:
        for thing in (page.js, page.aio.js, point, function, point.aio, page.js.sum):
            for name in ("_repr_html_", "_ipython_display_", "_ipython_canary_method_should_not_exist_", "__array__"):
                assert not hasattr(thing, name)

    assert sent(app, probe) == 0
    with pytest.raises(AttributeError, match=r"a property of JavaScript is \['_secret'\]"):
        point._secret  # noqa: B018
    assert point["_secret"] == 9


def test_exposed_functions_are_not_replaced(page: Page) -> None:
    with pytest.raises(AttributeError, match="'sum' is a function that the page exposes"):
        page.js.sum = 5
    with pytest.raises(TypeError, match=r"page\.js is not a collection"):
        list(page.js)


# Attributes, items and calls ---------------------------------------------------------------------------------------


def test_attributes(page: Page, tab: Tab) -> None:
    point = page.js.point
    assert (point.x, point.twice, point.handler) == (5, 10, None)
    point.x = 6
    assert tab.evaluate("point.x") == 6
    point.extra = {"deep": [b"ab", point]}
    assert tab.evaluate("[point.extra.deep[0].length, point.extra.deep[1] === point]") == [2, True]
    del point.extra
    assert not hasattr(point, "extra")
    with pytest.raises(JavaScriptError, match="TypeError: read only"):
        point.strict = 1
    with pytest.raises(TypeError, match="value: object of type"):
        point.x = object()


def test_methods_keep_their_object_and_are_called_in_one_request(app: JsMeetsPy, page: Page) -> None:
    point = page.js.point
    assert point.add(1) == 6
    assert sent(app, lambda: point.add(2)) == 1  # it was read before
    assert sent(app, lambda: point.x) == 1
    add = point.add
    assert isinstance(add, JSFunction)
    assert [add(1), add.timeout(5)(2), add.nowait(3), awaited(add.aio(4))] == [6, 7, True, 9]
    assert point.later(1) == 6
    assert point.options(1, animation=False) == [1, {"animation": False}]
    assert page.js.make(3).add == page.js.make(4).add  # one function of their class
    assert repr(add) == "<JavaScript method 'add' of Point>"
    assert (add.__name__, add.typeof) == ("add", "function")
    assert page.js.given(add) == [add]  # the function itself
    with pytest.raises(JavaScriptError, match="RangeError: no"):
        point.fail()


def test_a_method_that_becomes_another_property_is_not_remembered(page: Page, tab: Tab) -> None:
    point = page.js.point
    tab.evaluate("point.onstep = () => 1")
    assert point.handler() == 1  # an accessor, which may return something else
    tab.evaluate("point.onstep = null")
    assert point.handler is None
    assert point.add(1) == 6
    point.add = 5
    assert point.add == 5
    chart = page.js.chart
    assert chart.add(2) == [1, 2]  # an object literal with methods is no data
    tab.evaluate("chart.add = 7")
    assert chart.add == 7


def test_names_that_belong_to_python_have_an_underscore(page: Page) -> None:
    point = page.js.point
    assert point.destroy_() == 1
    assert point["destroy"]() == 2
    assert point.class_() == "classy"
    with pytest.raises(AttributeError, match="write the property of JavaScript as new_"):
        point.new = 1
    point.new_ = 1
    assert point.new_ == 1


def test_functions_construct_and_have_properties(page: Page) -> None:
    assert page.js.Date.new(0).getTime() == 0
    assert page.js.Point.new(4).add(1) == page.js.globalThis.Point.new(4).add(1) == 5
    assert page.js.Point.make(3).x == 3  # `this` of a static method is the class
    assert page.js.make(1).constructor.__name__ == "Point"
    assert page.js.Point.name == "Point"
    assert page.js.Array.isArray([1]) is True


def test_items(page: Page, tab: Tab) -> None:
    tab.evaluate("document.body.innerHTML = '<ul><li>a<li>b<li>c</ul>'")
    items = page.js.document.querySelectorAll("li")
    assert [item.textContent for item in items] == ["a", "b", "c"]
    assert (len(items), items[0].textContent, items[-1].textContent) == (3, "a", "c")
    with pytest.raises(IndexError, match="NodeList has no '3'"):
        items[3]
    numbers = page.js.by_ref("config").by_ref("list")
    numbers.push(4)
    numbers[0] = 10
    del numbers[1]
    assert (list(numbers), 3 in numbers, 2 in numbers, page.js.config["list"]) == ([10, 3, 4], True, False, [10, 3, 4])
    with pytest.raises(IndexError):
        numbers[9] = 1
    with pytest.raises(IndexError):
        del numbers[9]
    params = page.js.URLSearchParams.new("a=1&b=2")
    assert (params["a"], "b" in params, "c" in params, list(params)) == ("1", True, False, [["a", "1"], ["b", "2"]])
    params["c"] = "3"
    del params["a"]
    assert str(params) == "b=2&c=3"
    with pytest.raises(KeyError, match="nope"):
        params["nope"]
    with pytest.raises(KeyError, match="nope"):
        del params["nope"]
    numbered = page.js.Map.new([[page.js.point, 1]])
    assert (numbered[page.js.point], len(numbered)) == (1, 1)
    storage = page.js.sessionStorage
    storage["k"] = "v"
    assert storage["k"] == storage.k == "v"
    assert "title" in page.js.document
    assert page.js.document.body in page.js.document
    scripts = page.js.document.querySelectorAll("script")
    assert (scripts[0] in scripts, page.js.document.body in scripts, 0 in scripts) == (True, False, False)
    assert ("length" in scripts, "absent" in scripts, 7 in page.js.Endless.new()) == (True, False, True)


def test_loops_close_the_iterator_of_the_page(app: JsMeetsPy, page: Page, tab: Tab) -> None:
    big = page.js.by_ref("big")
    assert len(big) == 600
    assert [point.x for point in big][::100] == [0, 100, 200, 300, 400, 500]
    assert list(page.js.Set.new(list(range(513)))) == list(range(513))
    assert list(itertools.islice(page.js.Endless.new(), 300)) == list(range(300))
    tab.evaluate(
        "globalThis.ended = 0; globalThis.Rows = class { *[Symbol.iterator]() { try { for (;;) { yield 1; } }"
        " finally { ended += 1; } } }; 0"
    )
    for _ in page.js.Rows.new():
        break
    until(lambda: tab.evaluate("ended") == 1)
    with pytest.raises(TypeError, match="Point cannot be iterated"):
        list(page.js.point)
    with pytest.raises(TypeError, match="Point has no length"):
        len(page.js.point)


def test_async_for_reads_a_path(page: Page, tab: Tab) -> None:
    tab.evaluate("document.body.innerHTML = '<ul><li>a<li>b<li>c</ul>'")

    async def read() -> list[str]:
        return [await item.aio.textContent async for item in page.aio.js.document.querySelectorAll("li")]

    assert ThreadPoolExecutor(1).submit(asyncio.run, read()).result(scaled(20)) == ["a", "b", "c"]


def test_a_first_call_is_one_request(app: JsMeetsPy, page: Page) -> None:
    point = page.js.point
    assert sent(app, lambda: page.js.log(1, color="red")) == 1
    assert sent(app, lambda: point.options(1, a=2)) == 1
    assert page.js.isNaN(1) is False
    with pytest.raises(JavaScriptError, match="1 is not a function"):
        page.js.counter()
    with pytest.raises(AttributeError, match=r"no function 'lgo'.*did you mean 'log'"):
        page.js.lgo(1)


def test_an_array_has_the_methods_of_a_list(page: Page) -> None:
    numbers = page.js.Array.new()
    same: list[Any] = []
    for kept in (numbers, same):
        kept.append(1)
        kept.extend(range(2, 8))
        kept.insert(0, 0)
        kept.insert(-1, "x")
        kept.insert(99, 9)
    assert list(numbers) == same == [0, 1, 2, 3, 4, 5, 6, "x", 7, 9]
    for key in (slice(1, 3), slice(-2, None), slice(None, -1), slice(None, None, -2), slice(5, 1), slice(None)):
        assert numbers[key] == same[key]
    assert [numbers.pop(), numbers.pop(0), numbers.pop(-2)] == [same.pop(), same.pop(0), same.pop(-2)]
    assert [numbers.index(4), numbers.index(5, 2), numbers.count(2)] == [same.index(4), same.index(5, 2), 1]
    for kept in (numbers, same):
        kept.remove(3)
        kept.reverse()
        kept[1:3] = ["a", "b", "c"]
        del kept[-2:]
    assert list(numbers) == same
    for wrong in (
        lambda: numbers.remove(99),
        lambda: numbers.index(99),
        lambda: numbers.__setitem__(slice(0, 2, 2), []),
    ):
        with pytest.raises(ValueError):  # noqa: PT011 - of list
            wrong()
    numbers.clear()
    assert list(numbers) == []
    for index in (-1, 0, 5):
        with pytest.raises(IndexError):
            numbers.pop(index)
    point = page.js.point
    numbers.extend([point] * 25_000)
    assert (len(numbers), numbers[0] == point, numbers.index(point)) == (25_000, True, 0)
    numbers[0:1] = range(150_000)  # more than one call of JavaScript takes
    assert (len(numbers), numbers[149_999], numbers[150_000] == point) == (174_999, 149_999, True)
    assert numbers.pop_() == point  # the method of JavaScript
    assert [item.textContent for item in page.js.document.querySelectorAll("title")[0:1]] == ["T"]


def test_a_map_has_the_methods_of_a_dict(page: Page) -> None:
    kept = page.js.Map.new([["a", 1]])
    assert [kept.get("a"), kept.get("b"), kept.get("b", 2)] == [1, None, 2]
    kept.update({"b": 2}, c=3)
    kept.update([(page.js.point, 4)])
    assert kept.items() == [("a", 1), ("b", 2), ("c", 3), (page.js.point, 4)]
    assert (kept.keys()[:3], kept.values()) == (["a", "b", "c"], [1, 2, 3, 4])
    assert [kept.pop("a"), kept.pop("a", None), kept.setdefault("b", 9), kept.setdefault("d")] == [1, None, 2, None]
    with pytest.raises(KeyError, match="nope"):
        kept.pop("nope")
    kept.clear()
    assert (len(kept), kept.items()) == (0, [])
    kept.set("k", 5)
    assert kept.forEach is not None


ODD = """
globalThis.odd = {
    plain: 1,
    inner: { deep: { n: 1 } },
    list: [1],
    greet(name) { return `${this.plain} ${name}`; },
    later: Promise.resolve(7),
    nothing: undefined,
};
globalThis.Odd = class { constructor() { this.kept = 1; } get inherited() { return 2; } };
globalThis.raising = { get bad() { throw new RangeError("bad getter"); } };
globalThis.trapped = new Proxy({ a: 1 }, {
    ownKeys() { throw new RangeError("trap of keys"); },
    getOwnPropertyDescriptor() { throw new RangeError("trap of names"); },
    getPrototypeOf() { throw new RangeError("trap of class"); },
});
0
"""


def test_an_object_is_a_mapping_of_its_own_properties(app: JsMeetsPy, page: Page, tab: Tab) -> None:
    tab.evaluate("globalThis.shop = { a: 1, b: 2 }")
    shop, same = page.js.by_ref("shop").as_object_map(), {"a": 1, "b": 2}
    for kept in (shop, same):
        kept["c"] = [3]
        kept.update({"d": 4}, e=None)
        kept.update([("get", 5), ("__proto__", 6)])
        del kept["a"]
        assert (kept.get("b"), kept.get("a"), kept.get("a", 9), kept.get(2)) == (2, None, 9, None)
        assert (kept.setdefault("b", 8), kept.setdefault("f", {"x": 1})) == (2, {"x": 1})
        assert (kept.pop("d"), kept.pop("d", None), kept.pop(1, 2)) == (4, None, 2)
        assert ("b" in kept, "a" in kept, "toString" in kept, 2 in kept) == (True, False, False, False)
        for wrong in (lambda kept: kept["a"], lambda kept: kept[1], lambda kept: kept.pop("a")):
            with pytest.raises(KeyError):
                wrong(kept)
        with pytest.raises(KeyError):
            del kept["a"]
    assert dict(shop) == dict(shop.items()) == {**shop} == same
    assert (list(shop), len(shop), shop.values()) == (list(same), len(same), list(same.values()))
    assert tab.evaluate("Object.getPrototypeOf(shop) === Object.prototype")
    for use in (
        lambda: shop["b"], lambda: "b" in shop, lambda: len(shop), lambda: next(iter(shop)), lambda: shop.items(),
        lambda: shop.values(), lambda: shop.get("zz"), lambda: shop.setdefault("b"), lambda: shop.pop("zz", 0),
        lambda: shop.update(b=1, c=2), lambda: shop.__setitem__("c", 1), lambda: shop.__delitem__("c"), shop.popitem,
    ):  # fmt: skip
        assert sent(app, use) == 1
    match shop:
        case {"b": found}:
            assert found == 1
    with pytest.raises(TypeError, match="names of type str; got 5"):
        shop[5] = 1
    with pytest.raises(TypeError, match="names of type str; got 5"):
        shop.update({5: 1})
    shop.clear()
    assert (len(shop), shop.items(), bool(shop), repr(shop)) == (0, [], True, "<JavaScript properties of Object>")
    with pytest.raises(KeyError, match="Object has no own properties"):
        shop.popitem()


def test_the_mapping_of_an_object_that_is_no_plain_data(page: Page, tab: Tab) -> None:
    tab.evaluate(ODD)
    odd = page.js.by_ref("odd").as_object_map()
    assert (odd["inner"], odd["list"], odd["later"], odd["nothing"]) == ({"deep": {"n": 1}}, [1], 7, None)
    assert odd["greet"]("you") == dict(odd.items())["greet"]("you") == odd.greet("you") == "1 you"
    assert (odd.plain, odd == page.js.by_ref("odd"), page.js.given(odd)[0]["plain"]) == (1, True, 1)
    whole = page.js.by_ref("odd").as_object_map(hereditary=True)
    whole["inner"]["deep"]["n"] = 2
    whole.setdefault("new", {})["k"] = 3  # a reference, also to what is new
    assert tab.evaluate("[odd.inner.deep.n, odd.new.k]") == [2, 3]
    assert type(whole["list"]) is list
    assert dict(dict(whole.items())["inner"]["deep"].items()) == {"n": 2}
    one = page.js.Odd.new().as_object_map()
    assert (one.keys(), "inherited" in one, one.inherited) == (["kept"], False, 2)
    frozen = page.js.Object.freeze(page.js.point).as_object_map()
    for change in (lambda: frozen.__setitem__("x", 1), lambda: frozen.__delitem__("x"), frozen.clear, frozen.popitem):
        with pytest.raises(JavaScriptError, match="TypeError"):
            change()
    raising, trapped = page.js.by_ref("raising").as_object_map(), page.js.by_ref("trapped").as_object_map()
    for use in (lambda: raising["bad"], raising.items, lambda: raising.pop("bad"), lambda: raising.setdefault("bad")):
        with pytest.raises(JavaScriptError, match="RangeError: bad getter") as caught:
            use()
        assert "jsmeets_local" not in {
            part for frame in traceback.extract_tb(caught.tb) for part in Path(frame.filename).parts
        }
    assert len(raising) == 1
    for use in (lambda: trapped["a"], lambda: "a" in trapped, lambda: len(trapped), trapped.items, trapped.clear):
        with pytest.raises(JavaScriptError, match="RangeError: trap of"):
            use()
    with one:
        pass
    with pytest.raises(UnknownReference, match="was destroyed"):
        one["kept"]
    tab.reload()
    with pytest.raises(PageClosed):
        odd["plain"]


# What a proxy is ---------------------------------------------------------------------------------------------------


def test_proxies_of_one_object_are_equal(page: Page) -> None:
    point, again = page.js.point, page.js.point
    assert point is again
    other = page.js.make(5)
    assert point == again
    assert point != other
    assert len({point, again, other}) == 2
    assert point.js_id == again.js_id != other.js_id
    assert page.js.given(point) == [point]
    assert (bool(page.js.Map.new()), point.typeof, page.js.log.typeof) == (True, "object", "function")


def test_the_representation_says_what_it_is(page: Page, tab: Tab) -> None:
    tab.evaluate("document.body.innerHTML = '<h1 id=top>Hello\\nyou</h1>'")
    heading = page.js.document.querySelector("h1")
    assert repr(heading).startswith('<JSProxy of HTMLHeadingElement: <h1 id="top">Hello')
    assert "\n" not in repr(heading)
    assert repr(page.js.point) == "<JSProxy of Point>"
    assert str(page.js.URLSearchParams.new("a=1")) == "a=1"
    assert repr(page.js.log) == "<JavaScript function 'log'>"
    assert repr(page.js).startswith("<JavaScript of http://")
    assert isinstance(heading, JSProxy)


def test_completion_asks_once(app: JsMeetsPy, page: Page) -> None:
    point = page.js.point
    assert {"x", "add", "twice", "to_py", "new"} <= set(dir(point))
    assert sent(app, lambda: dir(point)) == 1
    assert {"sum", "document", "point"} <= set(dir(page.js))


def test_conversion_to_data(page: Page) -> None:
    assert page.js.point.to_py() == {"x": 5, "_secret": 9, "destroyed": 0}
    assert page.js.by_ref("config").to_py() == page.js.config
    assert page.js.point.object_keys() == ["x", "_secret", "destroyed"]
    assert page.js.point.object_values() == [5, 9, 0]
    assert page.js.point.object_entries()[0] == ["x", 5]
    point = page.js.point
    assert copy.copy(point) is copy.deepcopy(point) is point
    with pytest.raises(TypeError, match="belongs to an open page and cannot be pickled"):
        pickle.dumps(point)


def test_conversion_stops_at_a_depth(page: Page, tab: Tab) -> None:
    tab.evaluate("globalThis.tree = { a: { b: { c: 1 } }, list: [[1]], map: new Map([['k', { d: point }]]), n: 1 }; 0")
    tree = page.js.by_ref("tree")
    whole = {"a": {"b": {"c": 1}}, "list": [[1]], "map": {"k": {"d": page.js.point.to_py()}}, "n": 1}
    assert tree.to_py() == tree.to_py(depth=-1) == tree.to_py(depth=9) == whole
    assert tree.to_py(depth=0) is tree
    assert awaited(tree.aio.a.to_py()) == whole["a"]
    assert awaited(tree.aio.a.to_py(depth=1))["b"].c == 1
    function = page.js.log.as_object_map()
    function["count"] = 1
    assert (dict(function.items()), page.js.log.count) == ({"count": 1}, 1)
    shallow = tree.to_py(depth=1)
    assert (shallow["n"], {type(shallow[key]).__name__ for key in ("a", "list", "map")}) == (
        1,
        {"JSProxy", "JSArray", "JSMap"},
    )
    assert (shallow["a"].to_py(), shallow["list"][0], shallow["map"]["k"]["d"].x) == ({"b": {"c": 1}}, [1], 5)
    deeper = tree.to_py(depth=2)
    assert (deeper["a"]["b"].c, list(deeper["list"][0]), deeper["map"]["k"].d.x) == (1, [1], 5)


def test_conversion_of_what_contains_itself(page: Page, tab: Tab) -> None:
    tab.evaluate(
        "globalThis.Node_ = class { constructor(n, above) { this.n = n; this.above = above; this.below = []; } };"
        "globalThis.root = new Node_(0, null); root.below.push(new Node_(1, root), new Node_(2, root));"
        "globalThis.ring = { list: [] }; ring.list.push(ring); 0"
    )
    root = page.js.root
    assert root.to_py() == {
        "n": 0,
        "above": None,
        "below": [{"n": 1, "above": root, "below": []}, {"n": 2, "above": root, "below": []}],
    }
    with pytest.raises(JavaScriptError, match="a cycle cannot be sent"):
        page.js.by_ref("ring").to_py()
    assert page.js.by_ref("ring").to_py(depth=2) == {"list": [page.js.by_ref("ring")]}


def test_conversion_by_a_function_of_the_user(page: Page, tab: Tab) -> None:
    tab.evaluate(
        "globalThis.Pair = class Pair { constructor(a, b) { this.first = a; this.second = b; } };"
        "globalThis.pairs = [new Pair(1, new Pair(2, { deep: new Pair(3, null) })), document, { f: Pair, n: 1 }];"
        "globalThis.own = new Pair(0, 1); own.first = own; 0"
    )

    def convert_pair(value: JSProxy, convert: Callable[[Any], Any], cache: Callable[[JSProxy, Any], None]) -> Any:
        if value.constructor.name != "Pair":
            return value.typeof
        result: list[Any] = []
        cache(value, result)
        result += [convert(value.first), convert(value.second)]
        return result

    pairs, own = page.js.by_ref("pairs"), page.js.own
    assert pairs.to_py(default_converter=convert_pair) == [
        [1, [2, {"deep": [3, None]}]], "object", {"f": "function", "n": 1}]  # fmt: skip
    result = own.to_py(default_converter=convert_pair)
    assert result[0] is result
    assert result[1] == 1
    limited = pairs.to_py(depth=2, default_converter=convert_pair)
    assert (limited[0][1], limited[2]["f"]) == (page.js.by_ref("pairs")[0].second, page.js.Pair)

    def refuse(*_: object) -> None:
        raise LookupError("no data")

    with pytest.raises(LookupError, match="no data"):
        pairs.to_py(default_converter=refuse)


def test_promises_that_reach_python_are_awaited_there(page: Page, tab: Tab) -> None:
    good, bad = page.eval(
        "const bad = Promise.reject(new RangeError('no')); bad.catch(() => undefined); [Promise.resolve(3), bad]"
    )
    assert (good.typeof, type(good), repr(good)) == ("object", JSProxy, "<JSProxy of Promise>")
    assert awaited(good.aio) == 3
    assert [good.then(lambda value: value + 1), good["then"](), good.finally_(lambda: None)] == [4, 3, 3]
    assert bad.catch(lambda error: "caught") == "caught"
    for use in (lambda: awaited(bad.aio), lambda: bad.then(lambda value: value)):
        with pytest.raises(JavaScriptError, match="RangeError: no"):
            use()


REALM = """(() => {
    const frame = document.createElement("iframe");
    document.body.append(frame);
    const { Map, Set, Date, Array, Object, Uint8Array } = frame.contentWindow;
    globalThis.realm = {
        map: new Map([["a", new Set([1, 2n])], [3, new Date(0)]]),
        set: new Set(["x", new Map([[1, 2]])]),
        date: new Date(1500),
        list: Array.of(1, new Date(0)),
        object: Object.assign(new Object(), { inner: new Map([["k", Uint8Array.of(1, 2)]]) }),
    };
    return Object.values(realm).some((value) => value instanceof globalThis.Object);
})()"""


def test_values_of_another_frame_convert_like_the_page_s_own(page: Page, tab: Tab) -> None:
    assert tab.evaluate(REALM) is False, "they are of another realm"
    expected = {
        "map": {"a": [1, 2], 3: "1970-01-01T00:00:00.000Z"},
        "set": ["x", {1: 2}],
        "date": "1970-01-01T00:00:01.500Z",
        "list": [1, "1970-01-01T00:00:00.000Z"],
        "object": {"inner": {"k": b"\x01\x02"}},
    }
    realm = page.js.by_ref("realm")
    for name, value in expected.items():
        assert getattr(realm, name) == value, name
        assert realm.by_ref(name).to_py() == value, name
    assert realm.to_py() == expected
    found = realm.by_ref("map")
    assert (list(found.keys()), found.get("absent"), found[3]) == (["a", 3], None, expected["map"][3])


def test_plain_objects_are_changed_by_reference(page: Page, tab: Tab) -> None:
    page.js.config["a"] = 5  # changes a copy
    assert tab.evaluate("config.a.b") == 1
    page.js.by_ref("config").by_ref("a").b = 2
    assert tab.evaluate("config.a.b") == 2
    assert page.js.by_ref("counter") == 1


def test_eval_returns_proxies(page: Page) -> None:
    point = page.eval("new Point(8)")
    assert isinstance(point, JSProxy)
    assert point.add(1) == 9
    assert isinstance(page.eval("document"), JSProxy)


# Lifetimes ---------------------------------------------------------------------------------------------------------


def imported(app: JsMeetsPy) -> int:
    count: int = app.bridge.call(app.bridge.stats)["pages"][-1]["references"]["imported"]
    return count


def test_objects_are_forgotten(app: JsMeetsPy, page: Page) -> None:
    gc.collect()
    until(lambda: imported(app) == 0)
    point = page.js.make(1)
    assert point.add(1) == 2
    assert point.add(1) == 2
    assert imported(app) == 2  # the object, and its method
    del point  # without the garbage collector: no cycles
    until(lambda: imported(app) == 0)
    with page.js.make(1) as point:
        assert point.x == 1
    with pytest.raises(UnknownReference, match="<JSProxy of Point, destroyed> was destroyed"):
        point.x  # noqa: B018
    with pytest.raises(TypeError, match=r"args\[0\]: this object of a page was destroyed"):
        page.js.given(point)
    until(lambda: imported(app) == 0)


def test_a_proxy_of_a_page_that_has_left_says_so(app: JsMeetsPy, page: Page, tab: Tab) -> None:
    point = page.js.point
    add = point.add
    tab.reload()
    assert page.js.point.x == 5
    for use in (
        lambda: point.x,
        lambda: add(1),
        lambda: setattr(point, "x", 1),
        lambda: len(point),
        lambda: list(point),
        lambda: awaited(point.aio.x),
    ):
        with pytest.raises(PageClosed, match=r"the page of 'Point.* has left"):
            use()
    assert repr(point) == str(point) == "<JSProxy of Point>"
    assert dir(point) == ["aio", "as_object_map", "by_ref", "destroy", "js_id", "new", "object_entries", "object_keys",
                          "object_values", "to_py", "typeof"]  # fmt: skip
    assert add.nowait(1) is False
    page.close()
    with pytest.raises(PageClosed):
        page.js.document  # noqa: B018


def test_a_proxy_belongs_to_its_page(app: JsMeetsPy, page: Page, tabs: Tabs) -> None:
    other = app.launch("<p>", mode="none")
    tabs.open(other.url)
    other.wait_connected(scaled(10))
    for use in (
        lambda: other.js.console.log(page.js.point),
        lambda: setattr(other.js, "x", [page.js.point]),
        lambda: awaited(other.aio.js.console.log(page.js.point)),
    ):
        with pytest.raises(TypeError, match="an object of another page"):
            use()


def test_the_loop_of_the_bridge_is_not_blocked(app: JsMeetsPy, page: Page, tab: Tab) -> None:
    @app.expose
    async def use(point: JSProxy) -> list[str]:
        texts = []
        for wrong in (
            lambda: page.js.document,
            lambda: point.x,
            lambda: point.add(1),
            lambda: setattr(point, "x", 1),
            lambda: list(point),
        ):
            try:
                wrong()
            except WouldDeadlock as error:
                texts.append(str(error).partition("in an async function use ")[2])
        return [*texts, repr(point), str(await point.aio.x), str(await page.aio.js.document.title)]

    assert tab.evaluate("JsPyFunction.call('use')(point)") == [
        "await page.aio.js.document",
        "await proxy.aio.x",
        "await proxy.aio.add(...)",
        "await proxy.aio.setattr('x', ...)",
        "async for item in proxy.aio",
        "<JSProxy of Point>",
        "5",
        "T",
    ]


def test_tracebacks_end_at_the_line_of_the_user(page: Page) -> None:
    point = page.js.point
    for use in (
        lambda: point.nope,
        lambda: point.fail(),
        lambda: setattr(point, "strict", 1),
        lambda: point["nope"],
        lambda: page.js.nope,
        lambda: len(point),
        lambda: list(point),
        lambda: page.js.Point.new(object()),
    ):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - which one it is, others test
            use()
        frames = [frame for frame in traceback.extract_tb(caught.tb) if "jsmeets_local" in Path(frame.filename).parts]
        assert frames == []


# Paths -------------------------------------------------------------------------------------------------------------


def test_a_path_is_one_request(app: JsMeetsPy, page: Page, tab: Tab) -> None:
    tab.evaluate("document.body.innerHTML = '<h1>Hello</h1>'")
    page.wait_for("sum", scaled(10))
    path = page.aio.js.document.querySelector("h1").textContent
    assert sent(app, lambda: awaited(path)) == 1
    assert awaited(path) == awaited(path) == "Hello"  # it may be awaited again
    assert awaited(page.aio.js.make(3).add(1)) == 4
    assert awaited(page.aio.js.Point.new(3).later(1)) == 4
    assert awaited(page.aio.js.Date.new(0).getTime()) == 0
    assert awaited(page.aio.js.config["list"][-1]) == 3
    assert awaited(page.aio.js.config.a.setattr("b", 7)) is None  # nothing is copied on the way
    assert tab.evaluate("config.a.b") == 7
    assert awaited(page.aio.js.setattr("counter", 8)) is None
    assert awaited(page.aio.js.counter) == 8
    assert awaited(page.aio.js.config.delattr("a")) is None
    assert awaited(page.aio.js.point.to_py())["x"] == 5
    assert awaited(page.aio.js.by_ref("config")) == page.js.by_ref("config")
    assert awaited(page.aio.js.log(b"ab", color=[page.js.point])) == [b"ab", {"color": [page.js.point]}]
    assert awaited(page.js.point.aio.add(1)) == 6
    assert awaited(page.js.point.aio) == page.js.point
    assert repr(path) == "<JavaScript path: await page.aio.js.document.querySelector(...).textContent>"
    with pytest.raises(UnknownProperty, match="Point has no 'nope'"):
        awaited(page.aio.js.point.nope.title)
    with pytest.raises(AttributeError, match=r"await page\.aio\.js\.document\.setattr\('title', \.\.\.\)"):
        page.aio.js.document.title = "x"


def test_a_call_is_a_coroutine(page: Page) -> None:
    async def tasks() -> list[Any]:
        made = [asyncio.create_task(page.aio.js.sum(1, 2)), asyncio.create_task(page.aio.js.log(3))]
        assert all("JSCall" in repr(task) or "PageCall" in repr(task) for task in made)
        results = [*await asyncio.gather(*made), *await asyncio.gather(page.aio.js.sum(1, 1), page.aio.js.counter)]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(page.aio.js.eval("new Promise(() => {})"), 0.05)
        return results

    assert ThreadPoolExecutor(1).submit(asyncio.run, tasks()).result(scaled(20)) == [3, [3], 2, 1]
    assert inspect.isawaitable(page.aio.js.document)


# Content-Security-Policy -------------------------------------------------------------------------------------------


def test_it_works_under_a_strict_policy(app: JsMeetsPy, tab: Tab, tmp_path: Path) -> None:
    policy = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self'"
    (tmp_path / "page.html").write_text(
        f'<!DOCTYPE html><meta http-equiv="Content-Security-Policy" content="{policy}"><title>T</title><h1>Hi</h1>'
        '<script src="/jsmeetspy/jsmeets.js"></script>'
    )
    page = app.launch(str(tmp_path / "page.html"), mode="none")
    tab.goto(page.url)
    page.wait_connected(scaled(10))
    page.js.document.title = "Loss"
    assert (tab.title(), page.js.document.querySelector("h1").textContent) == ("Loss", "Hi")
    assert awaited(page.aio.js.document.querySelector("h1").textContent) == "Hi"
    assert list(page.js.Set.new([1, 2])) == [1, 2]
