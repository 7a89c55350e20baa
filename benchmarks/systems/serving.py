"""uvicorn in a thread, as our own package runs it, for the ASGI applications; the main thread stays free."""

import asyncio
import socket
import threading

import uvicorn

LIKE_OURS = {"ws_per_message_deflate": False}


class Server(uvicorn.Server):
    """Server that reports its start."""

    def __init__(self, config):
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets=None):
        await super().startup(sockets=sockets)
        self.ready.set()

    def install_signal_handlers(self):
        """Do nothing; old versions of uvicorn would set signal handlers, which only the main thread may."""


def start(app, **options):
    """Serve an application on a free port, and return its address once it is served."""
    sock = socket.create_server(("127.0.0.1", 0), backlog=128)
    config = uvicorn.Config(app, log_config=None, log_level="warning", access_log=False, **options)
    server = Server(config)

    def run():
        if options.get("loop") == "none":  # an old uvicorn, which takes the thread's loop
            asyncio.set_event_loop(asyncio.new_event_loop())
        try:
            server.run(sockets=[sock])
        finally:
            server.ready.set()

    threading.Thread(target=run, daemon=True).start()
    server.ready.wait()
    if not server.started:
        raise RuntimeError("the server did not start")
    return f"http://127.0.0.1:{sock.getsockname()[1]}"
