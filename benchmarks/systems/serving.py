"""uvicorn in a thread, as our own package runs it, for the systems that are ASGI applications; the main thread stays free."""

import socket
import threading

import uvicorn

LIKE_OURS = {"ws_per_message_deflate": False}


class Server(uvicorn.Server):
    """Says when it has started."""

    def __init__(self, config):
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets=None):
        await super().startup(sockets=sockets)
        self.ready.set()


def start(app, **options):
    """Serves an application on a free port; returns its address when it does."""
    sock = socket.create_server(("127.0.0.1", 0), backlog=128)
    config = uvicorn.Config(app, log_config=None, log_level="warning", access_log=False, **options)
    server = Server(config)
    threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True).start()
    server.ready.wait()
    return "http://127.0.0.1:%d" % sock.getsockname()[1]
