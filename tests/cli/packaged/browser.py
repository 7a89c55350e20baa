"""A program for the browser that uses all kinds of files, and calls both ways."""

import urllib.request
from pathlib import Path

from jsmeets_local import JsMeetsPy, Page

app = JsMeetsPy(static="static", templates="templates")


@app.expose
def double(number: int) -> int:
    return 2 * number


def say(*words: object) -> None:
    print(*words, flush=True)  # noqa: T201


def main(page: Page) -> None:
    say("title:", page.eval("document.title"))
    say("color:", page.eval("getComputedStyle(document.body).color"))
    say("both ways:", page.call("through_python", timeout=20)(21))
    other = app.open(str(Path(__file__).with_name("pages") / "other.html"), mode="none")
    for name in ("other.html", "img/dot.svg"):
        with urllib.request.urlopen(other.url.rpartition("/")[0] + "/" + name) as response:
            say(name, response.status)
    other.close()


app.run("index.html", mode="browser", main=main)
