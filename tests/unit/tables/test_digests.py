"""The rows of the table digests: each has a time, by which what a crash has left expires."""

import pytest

from schemas.lifetimes import DIGEST_ROWS, MAX_CREATED_AT_ERROR, MAX_DIGEST_WINDOW, MAX_SEND_AHEAD, NOTIFICATION_EXPIRY
from tables import digests
from tables.digests import DigestEvent, DigestRow

AT = 1_760_000_000.25
DIGEST_ID, EVENT_ID = "ntf_" + "a" * 32, "ntf_" + "b" * 32
ROW = DigestRow("alert", "", "f" * 32, AT, AT + 60, "low", 1, 10)
EVENT = DigestEvent(1, EVENT_ID, AT, 0.0, {})


@pytest.mark.parametrize(
    "packed",
    [
        digests.encode_digest_row(ROW),
        digests.encode_event_row(EVENT),
        digests.encode_member_row(DIGEST_ID, AT),
        digests.encode_present_row(AT),
    ],
    ids=["digest", "event", "member", "present"],
)
def test_each_kind_of_row_has_its_time(packed: bytes) -> None:
    assert digests.read_time(packed) == AT


def test_a_number_that_begins_like_json_is_a_time_all_the_same() -> None:
    packed = b'["' + digests.encode_present_row(AT)[2:]
    assert digests.read_time(packed) == pytest.approx(AT)


def test_a_member_row_leads_to_its_digest() -> None:
    assert digests.decode_member_row(digests.encode_member_row(DIGEST_ID, AT)) == DIGEST_ID


def test_no_row_of_an_open_digest_expires() -> None:
    longest = max(MAX_DIGEST_WINDOW, MAX_SEND_AHEAD + MAX_CREATED_AT_ERROR)  # after an operator has moved it
    assert longest + NOTIFICATION_EXPIRY + MAX_CREATED_AT_ERROR <= DIGEST_ROWS
