"""myapp: a page and Python that call each other."""

import time
from pathlib import Path

from jsmeets_local import JsMeetsPy, Page

HERE = Path(__file__).resolve().parent
app = JsMeetsPy(static=str(HERE / "static"), templates=str(HERE / "templates"))


@app.expose
def count(text: str) -> dict[str, int | str]:
    """Count the words of a text. The page calls it at each key: `py.count(text)` in static/app.js."""
    words = text.split()
    return {"words": len(words), "letters": sum(map(str.isalpha, text)), "longest": max(words, key=len, default="-")}


def main(page: Page) -> None:
    """Publish the time once a second until the page is closed."""
    while not page.wait(timeout=1):
        page.publish("time")(time.strftime("%H:%M:%S"))


if __name__ == "__main__":
    app.run(main=main)  # mode="window" for a window of its own
