"""Which records are deliveries."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.delivery.decode import Readable, Unreadable, decoded
from schemas.words import Reason
from tables.attempts import key
from tests.deliveries import NOW, a_delivery
from tests.unit.agents.delivery.world import Stored


def stored(value: bytes | None) -> Stored:
    return Stored(7, int(NOW * 1000), b"u-1", value)


def changed(**changes: Any) -> bytes:
    return msgspec.json.encode({**msgspec.to_builtins(a_delivery()), **changes})


def without(name: str) -> bytes:
    fields = msgspec.to_builtins(a_delivery())
    del fields[name]
    return msgspec.json.encode(fields)


def test_a_delivery_is_read_with_the_key_of_its_row() -> None:
    record = stored(changed(unknown="ignored"))
    assert decoded(record, "email") == Readable(record, a_delivery(), key(a_delivery().id))


@pytest.mark.parametrize(
    ("value", "reason", "path"),
    [
        (None, Reason.NULL_VALUE, "value"),
        (b"", Reason.UNDECODABLE, ""),
        (b"{", Reason.UNDECODABLE, ""),
        (b"\xff\xfe", Reason.UNDECODABLE, ""),
        (b'{"id":"\xff"}', Reason.UNDECODABLE, ""),
        (b'{"x":' * 100_000, Reason.UNDECODABLE, ""),
        (b"[]", Reason.INVALID, ""),
        (without("address"), Reason.INVALID, "`address`"),
        (changed(channel="fax"), Reason.INVALID, "$.channel"),
        (changed(channel="sms"), Reason.INVALID, "$.channel"),
        (changed(content={"kind": "letter"}), Reason.INVALID, "$.content"),
        (changed(id="dlv_1"), Reason.INVALID, "$.id"),
        (changed(id="ntf_" + "0" * 32), Reason.INVALID, "$.id"),
        (changed(attempt=-1), Reason.INVALID, "$.attempt"),
        (changed(generation=2**40), Reason.INVALID, "$.attempt"),
        (changed(expires_at=1e300), Reason.INVALID, "$.expires_at"),
        (changed(created_at=-1), Reason.INVALID, "$.expires_at"),
    ],
)
def test_what_is_no_delivery_says_why_and_where(value: bytes | None, reason: Reason, path: str) -> None:
    found = decoded(stored(value), "email")
    assert isinstance(found, Unreadable)
    assert found.reason is reason
    assert path in found.error
    assert found.error


@given(st.binary() | st.text().map(str.encode))
def test_no_bytes_can_stop_it(value: bytes) -> None:
    assert isinstance(decoded(stored(value), "email"), Unreadable)
