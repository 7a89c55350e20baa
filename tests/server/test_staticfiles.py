"""Only files inside their folder are served, whatever the target of a request, which is sent unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jsmeets_local import Bridge, JsMeetsPy
from jsmeets_local.server.staticfiles import is_plain
from jsmeets_local.staticfiles import ASSETS
from tests.raw import request

SECRET = "this is outside"
ROOTS = ["/static", "", "/jsmeetspy"]  # `static=`, the folder of a page on disk, our own files


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two served folders beside a file that is not served."""
    top = tmp_path_factory.mktemp("files")
    (top / "secret.txt").write_text(SECRET)
    for name in ("static", "page"):
        folder = top / name
        (folder / "deep").mkdir(parents=True)
        (folder / "inside.txt").write_text("inside")
        (folder / "deep" / "inside.txt").write_text("deep inside")
        (folder / "link.txt").symlink_to(top / "secret.txt")
        (folder / "link").symlink_to(top)
        (folder / "own-link.txt").symlink_to(folder / "inside.txt")
    (top / "page" / "page.html").write_text("<p>page</p>")
    return top


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    app = JsMeetsPy(bridge=Bridge(), static=str(folder / "static"))
    app.launch(str(folder / "page" / "page.html"), mode="none")
    yield app.port
    app.stop()


CLIMBS = ["..", "%2e%2e", "%2E%2e", ".%2e", "%252e%252e", "%c0%ae%c0%ae", "..%00", "..;", "....", "deep/../.."]
SLASHES = ["/", "%2f", "%2F", "%252f", "\\", "%5c", "%5C", "%255c", "//", "/./"]
CLIMBING = [f"/{climb}{slash}{{}}" for climb in CLIMBS for slash in SLASHES]
OTHERS = [
    "//{}",
    "/%2f{}",
    "/{}%00.txt",
    "/link.txt",
    "/link/{}",
    "/link/../{}",
    "/inside.txt/../../{}",
    "/deep%2f..%2f..%2f{}",
    "/C:/{}",
    "/C:{}",
    "/file:{}",
    "/\\\\localhost\\c$\\{}",
    "/%5c%5clocalhost%5cc$%5c{}",
    "/{}::$DATA",
]
DEVICES = ["CON", "con", "NUL", "NUL.txt", "nul.tar.gz", "AUX", "PRN", "COM1", "LPT9", "CONIN$", "CON ", "deep/NUL"]


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("pattern", [*CLIMBING, *OTHERS])
def test_files_outside_the_folder_are_not_served(port: int, root: str, pattern: str, folder: Path) -> None:
    outside = (
        [Path(ASSETS).parent / "errors.py"] if root == "/jsmeetspy" else [folder / "secret.txt", Path("/etc/passwd")]
    )
    text = "class JsPyError" if root == "/jsmeetspy" else SECRET
    for file in outside:
        for name in (file.name, str(file), str(file).removeprefix("/")):
            for depth in (1, 8):
                climb, found, rest = pattern.partition("{}")
                target = root + climb * depth + name * bool(found) + rest
                status, _, body = request(port, target)
                assert status in (400, 404), (target, status)
                assert text not in body
                assert "root:" not in body


@pytest.mark.parametrize("root", ROOTS)
def test_absolute_targets(port: int, root: str, folder: Path) -> None:
    """Requests to a proxy have such targets; the path counts."""
    for target in (f"http://127.0.0.1:{port}{root}/../secret.txt", f"file://{folder}/secret.txt"):
        status, _, body = request(port, target)
        assert (status in (400, 404), SECRET in body) == (True, False), target


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("name", DEVICES)
def test_device_names_of_windows(port: int, root: str, name: str) -> None:
    assert request(port, f"{root}/{name.replace(' ', '%20')}")[0] == 404


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("path", ["", "/", "/deep", "/deep/", "/deep/.", "/link", "/link/"])
def test_folders_are_not_listed(port: int, root: str, path: str) -> None:
    status, _, body = request(port, f"{root}{path}" or "/")
    assert status in (307, 404)
    for name in ("inside", "secret", "JsPyQueue"):
        assert name not in body


def test_files_inside_the_folder_are_served(port: int) -> None:
    for root in ("/static", ""):
        for path in ("/inside.txt", "/%69nside.txt", "/own-link.txt", "/./inside.txt", "/deep/../inside.txt"):
            assert request(port, root + path)[::2] == (200, "inside"), path
        assert request(port, f"{root}/deep/inside.txt")[::2] == (200, "deep inside")
    assert "JsPyQueue" in request(port, "/jsmeetspy/JsPyQueue.js")[2]
    assert "<p>page</p>" in request(port, "/page.html")[2]


@pytest.mark.parametrize("name", [*DEVICES, "COM¹", "a:b", "C:", "a.txt:stream", "a.txt.", "a.txt ", "...", "a*", "a?"])
def test_names_that_mean_something_else_on_windows(name: str) -> None:
    for path in (f"/static/{name}", f"/static/{name}/a.txt"):
        assert not is_plain(path, on_windows=True)
        assert is_plain(path, on_windows=False)


def test_plain_names() -> None:
    for name in (
        "a.txt",
        "console.js",
        "nullable.txt",
        "com10.txt",
        "a.con",
        "süß.html",
        ".hidden",
        "..",
        "a..b",
        "a b",
    ):
        assert is_plain(f"/static/{name}", on_windows=True), name
    for name in ("a\\b", "a\0b", "a\nb"):
        assert not is_plain(f"/static/{name}", on_windows=False), name


def test_a_folder_that_is_not_there_is_named_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RuntimeError, match=rf"the folder does not exist: {tmp_path / 'stat'}\..*beside the program"):
        JsMeetsPy(bridge=Bridge(), static="stat")
