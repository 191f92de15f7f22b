"""Rows of the table `attempts`: their encoding, and when they mark a delivery as done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from schemas.enums import Outcome, Status
from tables.attempts import MAX_UINT32, AttemptRow, NextAction, decode_row, encode_key, encode_row, is_already_done
from tests.delivery_builders import NOW, build_delivery

NUMBERS = st.integers(0, MAX_UINT32)
ROWS = st.builds(
    AttemptRow,
    redrive_count=NUMBERS,
    attempt=NUMBERS,
    outcome=st.none() | st.sampled_from(Outcome),
    status=st.sampled_from(Status),
    next_action=st.sampled_from(NextAction),
    provider_code=st.integers(0, 100_000),
    attempted_at=st.floats(0, 1e11),
    provider_message_id=st.text(max_size=200),
)


def build_row(redrive_count: int = 0, attempt: int = 0, at: float = NOW, action: NextAction = NextAction.DONE) -> bytes:
    return encode_row(AttemptRow(redrive_count, attempt, Outcome.ACCEPTED, Status.SENT, action, 202, at, "id"))


@given(ROWS)
def test_a_row_survives_its_encoding(row: AttemptRow) -> None:
    assert decode_row(encode_row(row)) == row


@pytest.mark.parametrize("packed", [b"", b"\x01", b"\x03" + build_row()[1:], build_row()[:20]])
def test_invalid_bytes_are_an_error_and_do_not_mark_a_delivery_as_done(packed: bytes) -> None:
    with pytest.raises(ValueError, match="not a row"):
        decode_row(packed)
    assert not is_already_done(packed, build_delivery())


def test_the_key_is_the_16_bytes_of_the_id() -> None:
    assert encode_key("dlv_0199c8c4b0007000800000000000002a").hex() == "0199c8c4b0007000800000000000002a"


@pytest.mark.parametrize(
    "text", ["", "dlv_", "ntf_0199c8c4b0007000800000000000002a", "dlv_xx", "dlv_0199c8c4b000700080000000000000", "dlv_" + " " * 32]
)
def test_an_invalid_delivery_id_has_no_key(text: str) -> None:
    with pytest.raises(ValueError):
        encode_key(text)


@pytest.mark.parametrize(
    ("row_progress", "delivery_progress", "done"),
    [
        ((0, 0), (0, 0), True),
        ((0, 2), (0, 0), True),  # attempts within the worker increase that of the row
        ((0, 0), (0, 1), False),  # the retry of the row
        ((0, 2), (1, 0), False),  # a redrive
        ((1, 0), (0, 2), True),  # a record from before the redrive
    ],
)
def test_a_delivery_is_done_if_the_row_has_the_same_or_a_later_attempt(
    row_progress: tuple[int, int], delivery_progress: tuple[int, int], done: bool
) -> None:
    delivery = build_delivery(redrive_count=delivery_progress[0], attempt=delivery_progress[1])
    assert is_already_done(build_row(*row_progress, action=NextAction.RETRY), delivery) is done


@pytest.mark.parametrize("action", [NextAction.DONE, NextAction.DEAD_LETTER])
def test_after_its_end_a_delivery_is_done_at_any_attempt_but_not_at_a_later_redrive(action: NextAction) -> None:
    row = build_row(1, 2, action=action)
    assert all(is_already_done(row, build_delivery(redrive_count=1, attempt=attempt)) for attempt in (0, 2, 3, 9))
    assert not is_already_done(row, build_delivery(redrive_count=2))


def test_a_delivery_without_a_row_is_not_done() -> None:
    assert not is_already_done(None, build_delivery())


@pytest.mark.parametrize("at", [0.0, NOW, 2 * NOW])
def test_the_time_of_a_row_which_a_wrong_clock_may_have_written_does_not_count(at: float) -> None:
    assert is_already_done(encode_row(structs.replace(decode_row(build_row()), attempted_at=at)), build_delivery())
