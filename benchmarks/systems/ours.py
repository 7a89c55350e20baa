"""Ours, as a user would write it: `ours.py [asgi]`.

`launch(mode="none")` and the page's blocking calls; with `asgi` the same application under plain uvicorn, which has no
fast path, and no `Page` either.
"""

import asyncio
import sys

import calling
from console import serve
from serving import LIKE_OURS, start
from starlette.responses import HTMLResponse

from jsmeets_local import JsMeetsPy, JsPyFunction, JsPyPubsub

PAGE = """<!DOCTYPE html><title>ours</title><body><script>
JsPyFunction.expose("add", loops.functions.add);
JsPyFunction.expose("echo", loops.functions.echo);
class Adder { constructor() { this.sum = 7; } add(a, b) { return a + b; } }
window.adder = new Adder();
window.bench = {
    ready: JsPyTextSocket.wait_ready().then(() => {}),
    call: (name, ...args) => JsPyFunction.call(name)(...args),
    subscribe: (func) => JsPyPubsub.subscribe("news", (_topic, message) => func(message)),
};
</script>"""

app = JsMeetsPy()
for function in (*calling.PLAIN.values(), calling.add_async):
    app.expose(function)


async def gather(size):
    call = page.aio.call("add")
    return await asyncio.gather(*[call(i, 7) for i in range(size)])


JsPyFunction.expose("gather", gather)


@app.route("/plain")
async def plain(request):
    return HTMLResponse(PAGE.replace("<body>", '<body><script src="/jsmeetspy/jsmeets.js"></script>'))


def call_page(**options):
    return calling.sequence(lambda name, *args: page.call(name)(*args), **options)


def use_object(**options):
    adder = page.js.adder
    uses = {
        "call": lambda name, a, b: page.call("add")(a, b),
        "attribute": lambda name, a, b: adder.sum + a,
        "method": lambda name, a, b: adder.add(a, b),
    }
    return calling.in_turn(uses, **options)


def flood_by_map(**options):
    return calling.floods(lambda size: page.map("add")(range(size), [7] * size), **options)


def flood(**options):
    """Call from an event loop of the main thread."""
    return calling.floods(lambda size: asyncio.run(gather(size)), **options)


def flood_here(**options):
    """Call from an async function that the page calls, on the bridge's loop."""
    return calling.floods(lambda size: page.eval(f"JsPyFunction.call('gather')({size})"), **options)


def publish(messages):
    send = JsPyPubsub.publish("news")
    for data in calling.publications(messages):
        send(data)


if "asgi" in sys.argv:
    serve(start(app, loop="uvloop", **LIKE_OURS) + "/plain", publish=publish)
else:
    page = app.launch(PAGE, mode="none")
    serve(
        page.url,
        call_page=call_page,
        use_object=use_object,
        flood_by_map=flood_by_map,
        flood=flood,
        flood_here=flood_here,
        publish=publish,
    )
