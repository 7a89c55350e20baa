"""The notebooks of `notebooks/`, under a real JupyterLab and without a front end."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from playwright.sync_api import expect

from tests.notebook.conftest import ROOT, Notebook, Server, scratch
from tests.timing import scaled
from tests.tools import need

FOLDER = ROOT / "notebooks"
FILES = sorted(FOLDER.glob("*.ipynb"))
each = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)

# What is drawn on a canvas, as one number; and waiting until it is another one.
DRAWN = """(canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
    .reduce((sum, byte) => (sum * 31 + byte) | 0, 7)"""
REDRAWN = f"""(canvas, before) => new Promise((done) => {{
    const look = () => (({DRAWN})(canvas) === before ? requestAnimationFrame(look) : done());
    look();
}})"""


def test_there_are_eleven_notebooks() -> None:
    names = ["first_page", "call_both_ways", "queues_and_progress"]
    names += ["pubsub_between_pages", "numpy_to_a_canvas", "steer_a_chart", "steer_objects"]
    names += ["marimo", "edit_a_data_frame", "side_by_side", "progress"]
    files = sorted([*FILES, *FOLDER.glob("*.py")])
    assert [file.stem for file in files] == [f"{number:02}_{name}" for number, name in enumerate(names, 1)]


@each
def test_notebook_files_are_clean(file: Path) -> None:
    """They have no outputs and stable cell ids, and are formatted as by Jupyter: a diff shows only real changes."""
    notebook = nbformat.read(file, as_version=nbformat.NO_CONVERT)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    assert [cell.id for cell in notebook.cells] == [f"{file.stem[:2]}-{n:02}" for n in range(len(notebook.cells))]
    for cell in notebook.cells:
        assert cell.cell_type == "markdown" or (cell.outputs, cell.execution_count) == ([], None)
    assert nbformat.writes(notebook) + "\n" == file.read_text(encoding="utf-8")


@each
def test_quoted_code_is_in_the_page(file: Path) -> None:
    text = "\n".join(cell.source for cell in nbformat.read(file, as_version=4).cells)
    page = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in re.findall(r"\]\((pages/.*?)\)", text))
    lines = {line.strip() for line in page.splitlines()}
    for quoted in re.findall(r"^```js\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        assert {line.strip() for line in quoted.splitlines()} <= lines


@pytest.mark.parametrize("file", FILES[1::4], ids=lambda file: file.stem)  # nbconvert executes all of them
def test_without_a_front_end(file: Path, tmp_path: Path) -> None:
    """`pytest --nbmake`; it leaves no process."""
    need("chromium")
    environment = {**scratch(tmp_path), "JSMEETS_LOCAL_BROWSER_ARGS": "--no-sandbox"}
    folder = shutil.copytree(FOLDER, tmp_path / "notebooks")
    command = [sys.executable, "-m", "pytest", "--nbmake", "-p", "no:cacheprovider", f"--rootdir={folder}"]
    done = subprocess.run(
        [*command, str(folder / file.name)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=scaled(100),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 1 passed" in done.stdout
    assert not having("IPYTHONDIR", environment["IPYTHONDIR"])


def having(name: str, value: str) -> list[str]:
    """Return the processes with a value in their environment."""
    found = psutil.process_iter(["environ", "cmdline"])
    return [str(one.info["cmdline"]) for one in found if (one.info["environ"] or {}).get(name) == value]


# In JupyterLab --------------------------------------------------------------------------------------------------------


class Reader:
    """Runs a notebook from its first cell to its last."""

    def __init__(self, file: Path, notebook: Notebook) -> None:
        cells = nbformat.read(file, as_version=4).cells
        self.codes = [cell.source for cell in cells if cell.cell_type == "code"]
        self.notebook = notebook
        self.tab = notebook.tab
        self._next = 0

    def to(self, code: str) -> str:
        """Run all cells up to the one with this code, and return the output of that one."""
        wanted = self._number(code)
        for number in range(self._next, wanted + 1):
            self._run(number)
        self._next = wanted + 1
        return self.notebook.text(wanted)

    def again(self, code: str) -> str:
        """Run a cell once more."""
        return self._run(self._number(code))

    def to_the_end(self) -> None:
        """Run the remaining cells, and check that the pages are live."""
        assert not any("app.stop()" in code for code in self.codes)
        self.to(self.codes[-1])
        assert self.notebook.tab.locator(".jp-OutputArea-output iframe").count() >= 1

    def page(self, code: str) -> Any:
        """Return the page in the iframe of a cell, scrolled into view: browsers do not draw hidden pages."""
        cell = self.notebook.cell(self._number(code))
        cell.locator("iframe").scroll_into_view_if_needed()
        return cell.frame_locator("iframe")

    def wait_text(self, code: str, wanted: str) -> None:
        self.notebook.wait_text(self._number(code), wanted)

    def _number(self, code: str) -> int:
        """Return the number of the cell that is this code, or of the only one that contains it."""
        if code in self.codes:
            return self.codes.index(code)
        (number,) = [number for number, one in enumerate(self.codes) if code in one]
        return number

    def _run(self, number: int) -> str:
        text = self.notebook.run(number)
        error = self.notebook.cell(number).locator('[data-mime-type="application/vnd.jupyter.error"]')
        assert error.count() == 0, text
        return text


@pytest.fixture
def read(server: Server, open_notebook: Callable[..., Notebook]) -> Callable[[str], Reader]:
    """Open one of the notebooks by its number."""
    shutil.copytree(FOLDER / "pages", server.folder / "pages", dirs_exist_ok=True)

    def read(number: str) -> Reader:
        (file,) = FOLDER.glob(f"{number}_*.ipynb")
        return Reader(file, open_notebook(file=file))

    return read


def test_01_first_page(read: Callable[[str], Reader]) -> None:
    reader = read("01")
    assert reader.to('page.call("say")') == "17"
    page = reader.page("app.launch")
    expect(page.locator("#word")).to_have_text("Hello from Python")
    reader.to("page.js.turn(-6)")
    expect(page.locator("#word")).to_have_attribute("style", "transform: rotate(-6deg);")
    assert reader.to("page.js.number()") == "42"
    page.locator("#slider").fill("77")
    assert reader.again("page.js.number()") == "77"
    assert re.fullmatch(r"'The first page, \d+ pixels wide'", reader.to('page.eval("`$'))
    reader.to("page.show(")
    expect(reader.page("page.show(").locator("#word")).to_have_text("hello")
    assert reader.again("page.js.number()") == "42"  # the second view answers
    assert reader.to("JavaScriptError") == "ReferenceError: undefined_name is not defined\n"
    reader.to_the_end()


def test_02_call_both_ways(read: Callable[[str], Reader]) -> None:
    reader = read("02")
    assert float(reader.to('page.call("plot")(300)')) == pytest.approx(0.8802, abs=1e-4)
    assert reader.to('page.call("countdown")(10)') == "[10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 'lift-off']"
    assert reader.to("asyncio.gather").endswith("'Click on the curve.']")
    page = reader.page("app.launch")
    page.locator("canvas").click(position={"x": 200, "y": 50})
    expect(page.locator("#note")).to_contain_text("wave(")
    reader.wait_text("@app.expose\ndef wave", "clicked at x = ")  # under the cell that exposed it
    failed = reader.to("def fail")
    assert "ValueError: the page hears of this, and so do you" in failed
    assert failed.endswith("'the page heard: the page hears of this, and so do you'")
    assert reader.to("CallTimeout") == "'eval' did not answer within 0.5 s\n"
    waves = [float(number) for number in re.findall(r"[\d.]+", reader.to("%%js"))]
    assert waves == pytest.approx([math.sin(x) * math.exp(-x / 12) for x in range(4)])
    expect(page.locator("#note")).to_have_text("A cell was here.")
    for name in ("countdown", "one_less", "plot", "wave"):
        assert name in reader.to("%jsmeets")
    reader.to_the_end()


def test_03_queues_and_progress(read: Callable[[str], Reader]) -> None:
    reader = read("03")
    assert reader.to("throw_darts(60)")[:5] == "'3.14"
    page = reader.page("app.launch")
    expect(page.locator("#note")).to_have_text("60 of 60 million darts")
    expect(page.locator("#pi")).to_contain_text("3.14")
    expect(page.locator("#bar")).to_have_js_property("value", 1)
    assert "canceled after" in reader.to("throw_darts(1000)")
    reader.to("asyncio.to_thread")
    page.get_by_text("Cancel").click()
    assert "of 100 million darts" in reader.to('page.eval("note.textContent")')
    assert "canceled after" in reader.to("await darts")
    assert reader.to("plans = ") == "['wake up', 'brew coffee', 'read']"
    assert reader.to("plans.get(timeout=0.5)") == "nothing arrived on the queue 'plans' within 0.5 s\n"
    reader.to_the_end()


def test_04_pubsub_between_pages(read: Callable[[str], Reader]) -> None:
    reader = read("04")
    assert reader.to("left.js.strokes()") == "(1, 1)"
    left, right = reader.page("app.launch"), reader.page("app.open")
    assert left.locator("canvas").evaluate(DRAWN) == right.locator("canvas").evaluate(DRAWN)
    assert reader.to("ink.get").startswith("('ink', {'color': '#d1495b', 'points': [[-1, -0.5], [0, 0.5]")
    reader.to("def rose")
    for page in (left, right):
        expect(page.locator("#note")).to_have_text("4 strokes")
    reader.to("def kaleidoscope")
    for page in (left, right):
        expect(page.locator("#note")).to_have_text("102 strokes")  # 6, each with 16 reflections
    reader.page("app.launch")
    place = left.locator("canvas").bounding_box()
    reader.tab.mouse.move(place["x"] + 100, place["y"] + 100)
    reader.tab.mouse.down()
    reader.tab.mouse.move(place["x"] + 160, place["y"] + 120)
    reader.tab.mouse.up()
    for page in (left, right):
        expect(page.locator("#note")).to_have_text("119 strokes")
    assert re.fullmatch(
        r"\(<Page .*board.html \(connected\)>,\s+<Page .*board.html \(connected\)>\)", reader.to("app.pages")
    )
    reader.to_the_end()


def test_05_numpy_to_a_canvas(read: Callable[[str], Reader]) -> None:
    reader = read("05")
    assert re.fullmatch(r"\d+ pictures of \d+ x \d+ pixels a second\n", reader.to("perf_counter"))
    page = reader.page("app.launch")
    water = page.locator("#water")
    before = water.evaluate(DRAWN)
    page.locator("#wavelength").fill("60")
    water.evaluate(REDRAWN, before)
    page.locator("#play").click()
    expect(page.locator("#rate")).to_have_text(re.compile(r"^\d+ a second$"))
    page.locator("#play").click()
    assert reader.to("page.js.piece()") == "((40, 40, 4), dtype('uint8'))"
    middle = reader.to("page.js.magnify")
    expect(page.locator("#lens")).to_be_visible()
    reader.page("app.launch")
    water.click(position={"x": 50, "y": 60})
    reader.again("page.js.piece()")
    corner = reader.again("page.js.magnify")
    mean = """(canvas) => {
        const { data } = canvas.getContext("2d").getImageData(30, 40, 40, 40);
        return [0, 1, 2].map((channel) => data.filter((_, index) => index % 4 === channel).reduce((a, b) => a + b, 0) / 1600);
    }"""
    seen = [float(number) for number in re.findall(r"[\d.]+", corner)]
    assert seen == pytest.approx(water.evaluate(mean), abs=0.51)
    assert corner != middle
    reader.to_the_end()


AT_REST = """async (chart) => {
    for (let before = null; before !== chart.innerHTML;) {
        before = chart.innerHTML;
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    }
}"""


def test_06_steer_a_chart(read: Callable[[str], Reader]) -> None:
    reader = read("06")
    reader.to("page.js.range(152, 243)")
    assert "'x': 200" in reader.to("page.js.note(")
    page = reader.page("app.launch")
    expect(page.locator("#legend li")).to_have_text(["each day", "two weeks"])
    expect(page.locator(".note")).to_have_text("hottest: 29.7°")
    ticks = page.locator(".bottom")
    expect(ticks.first).to_have_text("160")
    expect(ticks.last).to_have_text("240")
    assert reader.to("page.js.clicked()") == ""
    reader.page("app.launch")
    page.locator("#chart").evaluate(AT_REST)
    ring = page.locator(".ring").bounding_box()
    reader.tab.mouse.move(ring["x"] + 7, ring["y"] + 7)
    expect(page.locator("#tip")).to_have_text("each day\n200: 29.69")
    reader.tab.mouse.click(ring["x"] + 7, ring["y"] + 7)
    expect(page.locator(".note")).to_have_text(re.compile(r"^\d.\d° above normal$"))
    assert "'x': 200" in reader.again("page.js.clicked()")
    assert reader.to("chosen").startswith("day 200: 29.7°, its week ")
    reader.to('page.js.remove("each day")')
    page = reader.page("app.launch")
    expect(page.locator("#legend li")).to_have_text(["two weeks", "normal"])
    expect(ticks.last).to_have_text("350")
    reader.to_the_end()


def test_07_steer_objects(read: Callable[[str], Reader]) -> None:
    reader = read("07")
    assert reader.to("page.js.Plot.new").startswith("<JSProxy of Plot")
    reader.to("dots = {")
    page = reader.page("app.launch")
    expect(page.locator(".label")).to_have_text(
        ["Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune"]
    )
    assert reader.to('dots["Venus"].color') == "'#4c78a8'"
    reader.page("app.launch")
    expect(page.locator(".dot").nth(2)).to_have_css("fill", "rgb(42, 157, 143)")
    assert "1.499" in reader.to("np.polyfit")
    expect(page.locator("h1")).to_have_text("Kepler's third law")
    reader.to("plot.on_click(show)")
    reader.page("app.launch")
    page.locator(".dot").nth(5).click()
    reader.wait_text("plot.on_click(show)", "Saturn: 9.583 times as far, 29.457 times as long")
    assert "True" in reader.to("MouseEvent")
    said = "Jupiter: 5.204 times as far, 11.862 times as long"  # under the cell that clicks, if it still runs
    expect(reader.tab.locator(".jp-OutputArea-output", has_text=said)).to_have_count(1)
    assert reader.to('clicked[-1] is dots["Jupiter"]') == "True"
    reader.to("plot.x.range = [0.25, 2.5]")
    reader.page("app.launch")
    expect(page.locator(".tick.bottom")).to_have_text(["0.5", "1", "2"])
    assert reader.to("dot.radius *= 1.4").startswith("['Mercury', 'Venus'")
    assert reader.to("pluto = ") == "9"
    assert reader.to("plot.remove(pluto)") == "8"
    expect(page.locator(".label")).to_have_count(8)
    assert reader.to("night") == '"Kepler\'s third law"'
    expect(page.locator("body")).to_have_class("night")
    reader.to_the_end()


def test_09_edit_a_data_frame(read: Callable[[str], Reader]) -> None:
    reader = read("09")
    reader.to("page.js.show(frame)")
    page = reader.page("app.launch")
    price = page.get_by_label("price 1")
    expect(price).to_have_value("5.60")
    price.fill("6")
    price.press("Enter")
    expect(page.locator("#note")).to_have_text("300 sold for 708.40")
    page.get_by_label("seeds 0").check()
    assert reader.to('page.js.type(2, "price"') == "'300 sold for 725.80'"
    table = reader.to("frame")
    assert re.search(r"0\s+rye\s+4.8\s+31\s+True", table)
    assert re.search(r"1\s+sourdough\s+6.0\s+24\s+False", table)
    assert "ValueError: invalid literal" in reader.to("a dozen")
    expect(page.get_by_label("sold 0")).to_have_class("number wrong")
    frame = reader.tab.locator(".jp-OutputArea-output iframe")
    tall = frame.evaluate("(frame) => frame.clientHeight")
    assert re.search(r"price\s+1.21\nsold\s+150\n", reader.to("frame.loc[4]"))
    page = reader.page("app.launch")
    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.locator("tbody input").first).to_have_value("spelt roll")
    expect(frame).not_to_have_js_property("clientHeight", tall)
    reader.to('frame["per day"]')
    expect(page.get_by_label("per day 4")).to_have_value("21.43")
    reader.page("app.launch")
    expect(frame).to_have_js_property("clientHeight", tall)
    reader.to_the_end()


def test_10_side_by_side(read: Callable[[str], Reader]) -> None:
    reader = read("10")
    reader.to("app.launch")
    page = reader.page("app.launch")
    figure, board = page.locator("#figure"), page.locator("#board")
    expect(figure).to_have_js_property("height", figure.evaluate("(canvas) => canvas.clientHeight"))
    before = figure.evaluate(DRAWN)
    reader.to("page.js.move(5, 0.5, 0.9)")
    reader.page("app.launch")
    figure.evaluate(REDRAWN, before)
    for act in (lambda: page.locator("#degree").fill("7"), lambda: board.click(position={"x": 60, "y": 40})):
        before = figure.evaluate(DRAWN)
        act()
        figure.evaluate(REDRAWN, before)
    reader.to("plt.subplots")
    assert reader.notebook.cell(len(reader.codes) - 1).locator(".jp-OutputArea-output img").count() == 1
    reader.to_the_end()


def test_11_progress(read: Callable[[str], Reader]) -> None:
    reader = read("11")
    length = float(reader.to('"annealing"'))
    assert length < 9, "a random tour is about 40 long"
    page = reader.page("app.launch")
    expect(page.locator("#note")).to_have_text(f"{length:.2f} long")
    number = next(number for number, code in enumerate(reader.codes) if "itertools.count()" in code)
    reader.notebook.start(number)
    reader.page("app.launch")
    expect(page.locator(".bar .text").last).to_contain_text("improving: ")
    page.get_by_text("Stop").click()
    reader.wait_text("itertools.count()", "(True, ")
    trials = [float(number) for number in re.findall(r"[\d.]+", reader.to('"trials"'))]
    assert len(trials) == 3
    assert max(trials) < 10
    expect(page.locator(".bar")).to_have_count(0)
    reader.to_the_end()
