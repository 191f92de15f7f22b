"""What a client sees of each event."""

import msgspec

from app.api.live.rows import RowBuilder
from schemas.enums import State, Status
from schemas.events import DecidedEvent, DeliveryRef, EngagementEvent, InboundEvent, ReceiptEvent, StatusEvent

DECIDED = DecidedEvent(
    "ntf_1", "u", State.ROUTED, 5.0, 4.0, "high", "order.shipped", "transactional", deliveries=[DeliveryRef("dlv_1", "sms")]
)
STATUS = StatusEvent("dlv_1", "ntf_1", "u", "sms", Status.SENT, 6.0, 4.0, provider="twilio", attempt=1)
RECEIPT = ReceiptEvent("dlv_1", "sms", "twilio", "k", "delivered", Status.DELIVERED, 7.0, address="+4366012345678")
CLICK = EngagementEvent("dlv_1", "email", "sendgrid", "k", "click", 8.0)


def test_later_events_have_what_the_decision_had() -> None:
    builder = RowBuilder(10)
    decided, *rows = [builder.build_row(msgspec.json.encode(event)) for event in (DECIDED, STATUS, RECEIPT, CLICK)]
    assert decided is not None
    assert (decided.kind, decided.status, decided.subject) == ("decided", "routed", "ntf_1")
    assert [row and (row.kind, row.status) for row in rows] == [("status", "SENT"), ("receipt", "DELIVERED"), ("engagement", "click")]
    assert {(row.notification_id, row.user_id, row.type, row.category, row.priority) for row in rows if row} == {
        ("ntf_1", "u", "order.shipped", "transactional", "high")
    }


def test_what_was_decided_long_ago_is_forgotten() -> None:
    builder = RowBuilder(1)
    other = msgspec.structs.replace(DECIDED, id="ntf_2", deliveries=[DeliveryRef("dlv_2", "sms")])
    for event in (DECIDED, other):
        builder.build_row(msgspec.json.encode(event))
    row = builder.build_row(msgspec.json.encode(STATUS))
    assert row is not None
    assert (row.notification_id, row.user_id, row.type) == ("ntf_1", "u", "")


def test_no_row_has_an_address() -> None:
    row = RowBuilder(10).build_row(msgspec.json.encode(RECEIPT))
    assert b"4366" not in msgspec.json.encode(row)
    inbound = InboundEvent("sms", "twilio", "k", "stop", "+4366012345678", 9.0)
    assert RowBuilder(10).build_row(msgspec.json.encode(inbound)) is None


def test_what_cannot_be_read_has_no_row() -> None:
    assert [RowBuilder(10).build_row(value) for value in (None, b"", b"{}", b'{"kind": "new"}', b"\xff")] == [None] * 5
