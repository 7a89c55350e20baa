"""S8, ours: launch(mode="none") and a page that calls a function as soon as it has loaded.

It measures its own launch(), until the page can be requested.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "systems"))

from console import fetch, serve

from jsmeets_local import JsMeetsPy

PAGE = """<!DOCTYPE html><title>ours</title><script>
const ready = JsPyTextSocket.wait_ready();
const answer = ready.then(() => JsPyFunction.call("add")(4, 7));
window.bench = { ready: ready.then(() => {}), first: answer.then((sum) => [sum, performance.now() / 1000]) };
</script>"""

app = JsMeetsPy()


@app.expose
def add(a, b):
    return a + b


before = time.perf_counter()
page = app.launch(PAGE, mode="none")
fetch(page.url)
seconds = time.perf_counter() - before
serve(page.url, launch=lambda: {"seconds": seconds})
