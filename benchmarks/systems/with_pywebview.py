"""pywebview: js_api and evaluate_js in a Qt window on a virtual screen (Xvfb).

It has its own browser, whose processor time counts as that of the server.
"""

import json
import os
import subprocess
import threading
from pathlib import Path

if not os.environ.get("DISPLAY"):
    reading, writing = os.pipe()
    screen = ["Xvfb", "-displayfd", str(writing), "-terminate", "-screen", "0", "800x600x24"]
    subprocess.Popen(
        screen, pass_fds=[writing], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.environ["DISPLAY"] = ":" + os.read(reading, 16).decode().strip()
if hasattr(os, "geteuid") and os.geteuid() == 0:
    os.environ["QTWEBENGINE_DISABLE_SANDBOX"] = "1"

import calling
import webview
from console import serve

DRIVER = (Path(__file__).parents[1] / "driver.js").read_text()
PAGE = """<!DOCTYPE html><title>pywebview</title><body><p id="adder" data-sum="7"></p><script>DRIVER</script><script>
window.bench = {
    ready: new Promise((resolve) => { addEventListener("pywebviewready", () => resolve()); }),
    call: (name, ...args) => pywebview.api[name](...args),
};
</script>""".replace("DRIVER", DRIVER)


class Api:
    """Functions that the page may call."""


for function in calling.PLAIN.values():
    setattr(Api, function.__name__, staticmethod(function))


def evaluate(expression, arg):
    """Call a JavaScript function, and return the awaited value."""
    end, values = threading.Event(), []

    def done(value):
        values.append(value)
        end.set()

    window.evaluate_js(f"(async () => JSON.stringify((await ({expression})({json.dumps(arg)})) ?? null))()", done)
    end.wait()
    return {"value": json.loads(values[0])}


def block(name, *args):
    return window.evaluate_js(f"loops.functions.{name}(...{json.dumps(args)})")


def call_page(**options):
    return calling.sequence(block, **options)


def use_object(**options):
    """Read an attribute through `window.dom`, which has no methods of the page's own objects."""
    adder = window.dom.get_element("#adder")
    uses = {
        "call": block,
        "attribute": lambda name, a, b: int(adder.attributes["data-sum"]) + a,
    }
    return calling.in_turn(uses, **options)


def console():
    """Run in a thread of pywebview; the main thread runs the window."""
    evaluate("() => bench.ready", None)
    serve("", evaluate=evaluate, call_page=call_page, use_object=use_object)


window = webview.create_window("benchmark", html=PAGE, js_api=Api())
webview.start(console, gui="qt")
