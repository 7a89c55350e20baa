"""Eel: its own server on gevent. Functions are plain; a blocking call polls for its answer every millisecond."""

import sys
from pathlib import Path

import calling
import eel
import gevent.event
import gevent.socket
from console import serve

eel.init(str(Path(__file__).parent / "eel_web"))
for function in calling.PLAIN.values():
    eel.expose(function)
eel.start("index.html", mode=None, host="127.0.0.1", port=0, block=False, close_callback=lambda *_: None)


def is_listening():
    """Return whether Eel listens, which it does not report: it binds its port when its greenlet runs."""
    try:
        gevent.socket.create_connection(("127.0.0.1", eel._start_args["port"])).close()
    except OSError:
        return False
    return True


while not is_listening():
    gevent.sleep(0)


def lines():
    """Read the requests of the harness in a real thread, so that the loop of gevent continues."""
    pool = gevent.get_hub().threadpool
    while line := pool.apply(sys.stdin.readline):
        yield line


def block(name, *args):
    return getattr(eel, name)(*args)()


def flood(**options):
    return calling.floods(gather, **options)


def gather(size):
    end, values = gevent.event.Event(), []

    def done(value):
        values.append(value)
        if len(values) == size:
            end.set()

    for i in range(size):
        eel.add(i, 7)(done)
    end.wait()
    return values


def publish(messages):
    for data in calling.publications(messages):
        eel.heard(data)
        gevent.sleep(0)


def call_page(**options):
    return calling.sequence(block, **options)


serve(
    f"http://127.0.0.1:{eel._start_args['port']}/index.html", lines(), call_page=call_page, flood=flood, publish=publish
)
