"""Fields, causes and members of errors, in both directions."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from jsmeets_local.errors import JavaScriptError
from jsmeets_local.protocol.codec import decode
from jsmeets_local.protocol.details import FIELD_BYTES, MOST_ERRORS, describe
from jsmeets_local.protocol.failures import About, as_exception, error_packet
from jsmeets_local.protocol.messages import Error, ErrorInfo

INFO = ErrorInfo("raised", "E", "text")


def sent(error: BaseException) -> dict[str, Any]:
    """Return an error as a page receives it."""
    packet = error_packet(1, describe(INFO, error))
    described: dict[str, Any] = json.loads(packet.json)[2]
    return described


class OrderError(Exception):
    def __init__(self, **attributes: Any) -> None:
        super().__init__("no order")
        vars(self).update(attributes)


class Slotted(Exception):
    __slots__ = ("code",)


def raised(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


def test_own_attributes_cross() -> None:
    assert sent(OrderError(code=404, where=("a", None), _private=1))["fields"] == {"code": 404, "where": ["a", None]}
    slotted = Slotted("x")
    slotted.code = 5
    assert sent(slotted)["fields"] == {"code": 5}
    assert sent(FileNotFoundError(2, "no such file", "a.txt"))["fields"] == {
        "errno": 2,
        "strerror": "no such file",
        "filename": "a.txt",
    }
    assert set(sent(ValueError("x"))) == {"kind", "name", "message", "trace"}


def test_the_cause_and_the_members_cross() -> None:
    error = raised(OrderError(code=1), raised(KeyError("k"), OSError(5, "io")))
    described = sent(error)
    assert (described["cause"]["name"], described["cause"]["message"]) == ("KeyError", "'k'")
    assert described["cause"]["cause"]["fields"] == {"errno": 5, "strerror": "io"}
    group = sent(ExceptionGroup("two", [OrderError(code=2), ValueError("v")]))
    assert [(one["name"], one.get("fields")) for one in group["errors"]] == [
        ("OrderError", {"code": 2}),
        ("ValueError", None),
    ]


class Trap:
    """Raises on every access."""

    def __init__(self, error: type[BaseException]) -> None:
        self._error = error

    def __iter__(self) -> Any:
        raise self._error


class Traps(Exception):
    __slots__ = ()

    @property
    def errors(self) -> Any:
        raise SystemExit

    def __str__(self) -> str:
        raise KeyboardInterrupt


def test_fields_that_cannot_be_sent_are_left_out() -> None:
    circle: list[Any] = []
    circle.append(circle)
    fields = {"circle": circle, "bytes": b"x", "lambda": sent, "set": {1}, "trap": Trap(SystemExit), "ok": 1}
    assert sent(OrderError(**fields))["fields"] == {"set": [1], "ok": 1}
    assert sent(OrderError(big="x" * FIELD_BYTES, small=1))["fields"] == {"small": 1}
    assert sent(Traps()) == {"kind": "raised", "name": "E", "message": "text", "trace": ""}
    assert sent(raised(OrderError(code=1), Traps()))["cause"]["name"] == "Traps"
    assert sent(OrderError(text="\ud800"))["fields"] == {"text": "\ud800"}


def test_circles_and_long_chains_end() -> None:
    first, second = OrderError(code=1), OrderError(code=2)
    first.__cause__, second.__cause__ = second, first
    assert "cause" not in sent(first)["cause"]
    chain: BaseException = ValueError("last")
    for _ in range(1000):
        chain = raised(ValueError("x"), chain)
    described, length = sent(chain), 0
    while "cause" in described:
        described, length = described["cause"], length + 1
    assert length == MOST_ERRORS
    assert len(sent(ExceptionGroup("many", [ValueError(n) for n in range(1000)]))["errors"]) == MOST_ERRORS


def of_page(error: dict[str, Any]) -> JavaScriptError:
    [message] = decode(
        json.dumps([["error", 1, {"kind": "raised", "name": "E", "message": "m", "trace": "", **error}]])
    )
    assert isinstance(message, Error)
    made = as_exception(message.error, About("call", "f"), 1, 2)
    assert isinstance(made, JavaScriptError)
    return made


def nested(**more: Any) -> dict[str, Any]:
    return {"kind": "raised", "name": "Inner", "message": "i", "trace": "", **more}


def test_an_error_of_a_page_has_its_fields_cause_and_members() -> None:
    error = of_page({"fields": {"code": 5}, "cause": nested(fields={"a": 1}), "errors": [nested(), nested()]})
    assert error.fields == {"code": 5}
    assert isinstance(error.__cause__, JavaScriptError)
    assert (str(error.__cause__), error.__cause__.fields, error.__cause__.key) == ("Inner: i", {"a": 1}, "f")
    assert [str(member) for member in error.errors] == ["Inner: i", "Inner: i"]
    plain = of_page({})
    assert (plain.fields, plain.__cause__, plain.errors) == ({}, None, [])


def test_a_hostile_depth_of_causes_ends() -> None:
    deep = nested()
    for _ in range(200):
        deep = nested(cause=deep, errors=[nested()])
    error: BaseException | None = of_page({"cause": deep})
    length = 0
    while error is not None:
        error, length = error.__cause__, length + 1
    assert length == MOST_ERRORS + 1


def test_an_error_of_a_page_returns_to_a_page_unchanged() -> None:
    error = of_page({"fields": {"code": 5}, "cause": nested(fields={"a": 1}), "errors": [nested()]})
    described = sent(error)
    assert described["fields"] == {"code": 5}
    assert (described["cause"]["name"], described["cause"]["fields"]) == ("Inner", {"a": 1})
    assert [member["message"] for member in described["errors"]] == ["i"]


@pytest.mark.parametrize("field", [{"fields": 5}, {"cause": "x"}, {"errors": [1]}])
def test_malformed_details_are_refused(field: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="invalid frame"):
        of_page(field)
    assert msgspec.UNSET is not None
