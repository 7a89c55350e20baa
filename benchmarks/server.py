"""Server of a system, as a process that exchanges JSON lines with the harness."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any

import psutil

from .accounts import cpu_seconds, resident_bytes

__all__ = ["Server", "ServerFailed"]

COMPILED = Path(__file__).parents[1] / ".venvs" / "bench-compiled"
END_SECONDS = 10.0
START_SECONDS = 60.0
ANSWER_SECONDS = 300.0  # a server that has not answered then has hung


class ServerFailed(Exception):
    """The server ended, or an action in it raised; the text has its output."""


def environment() -> dict[str, str]:
    """Return the environment of a server, in which Python writes bytecode, as on a user's machine."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(COMPILED)}


class Server:
    """Running server, which ends with the `with` block.

    Attributes:
        system: Its name.
        url: What to open.
        pid: Its process.
    """

    def __init__(self, system: str, command: list[str], cwd: Path) -> None:
        self.system = system
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by __exit__
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=cwd,
            env=environment(),
        )
        self.pid = self._process.pid
        try:
            self.url: str = self._read(START_SECONDS)["url"]
        except BaseException:
            self.__exit__()
            raise

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run an action on the main thread of the server, and return its answer.

        Args:
            request: `{"do": name, ...}`; the rest are the action's arguments.

        Raises:
            ServerFailed: It raised, or the server has ended.
        """
        self.tell(request)
        return self._read()

    def tell(self, request: dict[str, Any]) -> None:
        """Send the request of `ask`, for an action in which the harness takes part. `answer` returns its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Wait for the answer to `tell`."""
        return self._read()

    def cpu(self) -> float:
        """Return the seconds of processor time that its processes have used."""
        return cpu_seconds(self.pid)

    def rss(self) -> int:
        """Return the bytes of memory of its processes."""
        return resident_bytes(self.pid)

    def _read(self, limit: float = ANSWER_SECONDS) -> dict[str, Any]:
        assert self._process.stdout is not None
        late = threading.Timer(limit, self._process.kill)
        late.start()
        line = self._process.stdout.readline()
        late.cancel()
        if not line:
            raise ServerFailed(f"the server of {self.system} has ended:\n{self._said()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ServerFailed(f"{self.system}: {answer['error']}")
        return answer

    def _said(self) -> str:
        self._log.seek(0)
        return self._log.read()[-4000:]

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        """End the server by the end of its input, and kill it and its children if they remain."""
        children = psutil.Process(self.pid).children(recursive=True) if self._process.poll() is None else []
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for child in children:
            if child.is_running():
                child.kill()
        self._process.stdout.close()
        self._log.close()
