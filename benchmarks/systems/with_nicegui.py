"""NiceGUI: it has no calls with results, so a page emits an event, and Python answers by running JavaScript there.

Python calls with `run_javascript`, and awaits the value.
"""

import asyncio
import json

import calling
from console import serve
from fastapi import FastAPI
from nicegui import core, ui
from serving import LIKE_OURS, start

HEAD = """<script>
const waiting = new Map();
let last = 0;
window.answer = (id, value) => { waiting.get(id)(value); waiting.delete(id); };
window.bench = {
    ready: new Promise((resolve) => { window.connected = resolve; }),
    call: (name, ...args) => new Promise((resolve) => {
        waiting.set(++last, resolve);
        emitEvent(name === "add_async" ? "call_async" : "call", { id: last, name, args });
    }),
    subscribe: async (func) => { window.heard = func; await bench.call("subscribe"); },
};
</script>"""
clients, subscribers = [], []
app = FastAPI()


@ui.page("/")
async def index():
    client = ui.context.client
    functions = {**calling.PLAIN, "subscribe": lambda: subscribers.append(client)}

    def answer(id, value):
        client.run_javascript(f"answer({id}, {json.dumps(value)})")

    def call(event):
        answer(event.args["id"], functions[event.args["name"]](*event.args["args"]))

    async def call_async(event):
        answer(event.args["id"], await calling.add_async(*event.args["args"]))

    ui.add_head_html(HEAD)
    ui.on("call", call)
    ui.on("call_async", call_async)
    await client.connected()
    clients.append(client)
    client.run_javascript("connected()")


def on_the_loop(coroutine):
    return asyncio.run_coroutine_threadsafe(coroutine, core.loop).result()


async def run(name, *args):
    return await clients[0].run_javascript(f"return loops.functions.{name}(...{json.dumps(args)})", timeout=60)


def block(name, *args):
    return on_the_loop(run(name, *args))


async def gather(size):
    return await asyncio.gather(*[run("add", i, 7) for i in range(size)])


async def publish_all(messages):
    for data in calling.publications(messages):
        code = f"heard({json.dumps(data)})"
        for client in subscribers:
            client.run_javascript(code)
        await asyncio.sleep(0)


def call_page(**options):
    return calling.sequence(block, **options)


def flood(**options):
    return calling.floods(lambda size: on_the_loop(gather(size)), **options)


def publish(messages):
    on_the_loop(publish_all(messages))


ui.run_with(app, show_welcome_message=False, message_history_length=100_000)  # 1,000: a burst reloads the page
serve(start(app, **LIKE_OURS), call_page=call_page, flood=flood, publish=publish)
