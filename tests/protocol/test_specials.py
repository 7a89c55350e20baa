"""Special values of messages that arrive."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jsmeets_local.errors import ProtocolError
from jsmeets_local.protocol import messages as m
from jsmeets_local.protocol.codec import decode
from jsmeets_local.protocol.references import RefusedReference
from jsmeets_local.protocol.specials import revive


def decoded(frame: str) -> Any:
    (message,) = decode(frame)
    return message


def refuse(special: m.Special) -> Any:
    raise RefusedReference(m.ErrorInfo("unknown", "UnknownReference", f"{special.fact}"))


@pytest.mark.parametrize(
    ("frame", "name", "expected"),
    [
        ('[["call",1,"f",[null,1],[[[3,0],"bigint","9007199254740993"]]]]', "args", [2**53 + 1, 1]),
        ('[["return",1,null,[[[2],"bigint","-9007199254740993"]]]]', "value", -(2**53) - 1),
        ('[["return",1,[["a",1],[2,[]]],[[[2],"map"]]]]', "value", {"a": 1, 2: []}),
        ('[["return",1,[],[[[2],"map"]]]]', "value", {}),
        (
            '[["push",0,"q",{"m":[["k",[[1,null]]]]},[[[3,"m",0,1],"map"],[[3,"m"],"map"]]]]',
            "data",
            {"m": {"k": {1: None}}},
        ),
        ('[["push",0,"q",[[null,1]],[[[3,0,0],"bigint","36893488147419103232"],[[3],"map"]]]]', "data", {2**65: 1}),
        ('[["publish",0,"t",null,false,[[[3],"function",4,"g"]]]]', "data", ("function", 4, "g")),
        ('[["notify","f",[[null]],[[[2,0,0],"own",7]]]]', "args", [[("own", 7, None)]]),
        ('[["use",1,2,[["call",[null]]],[[[3,0,1,0],"object",3,"Map"]]]]', "steps", [["call", [("object", 3, "Map")]]]),
        ('[["items",4,[null],[[[2,0],"stream",5]]]]', "items", [("stream", 5, None)]),
        (
            '[["call",1,"f",[{"b":null}],[[[3,0,"b"],"function",4,"g"],[[3,0],"keywords"]]]]',
            "args",
            [{"b": ("function", 4, "g")}],
        ),
    ],
)
def test_special_values_take_their_places(frame: str, name: str, expected: Any) -> None:
    message = revive(decoded(frame), lambda special: (special.kind, special.fact, special.detail))
    assert getattr(message, name) == expected


@pytest.mark.parametrize(
    "frame",
    [
        '[["call",1,"f",[1],[[[3,0],"bigint","1"]]]]',
        '[["call",1,"f",[null],[[[3,1],"bigint","1"]]]]',
        '[["call",1,"f",[null],[[[3,"0"],"bigint","1"]]]]',
        '[["call",1,"f",[null],[[[2,0],"bigint","1"]]]]',
        '[["call",1,"f",[],[[[3],"map"]]]]',
        '[["use",1,1,[[1,2]],[[[3,0],"map"]]]]',
        '[["return",1,"x",[[[2,0],"bigint","1"]]]]',
        '[["return",1,null,[[[2],"bigint","1_0"]]]]',
        '[["return",1,null,[[[2],"bigint"," 1"]]]]',
        '[["return",1,null,[[[2],"bigint",""]]]]',
        '[["return",1,null,[[[2],"bigint","--1"]]]]',
        '[["return",1,null,[[[2],"bigint","\u0661"]]]]',
        '[["return",1,null,[[[2],"bigint",5]]]]',
        '[["return",1,null,[[[2],"function",0]]]]',
        '[["return",1,null,[[[2],"function",true]]]]',
        '[["return",1,null,[[[2],"function",1.0]]]]',
        '[["return",1,null,[[[2],"function"]]]]',
        '[["return",1,null,[[[2],"own","1"]]]]',
        '[["return",1,null,[[[2],"map"]]]]',
        '[["return",1,{"a":1},[[[2],"map"]]]]',
        '[["return",1,[[1,2,3]],[[[2],"map"]]]]',
        '[["return",1,["ab"],[[[2],"map"]]]]',
        '[["return",1,[[[],1]],[[[2],"map"]]]]',
        '[["call",1,"f",[{},1],[[[3,0],"keywords"]]]]',
        '[["call",1,"f",[[{}]],[[[3,0,0],"keywords"]]]]',
        '[["call",1,"f",[[]],[[[3,0],"keywords"]]]]',
        '[["call",1,"f",[null],[[[3,0],"keywords"]]]]',
        '[["call",1,"f",[{}],[[[3,0],"keywords"],[[3,0],"keywords"]]]]',
        '[["return",1,{},[[[2],"keywords"]]]]',
        '[["push",0,"q",[{}],[[[3,0],"keywords"]]]]',
        '[["use",1,1,[["set","a",{}]],[[[3,0,2],"keywords"]]]]',
        '[["use",1,1,[["call",[{},2]]],[[[3,0,1,0],"keywords"]]]]',
        '[["use",1,1,[["call",{"0":{}}]],[[[3,0,1,"0"],"keywords"]]]]',
    ],
)
def test_malformed_specials_are_protocol_errors(frame: str) -> None:
    with pytest.raises(ProtocolError):
        revive(decoded(frame), refuse)


@pytest.mark.parametrize(
    "specials",
    ["1", "[1]", "[[]]", '[[[],"map"]]', '[[[2],"symbol"]]', "[[[2]]]", '[[["x",-1],"map"]]', '[[2,"map"]]', "null"],
)
def test_specials_of_wrong_types_do_not_decode(specials: str) -> None:
    with pytest.raises(ProtocolError):
        decoded(f'[["return",1,null,{specials}]]')


def test_keys_of_a_map_that_are_equal_in_python_are_refused() -> None:
    with pytest.raises(RefusedReference, match="two keys"):
        revive(decoded('[["return",1,[[1,"a"],[true,"b"]],[[[2],"map"]]]]'), refuse)


def test_a_bigint_with_more_digits_than_python_converts_is_refused() -> None:
    with pytest.raises(RefusedReference, match="10000 digits"):
        revive(decoded('[["return",1,null,[[[2],"bigint","' + "9" * 10000 + '"]]]]'), refuse)


def test_all_references_are_made_before_the_first_refusal_is_raised() -> None:
    made = []

    def make(special: m.Special) -> Any:
        made.append(special.fact)
        return refuse(special)

    with pytest.raises(RefusedReference, match=r"^1$"):
        revive(decoded('[["call",1,"f",[null,null],[[[3,0],"own",1],[[3,1],"own",2]]]]'), make)
    assert made == [1, 2]


@given(st.integers())
def test_every_integer_is_revived_exactly(number: int) -> None:
    message = m.Return(1, None, (m.Special([2], "bigint", str(number)),))
    assert revive(message, refuse).value == number
