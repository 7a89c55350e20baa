"""A training monitor: numpy trains a network; every tab follows it, pauses it, stops it and sets its learning rate."""

import asyncio
from pathlib import Path

from network import Network

from jsmeets_local import JsMeetsPy, current_call, current_page

EPOCHS = 400

app = JsMeetsPy()
watchers = []  # two callbacks of each tab
history = []  # the losses of each epoch
state = {"status": "ready", "rate": 0.003, "says": "Press Start to train the network."}
going = asyncio.Event()  # cleared while the training pauses
network = None
training = None  # the task of train()

# All functions are async: they take turns on one thread, so that they share these variables without locks.


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
    """Train until the end. The training also stops when the tab that has started it is closed."""
    global network, training
    if training:
        raise RuntimeError("A training runs already.")
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
            right = f"{history[-1]['accuracy']:.1%} of the unseen points are right."
            more = await page.aio.js.ask(f"{right} Train {EPOCHS} more epochs?")
        tell(status="ready", says="The training has ended.")
    except asyncio.CancelledError:
        if state["status"] != "stopped":
            tell(status="stopped", says=f"{tab} has left, and the training with it.")
    finally:
        training = None


async def learn():
    for _ in range(EPOCHS):
        await going.wait()
        result = await asyncio.to_thread(network.epoch, state["rate"])
        history.append({"epoch": len(history) + 1, "rate": state["rate"], **result})
        # nowait() returns False when the tab has left.
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
