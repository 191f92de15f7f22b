import msgspec
import pytest

from app.cli.tail import format_event, matches_filters, try_decode_event
from schemas.enums import Outcome, Reason, State, Status
from schemas.events import DecidedEvent, StatusEvent

DECIDED = DecidedEvent("ntf_1", "u-1", State.REJECTED, 1.0, 1.0, "low", "order.shipped", reason=Reason.EXPIRED)
SENT = StatusEvent("dlv_1", "ntf_1", "u-1", "email", Status.SENT, 1.0, 1.0, outcome=Outcome.ACCEPTED, provider="sendgrid", duration_ms=3.25)


@pytest.mark.parametrize("event", [DECIDED, SENT])
def test_filters_pass_what_they_name(event: DecidedEvent | StatusEvent) -> None:
    assert matches_filters(event, None, None, None)
    assert matches_filters(event, "u-1", "ntf_1", None)
    assert not matches_filters(event, "u-2", None, None)
    assert not matches_filters(event, None, "ntf_2", None)


def test_a_channel_passes_its_deliveries_alone() -> None:
    assert matches_filters(SENT, None, None, "email")
    assert not matches_filters(SENT, None, None, "sms")
    assert not matches_filters(DECIDED, None, None, "email")


def test_a_line_tells_what_happened() -> None:
    assert "rejected  expired  order.shipped  u-1" in format_event(DECIDED).plain
    assert "email   SENT  ACCEPTED  sendgrid  3.2 ms  u-1" in format_event(SENT).plain


def test_records_are_read_as_they_were_written() -> None:
    for event in (DECIDED, SENT):
        assert try_decode_event(msgspec.json.encode(event)) == event


@pytest.mark.parametrize("value", [b'{"kind": "something-new"}', b"rubbish", b'{"kind":"status","user_id":"\xff"}', b"[" * 100_000, None])
def test_rubbish_and_what_a_later_release_writes_is_no_event(value: bytes | None) -> None:
    assert try_decode_event(value) is None
