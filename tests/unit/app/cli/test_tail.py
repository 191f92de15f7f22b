import msgspec
import pytest

from app.cli.tail import decoded, is_wanted, line
from schemas.status import Accepted, Status
from schemas.words import Outcome, Reason, State, StatusName

ACCEPTED = Accepted("ntf_1", "u-1", State.REFUSED, 1.0, 1.0, "low", "order.shipped", reason=Reason.EXPIRED)
SENT = Status("dlv_1", "ntf_1", "u-1", "email", StatusName.SENT, 1.0, 1.0, outcome=Outcome.ACCEPTED, provider="sendgrid", ms=3.25)


@pytest.mark.parametrize("event", [ACCEPTED, SENT])
def test_filters_pass_what_they_name(event: Accepted | Status) -> None:
    assert is_wanted(event, None, None, None)
    assert is_wanted(event, "u-1", "ntf_1", None)
    assert not is_wanted(event, "u-2", None, None)
    assert not is_wanted(event, None, "ntf_2", None)


def test_a_channel_passes_its_deliveries_alone() -> None:
    assert is_wanted(SENT, None, None, "email")
    assert not is_wanted(SENT, None, None, "sms")
    assert not is_wanted(ACCEPTED, None, None, "email")


def test_a_line_tells_what_happened() -> None:
    assert "refused  expired  order.shipped  u-1" in line(ACCEPTED).plain
    assert "email   SENT  ACCEPTED  sendgrid  3.2 ms  u-1" in line(SENT).plain


def test_records_are_read_as_they_were_written() -> None:
    for event in (ACCEPTED, SENT):
        assert decoded(msgspec.json.encode(event)) == event


@pytest.mark.parametrize("value", [b'{"kind": "something-new"}', b"rubbish", b'{"kind":"status","user_id":"\xff"}', b"[" * 100_000, None])
def test_rubbish_and_what_a_later_release_writes_is_no_event(value: bytes | None) -> None:
    assert decoded(value) is None
