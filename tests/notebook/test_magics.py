"""`%%js`, `%jsmeets`, Tab and `?` in a real kernel, with the page in a headless Chromium."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import jsmeets_local
from tests.notebook.conftest import ROOT, Kernel, Run
from tests.timing import scaled

PAGE = """<!DOCTYPE html><body><script>
/** The area of a rectangle.
 *  @param width in metres
 */
JsPyFunction.expose("area", (width, height = 1) => width * height);
JsPyFunction.expose("never", () => new Promise(() => {}));
JsPyFunction.expose("busy", (milliseconds) => { const end = Date.now() + milliseconds; while (Date.now() < end); });
JsPyPubsub.subscribe("news", () => {});
JsPyQueue.push_nowait("items")(1);
</script>"""
LAUNCH = f"""
%load_ext jsmeets_local
from jsmeets_local import JsMeetsPy
app = JsMeetsPy()
@app.expose(exclusive=True)
def add2(a: int, b=1):
    "Adds."
    return a + b
page = app.launch({PAGE!r}, mode="none")
"""
Launch = Callable[..., Any]


@pytest.fixture
def launch(kernel: Kernel, browser: Any) -> Iterator[Launch]:
    """Launch a page in the kernel, open it, and return the tab."""
    context = browser.new_context()

    def launch(code: str = LAUNCH, name: str = "page") -> Any:
        run = kernel.run(code)
        assert run.error is None, run.traceback
        tab = context.new_page()
        tab.goto(kernel.value(f"{name}.url"))
        assert kernel.value(f"{name}.wait_connected(10)")
        return tab

    yield launch
    context.close()


def plain(run: Run) -> str:
    """Return the traceback of a failed cell without colors."""
    return re.sub(r"\x1b\[[\d;]*m", "", "\n".join(run.traceback))


def test_js_runs_cells_in_the_page(kernel: Kernel, launch: Launch) -> None:
    launch()
    assert kernel.run("%%js\nconst x = await Promise.resolve(20);\nx + 1;").value == "21"
    assert kernel.run("%%js\nconst x = 2; x").value == "2"
    assert kernel.run("%%js\n({x, list: [1, 2]})").value == "{'x': 2, 'list': [1, 2]}"
    assert kernel.run("_['x']").value == "2"
    stored = kernel.run("%%js -o kept\n[x, 'kept']")
    assert (stored.value, kernel.value("kept")) == (None, [2, "kept"])
    for code in ("undefined", "const y = 1", "for (const z of [1]) { z }", "// nothing"):
        run = kernel.run(f"%%js\n{code}")
        assert (run.value, run.error, run.stderr) == (None, None, "")
    assert kernel.run("%%js\nawait JsPyFunction.call('add2')(1, 2)").value == "3"
    assert kernel.run("%%js\nJsPyFunction.expose('half', (x) => x / 2)").value is None
    assert kernel.value("page.call('half')(3)") == 1.5
    assert kernel.run("%%js\nawait JsPyPubsub.subscribe('news', () => {})").value is None
    late = kernel.run("%%js -t 0.1\nawait new Promise(() => {})")
    assert late.error == "CallTimeout: the cell did not finish within 0.1 s; it continues in the page"
    assert "not a variable name" in kernel.run("%%js -o 1x\n1").stderr
    assert kernel.value("app.pages[0] is page") is True


def test_js_runs_in_the_page_that_was_launched_last(kernel: Kernel, launch: Launch) -> None:
    kernel.run("%load_ext jsmeets_local")
    nowhere = kernel.run("%%js\n1")
    assert nowhere.stderr.strip() == "UsageError: %%js needs an open page; call launch() first"
    launch()
    launch("from jsmeets_local import Bridge\nother_app = JsMeetsPy(bridge=Bridge())\n"
           "other = other_app.launch('<title>Other</title>', mode='none')", "other")  # fmt: skip
    title = "document.title || 'first'"
    assert kernel.run(f"%%js\n{title}").value == "'Other'"
    assert kernel.run(f"%%js -p page\n{title}").value == "'first'"
    assert (
        kernel.run(f"pages = [page, other]\nget_ipython().run_cell_magic('js', '-p pages[0]', {title!r})").value
        == "'first'"
    )
    assert "3 is not a page" in kernel.run("%%js -p 3\n1").stderr
    kernel.run("other.close()")
    assert kernel.run(f"%%js\n{title}").value == "'first'"
    assert kernel.run("%%js -p other\n1").error.startswith("PageClosed: ")
    kernel.run("app.stop()")
    assert "needs an open page" in kernel.run("%%js\n1").stderr


def test_errors_have_the_lines_of_the_cell(kernel: Kernel, launch: Launch) -> None:
    launch()
    kernel.run("%%js\nfunction far(a) {\n  // a comment\n  return null.x;\n}")
    far = kernel.value("get_ipython().displayhook.prompt_count - 1")
    run = kernel.run("%%js\n\nconst a = await 1;\n\nfar(a);")
    here = kernel.value("get_ipython().displayhook.prompt_count - 1")
    assert run.error == "CellError: TypeError: Cannot read properties of null (reading 'x')"
    assert plain(run).splitlines() == [
        f"Cell In[{here}], line 5, column 1",
        "      3 const a = await 1;",
        "      4",
        "----> 5 far(a);",
        "",
        f"Cell In[{far}], line 4, column 15, in far",
        "      2 function far(a) {",
        "      3   // a comment",
        "----> 4   return null.x;",
        "      5 }",
        "",
        "TypeError: Cannot read properties of null (reading 'x')",
    ]
    assert kernel.value("type(__import__('sys').last_value).__name__") == "CellError"
    assert kernel.value("isinstance(__import__('sys').last_value, __import__('jsmeets_local').JavaScriptError)") is True
    assert kernel.value("__import__('sys').last_traceback is not None") is True
    for code, line in [("\n\n%%js\nnull.x", 4), ("%%time\n%%js\n\nnull.x", 4), ("%%js\nlet b = 1;\nlet c = = 2", 3)]:
        assert f"line {line}, column" in plain(kernel.run(code)), code
    caught = (
        "try:\n    get_ipython().run_cell_magic('js', '', 'null.x')\nexcept Exception as error:\n    caught = error"
    )
    kernel.run(caught)
    assert kernel.value("caught.name") == "TypeError"
    assert "\x1b" not in kernel.run("%colors nocolor").stdout
    assert "\x1b" not in "".join(kernel.run("%%js\nnull.x").traceback)


def test_an_interrupt_ends_the_wait(kernel: Kernel, launch: Launch) -> None:
    launch()
    run = kernel.start("%%js\nawait new Promise(() => {})")
    time.sleep(scaled(0.5))  # the cell has begun to wait
    kernel.manager.interrupt_kernel()
    kernel.until(lambda: run.idle)
    assert run.error == "KeyboardInterrupt: "
    assert kernel.run("%%js\n1").value == "1"


def test_jsmeets_shows_what_there_is(kernel: Kernel, launch: Launch) -> None:
    empty = kernel.run("%load_ext jsmeets_local\n%jsmeets")
    assert "none open; call launch()" in empty.html[0]
    launch()
    launch("second = app.open('/', mode='none')", "second")
    run = kernel.run("%jsmeets\nNone")
    (html,) = run.html
    text = run.plain[0]
    assert "<table" in html
    assert [line.split() for line in text.splitlines()] == [
        ["page", kernel.value("page.url.partition('#')[0]"), "connected,", "socket", "1"],
        ["its", "functions", "area"],
        ["busy"],
        ["never"],
        ["page", kernel.value("second.url.partition('#')[0]"), "connected,", "socket", "2;", "%%js", "runs", "here"],
        ["its", "functions", "area"],
        ["busy"],
        ["never"],
        ["Python's", "functions", "add2(a:", "int,", "b=1)", "exclusive"],
        ["queues", "items", "2", "items"],
        ["topics", "news", "sockets", "1,", "2"],
    ]
    for word in ("add2(a: int, b=1)", "exclusive", "2 items", "sockets 1, 2", "socket 2; %%js runs here"):
        assert word in html
    token = kernel.value("page.url.partition('=')[2].partition('.')[0]")
    assert len(token) > 30
    assert token not in html + text


def test_jsmeets_marks_the_view_that_answers(kernel: Kernel, launch: Launch) -> None:
    first = launch()
    first.context.new_page().goto(kernel.value("page.url"))
    kernel.run("import time\nwhile len(page._client.presence.sockets) < 2:\n    time.sleep(0.01)")
    run = kernel.run("%jsmeets\nNone")
    assert "connected, sockets 1, 2 (socket 2 answers); %%js runs here" in run.plain[0]
    assert kernel.run("%%js\nJsPyTextSocket.get_socket_id()").value == "2"


def test_the_cells_of_the_guide_run_in_order(kernel: Kernel, browser: Any) -> None:
    guide = (ROOT / "docs" / "how-to" / "notebook.md").read_text(encoding="utf-8")
    first = re.search(r"^```python\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    assert first
    section = guide.partition("## JavaScript cells")[2].partition("\n## ")[0]
    cells = re.findall(r"^```ipython\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert len(cells) == 2
    run = kernel.start(first[1])
    kernel.until(lambda: run.html)
    address = re.search(r'iframe src="([^"]+)"', run.html[0])
    assert address
    browser.new_page().goto(address[1])
    kernel.until(lambda: run.idle)
    assert run.value == "42"
    done = [kernel.run(cell) for cell in cells]
    assert [one.error for one in done] == [None, None]
    assert done[1].value == "42"


def test_the_magics_come_and_go(kernel: Kernel) -> None:
    kernel.run("before = get_ipython().find_cell_magic('js')")
    kernel.run("%load_ext jsmeets_local\n%reload_ext jsmeets_local")
    assert "of jsmeets_local" in kernel.inspect("%%js")
    assert "-t SECONDS" in kernel.inspect("%%js")
    kernel.run("%%html\n<b>IPython's own</b>")
    assert "needs an open page" in kernel.run("%%js\n1").stderr
    kernel.run("%unload_ext jsmeets_local")
    assert kernel.value("get_ipython().find_cell_magic('js') == before") is True
    assert kernel.value("get_ipython().find_line_magic('jsmeets')") is None


def test_tab_and_question_mark(kernel: Kernel, launch: Launch) -> None:
    tab = launch()
    assert {"area", "busy", "never", "document"} <= set(kernel.complete("page.js."))
    assert kernel.complete("page.js.are") == ["area"]
    assert kernel.complete("page.aio.js.neve") == ["never"]
    assert kernel.value("page.js.document.title") == kernel.value("page.eval('document.title')")
    kernel.run("body = page.js.document.body")
    assert "firstChild" in kernel.complete("body.firstC")
    for name in ("page.js.area", "page.aio.js.area"):
        shown = kernel.inspect(name)
        assert f"{name}(width, height=1, /)" in shown
        assert "area(width, height = 1)" in shown
        assert "The area of a rectangle.\n @param width in metres" in shown
        assert "Call signature" not in shown
    assert within(1, lambda: kernel.inspect("page.js.nope")) == ""
    kernel.run("page.eval('window.called = 0; window.odd = { getdoc() { called += 1; } }')\nodd = page.js.odd")
    kernel.inspect("odd")
    assert kernel.value("page.js.called") == 0
    kernel.run(f"page.call_nowait('busy')({scaled(2500)})")
    assert within(1.5, lambda: kernel.inspect("body")) != ""
    assert within(1, lambda: kernel.inspect("page.js.document.title")) == ""
    assert within(1, lambda: kernel.complete("page.js.")) == ["area", "busy", "never"]  # those that it has announced
    assert kernel.value("page.call('area')(2)") == 2  # it is back
    tab.close()
    kernel.run("import time\nwhile page.is_connected():\n    time.sleep(0.01)")
    assert within(1, lambda: kernel.complete("page.js.")) == []
    assert "page.js.area(*args)" in within(1, lambda: kernel.inspect("page.js.area"))
    assert within(1, lambda: kernel.inspect("page.js.nope")) == ""


def within(seconds: float, action: Callable[[], Any]) -> Any:
    start = time.monotonic()
    value = action()
    assert time.monotonic() - start < scaled(seconds)
    return value


@pytest.mark.parametrize("subshell", [False, True])
def test_tab_while_a_cell_waits_for_the_page(kernel: Kernel, launch: Launch, subshell: bool) -> None:
    """The main shell completes after the cell, a subshell at once; nothing hangs."""
    launch()
    kernel.complete("page.js.")  # the first one takes longer
    name = kernel.subshell() if subshell else None
    run = kernel.start("page.call('never')()")
    time.sleep(scaled(0.5))  # the cell has begun to wait
    if subshell:
        assert within(2, lambda: kernel.complete("page.js.ar", name)) == ["area"]
    kernel.manager.interrupt_kernel()
    kernel.until(lambda: run.idle)
    assert run.error == "KeyboardInterrupt: "
    assert kernel.complete("page.js.ar") == ["area"]


def test_in_jupyterlab(open_notebook: Callable[..., Any]) -> None:
    notebook = open_notebook(
        "%load_ext jsmeets_local\nfrom jsmeets_local import JsMeetsPy\npage = JsMeetsPy().launch('<h1>Hello</h1>')",
        "%%js\nconst title = document.querySelector('h1');\ntitle.textContent += '!';\ntitle.textContent",
        "%%js\nconst count = 1;\n\ntitle.missing.method()",
        "%jsmeets",
    )
    notebook.run(0)
    assert notebook.run(1) == "'Hello!'"
    assert notebook.frame(0).locator("h1").inner_text() == "Hello!"
    shown = notebook.run(2)
    assert "Cell In[3], line 4, column " in shown
    assert "----> 4 title.missing.method()" in shown
    assert shown.splitlines()[-1].startswith("TypeError: ")
    assert "%%js runs here" in notebook.run(3)
    assert notebook.cell(3).locator("table tr").count() == 1


def test_ipython_is_not_imported_by_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import jsmeets_local, sys; assert jsmeets_local.load_ipython_extension; assert 'IPython' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    for name in [name for name in sys.modules if name.partition(".")[0] == "IPython"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "jsmeets_local.ipython.magics", raising=False)
    monkeypatch.setitem(sys.modules, "IPython", None)
    with pytest.raises(jsmeets_local.MissingExtra, match=r"pip install ipython$"):
        jsmeets_local.load_ipython_extension(None)
