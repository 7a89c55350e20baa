"""A program as users write it, for the type checker: `./scripts/check` reads it strictly, and a test runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jsmeets_local import Bridge, JsMeetsPy, Page

__all__ = ["run"]


def run(folder: Path) -> list[str]:
    """Opens pages by paths.

    Args:
        folder: Has `static`, `templates` with an `index.html`, and a `page.html`.

    Returns:
        The paths of their URLs.
    """
    app = JsMeetsPy(static=folder / "static", templates=folder / "templates", bridge=Bridge())

    @app.expose
    def add(a: float, b: float) -> float:
        return a + b

    @app.expose("double", exclusive=True)
    def twice(x: float) -> float:
        return add(x, x)

    def main(page: Page) -> None:
        sent: bool = page.queue("q").push(twice(1))
        sent = page.call_nowait("draw")([1, 2]) and page.publish("t")(sent)
        page.close()

    pages: list[Page] = [
        app.launch(folder / "page.html", "none", title="ignored", position=(1, 2)),
        app.open(Path("index.html"), "none"),
        app.launch("index.html", mode="none", width="50%", height=300),
    ]
    paths = [page.url.partition("#")[0].split("/", 3)[3] for page in pages]
    answer: Any = None
    for page in pages:
        call = page.call("f", timeout=2)
        if page.is_connected():
            answer = call(answer)
        page.close()
    app.run(folder / "page.html", "none", main)
    return paths
