"""S14: an application that reports the progress of a loop by a callback, and by publications."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "systems"))

from console import serve

from jsmeets_local import JsMeetsPy, JsPyPubsub

PAGE = """<!DOCTYPE html><title>callbacks</title><script>
window.bench = { ready: JsPyTextSocket.wait_ready().then(() => {}) };
</script>"""

app = JsMeetsPy()
heard = []


@app.expose
def call_back(count, callback):
    for number in range(count):
        callback.nowait(number)


@app.expose
def publish(count):
    send = JsPyPubsub.publish("progress")
    for number in range(count):
        send(number)


@app.expose
def listener():
    """Return the function that the page calls in its loop."""
    return heard.append


JsPyPubsub.subscribe("up", lambda topic, number: heard.append(number))


@app.expose
def take():
    """Return how many the page has sent, and their sum."""
    count, total = len(heard), sum(heard)
    heard.clear()
    return [count, total]


page = app.launch(PAGE, mode="none")


def evaluate(expression, arg=None):
    """Evaluate code like Playwright, in a tab that it does not watch."""
    return {"value": page.eval(f"({expression})({json.dumps(arg)})")}


serve(page.url, evaluate=evaluate)
