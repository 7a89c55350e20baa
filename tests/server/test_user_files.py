"""Files of the user: names, types, encodings, revalidation, and injected scripts."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import urlopen

import pytest
from starlette.responses import FileResponse, PlainTextResponse
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient

from jsmeets_local import Bridge, JsMeetsPy, Page
from jsmeets_local.server.media_types import content_type, media_type
from tests.raw import follow, request
from tests.timing import scaled

SCRIPT = "/jsmeetspy/jsmeets.js"
ODD = [
    "a#b.html",
    "a?b.html",
    "a%20b.html",
    "a b.html",
    "ä.html",
    "100%.html",
    "a&b=c;d+e.html",
    "#.html",
    "a'b\".html",
]


@pytest.fixture
def app(make_app: Callable[..., JsMeetsPy], tmp_path: Path) -> JsMeetsPy:
    for name in ("static", "templates", "static/o#d?d%20", "templates/o#d?d%20", "o#d?d%20"):
        (tmp_path / name).mkdir()
    return make_app(static=str(tmp_path / "static"), templates=str(tmp_path / "templates"))


def get(page: Page, path: str = "", **headers: str) -> tuple[int, str, str]:
    """Return the response for a path, or for the URL of the page as a browser requests it."""
    url = follow(page.url)
    host = url.split("/")[2]
    target = path or "/" + url.partition("#")[0].split("/", 3)[3]
    return request(int(host.partition(":")[2]), target, host, **headers)


def header(head: str, name: str) -> str | None:
    lines = (line.partition(": ") for line in head.split("\r\n"))
    return next((value for key, _, value in lines if key.lower() == name), None)


# Names ---------------------------------------------------------------------------------------------------------------


def write_pages(*folders: Path) -> None:
    """A page and a script of the same names in each folder, which show their folder."""
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.html").write_text(f"<p>page of {folder.name}</p>")
        (folder / "app.js").write_text(f"// of {folder.name}")


def beside(page: Page, name: str) -> str:
    """The file to which a link of the page leads."""
    return get(page, urlsplit(urljoin(follow(page.url), name)).path)[2]


def test_pages_of_the_same_name_show_their_own_files(app: JsMeetsPy, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("a", "b", "c/b", "c/b/in ner", "static", "x#y")]
    write_pages(*folders)
    pages = [app.launch(folder / "index.html", mode="none") for folder in (*folders, folders[0])]
    for folder, page in zip((*folders, folders[0]), pages, strict=True):
        assert f"page of {folder.name}" in get(page)[2]
        assert SCRIPT in get(page)[2]
        assert beside(page, "app.js") == f"// of {folder.name}"
        assert f"page of {folder.name}" in beside(page, "./")
    assert beside(pages[3], "../app.js") == "// of b"  # a folder in one that is served


def test_folders_hide_nothing_of_each_other(app: JsMeetsPy, tmp_path: Path) -> None:
    write_pages(tmp_path / "a", tmp_path / "a" / "b", tmp_path / "b", tmp_path / "templates")
    (tmp_path / "b" / "only.txt").write_text("of b alone")
    template = app.launch("index.html", mode="none")
    first, second = (app.launch(tmp_path / name / "index.html", mode="none") for name in "ab")
    assert "page of templates" in get(template)[2]
    assert ["page of a" in get(first)[2], "page of b" in get(second)[2]] == [True, True]
    assert beside(first, "b/app.js") == "// of b"
    assert get(second, "/only.txt")[2] == "of b alone"  # where no other folder has such a file


def test_a_route_for_all_paths_ends_the_search_for_a_free_one(app: JsMeetsPy, tmp_path: Path) -> None:
    app.route("/{path:path}")(lambda request: PlainTextResponse("route"))
    write_pages(tmp_path / "a", tmp_path / "b")
    assert [get(app.launch(tmp_path / name / "index.html", mode="none"))[2] for name in "ab"] == ["route", "route"]


@pytest.mark.parametrize("name", [*ODD, *(f"o#d?d%20/{name}" for name in ODD)])
def test_names_of_files_lead_to_them(
    app: JsMeetsPy, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text("<p>on disk")
    (tmp_path / "a").write_text("another")
    for given in (name, str(tmp_path / name)):
        assert "<p>on disk" in get(app.launch(given, mode="none"))[2]
    (tmp_path / "static" / name).write_text("<p>static")
    assert get(app.launch(name, mode="none"))[2] == "<p>static"
    (tmp_path / "templates" / name).write_text("<p>{{ 'temp' + 'late' }}")
    assert get(app.launch(name, mode="none"))[2] == "<p>template"


def test_queries_and_fragments_stay(app: JsMeetsPy, tmp_path: Path) -> None:
    @app.route("/x/{name}")
    async def x(request: Any) -> PlainTextResponse:
        return PlainTextResponse(f"{request.path_params['name']} {request.query_params}")

    (tmp_path / "a#b.html").write_text("<p>odd")
    (tmp_path / "a.html").write_text("<p>plain")
    page = app.launch("/x/5?y=1#z", mode="none")
    assert get(page)[2] == "5 y=1"
    assert page.url.endswith(";z")
    assert get(app.launch("/x/a%20b?y=%23", mode="none"))[2] == "a b y=%23"
    page = app.launch(f"{tmp_path}/a.html?y=1#z", mode="none")
    assert "/a.html?y=1#" in page.url
    assert page.url.endswith(";z")
    assert "<p>odd" in get(app.launch(f"{tmp_path}/a#b.html", mode="none"))[2]


# Types ---------------------------------------------------------------------------------------------------------------

TYPES = {
    "a.js": "text/javascript", "a.mjs": "text/javascript", "a.css": "text/css", "a.svg": "image/svg+xml",
    "a.html": "text/html", "a.HTM": "text/html", "a.json": "application/json", "a.wasm": "application/wasm",
    "a.js.map": "application/json", "a.woff2": "font/woff2", "a.webp": "image/webp", "a.avif": "image/avif",
    "a.ico": "image/vnd.microsoft.icon", "a.txt": "text/plain", "a.tar.gz": "application/gzip",
    "a.unknown-to-all": "application/octet-stream", "js": "application/octet-stream",
}  # fmt: skip


def test_types_do_not_depend_on_the_machine(app: JsMeetsPy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mimetypes, "_db", mimetypes.MimeTypes())
    for name in TYPES:
        mimetypes.add_type("text/x-wrong", Path(name).suffix.lower() or ".none")
        for folder in ("static", "."):
            (tmp_path / folder / name).write_text("x")
    (tmp_path / "page.html").write_text("<p>page")
    page = app.launch(str(tmp_path / "page.html"), mode="none")
    for name, kind in TYPES.items():
        if name == "a.unknown-to-all":
            kind = "text/x-wrong"  # what only the machine knows, it may tell
        for root in ("/static", ""):
            told = header(get(page, f"{root}/{name}")[1], "content-type")
            assert told == (f"{kind}; charset=utf-8" if kind.startswith("text/") else kind), (root, name)
    assert header(get(page)[1], "content-type") == "text/html; charset=utf-8"


# Encodings -----------------------------------------------------------------------------------------------------------

LETTERS = "ÄÖ€"
PAGES = {
    "utf-8": (f"<p>{LETTERS}".encode(), "utf-8"),
    "utf-8, said": (f"<meta charset=utf-8><p>{LETTERS}".encode(), "utf-8"),
    "utf-8, marked": (f"<p>{LETTERS}".encode("utf-8-sig"), "utf-8"),
    "windows-1252": (f'<head><meta charset="windows-1252"><p>{LETTERS}'.encode("cp1252"), "windows-1252"),
    "http-equiv": (
        f'<meta http-equiv="Content-Type" content="text/html; charset=ISO-8859-15"><p>{LETTERS}'.encode("iso-8859-15"),
        "iso-8859-15",
    ),
    "not said": (f"<p>{LETTERS}".encode("cp1252"), None),
    "in a comment": (f"<!-- <meta charset=utf-8> --><p>{LETTERS}".encode("cp1252"), None),
    "shift_jis": ("<meta charset=Shift_JIS><p>日本語".encode("shift_jis"), "shift_jis"),
    "iso-2022-jp": ("<meta charset=iso-2022-jp><p>日本語".encode("iso2022_jp"), "iso-2022-jp"),
    "utf-16, marked": (f"<html><head><p>{LETTERS}".encode("utf-16"), "utf-16le"),
    "utf-16be, marked": (b"\xfe\xff" + f"<html><p>{LETTERS}".encode("utf-16-be"), "utf-16be"),
    "utf-16, not marked": (f"<html><p>{LETTERS}".encode("utf-16-le"), "utf-16le"),
    "utf-16, said in utf-8": (f"<meta charset=utf-16><p>{LETTERS}".encode(), "utf-8"),
    "utf-16, cut off": (f"<html><p>{LETTERS}".encode("utf-16") + b"\x41", "utf-16le"),
    "a mark alone": (b"\xef\xbb\xbf", "utf-8"),
    "nothing": (b"", "utf-8"),
}


@pytest.mark.parametrize(("content", "charset"), PAGES.values(), ids=PAGES)
def test_encodings_of_pages(app: JsMeetsPy, tmp_path: Path, content: bytes, charset: str | None) -> None:
    for name in ("page.html", "linked.html", "static/page.html"):
        (tmp_path / name).write_bytes(content)
    page = app.launch(str(tmp_path / "page.html"), mode="none")
    for path in ("/page.html", "/linked.html", "/static/page.html"):
        with urlopen(page.url.partition("/page")[0] + path, timeout=scaled(10)) as answer:
            told, served = answer.headers["content-type"], answer.read()
        assert told == "text/html" + (f"; charset={charset}" if charset else "")
        name = charset or "cp1252"
        if path.startswith("/static") or (len(content) % 2 and name.startswith("utf-16")):
            assert served == content
            continue
        text, written = served.decode(name), content.decode(name)
        assert text.count(SCRIPT) == 1
        assert text.count("\ufeff") == written.count("\ufeff")
        assert text.startswith("\ufeff") == written.startswith("\ufeff")
        assert text.endswith(written.lstrip("\ufeff")[-3:])


OTHERS = {
    "a.js": ("// ÄÖ".encode(), "text/javascript; charset=utf-8"),
    "b.js": ("// ÄÖ".encode("cp1252"), "text/javascript"),
    "a.css": ("/* ÄÖ */".encode("cp1252"), "text/css"),
    "b.css": ('@charset "windows-1252"; /* ÄÖ */'.encode("cp1252"), "text/css; charset=windows-1252"),
    "a.csv": ("Ä;Ö".encode("utf-16"), "text/csv; charset=utf-16le"),
    "a.svg": (b"<svg/>", "image/svg+xml"),
}


def test_encodings_of_other_files() -> None:
    for name, (content, told) in OTHERS.items():
        assert content_type(name, content) == told
    assert content_type("a.txt", "ÄÄ".encode()[:3]) == "text/plain; charset=utf-8", "cut within a character"
    assert media_type(Path("x/y.Mjs")) == "text/javascript"


# Caching -------------------------------------------------------------------------------------------------------------


def versions(app: JsMeetsPy, tmp_path: Path) -> Iterator[tuple[str, Callable[[int], None]]]:
    """Paths, and how to write versions of their files with the same length and time."""
    for path, name in (
        ("/app.js", "app.js"),
        ("/static/app.js", "static/app.js"),
        ("/page.html", "page.html"),
        ("/static/page.html", "static/page.html"),
        ("/large.bin", "large.bin"),
    ):

        def write(number: int, name: str = name) -> None:
            (tmp_path / name).write_bytes(str(number).encode() * (5_000_000 if "large" in name else 1))
            if "large" not in name:
                os.utime(tmp_path / name, (10**9, 10**9))

        write(0)
        yield path, write


def test_files_are_revalidated_under_launch(app: JsMeetsPy, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>")
    page = app.launch(str(tmp_path / "page.html"), mode="none")
    for path, write in versions(app, tmp_path):
        tags = []
        for number in (1, 2):
            write(number)
            status, head, body = get(page, path)
            tag = header(head, "etag")
            assert (status, header(head, "cache-control")) == (200, "no-cache"), path
            assert str(number) in body
            assert tag is not None
            status, head, body = get(page, path, If_None_Match=tag)
            assert (status, header(head, "cache-control"), body) == (304, "no-cache", ""), path
            tags.append(tag)
        assert tags[0] != tags[1], path
        status, head, body = get(page, path, If_None_Match=tags[0])
        assert status == 200, path
        assert "2" in body


def test_parts_of_files(app: JsMeetsPy, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>")
    (tmp_path / "data.csv").write_text("0123456789")
    page = app.launch(str(tmp_path / "page.html"), mode="none")
    status, head, body = get(page, "/data.csv", Range="bytes=2-4")
    assert (status, body) == (206, "234")
    tag = header(head, "etag")
    assert tag is not None
    assert get(page, "/data.csv", Range="bytes=2-4", If_Range=tag)[0] == 206
    (tmp_path / "data.csv").write_text("9876543210")
    assert get(page, "/data.csv", Range="bytes=2-4", If_Range=tag)[0] == 200


def test_cache_headers_of_the_user_are_kept(app: JsMeetsPy, tmp_path: Path) -> None:
    @app.route("/kept")
    async def kept(request: Any) -> PlainTextResponse:
        return PlainTextResponse("kept", headers={"Cache-Control": "max-age=60"})

    @app.route("/file")
    async def file(request: Any) -> FileResponse:
        return FileResponse(tmp_path / "page.html")

    app.mount("/own", StaticFiles(directory=tmp_path))
    (tmp_path / "page.html").write_text("<p>")
    page = app.launch("/kept", mode="none")
    assert header(get(page)[1], "cache-control") == "max-age=60"
    for path in ("/file", "/own/page.html", "/nothing"):
        assert header(get(page, path)[1], "cache-control") == "no-cache"


@pytest.mark.parametrize("debug", [False, True])
def test_under_plain_uvicorn_only_debug_revalidates(tmp_path: Path, debug: bool) -> None:
    (tmp_path / "app.js").write_text("1")
    app = JsMeetsPy(debug, bridge=Bridge(), static=str(tmp_path))
    with TestClient(app, base_url="http://localhost") as client:
        answer = client.get("/static/app.js")
        assert answer.headers.get("cache-control") == ("no-cache" if debug else None)
        assert client.get("/static/app.js", headers={"if-none-match": answer.headers["etag"]}).status_code == 304


# Documents -----------------------------------------------------------------------------------------------------------


def test_all_html_files_of_a_launched_folder_get_our_scripts(app: JsMeetsPy, tmp_path: Path) -> None:
    for name in ("page.html", "other.htm", "o#d?d%20/deep.html", "o#d?d%20/index.html", "404.html", "static/s.html"):
        (tmp_path / name).write_text(f"<p>{name}")
    (tmp_path / "own.html").write_text('<script src="/jsmeetspy/JsPyTextSocket.js"></script>')
    page = app.launch(str(tmp_path / "page.html"), mode="none")
    for path in ("/page.html", "/other.htm", "/o%23d%3Fd%2520/deep.html", "/o%23d%3Fd%2520/", "/nothing"):
        status, _, body = get(page, path)
        assert (status, body.count(SCRIPT)) == (404 if path == "/nothing" else 200, 1), path
    assert get(page, "/own.html")[2].count("<script") == 1
    assert SCRIPT not in get(page, "/static/s.html")[2], "the author of static= and templates writes the tags"


def test_a_linked_page_is_served_beside_its_link(app: JsMeetsPy, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    (there / "real.html").write_text("<p>real")
    (there / "secret.txt").write_text("secret")
    (here / "page.html").symlink_to(there / "real.html")
    (here / "other.html").symlink_to(there / "real.html")
    (here / "app.js").write_text("beside")
    page = app.launch(str(here / "page.html"), mode="none")
    assert "<p>real" in get(page)[2]
    assert get(page, "/app.js")[::2] == (200, "beside")
    for path in (
        "/secret.txt",
        "/real.html",
        "/other.html",
        "/../there/secret.txt",
        "/page.html/../../there/secret.txt",
    ):
        assert get(page, path)[0] == 404, path
    assert {str(here), str(there)} <= set(app._documents.folders())
    (tmp_path / "folder").symlink_to(here)
    assert get(app.launch(str(tmp_path / "folder" / "page.html"), mode="none"), "/app.js")[2] == "beside"
    (here / "page.html").unlink()
    assert get(page, "/page.html")[0] == 404


NAVIGATION = "text/html,application/xhtml+xml,*/*;q=0.8"


@pytest.mark.parametrize("kind", ["file", "html", "route", "template", "static"])
def test_addresses_of_a_page_with_a_router(app: JsMeetsPy, tmp_path: Path, kind: str) -> None:
    @app.route("/there")
    async def there(request: Any) -> PlainTextResponse:
        return PlainTextResponse("there" if kind != "route" else "<p>spa")

    name = {"file": str(tmp_path / "s#.html"), "html": "<p>spa", "route": "/there?a=1#b"}.get(kind, f"{kind}.html")
    for path in ("s#.html", "static/static.html", "templates/template.html", "static/known.js"):
        (tmp_path / path).write_text("<p>spa")
    (tmp_path / "404.html").write_text("<p>missing")
    page = app.launch(name, mode="none", spa=True)
    for path in ("/settings", "/settings/deep/", "/user/jane.doe", "/x.html", "/settings?a=1"):
        status, _, body = get(page, path, Accept=NAVIGATION)
        assert (status, "<p>spa" in body) == (200, True), path
        assert get(page, path, Accept="*/*")[0] == 404, path
    for path in ("/app.js", "/x.png", "/static/nothing", "/jsmeetspy/nothing", "/a.css"):
        assert get(page, path, Accept=NAVIGATION)[0] == 404, path
    if kind == "file":
        (tmp_path / "s#.html").unlink()
        assert get(page, "/settings", Accept=NAVIGATION)[0] == 404


def test_other_pages_have_no_routes(app: JsMeetsPy) -> None:
    page = app.launch("<p>x", mode="none")
    assert get(page, "/settings", Accept=NAVIGATION)[0] == 404
