"""A to-do list on the desktop: Python has the list and its file, a page shows and edits it."""

import argparse
import contextlib
import json
from pathlib import Path

from jsmeets_local import JsMeetsPy, LaunchError, PageClosed

PAGE = str(Path(__file__).with_name("todo.html"))
FILES = [("Lists", ["*.json"]), ("All files", ["*"])]

app = JsMeetsPy()


class Todo:
    """A list, and the file it belongs to."""

    def __init__(self, path=None, items=(), changed=False):
        self.path = path
        self.name = path.name if path else "Untitled"
        self.items = [{"text": str(item["text"]), "done": bool(item["done"])} for item in items]
        self.changed = changed

    @classmethod
    def read(cls, path):
        try:
            return cls(path, json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path.name} is not a to-do list") from error

    def write(self, path):
        path.write_text(json.dumps(self.items, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


todo = Todo()


def show(new):
    """From now on this is the list."""
    global todo
    todo = new
    app.pubsub.publish("state")(state())
    if window():
        window().title = ("• " if todo.changed else "") + todo.name


def window():
    """The window with its native dialogs; None in a browser, where the list keeps its file."""
    try:
        return app.pages[0].window
    except LaunchError:
        return None


def may_go():
    """Whether the list may be replaced: nothing is lost, or the user has said so."""
    if not todo.changed:
        return True
    answer = app.pages[0].js.ask(f"Save the changes to {todo.name}?", ["Discard", "Save"])
    return save() if answer == "Save" else answer == "Discard"


@app.expose
def state():
    return {"name": todo.name, "changed": todo.changed, "items": todo.items, "dialogs": window() is not None}


@app.expose
def change(items):
    show(Todo(todo.path, items, changed=True))


@app.expose
def new_list():
    if may_go():
        show(Todo())


@app.expose
def open_list():
    if may_go() and (paths := window().open_dialog(file_types=FILES)):
        show(Todo.read(Path(paths[0])))


@app.expose
def save(elsewhere=False):
    """Saves the list, and tells whether it did: the user may have changed their mind."""
    path = todo.path
    if elsewhere or path is None:
        chosen = window().save_dialog(todo.name if path else "todo.json")
        path = Path(chosen) if chosen else None
    if path:
        todo.write(path)
        show(Todo(path, todo.items))
    return path is not None


def main():
    global todo
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=Path.home() / "todo.json")
    parser.add_argument("--window", dest="mode", action="store_const", const="window", default="auto-window")
    parser.add_argument("--browser", dest="mode", action="store_const", const="browser")
    given = parser.parse_args()
    todo = Todo.read(given.file) if given.file.exists() else Todo(given.file)
    page = app.launch(PAGE, given.mode, width=520, height=680)
    show(todo)
    page.wait()
    if todo.changed and given.mode != "browser":  # closed in a hurry: this asks once more
        with contextlib.suppress(PageClosed):
            app.launch(PAGE, given.mode, width=520, height=680)
            may_go()
    app.stop()


if __name__ == "__main__":
    main()
