"""A training monitor: numpy trains a network. Every tab follows, pauses and stops it, and sets the learning rate."""

import asyncio
from pathlib import Path

from network import Network

from jsmeets_local import JsMeetsPy, current_call, current_page

EPOCHS = 400

app = JsMeetsPy()
watchers = []  # a pair of callbacks for each tab
history = []  # the losses of each epoch
state = {"status": "ready", "rate": 0.003, "says": "Press Start to train the network."}
going = asyncio.Event()  # cleared while the training pauses
network = None
training = None  # the task of train()

# All exposed functions are async. They run on one thread, so these variables need no locks.


def tell(**changes):
    """Call the first callback of each tab with the new state."""
    state.update(changes)
    for change, _ in watchers:
        change.nowait(state)


def this_tab():
    return f"Tab {current_call().socket_id}"


@app.expose
async def watch(change, progress):
    """Call `change(state)` now and after each change, and `progress(epochs, picture)` with all epochs, old and new."""
    watchers.append((change, progress))
    change.nowait(state)
    progress.nowait(history, network and network.picture())
    return this_tab()


@app.expose
async def train():
    """Train until the user has enough. Closing the tab that started the training stops it."""
    global network, training
    if training:
        raise RuntimeError("The network is already being trained.")
    page, tab = current_page(), this_tab()
    training = asyncio.current_task()
    network = Network()
    history.clear()
    going.set()
    tell(status="running", says=f"{tab} started the training.")
    try:
        more = True
        while more:
            await learn()
            accuracy = history[-1]["accuracy"]
            more = await page.aio.js.ask(f"The accuracy is {accuracy:.1%}. Train {EPOCHS} more epochs?")
        tell(status="ready", says="The training has ended.")
    except asyncio.CancelledError:
        if state["status"] != "stopped":
            tell(status="stopped", says=f"{tab} was closed, which stopped the training.")
    finally:
        training = None


async def learn():
    for _ in range(EPOCHS):
        await going.wait()
        result = await asyncio.to_thread(network.epoch, state["rate"])
        history.append({"epoch": len(history) + 1, "rate": state["rate"], **result})
        # nowait() returns False if the tab is closed.
        picture = network.picture()
        watchers[:] = [watcher for watcher in watchers if watcher[1].nowait(history[-1:], picture)]


@app.expose
async def pause():
    going.clear()
    tell(status="paused", says=f"{this_tab()} paused the training.")


@app.expose
async def resume():
    going.set()
    tell(status="running", says=f"{this_tab()} resumed the training.")


@app.expose
async def stop():
    if training:
        tell(status="stopped", says=f"{this_tab()} stopped the training.")
        training.cancel()


@app.expose
async def tune(rate):
    tell(rate=rate, says=f"{this_tab()} set the learning rate to {rate:.2g}.")


if __name__ == "__main__":
    app.run(str(Path(__file__).with_name("monitor.html")))
