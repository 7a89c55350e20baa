"""Function descriptions in both directions, and cells of notebooks, in real browsers."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page as Tab

from jsmeets_local import Bridge, CallTimeout, JavaScriptError, JsMeetsPy, JSProxy, Page
from jsmeets_local.ipython.run_cell import CellError, run_cell
from jsmeets_local.protocol.functions import is_async
from tests.timing import scaled

from .conftest import Tabs

Open = Callable[..., Page]

SCRIPT = """
/** The area of a rectangle.
 *  @param width in metres
 */
JsPyFunction.expose("area", (width, height = 1, ...rest) => width * height);
/** Another file has the third. */
function second({a, b}, $el, from = "x", last) {}
JsPyFunction.expose("second", second);
JsPyFunction.expose("no_doc", () => 1);
JsPyFunction.expose("inside", function () {
    // Told inside.
    return 1;
});
JsPyFunction.expose("bound", second.bind(null));
JsPyFunction.expose("hangs", () => { const end = Date.now() + 1500; while (Date.now() < end); });
"""


def test_functions_of_the_page_know_their_parameters_and_documentation(open_page: Open) -> None:
    page = open_page(SCRIPT)
    page.wait_connected()
    area = page.js.area
    assert area(3, 4) == 12
    assert str(inspect.signature(area)) == "(width, height=1, /, *rest)"
    assert area.__doc__ == "area(width, height = 1, ...rest)\n\nThe area of a rectangle.\n @param width in metres"
    assert (area.__name__, repr(area)) == ("area", "<JavaScript function 'area'>")
    assert str(inspect.signature(page.js.second)) == '(arg0, _el, from_="x", last=undefined, /)'
    assert page.js.second.__doc__.endswith("\n\nAnother file has the third.")
    assert page.js["no_doc"].__doc__ == "no_doc()"
    assert page.js.inside.__doc__ == "inside()\n\nTold inside."
    assert (str(inspect.signature(page.js.bound)), page.js.bound.__doc__) == ("(*args)", "")
    assert str(inspect.signature(page.aio.js.area)) == str(inspect.signature(area))
    assert is_async(page.aio.js.area)
    assert dir(page.aio.js) == dir(page.js)
    assert {"area", "bound", "hangs", "inside", "no_doc", "second", "document", "JsPyFunction"} <= set(dir(page.js))


def test_documentation_in_files_of_the_page(app: JsMeetsPy, tab: Tab, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        '<script src="/jsmeetspy/JsPyTextSocket.js"></script><script src="/jsmeetspy/JsPyFunction.js"></script>'
        '<script src="classic.js"></script><script type="module" src="first.mjs"></script>'
    )
    (tmp_path / "classic.js").write_text('/** Classic.\r\n * Two. */\r\nJsPyFunction.expose("classic",\r\n(a) => a);')
    (tmp_path / "first.mjs").write_text("import './second.mjs';")
    (tmp_path / "second.mjs").write_text(
        "import { expose } from '/jsmeetspy/jsmeets.mjs';\n/** In a module. */\nexport function imported(b) {}\nexpose(imported);"
    )
    page = app.launch(str(tmp_path / "page.html"), mode="none")
    tab.goto(page.url)
    page.wait_connected()
    assert page.js.classic.__doc__ == "classic(a)\n\nClassic.\nTwo."
    assert page.js.imported.__doc__ == "imported(b)\n\nIn a module."


def test_an_absent_or_busy_page_contributes_nothing_and_blocks_nothing(open_page: Open, tab: Tab) -> None:
    page = open_page(SCRIPT)
    page.wait_connected()
    area = page.js.area
    page.call_nowait("hangs")()
    assert dir(page.js) == ["area", "bound", "hangs", "inside", "no_doc", "second"]  # those that it has announced
    assert page.js.area.__doc__ == ""
    assert page.call("no_doc")() == 1  # it is back
    assert page.js.area.__doc__ != ""
    tab.goto("about:blank")
    page.wait_connected(0.1)
    while page.is_connected():
        tab.wait_for_timeout(10)
    assert dir(page.js) == []
    assert str(inspect.signature(area)) == "(*args)"


def test_no_call_waits_on_the_bridges_loop(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    @app.expose
    async def look() -> list[Any]:
        return [dir(page.js), page.js.area.__doc__, await page.aio.js.area(3, 4)]

    page = open_page(SCRIPT)
    assert tab.evaluate("JsPyFunction.call('look')()") == [
        ["area", "bound", "hangs", "inside", "no_doc", "second"],
        "",
        12,
    ]


def test_python_lists_its_functions(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    @app.expose
    def add2(a: int, b: int = 1) -> list[int]:
        """Adds.

        Twice.
        """
        return [a, b]

    @app.expose("shop.wait", exclusive=True)
    async def _(*args: Any, **options: Any) -> None: ...

    class Unspeakable:
        def __repr__(self) -> str:
            raise ValueError("no text")

    def strange(a: Any = Unspeakable()) -> None:  # noqa: B008
        """Its default has no text."""

    app.functions.expose("strange", strange)
    app.functions.expose("partial", functools.partial(add2, 1))
    app.functions.expose("upper", str.upper)
    page = open_page("")
    page.wait_connected()
    listed = tab.evaluate("JsPyFunction.list()")
    assert [(info["signature"], info["exclusive"]) for info in listed] == [
        ("add2(a: int, b: int = 1) -> list[int]", False),
        ("shop.wait(*args: Any, **options: Any) -> None", True),
        ("strange(...)", False),
        ("partial(b: int = 1) -> list[int]", False),
        ("upper(self, /)", False),
    ]
    assert [info["name"] for info in listed] == app.functions.get_keys()
    assert listed[0]["doc"] == listed[3]["doc"] == "Adds.\n\nTwice."
    assert (listed[1]["doc"], listed[2]["doc"]) == ("", "Its default has no text.")
    assert tab.evaluate("typeof py") == "undefined"
    assert tab.evaluate(
        "import('/jsmeetspy/jsmeets.mjs').then(async () => [await py.$list(), Object.keys(window).includes('py')])"
    ) == [listed, False]
    assert not app.functions.has("$list")
    assert not app.functions.clear("$list")
    with pytest.raises(ValueError, match="are reserved"):
        app.functions.expose("$list", print)


# Cells ---------------------------------------------------------------------------------------------------------------


class Cells:
    """Runs cells in the page, as a notebook does."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.texts: dict[str, str] = {}

    def run(self, code: str, timeout: float | None = scaled(5)) -> Any:
        name = f"In[{len(self.texts) + 1}]"
        self.texts[name] = "%%js\n" + code
        try:
            return run_cell(self.page, code, name, 2, timeout)
        except JavaScriptError as error:
            raise CellError(error, self.texts) from None

    def places(self, code: str) -> list[Any]:
        """Return the cells and lines of a traceback, innermost first."""
        with pytest.raises(CellError) as caught:
            self.run(code)
        return [(frame.file, frame.line) for frame in caught.value.frames]

    def last(self) -> str:
        return f"In[{len(self.texts)}]"


@pytest.fixture
def cells(open_page: Open) -> Cells:
    page = open_page(
        "let lexical = 1; var variable = 1; function render(x) { return 'page ' + x }\n"
        "function calls(f) { return f() }\nfunction throws() { null.x }\n"
        "window.addEventListener('error', () => { window.heard = true });"
    )
    return Cells(page)


def test_values_of_cells(cells: Cells) -> None:
    assert cells.run("1 + 1;  // two") == 2
    assert cells.run("const {p, q: [r]} = await Promise.resolve({p: 1, q: [2]})") is None
    assert cells.run("await null;\n[p, r]") == [1, 2]
    assert cells.run("fetch('/nothing').then((response) => response.status)") == 404
    assert cells.run("document.title") == "T"
    assert cells.run("const module = await import('/jsmeetspy/jsmeets.mjs'); typeof module.py") == "object"
    assert cells.run("undefined") is None
    assert cells.run("new Uint8Array([1, 2])") == b"\x01\x02"
    assert isinstance(cells.run("document.body"), JSProxy)
    assert cells.run("() => 1")() == 1
    assert cells.run("1n") == 1
    with pytest.raises(CallTimeout):
        cells.run("await new Promise(() => {})", 0.1)


def test_cells_and_the_names_of_the_page(cells: Cells) -> None:
    assert cells.run("render(1)") == "page 1"
    for code in ("function render(x) { return 'cell ' + x }", "await 0; function render(x) { return 'cell ' + x }"):
        cells.run(code)
        assert cells.run("calls(() => render(2))") == "cell 2"
    assert cells.run("lexical += 1; variable += 1; [lexical, variable]") == [2, 2]
    assert cells.run("var variable = 5; variable") == 5
    for code in ("let lexical = 5", "const variable = 5", "await 0; var variable = 6", "let location = 1"):
        with pytest.raises(CellError, match="already been declared by the page itself"):
            cells.run(code)
    assert cells.run("[lexical, variable]") == [2, 5]
    assert cells.run("const name = {deep: 1}, status = [2]; [name.deep, status]") == [1, [2]]
    assert cells.run("[name, status]") == [{"deep": 1}, [2]]


def test_errors_show_the_lines_of_their_cells(cells: Cells) -> None:
    cells.run("function far() {\n  const nothing = null;\n  nothing.x;\n}")
    far = ("In[1]", 4)
    assert cells.places("null.x") == [(cells.last(), 2)]
    assert cells.places("\n\n  null.x;\n") == [(cells.last(), 4)]
    assert cells.places("far()") == [far, (cells.last(), 2)]
    assert cells.places("await 1;\n\nfar()") == [far, (cells.last(), 4)]
    assert cells.places("await new Promise((done) => setTimeout(done, 5));\nnull.x") == [(cells.last(), 3)]
    assert cells.places("const g = async () => {\n  await 1;\n  far();\n};\nawait g();")[:2] == [far, (cells.last(), 4)]
    assert cells.places("await Promise.reject(new RangeError(\n'far'))") == [(cells.last(), 2)]
    assert cells.places("JsPyFunction.call(5)") == [(cells.last(), 2)]
    (inner, page, outer) = cells.places("calls(() => {\n  throw new Error('oh');\n})")
    assert (inner, outer) == ((cells.last(), 3), (cells.last(), 2))
    assert page[0].startswith("http://127.0.0.1:")
    assert cells.places("throw 'text'") == []


SYNTAX = [
    ("let a = 1;\nlet b = = 2;", 3, 9),
    ("await 1;\n\nfoo(;", 4, 5),
    ("let a = 1;\nlet a = 2;", 3, 5),
    ("if (a) {", 2, None),
    ("foo(1,\n2", 3, None),
    ("let a = 1;\n}", 3, 1),
    ("await 1;\n'}' + `}`; // }\n} let b = 1", 4, 1),
    ("const a;", 2, None),
    ("import x from './a.js'", 2, None),
    ("\n\nlet a = 'x", 4, None),
    ("`abc", 2, None),
    ("/* abc", 2, None),
]


@pytest.mark.parametrize(("code", "line", "column"), SYNTAX)
def test_syntax_errors_show_the_line_and_run_nothing(cells: Cells, code: str, line: int, column: int | None) -> None:
    with pytest.raises(CellError) as caught:
        cells.run("window.ran = true;" + code)
    (frame,) = caught.value.frames
    assert caught.value.name == "SyntaxError"
    assert (frame.file, frame.line) == ("In[1]", line)
    if column is not None and line > 2:
        assert frame.column == column
    assert "Failed to execute" not in caught.value.msg
    assert cells.run("[window.ran, window.heard]") == [None, None]


def test_how_an_error_is_shown(app: JsMeetsPy, cells: Cells) -> None:
    @app.expose
    def wrong() -> None:
        raise ValueError("look here")

    cells.run("function far() {\n  throw new Error('oh');\n}")
    with pytest.raises(CellError) as caught:
        cells.run("let a = 1;\nlet b = 2;\nlet c = 3;\n\nfar();\nlet d = 4;")
    shown = caught.value._render_traceback_()
    assert [line for line in shown if "column" not in line] == [
        "      4 let c = 3;",
        "      5",
        "----> 6 far();",
        "      7 let d = 4;",
        "",
        "      1 %%js",
        "      2 function far() {",
        "----> 3   throw new Error('oh');",
        "      4 }",
        "",
        "Error: oh",
    ]
    assert [line for line in shown if "column" in line] == [
        "Cell In[2], line 6, column 1",
        "Cell In[1], line 3, column 9, in far",
    ]
    assert str(caught.value) == "Error: oh"
    assert caught.value.stack.splitlines() == [
        "Error: oh",
        "    at far (Cell In[1], line 3, column 9)",
        "    at Cell In[2], line 6, column 1",
    ]
    with pytest.raises(CellError) as caught:
        cells.run("await JsPyFunction.call('wrong')()")
    shown = caught.value._render_traceback_()
    assert shown[-1] == "ValueError: look here"
    assert any('raise ValueError("look here")' in line for line in shown)
    assert [frame.line for frame in caught.value.frames] == [2]
    with pytest.raises(CellError) as caught:
        cells.run("function deep(n) { deep(n + 1) }\ndeep(0)")
    assert len(caught.value._render_traceback_()) < 60


def test_functions_of_cells_are_described(cells: Cells) -> None:
    cells.run("/** From a cell. */\nJsPyFunction.expose('from_cell', (a) => a);")
    assert cells.page.js.from_cell.__doc__ == "from_cell(a)\n\nFrom a cell."


def test_a_page_that_forbids_eval_says_so(tab: Tab, tabs: Tabs) -> None:
    app = JsMeetsPy(bridge=Bridge())
    page = app.launch(
        "<meta http-equiv='Content-Security-Policy' content=\"script-src 'self' 'unsafe-inline'\">"
        "<script src='/jsmeetspy/JsPyTextSocket.js'></script><script src='/jsmeetspy/JsPyFunction.js'></script>"
        "<script>/** Documented. */ JsPyFunction.expose('f', (a) => a)</script>",
        mode="none",
    )
    tab.goto(page.url)
    page.wait_connected()
    assert page.js.f(1) == 1
    assert (str(inspect.signature(page.js.f)), page.js.f.__doc__) == ("(a, /)", "f(a)\n\nDocumented.")
    with pytest.raises(JavaScriptError, match="EvalError"):
        run_cell(page, "1", "In[1]", 2)
    app.stop()
    tab.goto("about:blank")
    tabs.errors[:] = [error for error in tabs.errors if "unsafe-eval" not in error]  # Firefox reports it there, too
