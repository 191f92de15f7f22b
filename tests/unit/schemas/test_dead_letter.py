"""A dead letter keeps the original bytes and describes its failure in headers."""

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letter import (
    MAX_ERROR_BYTES,
    MAX_VALUE_BYTES,
    DeadLetter,
    DeadLetterStage,
    decode_dead_letter,
    encode_headers,
    select_source_headers,
)
from schemas.ports import Header

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
dead_letters = st.builds(
    DeadLetter,
    stage=st.sampled_from(["router", "delivery", "scheduler"]),
    reason=texts,
    error=texts,
    source_topic=texts,
    source_partition=st.integers(0, 99),
    source_offset=st.integers(0, 10**18 - 1),
    key=st.none() | st.binary(max_size=20),
    value=st.none() | st.binary(max_size=20),
    attempts=st.integers(0, 9),
    notification_id=texts,
    delivery_id=texts,
    user_id=texts,
)


@given(dead_letters)
def test_a_dead_letter_survives_its_headers(dead_letter: DeadLetter) -> None:
    expected = msgspec.structs.replace(dead_letter, null_value=dead_letter.value is None)
    assert decode_dead_letter(dead_letter.key, dead_letter.value, encode_headers(dead_letter)) == expected


def test_a_null_value_differs_from_an_empty_one() -> None:
    null, empty = (DeadLetter("router", "null_value", "", "t", 0, 0, b"k", value) for value in (None, b""))
    assert decode_dead_letter(b"k", b"", encode_headers(null)).value is None  # the record itself had to carry some bytes
    assert decode_dead_letter(b"k", b"", encode_headers(empty)).value == b""


def test_a_truncated_value_is_marked() -> None:
    truncated = [
        decode_dead_letter(None, b"", encode_headers(DeadLetter("router", "too_large", "", "t", 0, 0, None, b"x" * size))).truncated
        for size in (MAX_VALUE_BYTES, MAX_VALUE_BYTES + 1)
    ]
    assert truncated == [False, True]


@given(st.text(min_size=MAX_ERROR_BYTES, max_size=MAX_ERROR_BYTES + 200))
def test_a_long_error_is_truncated_and_can_be_decoded(error: str) -> None:
    headers = dict(encode_headers(DeadLetter("router", "invalid", error, "t", 0, 0)))
    assert len(headers["error"]) == MAX_ERROR_BYTES
    assert decode_dead_letter(None, None, list(headers.items())).error


@given(
    st.lists(
        st.tuples(texts | st.sampled_from(["stage", "source_partition", "source_offset", "attempts"]), st.binary(max_size=12)), max_size=8
    )
)
def test_any_headers_can_be_decoded(headers: list[tuple[str, bytes]]) -> None:
    decoded = decode_dead_letter(b"k", b"v", headers)
    assert decoded.stage in get_args(DeadLetterStage)
    assert decoded.source_partition >= -1
    assert decoded.attempts >= 0


@pytest.mark.parametrize("headers", [[], [("stage", None)], [("stage", b"nobody's"), ("reason", b"theirs")]])
def test_a_record_without_a_valid_stage_is_undecodable(headers: list[Header]) -> None:
    error = "a record without the headers of a dead letter"
    assert decode_dead_letter(None, b"v", headers) == DeadLetter("recorder", "undecodable", error, "", -1, -1, None, b"v")


def test_a_number_that_exceeds_64_bits_decodes_as_minus_one() -> None:
    decoded = decode_dead_letter(None, b"v", [("source_offset", b"9" * 18), ("source_partition", b"9" * 19)])
    assert (decoded.source_offset, decoded.source_partition) == (10**18 - 1, -1)


def test_the_headers_of_the_source_are_kept_until_they_are_too_large() -> None:
    headers = [("herold-resume-count", b"2"), ("traceparent", None), ("stage", b"producer's"), ("large", b"x" * 16_384), ("late", b"")]
    kept = select_source_headers(headers)
    assert kept == [("herold-resume-count", b"2"), ("traceparent", b""), ("stage", b"producer's")]
    dead_letter = DeadLetter("router", "invalid", "", "t", 0, 1, b"k", b"v", source_headers=kept)
    assert decode_dead_letter(b"k", b"v", encode_headers(dead_letter)) == dead_letter


def test_what_is_known_of_the_last_attempt_and_of_earlier_redrives_is_kept() -> None:
    known = {
        "outcome": "UNKNOWN",
        "provider_code": 503,
        "account": "https://api.example",
        "redrive_count": 2,
        "source_time": 1760000000.123,
    }
    dead_letter = DeadLetter("delivery", "retries_exhausted", "", "t", 0, 1, b"k", b"v", **known)  # type: ignore[arg-type]
    assert decode_dead_letter(b"k", b"v", encode_headers(dead_letter)) == dead_letter
