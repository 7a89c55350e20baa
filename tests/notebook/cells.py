"""Cells that several test notebooks share."""

from __future__ import annotations

from collections.abc import Callable

from tests.notebook.conftest import Notebook

OpenNotebook = Callable[..., Notebook]

LAUNCH = '''
from jsmeets_local import JsMeetsPy
app = JsMeetsPy()
PAGE = """
<h1 id="title">Live</h1>
<button onclick="JsPyFunction.call('clicked')(++clicks)">Click</button>
<script>
    let clicks = 0;
    JsPyFunction.expose("double", (x) => 2 * x);
    JsPyFunction.expose("never", () => new Promise(() => {}));
    JsPyFunction.expose("down", async (n, next) => n ? (await JsPyFunction.call(next)(n)) + 1 : 0);
</script>
"""
page = app.launch(PAGE, height=150)
'''
EXPOSE = """
@app.expose
def plain(n):
    return page.call("down")(n - 1, "later")
@app.expose
async def later(n):
    return await page.aio.call("down")(n - 1, "plain")
@app.expose
def clicked(n):
    print("clicked", n)
    if n == 2:
        raise ValueError("two clicks")
"""
