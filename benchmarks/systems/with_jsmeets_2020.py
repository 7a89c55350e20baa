"""JsMeetsStarlette 0.0.1 of 2020, on the Starlette and uvicorn of its time.

The package on PyPI has no JavaScript, so the page has a minimal client of its protocol.
"""

import asyncio

import calling
import uvloop
from console import serve
from JsMeetsStarlette import JsMeetsPy, JsPyFunction, JsPyPubsub
from serving import start
from starlette.responses import HTMLResponse

PAGE = """<!DOCTYPE html><title>2020</title><body><script>
const socket = new WebSocket(location.origin.replace("http", "ws") + "/jsmeetspy/textsocket");
const waiting = new Map();
let last = 0, listener, resolve_ready;
const send = (protocol, key, id, data) => socket.send(JSON.stringify({ protocol, key, id, data, exception: null }));
const request = (protocol, key, data) => new Promise((resolve) => {
    waiting.set(++last, resolve);
    send(protocol, key, last, data);
});
const answered = ({ id, data }) => { waiting.get(id)(data); waiting.delete(id); };
const take = {
    system: () => resolve_ready(),
    function_call: ({ key, id, data }) => send("function_return", key, id, loops.functions[key](...data)),
    function_return: answered,
    sub_return: answered,
    pub: ({ data }) => listener(data),
};
socket.onmessage = ({ data }) => { const message = JSON.parse(data); take[message.protocol](message); };
window.bench = {
    ready: new Promise((resolve) => { resolve_ready = resolve; }),
    call: (name, ...args) => request("function_call", name, args),
    subscribe: (func) => { listener = func; return request("sub_call", "news", null); },
};
</script>"""

app = JsMeetsPy()
for function in [*calling.PLAIN.values(), calling.add_async]:
    JsPyFunction.callable(function)
loops = []
app.add_event_handler("startup", lambda: loops.append(asyncio.get_event_loop()))


@app.route("/", ["GET"])
async def index(request):
    return HTMLResponse(PAGE)


def on_the_loop(coroutine):
    return asyncio.run_coroutine_threadsafe(coroutine, loops[0]).result()


async def call(name, *args):
    (value,) = (await JsPyFunction.call(name)(*args)).values()
    return value


def block(name, *args):
    return on_the_loop(call(name, *args))


async def gather(size):
    return await asyncio.gather(*[call("add", i, 7) for i in range(size)])


def call_page(**options):
    return calling.sequence(block, **options)


def flood(**options):
    return calling.floods(lambda size: on_the_loop(gather(size)), **options)


def publish(messages):
    for data in calling.publications(messages):
        JsPyPubsub.publish("news")(data)


asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
serve(start(app, loop="none", lifespan="on"), call_page=call_page, flood=flood, publish=publish)
