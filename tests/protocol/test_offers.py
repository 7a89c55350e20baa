"""Offers of downloads: counted and ordered as all other packets, whatever the page and the connection do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jsmeets_local.protocol.chunks import CHUNK_BYTES, WINDOW, Assembler
from jsmeets_local.protocol.codec import decode, frame_parts, message_packet
from jsmeets_local.protocol.messages import Credit, Decline, Hello
from jsmeets_local.protocol.offers import MAX_OFFERS, Offers
from jsmeets_local.protocol.outbox import Outbox
from jsmeets_local.protocol.state import ProtocolState
from jsmeets_local.protocol.values import pack
from tests.protocol.packets import packet

LEAST = 400_000
OFFER, LAST = 4, 1


class Fetcher:
    """A page that fetches offers when the test says so, and accepts chunks."""

    def __init__(self, outbox: Outbox, offers: Offers) -> None:
        self.outbox = outbox
        self.offers = offers
        self.seen: list[tuple[str, int]] = []
        self.used: list[str] = []  # secrets that must have expired
        self._begin()

    def _begin(self) -> None:
        self.assembler = Assembler(2**28)
        self.offered: dict[int, str] = {}
        self.fetched: dict[int, bytes] = {}

    def read(self) -> bool:
        """Take a frame; return whether there was one."""
        frame = self.outbox.take()
        if frame is not None:
            self._take(frame)
        return frame is not None

    def _take(self, frame: str | bytes) -> None:
        whole: Any = frame
        if isinstance(frame, bytes) and frame[0] == 2:
            stream = int.from_bytes(frame[4:8], "little")
            whole = self._take_offer(stream, frame) if frame[1] & OFFER else self._take_chunk(frame)
        for message in decode(whole) if whole is not None else ():
            self.seen.append((message.key, message.id))  # type: ignore[union-attr]

    def _take_chunk(self, frame: bytes) -> Any:
        stream, whole = self.assembler.feed(frame)
        self.outbox.credit(stream, 1)
        return whole

    def _take_offer(self, stream: int, frame: bytes) -> Any:
        if frame[1] & LAST:
            assert len(frame) == 16
            return self.fetched.pop(stream)
        assert stream not in self.offered
        assert stream not in self.fetched
        assert len(frame) == 32
        self.offered[stream] = frame[16:].hex()
        return None

    def fetch(self) -> None:
        for stream, secret in self._answered():
            offer = self.offers.take(secret)
            assert offer is not None
            self.fetched[stream] = b"".join(offer.parts)
            assert len(self.fetched[stream]) == offer.size > LEAST
            self.outbox.credit(stream, WINDOW)

    def decline(self) -> None:
        for stream, _ in self._answered():
            self.outbox.decline(stream)

    def _answered(self) -> list[tuple[int, str]]:
        answered, self.offered = self.offered, {}
        self.used += answered.values()
        return list(answered.items())

    def acknowledge(self) -> None:
        self.outbox.acknowledge(len(self.seen))

    def cut(self) -> None:
        """Break the connection with a frame and a fetch under way, and resume."""
        self.outbox.take()
        lost = list(self.offered.values())
        self.outbox.withdraw()
        assert [self.offers.take(secret) for secret in lost] == [None] * len(lost)
        self.outbox.rewind(len(self.seen))
        self.outbox.fetches = True
        self._begin()

    def finish(self) -> None:
        """Read and fetch until nothing is left."""
        while self.read() or self.offered:
            self.fetch()


def begin(least: int = LEAST) -> Fetcher:
    offers = Offers(least)
    outbox = Outbox(offers=offers)
    outbox.fetches = True
    return Fetcher(outbox, offers)


SENDS = st.tuples(
    st.sampled_from(["call", "push"]), st.sampled_from(["a", "b"]), st.sampled_from([0, 100_000, 300_000, 700_000])
)
STEPS = st.one_of(SENDS, st.integers(1, 5), st.sampled_from(["fetch", "decline", "cut", "acknowledge"]))


@given(st.lists(STEPS, max_size=40))
def test_nothing_is_lost_or_duplicated_whatever_happens_to_an_offer(steps: list[Any]) -> None:
    page = begin()
    sends: list[tuple[str, str, int]] = []
    for step in steps:
        if isinstance(step, int):
            for _ in range(step):
                page.read()
        elif isinstance(step, str):
            getattr(page, step)()
        else:
            sends.append(step)
            page.outbox.put(packet(*step, len(sends)))
    page.finish()
    seen = [number for _, number in page.seen]
    assert sorted(seen) == list(range(1, len(sends) + 1))
    for name in "ab":
        pushes = [n for n, (kind, key, _) in enumerate(sends, 1) if kind == "push" and key == name]
        assert [n for n in seen if n in pushes] == pushes
    assert page.outbox.sent == len(sends)
    page.acknowledge()
    assert (page.outbox.size, len(page.outbox)) == (0, 0)
    assert [page.offers.take(secret) for secret in page.used] == [None] * len(page.used)


def test_a_packet_counts_when_its_last_frame_is_written() -> None:
    page = begin()
    page.outbox.put(packet("call", "big", 500_000, 1))
    page.read()
    page.fetch()
    assert (page.outbox.sent, page.seen) == (0, [])
    page.read()
    assert (page.outbox.sent, page.seen) == (1, [("big", 1)])
    assert page.outbox.sent_bytes > 500_000


def test_small_messages_pass_while_the_page_fetches() -> None:
    page = begin()
    page.outbox.put(packet("push", "big", 500_000, 1))
    page.read()
    page.outbox.put(packet("push", "big", 4, 2))
    page.outbox.put(packet("call", "small", 4, 3))
    while page.read():
        pass
    assert page.seen == [("small", 3)]
    page.finish()
    assert page.seen == [("small", 3), ("big", 1), ("big", 2)]


def test_content_within_the_window_is_sent_in_chunks_by_default() -> None:
    page = begin(Offers().least)
    page.outbox.put(packet("call", "fits", WINDOW * CHUNK_BYTES - 1000, 1))
    page.outbox.put(packet("call", "does not", WINDOW * CHUNK_BYTES + 1000, 2))
    while page.read():
        pass
    assert page.seen == [("fits", 1)]
    assert len(page.offered) == 1


def test_a_page_that_does_not_fetch_gets_chunks() -> None:
    page = begin()
    page.outbox.fetches = False
    page.outbox.put(packet("call", "big", 500_000, 1))
    while page.read():
        pass
    assert page.seen == [("big", 1)]


def test_no_more_than_two_are_offered_at_once() -> None:
    page = begin()
    for number in range(1, 6):
        page.outbox.put(packet("call", "big", 500_000, number))
    while page.read():
        pass
    assert len(page.offered) == MAX_OFFERS
    assert [number for _, number in page.seen] == [3, 4, 5]  # in chunks, so nothing waits for the other offers
    page.finish()
    assert sorted(number for _, number in page.seen) == [1, 2, 3, 4, 5]


def test_a_declined_offer_ends_offers_to_that_page() -> None:
    page = begin()
    for number in (1, 2, 3):
        page.outbox.put(packet("push", "big", 500_000, number))
    page.read()
    page.decline()
    while page.read():
        pass
    assert (page.offered, [number for _, number in page.seen]) == ({}, [1, 2, 3])


def test_senseless_answers_to_offers_are_ignored() -> None:
    page = begin()
    page.outbox.put(packet("call", "big", 500_000, 1))
    page.outbox.decline(0)  # sent before the offer
    page.outbox.decline(0)
    page.outbox.decline(99)
    page.outbox.credit(0, WINDOW)
    while page.read():
        pass
    assert page.seen == [("big", 1)]


def test_a_secret_is_128_bits_and_good_once() -> None:
    offers = Offers()
    parts, _ = frame_parts([message_packet(["call", 1, "f"], pack([b"x"], "v"))])
    made = [offers.make(parts, 1) for _ in range(100)]
    assert {len(bytes.fromhex(offer.secret)) for offer in made} == {16}
    assert len({offer.secret for offer in made}) == 100
    assert offers.take(made[0].secret) is made[0]
    assert offers.take(made[0].secret) is None


# In the protocol state -------------------------------------------------------------------------------------------------

BIG = b"x" * (WINDOW * CHUNK_BYTES + 1)


def offered_by(state: ProtocolState, socket: int) -> str:
    """Return the secret of the offer to a socket."""
    outbox = state.outbox(socket)
    frames = iter(outbox.take, None)
    return next(frame[16:].hex() for frame in frames if isinstance(frame, bytes) and frame[:2] == bytes([2, OFFER]))


@pytest.fixture
def state() -> ProtocolState:
    state = ProtocolState("s")
    assert state.hello(Hello("d", "", [], fetches=True), "p") == 1
    state.push_nowait("q", pack(BIG, "v"), None)
    return state


def test_a_page_says_that_it_fetches(state: ProtocolState) -> None:
    offer = state.offers.take(offered_by(state, 1))
    assert offer is not None
    assert BIG in b"".join(offer.parts)
    state.receive(1, [Credit(0, 16)])
    assert state.outbox(1).take() is not None
    assert state.outbox(1).sent == 1


def test_a_client_without_offers_gets_chunks() -> None:
    state = ProtocolState("s")
    state.hello(Hello("d", "", []), "p")
    state.push_nowait("q", pack(BIG, "v"), None)
    state.outbox(1).take()
    frame = state.outbox(1).take()
    assert isinstance(frame, bytes)
    assert len(frame) == 16 + CHUNK_BYTES


def test_a_page_declines(state: ProtocolState) -> None:
    secret = offered_by(state, 1)
    state.receive(1, [Decline(0)])
    assert state.offers.take(secret) is None
    frame = state.outbox(1).take()
    assert isinstance(frame, bytes)
    assert len(frame) == 16 + CHUNK_BYTES


@pytest.mark.parametrize("end", ["lose", "disconnect", "close_socket"])
def test_no_secret_outlives_its_connection(state: ProtocolState, end: str) -> None:
    secret = offered_by(state, 1)
    told: list[bool] = []
    offer = state.offers.take(secret)
    assert offer is not None
    offer.withdrawn = lambda: told.append(True)  # whoever sends it
    getattr(state, end)(1, *{"lose": [0.0], "close_socket": ["why"]}.get(end, []))
    assert told == [True]


def test_a_page_that_returns_has_a_new_secret(state: ProtocolState) -> None:
    old = offered_by(state, 1)
    state.lose(1, 0.0)
    assert state.offers.take(old) is None
    assert state.hello(Hello("d", "", [], "s", 0, True), "p") == 1
    new = offered_by(state, 1)
    assert new != old
    assert state.offers.take(new) is not None


def test_a_page_that_comes_back_may_have_learned_that_it_cannot(state: ProtocolState) -> None:
    offered_by(state, 1)
    state.lose(1, 0.0)
    state.hello(Hello("d", "", [], "s", 0), "p")
    state.outbox(1).take()
    frame = state.outbox(1).take()
    assert isinstance(frame, bytes)
    assert len(frame) == 16 + CHUNK_BYTES
