"""Hypothesis strategies for values, messages and binary frames, right and wrong."""

from __future__ import annotations

import json
import struct
from typing import Any

from hypothesis import strategies as st

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
with_bytes = st.recursive(
    json_values | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)

KINDS = [
    "hello", "welcome", "goodbye", "close", "call", "notify", "return", "error", "fault",
    "push", "subscribe", "unsubscribe", "publish", "custom", "credit", "ack",
    "retain", "follow", "state", "patch", "patched",
    "use", "cancel", "release", "pull", "items", "end", "stop", "names",
]  # fmt: skip
numbers = st.sampled_from([-1, 0, 1, 2, 16, 17, 2**32 - 1, 2**32, 2**53 - 1, 2**53, 2**63, 2**64, 10**30, 1.5])
junk = json_values | numbers | st.sampled_from(["", "$list", "\ud800", "raised", []])
specials = st.lists(
    st.tuples(
        st.lists(st.integers(0, 4) | st.text(max_size=2), max_size=4),
        st.sampled_from(["bigint", "map", "function", "object", "stream", "file", "own", "keywords", "", "symbol"]),
        junk,
        junk,
    ),
    max_size=3,
)
messages = st.builds(lambda kind, rest: [kind, *rest], st.sampled_from(KINDS), st.lists(junk, max_size=5)) | st.builds(
    lambda kind, number, value, more: [kind, number, "add", value, more],
    st.sampled_from(["call", "push"]),
    numbers,
    st.lists(junk | st.none(), max_size=4),
    specials,
)
few = st.integers(0, 70)
DTYPES = ["bytes", "bool", "int8", "uint16", "float16", "float64", "int64", "object", ""]
tables = st.tuples(
    st.lists(st.integers(0, 5) | st.text(max_size=2) | numbers, max_size=4) | st.just([0, 2]),
    st.sampled_from(DTYPES),
    few | numbers,
    st.none() | st.lists(few | numbers, max_size=70),
)


def envelope(messages: Any, buffers: Any, data: bytes = b"") -> bytes:
    """Build a binary frame of any messages and buffers."""
    header = json.dumps([messages, buffers]).encode()
    return struct.pack("<B3xI", 1, len(header)) + header + bytes(-len(header) % 8) + data
