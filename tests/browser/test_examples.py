"""The examples, started as their readers start them, in real browsers."""

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from jsmeets_local.staticfiles import ASSETS, SCRIPTS
from tests.pictures import png
from tests.raw import follow
from tests.timing import scaled

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
UVICORN = [sys.executable, "-m", "uvicorn", "main:app", "--port", "0"]
MAIN = [sys.executable, "main.py"]


@contextlib.contextmanager
def running(folder: Path, command: list[str]) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A program in a process of its own, and the address of its page.

    uvicorn prints the address. `main.py` opens it in the default browser, which here is `echo`.
    """
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "BROWSER": "echo %s"}
    program = subprocess.Popen(
        command, cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert program.stdout is not None
    said = []
    try:
        for line in program.stdout:
            said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+\S*", line):
                yield found[0], program
                break
        else:
            pytest.fail("the program ended:\n" + "".join(said))
    finally:
        program.terminate()
        program.stdout.close()
        program.wait(scaled(10))


@pytest.fixture(params=[UVICORN, MAIN], ids=["uvicorn", "main"])
def readme(request: pytest.FixtureRequest) -> Iterator[Callable[[int], str]]:
    """Start one of the eight examples, in both ways, and return its URL."""
    with contextlib.ExitStack() as stack:

        def start(number: int) -> str:
            url, _ = stack.enter_context(running(EXAMPLES / "readme_2020" / f"ex{number}", request.param))
            return follow(url)  # for more than one tab

        yield start


def open_page(tab: Page, url: str) -> int:
    """Open an example, wait until it has connected, and return its socket id."""
    tab.goto(url)
    assert tab.evaluate("JsPyTextSocket.wait_ready(10)")
    return tab.evaluate("JsPyTextSocket.get_socket_id()")


def log(tab: Page) -> Any:
    """Expect a text in the log that the page shows."""
    return expect(tab.locator("#log"))


def fetch(tab: Page, path: str) -> Any:
    return tab.evaluate("async (path) => (await fetch(path)).json()", path)


# The eight examples of 2020 ----------------------------------------------------------------------------------------


def test_1_web_server(readme: Callable[[int], str], tab: Page) -> None:
    response = tab.goto(readme(1))
    assert response is not None
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert "world" in tab.inner_text("body")


def test_2_page_with_copied_scripts(readme: Callable[[int], str], tab: Page) -> None:
    assert open_page(tab, readme(2)) == 1
    expect(tab.locator("#state")).to_have_text("Connected as socket 1.")
    static = EXAMPLES / "readme_2020" / "ex2" / "static"
    for name in SCRIPTS:
        assert (static / name).read_bytes() == Path(ASSETS, name).read_bytes()
        assert tab.evaluate(
            "JsPyTextSocket._connection.badge !== null" if name == "badge.js" else f"{Path(name).stem}.VERSION"
        )
        assert tab.locator(f"script[src$='/static/{name}']").count() == 1
    tab.reload()
    expect(tab.locator("#state")).to_have_text("Connected as socket 2.")


def test_3_javascript_calls_python(readme: Callable[[int], str], tab: Page) -> None:
    open_page(tab, readme(3))
    tab.get_by_text("Call", exact=True).click()
    log(tab).to_have_text("[4,7,11]\nNo negative arguments\n")
    assert tab.evaluate("timeout") == 1  # the assignment of a classic script
    tab.get_by_text("Call, with then()").click()
    log(tab).to_have_text("[4,7,11]\nNo negative arguments\n4,7,11\n")
    tab.get_by_text("Call, and lose patience").click()
    log(tab).to_contain_text("A timeout has occurred @javascript")
    assert tab.evaluate("JsPyFunction.call_nowait('py_add2')(4, 7)") is None
    error = tab.evaluate("JsPyFunction.call('py_add2')(-1, 1).catch(e => [e instanceof Error, e.name, e.message])")
    assert error == [True, "Exception", "No negative arguments"]
    assert "exposes no function" in tab.evaluate("JsPyFunction.call('nobody')().catch(e => e.message)")


def test_3_is_not_frozen_by_a_function_that_blocks(readme: Callable[[int], str], tab: Page) -> None:
    open_page(tab, readme(3))
    quick = "JsPyFunction.call('py_nap')(3); JsPyFunction.call('py_add2', timeout=2)(1, 2)"
    assert tab.evaluate(quick) == [1, 2, 3]


def test_4_python_calls_javascript(readme: Callable[[int], str], tab: Page) -> None:
    url = readme(4)
    first = open_page(tab, url)
    second_tab = tab.context.new_page()
    second = open_page(second_tab, url)
    assert (first, second) == (1, 2)
    for one in (tab, second_tab):
        one.evaluate("Math.random = () => 0.5")
    assert fetch(tab, "/call") == {"1": 6, "2": 6}
    log(second_tab).to_have_text("Python asked for 1,2,3: 6\n")

    second_tab.evaluate("Math.random = () => 0")
    answers = fetch(tab, "/call")
    assert answers["1"] == 6
    assert answers["2"].startswith("<JsPyError>: Random exception in {protocol: call, key: sum_arr")

    second_tab.evaluate("JsPyFunction.expose('sum_arr', () => new Promise(() => {}))")
    before = time.monotonic()
    assert fetch(tab, "/call") == {"1": 6}  # the silent page is absent
    assert 1.5 < time.monotonic() - before < scaled(4)

    asked = tab.evaluate_handle("({ answer: fetch('/call').then(response => response.json()) })")
    second_tab.wait_for_function("JsPyFunction.is_running('sum_arr')")
    second_tab.close()
    answers = asked.evaluate("asked => asked.answer")
    assert answers["1"] == 6
    assert "left before it answered" in answers["2"]
    assert fetch(tab, "/call") == {"1": 6}


def test_4_without_waiting(readme: Callable[[int], str], tab: Page) -> None:
    open_page(tab, readme(4))
    tab.evaluate("Math.random = () => 0.5")
    tab.get_by_text("and not wait").click()
    log(tab).to_contain_text("Python asked for 4,7: 11\n")
    assert tab.get_by_text("Python asked for").count() == 1


def test_5_javascript_pushes_to_python(readme: Callable[[int], str], tab: Page) -> None:
    open_page(tab, readme(5))
    assert fetch(tab, "/pop") is None
    assert fetch(tab, "/shift") is None
    for _ in range(3):
        tab.get_by_text("Push", exact=True).click()
    assert tab.evaluate("JsPyQueue.push('other', timeout=5)(undefined)") is True  # by now the others have arrived
    assert fetch(tab, "/pop") == [3, {"a": 1, "b": 10}]
    assert fetch(tab, "/shift") == [1, {"a": 1, "b": 10}]
    assert fetch(tab, "/shift") == [2, {"a": 1, "b": 10}]
    assert fetch(tab, "/shift") is None


def test_6_python_pushes_to_javascript(readme: Callable[[int], str], tab: Page) -> None:
    url = readme(6)
    open_page(tab, url)
    other = tab.context.new_page()
    open_page(other, url)
    assert tab.evaluate("[JsPyQueue.is_empty('q1'), JsPyQueue.shift('q1') ?? null, JsPyQueue.pop('q1', 7)]") == [
        True,
        None,
        7,
    ]
    tab.get_by_text("Take").click()
    log(tab).to_have_text("")
    for one in (tab, other):
        one.evaluate("() => { globalThis.seen = 0; JsPyQueue.add_callback(() => { seen += 1; }); }")
    for text in ("hello", "middle", "last"):
        tab.evaluate("path => fetch(path)", f"/push/{text}")
    for one in (tab, other):
        one.wait_for_function("seen === 3")
        assert one.evaluate("JsPyQueue.pop('q1')") == "last"
        one.get_by_text("Take").click()
        log(one).to_have_text("hello\n")
        assert one.evaluate("JsPyQueue.pop('q1')") == "middle"


def test_7_pubsub_in_javascript(readme: Callable[[int], str], tab: Page) -> None:
    url = readme(7)
    open_page(tab, url)
    other = tab.context.new_page()
    open_page(other, url)
    for one in (tab, other):
        one.get_by_role("button", name="Subscribe", exact=True).click()
        log(one).to_have_text("subscribed: true\n")
    tab.get_by_text("Publish", exact=True).click()
    log(tab).to_contain_text("published: true")
    for one in (tab, other):
        log(one).to_contain_text("topic1: [null,3]")
    other.get_by_text("Unsubscribe").click()
    log(other).to_contain_text("unsubscribed: true")
    before = other.inner_text("#log")
    assert tab.evaluate("JsPyPubsub.publish('topic1', timeout=1)('again')") is True
    log(tab).to_contain_text('topic1: "again"')
    assert other.inner_text("#log") == before
    assert other.evaluate("JsPyPubsub.unsubscribe('topic1', timeout=1)") is False


def test_7_says_false_when_the_connection_is_closed(readme: Callable[[int], str], tab: Page) -> None:
    open_page(tab, readme(7))
    assert tab.evaluate("JsPyTextSocket.close()") is True
    for text in ("Publish", "Subscribe"):
        tab.get_by_text(text, exact=True).click()
    log(tab).to_have_text("published: false\nsubscribed: false\n")


def test_8_pubsub_in_python(readme: Callable[[int], str], tab: Page) -> None:
    open_page(tab, readme(8))
    assert fetch(tab, "/publish") is True
    log(tab).to_have_text('topic2: {"a":[1,2]}\n')
    assert tab.evaluate("JsPyPubsub.publish('topic2')('from the page')") is True
    log(tab).to_contain_text('topic2: "from the page"')
    deadline = time.monotonic() + scaled(5)
    while len(heard := fetch(tab, "/heard")) < 2 and time.monotonic() < deadline:
        pass
    assert heard == [["topic2", {"a": [1, 2]}], ["topic2", "from the page"]]


def test_the_test_of_the_documentation(tmp_path: Path) -> None:
    """The test module shown in docs/how-to/test-a-page.md passes."""
    text = (ROOT / "docs" / "how-to" / "test-a-page.md").read_text(encoding="utf-8")
    code = text.partition("```python\n")[2].partition("```")[0]
    (tmp_path / "test_page.py").write_text(code, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=scaled(60),
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


# The others ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def example() -> Iterator[Callable[[str], tuple[str, subprocess.Popen[str]]]]:
    """Start an example by its name."""
    with contextlib.ExitStack() as stack:
        yield lambda name: stack.enter_context(running(EXAMPLES / name, MAIN))


def test_hello(example: Callable[[str], tuple[str, subprocess.Popen[str]]], tab: Page) -> None:
    url, program = example("hello")
    tab.goto(url)
    expect(tab.locator("#text")).to_have_text("What is your name?")
    tab.fill("#answer", "Ada")
    tab.get_by_text("Answer").click()
    expect(tab.locator("#text")).to_have_text("Hello, Ada!")
    expect(tab.locator("#answer")).to_be_hidden()
    tab.close()
    assert program.wait(scaled(10)) == 0  # it ends with its page


def test_hello_closed_before_the_answer(example: Callable[[str], tuple[str, subprocess.Popen[str]]], tab: Page) -> None:
    url, program = example("hello")
    tab.goto(url)
    expect(tab.locator("#text")).to_have_text("What is your name?")
    tab.close()
    assert program.wait(scaled(20)) == 0
    assert program.stdout is not None
    assert "Error" not in program.stdout.read()


def test_counter(example: Callable[[str], tuple[str, subprocess.Popen[str]]], tab: Page) -> None:
    url, program = example("counter")
    tab.goto(url)
    expect(tab.locator("#count")).to_have_text("0")
    tab.get_by_text("+10").click()
    with tab.context.expect_page() as opened:
        tab.get_by_text("Open another tab").click()
    other = opened.value
    expect(other.locator("#count")).to_have_text("10")
    other.get_by_text("−1", exact=True).click()  # noqa: RUF001
    for one in (tab, other):
        expect(one.locator("#count")).to_have_text("9")
    tab.evaluate("async () => { const { py } = await import('/jsmeetspy/jsmeets.mjs');"
                 " await Promise.all(Array.from({ length: 500 }, () => py.add(1))); }")  # fmt: skip
    for one in (tab, other):
        expect(one.locator("#count")).to_have_text("509")
    tab.reload()
    expect(tab.locator("#count")).to_have_text("509")
    other.close()
    tab.close()
    assert program.wait(scaled(10)) == 0


def test_live_plot(example: Callable[[str], tuple[str, subprocess.Popen[str]]], tab: Page) -> None:
    url, program = example("live_plot")
    tab.goto(url)
    pixels = "c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size"
    shown = "id => Number(document.getElementById(id).textContent)"
    tab.wait_for_function(f"({shown})('rate') > 250", timeout=scaled(10_000))
    for quick in ("('fps') > 5", f"('latency') < {scaled(500)}"):  # 60 frames per second on an idle machine
        tab.wait_for_function(f"({shown}){quick}")
    tab.wait_for_function(f"({pixels})(document.querySelector('canvas')) > 3")  # lines are drawn
    tab.locator("[name=noise]").fill("0")
    tab.locator("[name=hertz]").fill("5")
    quiet = """async () => {
        const { pubsub } = await import('/jsmeetspy/jsmeets.mjs');
        return new Promise((done) => pubsub.subscribe('samples', (topic, { samples }) => {
            if (samples.every(([a, b, c]) => Math.hypot(a, b, c) < 1.3)) { done(true); }
        }));
    }"""
    assert tab.evaluate(quiet)
    tab.close()
    assert program.wait(scaled(10)) == 0


def test_camera(example: Callable[[str], tuple[str, subprocess.Popen[str]]], tab: Page) -> None:
    """Frames arrive while the page is fast and while it is slow; then the camera makes more than the page shows."""
    url, program = example("camera")
    tab.goto(url)
    canvas = tab.locator("canvas")
    shown = "id => Number(document.getElementById(id).textContent)"
    drawn = """canvas => canvas.getContext("2d").getImageData(0, 0, 640, 480).data.reduce((sum, byte) => (sum * 31 + byte) | 0, 7)"""
    redrawn = f"""([canvas, before]) => ({drawn})(canvas) !== before"""
    for milliseconds in ("0", "200"):
        tab.locator("#load").fill(milliseconds)
        expect(tab.locator("output")).to_have_text(f"{milliseconds} ms a frame")
        tab.wait_for_function(redrawn, arg=[canvas.element_handle(), canvas.evaluate(drawn)], timeout=scaled(20_000))
        tab.wait_for_function(f"({shown})('shown') > 0", timeout=scaled(20_000))
    tab.wait_for_function(f"({shown})('dropped') > ({shown})('shown')", timeout=scaled(20_000))
    assert canvas.evaluate("canvas => [canvas.width, canvas.height]") == [640, 480]
    colors = "canvas => new Set(new Uint32Array(canvas.getContext('2d').getImageData(0, 0, 640, 480).data.buffer)).size"
    assert canvas.evaluate(colors) > 50
    tab.close()
    assert program.wait(scaled(10)) == 0


def test_training_monitor(example: Callable[[str], tuple[str, subprocess.Popen[str]]], tab: Page) -> None:
    """Two tabs follow one training and control it; the question goes to the tab that has started it."""
    url, program = example("training_monitor")
    tab.goto(url)
    expect(tab.locator("#tab")).to_have_text("Tab 1")
    tab.locator("#start").click()
    epoch = "() => Number(document.getElementById('epoch').textContent)"
    tab.wait_for_function(f"({epoch})() >= 5", timeout=scaled(20_000))
    with tab.context.expect_page() as opened:
        tab.get_by_text("Open another tab").click()
    other = opened.value
    expect(other.locator("#tab")).to_have_text("Tab 2")
    other.locator("#rate").fill("-1.5")
    expect(tab.locator("output")).to_have_text("0.032")
    other.locator("#pause").click()
    expect(tab.locator("#says")).to_have_text("Tab 2 paused the training.")
    expect(tab.locator("#pause")).to_have_text("Resume")
    deadline = time.monotonic() + scaled(10)
    while other.inner_text("#epoch") != tab.inner_text(
        "#epoch"
    ):  # the epoch that ran at the pause reaches each in turn
        assert time.monotonic() < deadline, "the tabs show different epochs"
    colors = "c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size"
    for one in (tab, other):
        for name, least in (("map", 50), ("chart", 10)):
            one.wait_for_function(f"({colors})(document.getElementById('{name}')) > {least}")

    tab.locator("#pause").click()
    expect(tab.locator("#question")).to_be_visible(timeout=scaled(60_000))
    expect(tab.locator("#question p")).to_contain_text(re.compile(r"^The accuracy is (9[5-9]|100)\.\d%"))
    assert not other.locator("#question").is_visible()
    expect(other.locator("#epoch")).to_have_text("400")
    tab.get_by_text("Continue").click()
    tab.wait_for_function(f"({epoch})() > 400", timeout=scaled(20_000))
    other.locator("#stop").click()
    expect(tab.locator("#says")).to_have_text("Tab 2 stopped the training.")

    tab.locator("#start").click()
    other.wait_for_function(f"({epoch})() < 100", timeout=scaled(20_000))
    expect(tab.locator("#question")).to_be_visible(timeout=scaled(60_000))
    tab.close()
    expect(other.locator("#says")).to_have_text("Tab 1 was closed, which stopped the training.")
    expect(other.locator("#start")).to_be_enabled()
    other.close()
    assert program.wait(scaled(10)) == 0


def test_csv_explorer(tab: Page, tmp_path: Path) -> None:
    """A file is read with progress, sorted, filtered and saved; what is read of a cancelled one stays."""
    lines = "".join(f"{number},{(number * 7919) % 200_000 / 100},{'even' if number % 2 == 0 else 'ODD'}\n"
                    for number in range(200_000))  # fmt: skip
    (tmp_path / "numbers.csv").write_text("number,price,kind\n" + lines, encoding="utf-8")
    with running(EXAMPLES / "csv_explorer", MAIN) as (url, program):
        tab.goto(url)
        about = tab.locator("#about")
        # Look at the progress in the page: it may change faster than this test sees it.
        tab.evaluate("""() => {
            globalThis.shares = [];
            new MutationObserver(() => shares.push(bar.value)).observe(share, { childList: true });
        }""")
        tab.locator("#file").set_input_files(tmp_path / "numbers.csv")
        expect(about).to_have_text("numbers.csv: 200,000 rows", timeout=scaled(40_000))
        shares = tab.evaluate("shares")
        assert len(shares) > 50
        assert shares == sorted(shares)
        assert shares[-1] == 1
        assert tab.locator(".row").count() < 100
        rows = tab.locator(".row")
        expect(rows.first).to_have_text("00.0even")

        tab.get_by_role("button", name="price").click()
        expect(tab.get_by_role("button", name="price")).to_have_attribute("aria-sort", "ascending")
        tab.get_by_role("button", name="price").click()
        expect(rows.first).to_contain_text("1999.99", timeout=scaled(20_000))
        tab.fill("#filter", "odd")
        expect(about).to_have_text("100,000 rows", timeout=scaled(20_000))
        tab.fill("#filter", "no such text")
        expect(about).to_have_text("0 rows", timeout=scaled(20_000))
        expect(rows).to_have_count(0)
        tab.fill("#filter", "199999")
        expect(about).to_have_text("1 row", timeout=scaled(20_000))
        # Firefox tells Playwright nothing of downloads: look at what the browser is given.
        tab.evaluate("""() => {
            const make = URL.createObjectURL;
            URL.createObjectURL = (blob) => { globalThis.blob = blob; return make.call(URL, blob); };
        }""")
        tab.locator("#save").click()
        tab.wait_for_function("globalThis.blob")
        row = f"199999,{(199_999 * 7919) % 200_000 / 100},ODD"
        assert tab.evaluate("blob.text()").split() == ["number,price,kind", row]

        # Choices that overtake each other: the last one counts.
        tab.evaluate("""() => {
            const [number, price] = columns.children;
            number.click(); price.click(); price.click();
            filter.value = "odd"; filter.oninput();
        }""")
        expect(about).to_have_text("100,000 rows", timeout=scaled(20_000))
        expect(rows.first).to_contain_text("1999.99ODD")
        tab.fill("#filter", "")
        expect(about).to_have_text("200,000 rows", timeout=scaled(20_000))
        tab.locator("#view").evaluate("view => { view.scrollTop = view.scrollHeight; }")
        expect(rows.last).to_have_text("00.0even")  # the smallest price is the last row
        tab.close()
        assert program.wait(scaled(10)) == 0


def test_csv_explorer_cancels(tab: Page) -> None:
    with running(EXAMPLES / "csv_explorer", MAIN) as (url, program):
        tab.goto(url)
        # Press the button as soon as rows have arrived.
        tab.evaluate("""() => new MutationObserver((_, observer) => {
            if (parseInt(share.textContent) > 1) { observer.disconnect(); cancel.click(); }
        }).observe(share, { childList: true })""")
        tab.locator("#sample").click()
        expect(tab.locator("#about")).to_have_text(
            re.compile(r"^sales.csv: [\d,]+ rows read, then cancelled$"), timeout=scaled(40_000)
        )
        count = int(re.sub(r"\D", "", tab.inner_text("#about")))
        assert 200 <= count < 200_000
        expect(tab.locator("#loading")).to_be_hidden()
        tab.fill("#filter", "oslo")
        expect(tab.locator("#about")).not_to_contain_text("cancelled")
        assert 0 < int(re.sub(r"\D", "", tab.inner_text("#about"))) < count
        tab.close()
        assert program.wait(scaled(10)) == 0


def test_desktop_todo(tab: Page, tmp_path: Path) -> None:
    """In the browser it has one file; the buttons for other files belong to the window."""
    file = tmp_path / "garden.json"
    command = [*MAIN, "--browser", str(file)]
    with running(EXAMPLES / "desktop_todo", command) as (url, program):
        tab.goto(url)
        expect(tab).to_have_title("garden.json")
        expect(tab.get_by_text("Open…")).to_be_hidden()
        for text in ("Water the tomatoes", "Weed", "  "):
            tab.fill("#text", text)
            tab.keyboard.press("Enter")
        expect(tab.locator("li")).to_have_count(2)
        tab.get_by_label("Weed").check()
        expect(tab).to_have_title("• garden.json")
        expect(tab.locator("#count")).to_have_text("1 of 2 to do")
        assert not file.exists()
        tab.keyboard.press("Control+s")
        expect(tab).to_have_title("garden.json")
        saved = [{"text": "Water the tomatoes", "done": False}, {"text": "Weed", "done": True}]
        assert json.loads(file.read_text(encoding="utf-8")) == saved
        tab.get_by_text("Remove what is done").click()
        expect(tab.locator("li")).to_have_count(1)
        tab.reload()  # Python has the list
        expect(tab.locator("li")).to_have_text(["Water the tomatoes×"])  # noqa: RUF001
        tab.close()
        assert program.wait(scaled(10)) == 0
        assert json.loads(file.read_text(encoding="utf-8")) == saved


def test_desktop_todo_keeps_what_is_added_in_one_turn(tab: Page, tmp_path: Path) -> None:
    add = """() => {
        for (const words of ["one", "two", "three"]) {
            document.querySelector("#text").value = words;
            document.querySelector("#add").requestSubmit();
        }
    }"""
    with running(EXAMPLES / "desktop_todo", [*MAIN, "--browser", str(tmp_path / "n.json")]) as (url, program):
        tab.goto(url)
        expect(tab).to_have_title("n.json")
        tab.evaluate(add)
        expect(tab.locator("li")).to_have_count(3)
        tab.close()
        assert program.wait(scaled(10)) == 0


def test_desktop_todo_asks_before_it_loses_changes(tab: Page, tmp_path: Path) -> None:
    file = tmp_path / "garden.json"
    file.write_text('[{"text": "Weed", "done": false}]', encoding="utf-8")
    replace = "() => { import('/jsmeetspy/jsmeets.mjs').then(({ py }) => py.new_list()); }"
    with running(EXAMPLES / "desktop_todo", [*MAIN, "--browser", str(file)]) as (url, program):
        tab.goto(url)
        tab.get_by_label("Weed").check()
        expect(tab).to_have_title("• garden.json")
        tab.evaluate(replace)
        expect(tab.locator("#question p")).to_have_text("Save the changes to garden.json?")
        tab.get_by_text("Cancel").click()
        expect(tab.locator("#question")).to_be_hidden()
        expect(tab).to_have_title("• garden.json")
        tab.evaluate(replace)
        tab.locator("#question [value=Save]").click()
        expect(tab).to_have_title("Untitled")
        expect(tab.locator("li")).to_have_count(0)
        assert json.loads(file.read_text(encoding="utf-8")) == [{"text": "Weed", "done": True}]
        tab.fill("#text", "Nothing")
        tab.keyboard.press("Enter")
        expect(tab).to_have_title("• Untitled")
        tab.evaluate(replace)
        tab.get_by_text("Discard").click()
        expect(tab).to_have_title("Untitled")
        tab.close()
        assert program.wait(scaled(10)) == 0


def test_desktop_todo_refuses_another_file(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"text": 5}', encoding="utf-8")
    command = [*MAIN, "--browser", str(tmp_path / "other.json")]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=EXAMPLES / "desktop_todo", env=env, capture_output=True, text=True, timeout=scaled(30)
    )
    assert done.returncode == 1
    assert done.stderr.endswith("ValueError: other.json is not a to-do list\n")


def test_image_viewer(tab: Page, tmp_path: Path) -> None:
    with running(EXAMPLES / "image_viewer", [*MAIN, "--browser"]) as (url, program):
        tab.goto(url)
        expect(tab.locator("#name")).to_have_text("A sunset, calculated, 1200 × 800")  # noqa: RUF001
        expect(tab.locator("#histogram path")).to_have_count(3)
        view, pixel = tab.locator("#view"), tab.locator("#pixel")
        box = view.bounding_box()
        assert box is not None
        x, y = round(box["x"] + box["width"] / 2), round(box["y"] + box["height"] / 2)

        tab.locator("#zoom").click()
        expect(tab.locator("#zoom")).to_have_text("100%")
        tab.mouse.move(x, y)
        expect(pixel).not_to_be_empty()
        under = pixel.inner_text()
        tab.mouse.wheel(0, -400)  # it zooms around the mouse
        expect(tab.locator("#zoom")).to_have_text("272%")
        tab.mouse.move(x + 1, y)
        expect(pixel).to_have_text(under)
        drawn = """([x, y, under]) => under.endsWith(
            ": " + [...view.getContext('2d').getImageData(x, y, 1, 1).data].slice(0, 3).join(' '))"""
        tab.wait_for_function(drawn, arg=[x - box["x"], y - box["y"], under])

        tab.mouse.down()
        tab.mouse.move(x + 101, y + 50, steps=3)
        tab.mouse.up()
        expect(pixel).to_have_text(under)  # the image goes with the mouse
        tab.mouse.move(x, y)
        expect(pixel).not_to_have_text(under)

        tab.get_by_text("Threshold").click()
        expect(tab.locator("#took")).to_have_text(re.compile(r"^threshold: \d+ ms in numpy$"))
        used = "new Set(view.getContext('2d').getImageData(0, 0, view.width, view.height).data)"
        tab.locator("#zoom").click()
        tab.wait_for_function(f"[...{used}].sort().join() === '0,255'")
        tab.close()
        assert program.wait(scaled(10)) == 0


def test_image_viewer_opens_files(tab: Page, tmp_path: Path) -> None:
    """The browser decodes its formats, numpy its own; any other file changes nothing."""
    (tmp_path / "tiny.png").write_bytes(png([[(255, 0, 0), (0, 255, 0), (0, 0, 255)], [(1, 2, 3)] * 3]))
    np.save(tmp_path / "ramp.npy", np.linspace(-1, 1, 12).reshape(3, 4))
    (tmp_path / "broken.npy").write_bytes(b"nothing")
    with running(EXAMPLES / "image_viewer", [*MAIN, "--browser", str(tmp_path / "tiny.png")]) as (url, program):
        tab.goto(url)
        expect(tab.locator("#name")).to_have_text("tiny.png, 3 × 2")  # noqa: RUF001
        expect(tab.locator("#zoom")).not_to_have_text("100%")
        box = tab.locator("#view").bounding_box()
        assert box is not None
        tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 - 20)
        expect(tab.locator("#pixel")).to_have_text("1, 0: 0 255 0")
        with tab.expect_file_chooser() as chooser:
            tab.get_by_text("Open…").click()
        chooser.value.set_files(tmp_path / "ramp.npy")
        expect(tab.locator("#name")).to_have_text("ramp.npy, 4 × 3")  # noqa: RUF001
        tab.mouse.move(box["x"] + box["width"] / 2 + 20, box["y"] + box["height"] / 2)
        expect(tab.locator("#pixel")).to_have_text("2, 1: 139 139 139")
        tab.locator("#file").set_input_files(tmp_path / "broken.npy")
        expect(tab.locator("#problem")).to_be_visible()
        expect(tab.locator("#name")).to_have_text("ramp.npy, 4 × 3")  # noqa: RUF001
        tab.close()
        assert program.wait(scaled(10)) == 0
