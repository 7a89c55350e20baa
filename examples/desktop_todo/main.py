"""A to-do list on the desktop: Python holds the list and its file; the page shows and edits it."""

import argparse
import contextlib
import itertools
import json
import threading
from pathlib import Path

from jsmeets_local import JsMeetsPy, LaunchError, PageClosed

PAGE = str(Path(__file__).with_name("todo.html"))
FILES = [("Lists", ["*.json"]), ("All files", ["*"])]

app = JsMeetsPy()
lock = threading.RLock()
keys = itertools.count()  # of items: the page says which one it means, also while others come and go


class Todo:
    """A list, and its file."""

    def __init__(self, path=None, items=()):
        self.path = path
        self.name = path.name if path else "Untitled"
        self.items = {}
        for item in items:
            self.add(item["text"], item["done"])
        self.changed = False

    def add(self, text, done=False):
        key = next(keys)
        self.items[key] = {"key": key, "text": str(text), "done": bool(done)}

    @classmethod
    def read(cls, path):
        try:
            return cls(path, json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path.name} is not a to-do list") from error

    def write(self, path):
        items = [{"text": item["text"], "done": item["done"]} for item in self.items.values()]
        path.write_text(json.dumps(items, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


todo = Todo()


def show(new):
    """Replace the list."""
    global todo
    with lock:
        todo = new
        tell()


@contextlib.contextmanager
def changing():
    """Mark the list as changed by the block. Changes happen one at a time, in the order in which pages see them."""
    with lock:
        yield
        todo.changed = True
        tell()


def tell():
    """Show the list."""
    app.pubsub.publish("state")(state())
    if window():
        window().title = ("• " if todo.changed else "") + todo.name


def window():
    """Return the window, which has native dialogs, or `None` in a browser."""
    try:
        return app.pages[0].window
    except LaunchError:
        return None


def may_go():
    """Return whether the list may be replaced: it is saved, or the user agrees."""
    if not todo.changed:
        return True
    answer = app.pages[0].js.ask(f"Save the changes to {todo.name}?", ["Discard", "Save"])
    return save() if answer == "Save" else answer == "Discard"


@app.expose
def state():
    items = list(todo.items.values())
    return {"name": todo.name, "changed": todo.changed, "items": items, "dialogs": window() is not None}


@app.expose
def add(text):
    with changing():
        todo.add(text)


@app.expose
def tick(key, done):
    with changing():
        if key in todo.items:
            todo.items[key]["done"] = done


@app.expose
def remove(keys):
    with changing():
        for key in keys:
            todo.items.pop(key, None)


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
    """Save the list. Return `False` if the user has cancelled."""
    path = todo.path
    if elsewhere or path is None:
        chosen = window().save_dialog(todo.name if path else "todo.json")
        path = Path(chosen) if chosen else None
    if path:
        with lock:
            todo.write(path)
            show(Todo(path, todo.items.values()))
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
