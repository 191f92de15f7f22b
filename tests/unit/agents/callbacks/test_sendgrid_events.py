"""SendGrid's reports, in the form of its documentation, mapped to our events."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.callbacks.mapped_callback import MappedCallback
from agents.callbacks.sendgrid_events import map_sendgrid_events
from agents.delivery.reasons import REASONS, REMEDIES
from schemas.email_options import compute_recipient_digest
from schemas.enums import Status
from schemas.errors import DECODE_ERRORS
from schemas.events import EngagementEvent, ReceiptEvent
from tests.event_builders import NOW, build_delivery_ref, make_notification_id

DELIVERY_ID = build_delivery_ref(make_notification_id()).id
BASE = {
    "email": "Ada@Example.org",
    "timestamp": 1_760_000_060,
    "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
    "sg_event_id": "ZXZlbnQtMQ",
    "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
    "delivery_id": DELIVERY_ID,
    "attempt": "1",
    "redrive_count": "2",
}


def map_reports(*reports: Any) -> MappedCallback:
    return map_sendgrid_events(msgspec.json.encode(reports), NOW)


def map_one(event: str, **fields: Any) -> ReceiptEvent:
    (mapped,) = map_reports({**BASE, "event": event, **fields}).events
    assert isinstance(mapped, ReceiptEvent)
    return mapped


@pytest.mark.parametrize(
    ("event", "fields", "status", "reason", "consent", "detail"),
    [
        ("processed", {}, Status.SENT, "", "", "processed"),
        ("deferred", {"response": "400 try again", "attempt": "5"}, Status.SENT, "", "", "deferred"),
        ("delivered", {"response": "250 OK"}, Status.DELIVERED, "", "", "delivered"),
        ("bounce", {"type": "bounce", "status": "5.1.1"}, Status.BOUNCED, "bounced", "hard_bounce", "bounce, 5.1.1"),
        ("bounce", {"type": "bounce", "bounce_classification": "Invalid Address"}, Status.BOUNCED, "bounced", "hard_bounce",
         "bounce, invalid address"),
        ("bounce", {"type": "blocked", "status": "4.7.1"}, Status.BOUNCED, "blocked", "", "bounce, blocked, 4.7.1"),
        ("bounce", {}, Status.BOUNCED, "blocked", "", "bounce"),
        ("bounce", {"type": "expired"}, Status.BOUNCED, "blocked", "", "bounce"),
        ("dropped", {"reason": "Bounced Address"}, Status.BOUNCED, "bounced", "hard_bounce", "dropped, bounced address"),
        ("dropped", {"reason": "Invalid"}, Status.BOUNCED, "bounced", "hard_bounce", "dropped, invalid"),
        ("dropped", {"reason": "Unsubscribed Address"}, Status.UNSUBSCRIBED, "opted_out", "stop", "dropped, unsubscribed address"),
        ("dropped", {"reason": "Spam Reporting Address"}, Status.UNSUBSCRIBED, "complained", "complaint",
         "dropped, spam reporting address"),
        ("dropped", {"reason": "Recipient List over Package Quota"}, Status.FAILED, "dropped", "",
         "dropped, recipient list over package quota"),
        ("dropped", {"reason": "because of ada@example.org"}, Status.FAILED, "dropped", "", "dropped"),
        ("spamreport", {}, Status.UNSUBSCRIBED, "complained", "complaint", "spamreport"),
        ("unsubscribe", {}, Status.UNSUBSCRIBED, "opted_out", "stop", "unsubscribe"),
        ("group_unsubscribe", {"asm_group_id": 10}, Status.UNSUBSCRIBED, "opted_out", "category_stop", "group_unsubscribe"),
        ("open", {"sg_machine_open": True}, Status.DELIVERED, "", "", "open, by a machine"),
    ],
)  # fmt: skip
def test_each_report_has_its_meaning(event: str, fields: dict[str, Any], status: Status, reason: str, consent: str, detail: str) -> None:
    mapped = map_one(event, **fields)
    assert (mapped.status, mapped.reason, mapped.consent, mapped.detail) == (status, reason, consent, detail)
    assert mapped.address == ("Ada@example.org" if consent else ""), "only what concerns the recipient carries the address"
    assert not reason or (reason in REASONS and reason in REMEDIES)


def test_a_report_names_delivery_attempt_message_and_itself() -> None:
    assert map_one("delivered") == ReceiptEvent(
        DELIVERY_ID, "email", "sendgrid", "ZXZlbnQtMQ", "delivered", Status.DELIVERED, 1_760_000_060.0, 2, 1, "", "14c5d75ce93", 0,
        "delivered",
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["open", "click"])
def test_opens_and_clicks_are_engagement(kind: Any) -> None:
    mapped = map_reports({**BASE, "event": kind, "url": "https://example.org/?u=ada@example.org", "ip": "192.0.2.1"})
    assert mapped.events == [
        EngagementEvent(DELIVERY_ID, "email", "sendgrid", "ZXZlbnQtMQ", kind, 1_760_000_060.0, 2, 1, "14c5d75ce93")
    ]  # fmt: skip
    assert b"192.0.2.1" not in msgspec.json.encode(mapped.events)
    assert b"@" not in msgspec.json.encode(mapped.events)


def test_the_attempt_of_a_deferred_report_is_the_one_of_sendgrid_and_not_ours() -> None:
    assert map_one("deferred", attempt="5").attempt == 0
    assert map_one("deferred", attempt="5", delivery_attempt="2").attempt == 2
    assert map_one("delivered", attempt="5", delivery_attempt="2").attempt == 2


def test_a_report_about_a_copy_changes_nothing_of_the_delivery() -> None:
    """A cc or bcc has the same custom arguments: its bounce is not the recipient's."""
    copied = {**BASE, "recipient_digest": compute_recipient_digest("ada@example.ORG")}
    assert len(map_reports({**copied, "event": "delivered"}).events) == 1
    for email in ("archive@example.org", "", None):
        for event in ("bounce", "delivered", "open", "unsubscribe"):
            assert map_reports({**copied, "event": event, "email": email}) == MappedCallback([], Counter({(event, "ignored"): 1}))


def test_what_is_not_known_or_not_ours_is_counted_and_holds_up_nothing() -> None:
    mapped = map_reports(
        {**BASE, "event": "levitated"},
        {**BASE, "event": "group_resubscribe"},
        {"event": "account_status_change", "type": "compliance_suspend"},
        {**BASE, "event": "delivered", "delivery_id": "theirs"},
        {**BASE, "event": "delivered", "sg_event_id": None},
        {**BASE, "event": "delivered", "sg_event_id": "x" * 201},
        {**BASE, "event": "delivered", "attempt": "-1"},
        {**BASE, "event": "delivered", "redrive_count": "99999"},
        {"event": 17, "timestamp": "yesterday"},
        {**BASE, "event": "delivered", "sg_event_id": "last"},
    )
    assert [event.event_key for event in mapped.events] == ["last"]
    assert mapped.counts == {
        ("other", "unknown"): 2,
        ("group_resubscribe", "ignored"): 1,
        ("account_status_change", "ignored"): 1,
        ("delivered", "foreign"): 5,
        ("delivered", "taken"): 1,
    }


@pytest.mark.parametrize("timestamp", [None, "1760000060", True, -1, 1e300, [1]])
def test_a_report_without_a_usable_time_has_the_one_of_the_request(timestamp: Any) -> None:
    assert map_one("delivered", timestamp=timestamp).occurred_at == NOW


@pytest.mark.parametrize("email", [None, "nobody", 17])
def test_a_report_without_a_usable_address_suppresses_nobody(email: Any) -> None:
    mapped = map_one("spamreport", email=email)
    assert (mapped.status, mapped.consent, mapped.address) == (Status.UNSUBSCRIBED, "", "")


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"null", b"\xff", b"[" * 100_000, b"[{}"])
def test_a_body_that_is_no_array_of_objects_is_an_error_that_the_gateway_knows(body: bytes) -> None:
    with pytest.raises(DECODE_ERRORS):
        map_sendgrid_events(body, NOW)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=2) | st.dictionaries(st.text(max_size=5), children, max_size=2),
    max_leaves=3,
)


@given(st.dictionaries(st.sampled_from([*BASE, "event", "type", "reason", "status", "bounce_classification"]), json_values))
def test_no_report_is_an_error(fields: dict[str, Any]) -> None:
    mapped = map_reports({**BASE, "event": "bounce", **fields})
    assert mapped.counts.total() == 1
    for event in mapped.events:
        assert event.event_key
        assert "@" not in getattr(event, "detail", "")
