"""Wrong arguments in the public API: the error names the argument and says what to do."""

from __future__ import annotations

import functools
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jsmeets_local import Bridge, JsMeetsPy, JsPyBinarySocket, LaunchError, Page
from jsmeets_local.api.background import Background
from jsmeets_local.blocking import BlockingFunctions
from jsmeets_local.launch.environment import cleaned
from jsmeets_local.server.thread import bind
from tests.raw import RawPage, as_page, follow
from tests.timing import scaled
from tests.typed import program


class Thing:
    """A class of the user."""

    @classmethod
    def made(cls) -> str:
        return "made"

    @staticmethod
    async def static(x: int) -> int:
        return x + 1

    @property
    def size(self) -> int:
        return 1

    def method(self) -> str:
        return "method"

    def __call__(self) -> str:
        return "called"


class Empty:
    _private = print


class Silent:
    def method(self) -> None: ...


class Needing:
    def __init__(self, size: int) -> None: ...


Case = tuple[Callable[[JsMeetsPy], Any], type[Exception], str]
own = Thing.__dict__

EXPOSE: dict[str, Case] = {
    "a class method": (lambda app: app.expose(own["made"]), TypeError, "got a classmethod: give Class.made after its"),
    "a property": (lambda app: app.expose(own["size"]), TypeError, "got a property: give lambda: thing.size after its"),
    "a class method by name": (lambda app: app.expose("n")(own["made"]), TypeError, "give Class.made"),
    "an object": (lambda app: app.expose(object()), TypeError, "a class, or an object with methods; got <object"),
    "a number": (
        lambda app: app.expose(5),
        TypeError,
        "the argument of app.expose must be a function, a class, or an object with",
    ),
    "True": (lambda app: app.expose(True), TypeError, "an object with methods; got True"),
    "a number by name": (lambda app: app.expose("n")(5), TypeError, "an object with methods; got 5"),
    "a number and a name": (lambda app: app.expose(5, "n"), TypeError, "an object with methods; got 5"),
    "an object without methods": (lambda app: app.expose(Empty(), "n"), TypeError, "an object with methods; got <"),
    "an object without a name": (
        lambda app: app.expose(Silent()),
        TypeError,
        'has no name; pass one: app.expose(thing, "name")',
    ),
    "an empty name": (
        lambda app: app.expose(Silent(), ""),
        ValueError,
        "the key of an exposed function must not be empty",
    ),
    "a name that is none": (
        lambda app: app.expose(Silent(), 5),
        TypeError,
        "the key of an exposed function must be a str",
    ),
    "a class that needs arguments": (
        lambda app: app.expose(Needing),
        TypeError,
        "Needing cannot be made without arguments (missing a required argument: 'size'): expose an object of it, "
        'app.expose(Needing(...), "Needing")',
    ),
    "no name": (lambda app: app.expose(""), ValueError, "the key of an exposed function must not be empty"),
    "a name of the library": (lambda app: app.expose("$n")(print), ValueError, "begin with $ are reserved"),
    "a lambda": (
        lambda app: app.expose(lambda: 1),
        TypeError,
        'a lambda has no name; pass one: app.expose("',
    ),
    "a partial": (lambda app: app.expose(functools.partial(print)), TypeError, "has no name; pass one"),
    "a callable object": (lambda app: app.expose(Thing()), TypeError, "has no name; pass one"),
    "a method without its object": (
        lambda app: app.expose(Thing.method),
        TypeError,
        'Thing.method is a method without an object. Create the object and expose its method: app.expose("method")(thing.method)',
    ),
    "callable, a number": (lambda app: app.functions.callable(5), TypeError, "must be a function; got 5"),
    "callable, a name": (lambda app: app.functions.callable("n"), TypeError, "must be a function; got 'n'"),
    "callable, a partial": (
        lambda app: app.functions.callable(functools.partial(print)),
        TypeError,
        "has no name; pass one: expose('name', func)",
    ),
    "the function first": (
        lambda app: app.functions.expose(print, "n"),
        TypeError,
        "the key of an exposed function must be a",
    ),
    "JsPyFunction, a class method": (lambda app: app.functions.expose("n", own["made"]), TypeError, "give Class.made"),
}

CALLBACKS: dict[str, Case] = {
    "subscribe": (
        lambda app: app.pubsub.subscribe("t", own["made"]),
        TypeError,
        "topic 't' must be a function; got a class",
    ),
    "@subscribe": (
        lambda app: app.pubsub.subscribe("t")(5),
        TypeError,
        "the subscriber of topic 't' must be a function",
    ),
    "@subscribe alone": (lambda app: app.pubsub.subscribe(print), TypeError, "the topic must be a str; got <built-in"),
    "queue": (
        lambda app: app.queues.add_callback(own["size"]),
        TypeError,
        "a queue callback must be a function; got a prop",
    ),
    "socket event": (
        lambda app: app.sockets.add_socket_event(5),
        TypeError,
        "a socket event callback must be a function",
    ),
    "state event": (lambda app: app.sockets.add_state_event(5), TypeError, "a state event callback must be a function"),
    "protocol": (
        lambda app: app.sockets.add_protocol("p", 5),
        TypeError,
        "the handler of protocol 'p' must be a function",
    ),
    "protocol's name": (lambda app: app.sockets.add_protocol(5, print), TypeError, "the protocol must be a str; got 5"),
    "background": (
        lambda app: Background(app.bridge).register_function(5),
        TypeError,
        "of register_function must be a function",
    ),
    "background's arguments": (
        lambda app: Background(app.bridge).register_function(print, "abc"),
        TypeError,
        "param must be a tuple of arguments: register_function(func, (1, 2)); got 'abc'",
    ),
    "binary messages": (
        lambda app: JsPyBinarySocket().set_message_handler(5),
        TypeError,
        "a message handler must be a func",
    ),
    "binary limit": (
        lambda app: JsPyBinarySocket().set_connection_limit("5"),
        TypeError,
        "limit must be a number of conn",
    ),
    "limit": (
        lambda app: app.sockets.set_connection_limit("5"),
        TypeError,
        "limit must be a number of connections; got '5'",
    ),
    "@route alone": (lambda app: app.route(print), TypeError, 'route needs a path: @app.route("/")'),
    "route": (lambda app: app.route("x"), ValueError, 'begin with a slash: @app.route("/x")'),
    "@route": (lambda app: app.route("/x")(5), TypeError, "the handler of '/x' must be a function; got 5"),
    "@websocket_route alone": (lambda app: app.websocket_route(print), TypeError, '@app.websocket_route("/")'),
    "@websocket_route": (
        lambda app: app.websocket_route("/x")(5),
        TypeError,
        "WebSocket handler of '/x' must be a function",
    ),
    "@on_event alone": (lambda app: app.on_event(print), ValueError, 'event_type must be "startup" or "shutdown"'),
    "@on_event": (lambda app: app.on_event("startup")(5), TypeError, "the 'startup' handler must be a function; got 5"),
    "event": (lambda app: app.add_event_handler("startup", 5), TypeError, "the 'startup' handler must be a function"),
    "add_socket": (lambda app: app.add_socket("x"), TypeError, 'takes a socket, JsPyBinarySocket("/path"), or'),
    "add_socket, the class": (
        lambda app: app.add_socket(JsPyBinarySocket),
        TypeError,
        'a socket, JsPyBinarySocket("/p',
    ),
}

APPLICATION: dict[str, Case] = {
    "static": (lambda _: JsMeetsPy(static=5), TypeError, "static must be the path of a folder; got 5"),
    "templates": (lambda _: JsMeetsPy(templates=5), TypeError, "templates must be the path of a folder; got 5"),
    "debug": (lambda _: JsMeetsPy("static"), TypeError, "debug must be True or False; got 'static'"),
    "bridge": (lambda _: JsMeetsPy(bridge=Bridge), TypeError, "write bridge=Bridge(...)"),
    "limits": (
        lambda _: JsMeetsPy(limits=5),
        TypeError,
        "limits must be a Limits or None; got 5; write limits=Limits(...)",
    ),
    "token": (lambda _: JsMeetsPy(token=5), TypeError, "token must be a str or None; got 5"),
    "expose_errors": (
        lambda _: JsMeetsPy(expose_errors="no"),
        TypeError,
        "expose_errors must be True or False; got 'no'",
    ),
    "hosts": (lambda _: JsMeetsPy(allowed_hosts="a"), TypeError, "allowed_hosts must be a list; got 'a'"),
}


def launching(**options: Any) -> Callable[[JsMeetsPy], Any]:
    return lambda app: app.launch(**{"page": "<p>", "mode": "none", **options})


LAUNCH: dict[str, Case] = {
    "page": (launching(page=5), TypeError, "page must be a route, the name or path of a file, or HTML text; got 5"),
    "mode": (launching(mode=["none"]), ValueError, "mode must be one of 'auto', 'browser'"),
    "host": (launching(host=5), TypeError, "host must be a name or address of this machine"),
    "no host": (launching(host=""), ValueError, "host is empty: use '127.0.0.1', the default, for this machine"),
    "spa": (launching(spa="no"), TypeError, "spa must be True or False; got 'no'"),
    "badge": (lambda _: JsMeetsPy(badge="no"), TypeError, "badge must be True or False; got 'no'"),  # type: ignore[arg-type]
    "an unknown host": (
        launching(host="no-such-host.invalid"),
        OSError,
        "host='no-such-host.invalid' is not a name or",
    ),
    "another machine": (
        launching(host="203.0.113.5"),
        OSError,
        "host='203.0.113.5' is not a name or address of this m",
    ),
    "port": (launching(port="8000"), ValueError, "port must be a number from 0 (a free port) to 65535; got '8000'"),
    "port True": (launching(port=True), ValueError, "port must be a number from 0 (a free port) to 65535; got True"),
    "a port of X11": (launching(port=6000), ValueError, "browsers refuse to open port 6000"),
    "a port of IRC": (launching(port=6667), ValueError, "browsers refuse to open port 6667"),
    "timeout": (
        launching(timeout="3"),
        TypeError,
        "timeout must be a number of seconds, or None for no limit; got '3'",
    ),
    "width": (launching(width=[1]), TypeError, "width must be a whole number of pixels, or a CSS length"),
    "height": (launching(height=1.5), TypeError, "height must be a whole number of pixels"),
    "a negative width": (launching(width=-1), ValueError, "width must be 1 or more pixels; got -1"),
    "no height": (launching(height=0), ValueError, "height must be 1 or more pixels; got 0"),
    "no width of a tab": (launching(mode="browser", width=0), ValueError, "width must be 1 or more pixels; got 0"),
    "grace": (launching(grace="1"), TypeError, "grace must be a number of seconds"),
    "private": (launching(private="no"), TypeError, "private must be True or False; got 'no'"),
    "base_url": (launching(base_url=5), TypeError, "base_url must be a path or a URL"),
    "main": (lambda app: app.run("<p>", "none", 5), TypeError, "main must be a function; got 5"),
}


def on_page(use: Callable[[Page], Any]) -> Callable[[JsMeetsPy], Any]:
    return lambda app: use(app.launch("<p>", "none"))


PAGES: dict[str, Case] = {
    "call": (on_page(lambda page: page.call(5)), TypeError, "the key of a function must be a str; got 5"),
    "call, arguments": (
        on_page(lambda page: page.call("f", [1])),
        TypeError,
        "second call: call('f')([1])",
    ),
    "call, the arguments": (on_page(lambda page: page.call("sum", 4, 7)), TypeError, "second call: call('sum')(4, 7)"),
    "call, the arguments, awaited": (
        on_page(lambda page: page.aio.call("sum", 4, 7)),
        TypeError,
        "Pass the arguments in a second call: call('sum')(4, 7)",
    ),
    "call, an argument and a timeout": (
        on_page(lambda page: page.call("sum", [4], timeout=2)),
        TypeError,
        "second call: call('sum', timeout=2)([4])",
    ),
    "call, a keyword in the first call": (
        on_page(lambda page: page.call("move", 1, speed=2)),
        TypeError,
        "second call: call('move')(1, {'speed': 2})",
    ),
    "eval": (on_page(lambda page: page.eval(5)), TypeError, "the code to evaluate must be a str; got 5"),
    "progress": (
        on_page(lambda page: page.progress([1], total=-1)),
        TypeError,
        "total must be a whole number of items, or None; got -1",
    ),
    "call, a keyword": (
        on_page(lambda page: page.call("f")(a=1)),
        TypeError,
        "Write call('f')(1), or call('f')({'a': 1})",
    ),
    "show": (on_page(lambda page: page.show(width=0)), ValueError, "width must be 1 or more pixels; got 0"),
    "show, a fraction": (
        on_page(lambda page: page.show(height=1.5)),
        TypeError,
        "height must be a whole number of pixels",
    ),
    "js, an assignment": (
        on_page(lambda page: setattr(page.js, "by_ref", 1)),
        AttributeError,
        "'by_ref' is the proxy's own; write the property of JavaScript as by_ref_",
    ),
    "js, an assignment to be awaited": (
        on_page(lambda page: setattr(page.aio.js, "x", 1)),
        AttributeError,
        "write await page.aio.js.setattr('x', ...)",
    ),
    "call_nowait": (on_page(lambda page: page.call_nowait("f")(a=1)), TypeError, "Write call_nowait('f')(1)"),
    "map": (on_page(lambda page: page.map("f", [1])), TypeError, "second call: map('f')([1])"),
    "publish": (
        on_page(lambda page: page.publish("t")()),
        TypeError,
        "publish('t') takes one value: publish('t')(data)",
    ),
    "call_nowait, the arguments": (
        on_page(lambda page: page.call_nowait("f", 1)),
        TypeError,
        "second call: call_nowait('f')(1)",
    ),
    "map, the arguments": (on_page(lambda page: page.map("f", [1], [2])), TypeError, "second call: map('f')([1], [2])"),
    "publish, the data": (
        on_page(lambda page: page.publish("t", {"a": 1})),
        TypeError,
        "suppress must be True or False; got {'a': 1}. Pass the data in a second call: publish('t')({'a': 1})",
    ),
    "subscribe, a callback": (
        on_page(lambda page: page.subscribe("t", print)),
        TypeError,
        "A callback goes to app.pubsub.subscribe(topic, func)",
    ),
    "queue, an item": (on_page(lambda page: page.queue("q", 1)), TypeError, "To push, write queue('q').push(data)"),
    "queue, items": (on_page(lambda page: page.queue("q").push(1, 2)), TypeError, "values, write push([1, 2])"),
    "functions.call, the arguments": (
        lambda app: app.functions.call("f", 1, 2, 3),
        TypeError,
        "second call: call('f')(1, 2, 3)",
    ),
    "blocking": (
        lambda app: BlockingFunctions(app.bridge).call("f", "x"),
        TypeError,
        "second call: call('f')('x')",
    ),
    "push_nowait, the data": (
        lambda app: app.queues.push_nowait("q", "x"),
        TypeError,
        "second call: push_nowait('q')('x')",
    ),
    "pubsub.publish, the data": (
        lambda app: app.pubsub.publish("t", "x", "y"),
        TypeError,
        "second call: publish('t')(['x', 'y'])",
    ),
    "queue": (on_page(lambda page: page.queue([1])), TypeError, "the key of a queue in a page must be a str"),
    "wait": (on_page(lambda page: page.wait("x")), TypeError, "timeout must be a number of seconds"),
    "state event": (
        on_page(lambda page: page.add_state_event(5)),
        TypeError,
        "a state event callback must be a function",
    ),
    "push_nowait": (
        lambda app: app.queues.push_nowait("q")(1, 2),
        TypeError,
        "to pass several, write push_nowait('q')([1, 2])",
    ),
    "push": (lambda app: app.queues.push("q", [1]), TypeError, "second call: push('q')([1])"),
    "target": (lambda app: app.functions.call_nowait("f", "1"), TypeError, "target must be a socket number"),
}


def test_the_timeout_of_a_snapshot_is_not_taken_for_arguments(page: Page) -> None:
    for use in (page.snapshot, lambda timeout: page.eval("1", timeout)):
        with pytest.raises(TypeError) as caught:
            use("x")
        assert str(caught.value) == "timeout must be a number of seconds, or None for no limit; got 'x'"


@pytest.mark.parametrize(
    ("use", "error", "text"),
    [
        pytest.param(*case, id=f"{table}: {name}")
        for table, cases in {
            "expose": EXPOSE,
            "callbacks": CALLBACKS,
            "application": APPLICATION,
            "launch": LAUNCH,
            "page": PAGES,
        }.items()
        for name, case in cases.items()
    ],
)
def test_the_error_names_the_argument(app: JsMeetsPy, use: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=re.escape(text)):
        use(app)
    assert app.functions.get_keys() == []


# What can be exposed -------------------------------------------------------------------------------------------------


def test_callables_without_a_name_can_be_exposed_under_one(app: JsMeetsPy) -> None:
    thing = Thing()
    assert app.expose("method")(thing.method) == thing.method
    assert app.expose("partial")(functools.partial(max, 5)).args == (5,)
    assert app.expose("object")(thing) is thing
    app.expose("lambda")(lambda: "lambda")
    app.expose("int")(int)
    app.expose(thing.method)  # under its own name
    app.expose(Thing.made)
    page = app.launch("<p>", "none")
    client = RawPage(page.url)
    for key, args, value in [
        ("method", [], "method"),
        ("partial", [7], 7),
        ("object", [], "called"),
        ("lambda", [], "lambda"),
        ("int", ["12"], 12),
        ("made", [], "made"),
    ]:
        assert client.ask("call", key, args) == ["return", 1, value]


def test_a_curried_call_can_be_exposed(app: JsMeetsPy) -> None:
    page = app.launch("<p>", "none")
    client = as_page(page)
    app.expose("relay")(page.aio.call("f"))
    app.expose("blocking")(page.call("f"))
    app.expose("push")(app.queues.push("q"))
    for key, kind in [("relay", "call"), ("blocking", "call"), ("push", "push")]:
        client.send(["call", 1, key, [7]])
        asked = client.next(kind)
        client.send(["return", asked[1], True])
        assert client.next("return")[2] == ([client.id] if kind == "push" else True)


def test_static_methods_plain_and_async(app: JsMeetsPy) -> None:
    class Tools:
        @app.expose
        @staticmethod
        async def above(x: int) -> int:
            return x + 1

        @staticmethod
        @app.expose
        def below(x: int) -> int:
            return x + 2

    assert Tools.below(1) == 3
    client = RawPage(app.launch("<p>", "none").url)
    assert client.ask("call", "above", [1]) == ["return", 1, 2]
    assert client.ask("call", "below", [1]) == ["return", 1, 3]


def test_a_class_body_that_cannot_be_exposed_is_not_changed_silently(app: JsMeetsPy) -> None:
    with pytest.raises(TypeError, match=r"Wrong\.method is a method"):

        class Wrong:
            @app.expose
            def method(self) -> None:
                """Never called."""

    assert app.functions.get_keys() == []


def test_lambdas_of_2020_keep_their_name_and_are_not_replaced(app: JsMeetsPy) -> None:
    app.functions.callable(lambda: 1)
    with pytest.raises(KeyError, match="the name is taken"):
        app.functions.callable(lambda: 2)


# Where to serve ------------------------------------------------------------------------------------------------------


def test_a_taken_port_is_not_an_unknown_host(app: JsMeetsPy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(
            OSError, match=rf"port {port} of 127.0.0.1 cannot be used .* another program may be using it"
        ):
            app.launch("<p>", "none", port=port)


class Refused:
    """Pretends that browsers refuse the first three ports that the system gives."""

    def __init__(self) -> None:
        self.given: list[int] = []

    def __contains__(self, port: int) -> bool:
        if port == 0:
            return False
        self.given.append(port)
        return len(self.given) <= 3


def test_a_chosen_port_is_one_that_browsers_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Refused()
    monkeypatch.setattr("jsmeets_local.server.thread._REFUSED", refused)
    with bind("127.0.0.1", 0) as sock:
        assert sock.getsockname()[1] == refused.given[-1]
    assert len(set(refused.given)) == 4


def test_a_missing_page_is_named_with_the_places_searched(app: JsMeetsPy, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>")
    with pytest.raises(FileNotFoundError) as caught:
        app.launch("nowhere.html", "none")
    assert "pass templates= or static= to the application" in str(caught.value)
    assert "None" not in str(caught.value)
    other = JsMeetsPy(static=tmp_path, bridge=Bridge())
    with pytest.raises(FileNotFoundError, match=r"no static file in .*, no file .*; did you mean 'index.html'\?"):
        other.launch("indx.html", "none")
    with pytest.raises(FileNotFoundError, match=f"did you mean '{tmp_path}/index.html'"):
        app.launch(tmp_path / "indx.html", "none")
    with pytest.raises(FileNotFoundError, match=f"is a folder: name a page in it, such as '{tmp_path}/index.html'"):
        app.launch(tmp_path, "none")


def test_folders_may_be_path_objects(tmp_path: Path) -> None:
    for name in ("static", "templates"):
        (tmp_path / name).mkdir()
    for name in ("templates/index.html", "page.html"):
        (tmp_path / name).write_text("<p>")
    assert program.run(tmp_path) == ["page.html", "index.html", "index.html"]


# The browser ---------------------------------------------------------------------------------------------------------


def test_a_browser_command_that_does_not_return_is_not_waited_for(
    app: JsMeetsPy, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = threading.Event()
    monkeypatch.setattr("webbrowser.open", lambda url: closed.wait(scaled(60)))
    start = time.monotonic()
    with pytest.raises(LaunchError, match=r"no page connected within 0.3 s.*page\.url to open elsewhere"):
        app.launch("<p>", "browser", timeout=0.3)
    assert time.monotonic() - start < scaled(10)
    closed.set()


@pytest.mark.parametrize("code", [True, False])
def test_a_browser_that_ends_after_its_page_has_come_ends_nothing(
    app: JsMeetsPy, monkeypatch: pytest.MonkeyPatch, code: bool
) -> None:
    closed, ended = threading.Event(), threading.Event()
    clients = []

    def opens(url: str) -> bool:
        target = follow(url)
        clients.append(RawPage(target, page=target.partition("#jsmeets=")[2].partition(".")[2]))
        closed.wait(scaled(60))
        threading.Timer(0.1, ended.set).start()
        return code  # GenericBrowser gives the exit code of its command

    monkeypatch.setattr("webbrowser.open", opens)
    page = app.launch("<p>", "browser")
    closed.set()
    assert ended.wait(scaled(10))
    app.bridge.portal.call(lambda: None)
    assert page.is_connected()
    clients[0].close()


def test_a_browser_that_cannot_be_started_is_reported_immediately(
    app: JsMeetsPy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(url: str) -> bool:
        raise OSError("no memory")

    monkeypatch.setattr("webbrowser.open", fails)
    with pytest.raises(LaunchError, match=r"the browser could not be started \(no memory\)"):
        app.launch("<p>", "browser", timeout=None)


def test_the_library_path_of_a_packaged_program_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser may stay open for long, so changes that the program makes meanwhile stay."""
    monkeypatch.setattr("sys.frozen", True, raising=False)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/bundle")
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/user")
    monkeypatch.delenv("MEANWHILE", raising=False)
    with cleaned():
        assert os.environ["LD_LIBRARY_PATH"] == "/user"
        monkeypatch.setenv("MEANWHILE", "set")
    assert os.environ["LD_LIBRARY_PATH"] == "/bundle"
    assert os.environ["LD_LIBRARY_PATH_ORIG"] == "/user"
    assert os.environ["MEANWHILE"] == "set"


def test_a_browser_that_cannot_be_opened_is_reported_immediately(
    app: JsMeetsPy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webbrowser.open", lambda url: False)
    monkeypatch.setattr("jsmeets_local.launch.browser.display_problem", lambda: None)
    start = time.monotonic()
    with pytest.raises(LaunchError, match=r'no browser was found on this machine\. launch\(mode="none"\)'):
        app.launch("<p>", "browser", timeout=None)
    assert time.monotonic() - start < scaled(10)
    assert app.pages == ()


def test_a_kept_curried_call_is_silent_at_the_end_of_the_program() -> None:
    code = "from jsmeets_local import *; draw = JsPyFunction.call('draw'); JsPyFunction.call_nowait('show')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=scaled(60), check=False)
    assert done.returncode == 0
    assert "call_nowait('show') alone has no effect" in done.stderr
    assert "('draw') alone" not in done.stderr
