"""The documentation names everything public, its links resolve, and its programs run."""

import ast
import contextlib
import inspect
import io
import json
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import MethodType
from typing import Any

import pytest

import jsmeets_local
from jsmeets_local import blocking, errors, page, values
from jsmeets_local.api.background import Background
from jsmeets_local.api.functions import Functions
from jsmeets_local.api.pubsub import Pubsub
from jsmeets_local.api.queues import QueuesApi
from jsmeets_local.api.textsocket import TextSockets
from jsmeets_local.launch.modes import MODES
from jsmeets_local.staticfiles import ASSETS
from tests.timing import scaled
from tests.tools import chromium, need

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])

# What the reference calls the classes of the public objects.
CLASSES: dict[str, type] = {
    "JsMeetsPy": jsmeets_local.JsMeetsPy,
    "Page": jsmeets_local.Page,
    "PageQueue": page.PageQueue,
    "Subscription": page.Subscription,
    "AsyncPage": page.AsyncPage,
    "State": jsmeets_local.State,
    "Call": jsmeets_local.Call,
    "JsPyFunction": Functions,
    "JsPyQueue": QueuesApi,
    "JsPyPubsub": Pubsub,
    "JsPyTextSocket": TextSockets,
    "JsPyBinarySocket": jsmeets_local.JsPyBinarySocket,
    "JsPyBackground": Background,
    "BlockingFunctions": blocking.BlockingFunctions,
    "BlockingQueues": blocking.BlockingQueues,
}
GLOBALS = ["JsPyTextSocket", "JsPyFunction", "JsPyQueue", "JsPyPubsub", "JsPyBinarySocket"]


def read(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    """Return the text under a heading, without subsections."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"no section {title!r}"
    return found[1]


def code_spans(text: str) -> list[str]:
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", text)]


def words(text: str) -> set[str]:
    """Return the names in code."""
    return set(re.findall(r"\w+", " ".join(code_spans(text))))


def own_functions(cls: type) -> Iterator[tuple[str, Any]]:
    """Return the public functions that this package defines for a class."""
    for name, value in inspect.getmembers(cls, inspect.isfunction):
        if not name.startswith("_") and value.__module__.startswith("jsmeets_local"):
            yield name, value


def inherited_blocking(cls: type, name: str) -> bool:
    """Return the members that the section of the awaitable class documents for both classes."""
    return cls.__module__ == "jsmeets_local.blocking" and name not in vars(cls)


def signature(name: str, func: Any) -> str:
    """Return a signature as the reference writes it: names and defaults."""
    parameters = list(inspect.signature(func).parameters.values())[1:]
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
    return f"{name}{inspect.Signature(bare)}".replace(" = ", "=")


# Python ------------------------------------------------------------------------------------------------------------


def test_exported_names_are_documented() -> None:
    known = words(read("python.md")) | words(read("errors.md"))
    assert {*jsmeets_local.__all__, "load_ipython_extension", "unload_ipython_extension"} <= known
    assert {*blocking.__all__, *values.__all__} <= known


def test_functions_of_values_are_documented_with_their_signatures() -> None:
    spans = code_spans(section(read("python.md"), "jsmeets_local.values"))
    for name in values.__all__:
        bare = [
            p.replace(annotation=inspect.Parameter.empty)
            for p in inspect.signature(getattr(values, name)).parameters.values()
        ]
        assert f"{name}{inspect.Signature(bare)}".replace(" = ", "=") in spans
        assert getattr(values, name).__doc__


@pytest.mark.parametrize("title", CLASSES)
def test_methods_are_documented_with_their_signatures(title: str) -> None:
    cls = CLASSES[title]
    spans = code_spans(section(read("python.md"), title))
    for name, func in own_functions(cls):
        if not inherited_blocking(cls, name):
            wanted = signature(name, func)
            assert any(span == wanted or span.startswith(wanted + "(") for span in spans), f"{title}: {wanted}"


@pytest.mark.parametrize("title", ["JsMeetsPy", "JsPyBinarySocket"])
def test_constructors_are_documented(title: str) -> None:
    assert signature(title, CLASSES[title].__init__) in code_spans(section(read("python.md"), title))


@pytest.mark.parametrize("title", ["JsMeetsPy", "Page"])
def test_attributes_are_documented(title: str) -> None:
    listed = inspect.getdoc(CLASSES[title]).partition("Attributes:")[2]
    names = set(re.findall(r"^ +(\w+):", listed, re.MULTILINE))
    assert names
    assert names <= words(section(read("python.md"), title))


def test_modes_are_documented() -> None:
    assert {f'"{mode}"' for mode in MODES} <= set(code_spans(section(read("python.md"), "launch")))


def test_parameters_of_launch_are_documented() -> None:
    parameters = {*inspect.signature(jsmeets_local.JsMeetsPy.launch).parameters} - {"self"}
    assert parameters <= words(section(read("python.md"), "launch"))


def test_errors_are_documented_with_their_second_parents() -> None:
    text = section(read("errors.md"), "In Python")
    rows = {row[1]: row for row in (line.split("`") for line in text.splitlines() if line.startswith("| `"))}
    for name in errors.__all__:
        second = [base.__name__ for base in getattr(errors, name).__bases__ if base is not errors.JsPyError]
        assert name in rows
        assert not second or second[0] in rows[name], name
    methods = [name for name, _ in own_functions(errors.JsPyError)]
    assert {*methods, "JSONEncoder"} <= words(text)


def test_public_things_have_docstrings() -> None:
    bare = [
        name for name in jsmeets_local.__all__ if name != "__version__" and not getattr(jsmeets_local, name).__doc__
    ]
    modules = [module for name, module in sys.modules.items() if name.split(".")[0] == "jsmeets_local"]
    bare += [module.__name__ for module in modules if not module.__doc__]
    for title, cls in [*CLASSES.items(), *((name, getattr(errors, name)) for name in errors.__all__)]:
        bare += [title] if not cls.__doc__ else []
        bare += [f"{title}.{name}" for name, func in own_functions(cls) if not func.__doc__]
    assert not bare


def test_objects_are_of_the_documented_classes() -> None:
    for title in ("JsPyFunction", "JsPyQueue", "JsPyPubsub", "JsPyTextSocket", "JsPyBackground"):
        assert type(getattr(jsmeets_local, title)) is CLASSES[title]
        assert isinstance(next(getattr(getattr(jsmeets_local, title), n) for n, _ in own_functions(CLASSES[title])),
                          MethodType)  # fmt: skip


# JavaScript --------------------------------------------------------------------------------------------------------


def declared() -> dict[str, set[str]]:
    """Map each interface to its members in the type declarations."""
    text = re.sub(r"/\*.*?\*/", "", Path(ASSETS, "jsmeets.d.mts").read_text(encoding="utf-8"), flags=re.DOTALL)
    found = {}
    for name, body in re.findall(
        r"^export (?:interface|declare class) (\w+)[^{]*\{(.*?)^\}", text, re.MULTILINE | re.DOTALL
    ):
        found[name] = set(re.findall(r"^    (?:readonly )?(\w+)[(?:]", body, re.MULTILINE)) - {"new", "constructor"}
    return found


def real_objects() -> dict[str, list[str]]:
    """Map each global to the public members that the scripts give it."""
    code = f"""
        console.error = console.warn = console.debug = () => {{}};
        const all = await import({json.dumps(Path(ASSETS, "jsmeets.mjs").as_uri())});
        const names = (one) => typeof one === "function"
            ? Object.getOwnPropertyNames(one.prototype).filter((name) => name !== "constructor") : Object.keys(one);
        const answer = Object.fromEntries({json.dumps(GLOBALS)}.map((name) => [name, names(globalThis[name])]));
        const members = {{ queue: Object.keys(all.queue("q")), pubsub: Object.keys(all.pubsub) }};
        const text = JSON.stringify({{ ...answer, ...members, module: Object.keys(all) }});
        process.stdout.write(text, () => process.exit());
    """
    done = subprocess.run(
        ["node", "--input-type=module", "-e", code], check=True, capture_output=True, text=True, timeout=scaled(30)
    )
    answer: dict[str, list[str]] = json.loads(done.stdout)
    return answer


SECTIONS = {
    "JsPyTextSocketApi": "JsPyTextSocket",
    "JsPyFunctionApi": "JsPyFunction",
    "PyFunctionInfo": "JsPyFunction",
    "JsPyQueueApi": "JsPyQueue",
    "JsPyPubsubApi": "JsPyPubsub",
    "JsPyBinarySocketApi": "JsPyBinarySocket",
    "JsPyBinarySocketConstructor": "JsPyBinarySocket",
    "NDArray": "NDArray",
    "Queue": "Queue",
    "Pubsub": "Pubsub",
}


@pytest.mark.parametrize("interface", SECTIONS)
def test_declared_members_are_documented(interface: str) -> None:
    members = declared()[interface]
    assert members
    assert members <= words(section(read("javascript.md"), SECTIONS[interface]))


def test_declared_exports_are_documented() -> None:
    text = Path(ASSETS, "jsmeets.d.mts").read_text(encoding="utf-8")
    exports = set(re.findall(r"^(?:export declare (?:const|class)|    \w+\$1 as) (\w+)", text, re.MULTILINE))
    assert {"py", "expose", "JsPyError", "JsPyTextSocket"} <= exports
    assert exports <= words(section(read("javascript.md"), "jsmeets.mjs"))


def test_error_properties_and_kinds_are_documented() -> None:
    text = Path(ASSETS, "jsmeets.d.mts").read_text(encoding="utf-8")
    kinds = set(re.findall(r'"(\w+)"', text.split("export type JsPyErrorKind")[1].split('| "";')[0]))
    assert kinds
    assert kinds | declared()["JsPyError"] <= words(section(read("errors.md"), "In JavaScript"))


def test_real_members_are_documented() -> None:
    need("node")
    text = read("javascript.md")
    titles = {"queue": "Queue", "pubsub": "Pubsub", "module": "jsmeets.mjs"}
    for name, members in real_objects().items():
        public = {member for member in members if not member.startswith("_")}
        assert public
        assert public <= words(section(text, titles.get(name, name))), name


# Links -------------------------------------------------------------------------------------------------------------


def slug(title: str) -> str:
    """Return the anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


def prose(path: Path) -> str:
    """Return a page without its code."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"`[^`]*`", "code", text)


def anchors(path: Path) -> set[str]:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return {slug(title) for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = path.parent / name if name else path
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for path in DOCS.rglob("*.md"):
        assert f" {path.relative_to(DOCS).as_posix()}" in navigation, path


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_files_and_folders_that_are_named_exist(name: str) -> None:
    spans = re.findall(r"`([\w./-]+)`", (ROOT / name).read_text(encoding="utf-8"))
    paths = [span for span in spans if re.search(r"/|\.(py|md|toml|json)$", span)]
    assert paths
    made = {"client/dist", ".venvs/"}
    missing = [p for p in paths if not (ROOT / p).exists() and not (ROOT / "jsmeets_local" / p).exists()]
    assert not {*missing} - made


def test_llms_txt_lists_every_page() -> None:
    text = (DOCS / "llms.txt").read_text(encoding="utf-8")
    pages = {path.relative_to(DOCS).with_suffix(".html").as_posix() for path in DOCS.rglob("*.md")} - {"index.html"}
    assert set(re.findall(r"\]\(([^)]+)\)", text)) == pages


# Code --------------------------------------------------------------------------------------------------------------


def blocks(language: str) -> list[Any]:
    found = []
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(rf"^( *)```{language}\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, match.start()) + 1
            code = re.sub(rf"^{match[1]}", "", match[2], flags=re.MULTILINE)
            found.append(pytest.param(code, text[match.end() :], id=f"{path.relative_to(ROOT)}:{line}"))
    return found


PYTHON = blocks("python")


@pytest.mark.parametrize(("code", "rest"), PYTHON)
def test_python_compiles(code: str, rest: str) -> None:
    assert compile(code, "<documentation>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_javascript_parses() -> None:
    need("node")
    codes = [param.values[0] for param in blocks("js")]
    assert codes
    script = """
        const AsyncFunction = (async () => {}).constructor;
        for (const code of JSON.parse(process.argv[1])) {
            new AsyncFunction(code.replace(/^import .*$/gm, ""));
        }
    """
    subprocess.run(["node", "-e", script, json.dumps(codes)], check=True, timeout=scaled(30))


def complete(param: Any) -> bool:
    """Return whether code is a complete program, that is, imports what it uses."""
    return re.search("^(from|import) jsmeets_local", param.values[0], re.MULTILINE) is not None


def expected_output(rest: str) -> str | None:
    """Return the block behind a program if it shows the output of the program."""
    found = re.match(r"\n+(?:[^\n`#]*prints[^\n]*\n+)?```text\n(.*?)^```", rest, re.MULTILINE | re.DOTALL)
    return found[1] if found else None


@pytest.fixture(scope="module")
def tab() -> Iterator[Any]:
    """A Chromium tab for all programs in turn."""
    with chromium() as browser:
        yield browser.new_page()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files beside which the programs of the documentation run."""
    for name in ("static", "templates"):
        (tmp_path / name).mkdir()
    (tmp_path / "templates" / "index.html").write_text("{{ jsmeets_scripts() }}", encoding="utf-8")
    return tmp_path


class Program:
    """A program of the documentation in its own thread; the test opens the URLs that it opens."""

    def __init__(self, code: str) -> None:
        self.opened: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.printed = io.StringIO()
        self.error: BaseException | None = None
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.thread = threading.Thread(target=self._run, args=(compile(code, "<documentation>", "exec"),), daemon=True)

    def _run(self, code: Any) -> None:
        try:
            with contextlib.redirect_stdout(self.printed):
                exec(code, self.names)
        except BaseException as error:
            self.error = error
        finally:
            self.opened.put(None)

    def open(self, url: str) -> bool:
        """A stand-in for `webbrowser.open`."""
        self.opened.put(url)
        return True

    def stop(self) -> None:
        for value in self.names.values():
            if isinstance(value, jsmeets_local.Page):
                value.close()
            elif isinstance(value, jsmeets_local.JsMeetsPy):
                value.stop()


PROGRAMS = [
    param for param in PYTHON if complete(param) and "import pytest" not in param.values[0]
]  # tests/browser runs those


@pytest.mark.parametrize(("code", "rest"), PROGRAMS)
def test_programs_run(code: str, rest: str, tab: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each prints what the page says."""
    program = Program(code)
    monkeypatch.chdir(folder)
    monkeypatch.setattr("webbrowser.open", program.open)
    monkeypatch.setattr("jsmeets_local.bridge.bridge._default", jsmeets_local.Bridge())
    program.thread.start()
    url = program.opened.get(timeout=scaled(20))
    if url is not None:
        tab.goto(url)
        if "page.wait()" in code or ".run(" in code:
            assert tab.evaluate("JsPyTextSocket.wait_ready(10)")
            tab.wait_for_timeout(scaled(200))  # for calls made before the program waits
            tab.goto("about:blank")
    program.thread.join(scaled(20))
    assert not program.thread.is_alive()
    program.stop()
    if program.error is not None:
        raise program.error
    wanted = expected_output(rest)
    assert wanted is None or program.printed.getvalue() == wanted
