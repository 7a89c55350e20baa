"""`run --reload`: run the program in a child process, and restart it whenever a Python file changes.

The child reads its plan from stdin, and exits cleanly when stdin closes, whether this process closes it or dies.
"""

from __future__ import annotations

import queue
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path
from typing import IO, TypeAlias

import click
import watchfiles

from .plan import Plan

__all__ = ["End", "supervise", "watched"]

END_SECONDS = 5.0  # for a program to exit before it is restarted
_SLICE = 0.1 if sys.platform == "win32" else None  # seconds; on Windows, Ctrl-C does not interrupt an untimed wait


class End(IntEnum):
    """Exit codes of the child."""

    CLOSED = 0  # the last page was closed
    FAILED = 1  # the page could not be served or opened; no change of the program would help
    BROKEN = 3  # the program raised an exception before its page had connected
    RAISED = 4  # the program raised an exception


class _Life:
    """Run of the program from one change to the next, ended by the `with` block."""

    def __init__(self, plan: Plan, ended: Callable[[_Life], None]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jsmeets_local.cli.generation"],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C reaches only this process, which then ends the child
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        with suppress(BrokenPipeError):  # the child has exited already, which `ended` reports
            self._lifeline.write(plan.to_json() + "\n")
            self._lifeline.flush()
        threading.Thread(target=self._follow, args=(ended,), name="jsmeets-life", daemon=True).start()

    @property
    def _lifeline(self) -> IO[str]:
        assert self.process.stdin is not None
        return self.process.stdin

    def _follow(self, ended: Callable[[_Life], None]) -> None:
        self.process.wait()
        ended(self)

    def __enter__(self) -> _Life:
        return self

    def __exit__(self, *_: object) -> None:
        self._lifeline.close()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            click.echo(f"The program did not end within {END_SECONDS:.0f} s; killing it.", err=True)
            self.process.kill()
            self.process.wait()


Event: TypeAlias = _Life | set[Path]  # a run that has ended, or changed files
Events: TypeAlias = "queue.SimpleQueue[Event]"


def supervise(plan: Plan) -> int:
    """Run a program, and restart it on changes, until its page is closed, fails to open, or Ctrl-C is pressed.

    Args:
        plan: The plan, with a free port.

    Returns:
        The exit code.
    """
    plan = plan._replace(token=secrets.token_urlsafe(32), name=secrets.token_hex(6))
    events: Events = queue.SimpleQueue()
    with watched([plan.target.folder], watchfiles.PythonFilter(), events.put):
        while True:
            with _Life(plan, events.put) as life:
                code = _until_change(life, events)
                opened = life.process.poll() != End.BROKEN
            if code is not None:
                return code
            plan = plan._replace(returns=plan.returns or opened)


def _until_change(life: _Life, events: Events) -> int | None:
    """Return `None` when a Python file changes, or the exit code when the program ends for good."""
    while True:
        event = _next(events)
        if isinstance(event, set):
            click.echo(f"{_names(event)} changed: restarting", err=True)
            return None
        if event is life:
            if life.process.returncode in (End.CLOSED, End.FAILED):
                return life.process.returncode
            click.echo("Waiting for a change. Press Ctrl-C to quit.", err=True)


def _next(events: Events) -> Event:
    while True:
        try:
            return events.get(timeout=_SLICE)
        except queue.Empty:
            continue


def _names(paths: set[Path]) -> str:
    return ", ".join(sorted(path.name for path in paths))


@contextmanager
def watched(
    folders: Iterable[Path], chosen: Callable[[watchfiles.Change, str], bool], changed: Callable[[set[Path]], object]
) -> Iterator[None]:
    """Watch folders within a `with` block.

    Args:
        folders: The folders, with their subfolders.
        chosen: Returns whether to report a change.
        changed: Called with the changed files, on the watching thread.
    """
    over = threading.Event()

    def follow() -> None:
        for changes in watchfiles.watch(*folders, watch_filter=chosen, stop_event=over, raise_interrupt=False):
            changed({Path(path) for _, path in changes})

    thread = threading.Thread(target=follow, name="jsmeets-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
