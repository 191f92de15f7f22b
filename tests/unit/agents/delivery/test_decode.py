"""Tests of decoding and validating deliveries."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.delivery.decode import DecodedDelivery, DecodeFailure, decode_delivery
from schemas.enums import Reason
from tables.attempts import encode_key
from tests.delivery_builders import build_delivery
from tests.fakes import FakeRecord


def build_record(value: bytes | None) -> FakeRecord:
    return FakeRecord(7, value=value)


def encode_with(**changes: Any) -> bytes:
    return msgspec.json.encode({**msgspec.to_builtins(build_delivery()), **changes})


def encode_without(name: str) -> bytes:
    fields = msgspec.to_builtins(build_delivery())
    del fields[name]
    return msgspec.json.encode(fields)


def test_a_delivery_is_decoded_with_the_key_of_its_row() -> None:
    record = build_record(encode_with(unknown="ignored"))
    assert decode_delivery(record, "email") == DecodedDelivery(record, build_delivery(), encode_key(build_delivery().id))


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
        (encode_without("address"), Reason.INVALID, "$.address"),
        (encode_with(channel="fax"), Reason.INVALID, "$.channel"),
        (encode_with(channel="sms"), Reason.INVALID, "$.channel"),
        (encode_with(content={"kind": "letter"}), Reason.INVALID, "$.content"),
        (encode_with(id="dlv_1"), Reason.INVALID, "$.id"),
        (encode_with(id="ntf_" + "0" * 32), Reason.INVALID, "$.id"),
        (encode_with(attempt=-1), Reason.INVALID, "$.attempt"),
        (encode_with(redrive_count=2**40), Reason.INVALID, "$.attempt"),
        (encode_with(expires_at=1e300), Reason.INVALID, "$.expires_at"),
        (encode_with(created_at=-1), Reason.INVALID, "$.created_at"),
    ],
)
def test_an_invalid_delivery_has_a_reason_and_a_path(value: bytes | None, reason: Reason, path: str) -> None:
    failure = decode_delivery(build_record(value), "email")
    assert isinstance(failure, DecodeFailure)
    assert failure.reason is reason
    assert path in failure.error
    assert failure.error


@given(st.binary() | st.text().map(str.encode))
def test_arbitrary_bytes_are_a_decode_failure(value: bytes) -> None:
    assert isinstance(decode_delivery(build_record(value), "email"), DecodeFailure)
