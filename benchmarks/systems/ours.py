"""Ours, as a user would write it: launch(mode="none") and the page's blocking calls."""

import calling
from console import serve

from jsmeets_local import JsMeetsPy

PAGE = """<!DOCTYPE html><title>ours</title><script>
JsPyFunction.expose("add", loops.functions.add);
JsPyFunction.expose("echo", loops.functions.echo);
window.bench = { ready: JsPyTextSocket.wait_ready().then(() => {}), call: (name, ...args) => JsPyFunction.call(name)(...args) };
</script>"""

app = JsMeetsPy()


@app.expose
def add(a, b):
    return a + b


@app.expose
async def add_async(a, b):
    return a + b


@app.expose
def echo(value):
    return value


page = app.launch(PAGE, mode="none")


def call(name, *args):
    return page.call(name)(*args)


def call_page(count, warm_up=0):
    return calling.sequence(call, count, warm_up)


serve(page.url, call_page=call_page)
