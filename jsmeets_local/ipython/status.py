"""Status table: pages, functions of both sides, queues and topics."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from html import escape
from typing import NamedTuple

from ..bridge.bridge import Bridge, default_bridge
from ..notebook.display import launches
from ..page import Page
from ..protocol.functions import Function

__all__ = ["StatusTable", "open_pages", "status_table"]


class Row(NamedTuple):
    """Row of the table; `what` is empty if it repeats the row above."""

    what: str
    name: str
    state: str = ""


class StatusTable:
    """Status table: text in a terminal, HTML in a notebook.

    Args:
        rows: The rows.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows

    def __repr__(self) -> str:
        widths = [max(len(row[column]) for row in self.rows) for column in (0, 1)]
        return "\n".join(f"{what:{widths[0]}}  {name:{widths[1]}}  {state}".rstrip() for what, name, state in self.rows)

    def _repr_html_(self) -> str:
        return f'<table style="margin: 0">{"".join(_html(row) for row in self.rows)}</table>'


def _html(row: Row) -> str:
    cell = '<td style="text-align: left">{}</td>'
    what = f'<th style="text-align: left; white-space: nowrap">{escape(row.what)}</th>'
    name = f"<code>{escape(row.name)}</code>" if row.name else ""
    return f"<tr>{what}{cell.format(name)}{cell.format(escape(row.state))}</tr>"


def open_pages() -> list[Page]:
    """Return the pages that this process has launched and that are not closed, oldest first."""
    return [page for page in launches.pages() if not page.is_closed()]


def status_table() -> StatusTable:
    """Return the status of all bridges that have a page, or of the default bridge if no page is open."""
    pages = open_pages()
    bridges = list(dict.fromkeys(page._client.bridge for page in pages)) or [default_bridge()]
    rows = [] if pages else [Row("page", "", "none open; call launch()")]
    for bridge in bridges:
        own = [page for page in pages if page._client.bridge is bridge]
        rows += [*_page_rows(own, pages[-1:], bridge), *_bridge_rows(bridge)]
    return StatusTable(rows)


# Pages ---------------------------------------------------------------------------------------------------------------


def _page_rows(pages: list[Page], last: list[Page], bridge: Bridge) -> Iterable[Row]:
    others = set(bridge.portal.call(bridge.protocol.sockets))
    for page in pages:
        sockets = list(page._client.presence.sockets)
        others.difference_update(sockets)
        state = f"connected, {_views(sockets, page._client.presence.socket)}" if sockets else "not connected"
        yield Row("page", page._client.address, state + ("; %%js runs here" if page in last else ""))
        yield from _listed("its functions", [(name, "") for name in sorted(page._client.names())])
    if others:
        yield Row("page", "", f"opened elsewhere, {_sockets(sorted(others))}")


def _views(sockets: list[int], answering: int | None) -> str:
    """Return the sockets of a page; with several, the one of the view that answers."""
    answers = f" (socket {answering} answers)" if len(sockets) > 1 and answering is not None else ""
    return _sockets(sockets) + answers


def _sockets(numbers: list[int]) -> str:
    return f"socket{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"


# Functions, queues, topics -------------------------------------------------------------------------------------------


class _State(NamedTuple):
    """State of a bridge, read on its loop."""

    functions: list[Function]
    queues: list[tuple[Hashable, int]]
    topics: list[tuple[str, list[Hashable]]]


def _state(bridge: Bridge) -> _State:
    state = bridge.protocol
    return _State(
        state.functions.all(),
        [(key, state.queues.size(key)) for key in state.queues.keys()],  # noqa: SIM118 - not a dict
        [(topic, state.broker.subscribers(topic)) for topic in state.broker.names()],
    )


def _bridge_rows(bridge: Bridge) -> Iterable[Row]:
    read: Callable[[Bridge], _State] = _state
    state = bridge.portal.call(read, bridge)
    yield from _listed("Python's functions", [(f.describe()["signature"], _function_state(f)) for f in state.functions])
    yield from _listed("queues", [(str(key), f"{size} item{'s' * (size != 1)}") for key, size in state.queues])
    yield from _listed("topics", [(topic, _subscribers(who)) for topic, who in state.topics])


def _function_state(function: Function) -> str:
    running = f"{function.running} running" if function.running else ""
    return ", ".join(filter(None, ["exclusive" if function.exclusive else "", running]))


def _subscribers(subscribers: list[Hashable]) -> str:
    sockets = [one for one in subscribers if isinstance(one, int)]
    return ", ".join(([_sockets(sockets)] if sockets else []) + ["Python"] * (len(subscribers) > len(sockets)))


def _listed(what: str, lines: Iterable[tuple[str, str]]) -> Iterable[Row]:
    for number, (name, state) in enumerate(lines):
        yield Row("" if number else what, name, state)
