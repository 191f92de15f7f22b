import msgspec
import pytest

from app.cli.tail import format_event, matches_filters, try_decode_event
from schemas.enums import Outcome, Reason, State, Status
from schemas.events import DecidedEvent, DeliveryRef, InboundEvent, ReceiptEvent, StatusEvent

DECIDED = DecidedEvent("ntf_1", "u-1", State.REJECTED, 1.0, 1.0, "low", "order.shipped", reason=Reason.EXPIRED)
SENT = StatusEvent("dlv_1", "ntf_1", "u-1", "email", Status.SENT, 1.0, 1.0, outcome=Outcome.ACCEPTED, provider="sendgrid", duration_ms=3.25)

RECEIPT = ReceiptEvent("dlv_1", "email", "sendgrid", "e-1", "bounce", Status.BOUNCED, 1.0, reason=Reason.BOUNCED, detail="bounce, 5.1.1")
INBOUND = InboundEvent("sms", "twilio", "SM1", "stop", "+436641234567", 1.0)


@pytest.mark.parametrize("event", [DECIDED, SENT])
def test_filters_match_their_values(event: DecidedEvent | StatusEvent) -> None:
    assert matches_filters(event, None, None, None)
    assert matches_filters(event, "u-1", "ntf_1", None)
    assert not matches_filters(event, "u-2", None, None)
    assert not matches_filters(event, None, "ntf_2", None)


def test_the_channel_filter_matches_deliveries_only() -> None:
    assert matches_filters(SENT, None, None, "email")
    assert not matches_filters(SENT, None, None, "sms")
    assert not matches_filters(DECIDED, None, None, "email")


def test_only_the_channel_filter_matches_reports_of_providers() -> None:
    for event in (RECEIPT, INBOUND):
        assert matches_filters(event, None, None, event.channel)
        assert not matches_filters(event, None, None, "push")
        assert not matches_filters(event, "u-1", None, None)
        assert not matches_filters(event, None, "ntf_1", None)


def test_a_report_is_one_line_without_the_number_of_its_sender() -> None:
    assert "email   BOUNCED  sendgrid  bounced  bounce, 5.1.1" in format_event(RECEIPT).plain
    assert "sms     stop  twilio  stop" in format_event(INBOUND).plain
    assert "1234567" not in format_event(INBOUND).plain


def test_an_event_is_one_line() -> None:
    assert "rejected  expired  order.shipped  u-1" in format_event(DECIDED).plain
    assert "email   SENT  ACCEPTED  sendgrid  3.2 ms  u-1" in format_event(SENT).plain


@pytest.mark.parametrize(("count", "text"), [(0, "0 deliveries"), (1, "1 delivery "), (2, "2 deliveries")])
def test_deliveries_are_counted_in_words(count: int, text: str) -> None:
    event = DecidedEvent("ntf_1", "u-1", State.ROUTED, 1.0, 1.0, "low", "t", deliveries=[DeliveryRef("dlv_1", "email")] * count)
    assert text in format_event(event).plain


def test_an_encoded_event_is_decoded() -> None:
    for event in (DECIDED, SENT, RECEIPT, INBOUND):
        assert try_decode_event(msgspec.json.encode(event)) == event


@pytest.mark.parametrize("value", [b'{"kind": "something-new"}', b"no json", b'{"kind":"status","user_id":"\xff"}', b"[" * 100_000, None])
def test_an_undecodable_record_is_no_event(value: bytes | None) -> None:
    assert try_decode_event(value) is None
