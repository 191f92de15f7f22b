"""Twilio's callbacks and inbound messages mapped to our events."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.callbacks.mapped_callback import MappedCallback
from agents.callbacks.twilio_error_codes import ERROR_CODES, get_code_url
from agents.callbacks.twilio_events import map_twilio_inbound, map_twilio_status
from agents.delivery.reasons import REASONS
from schemas.enums import Status
from schemas.events import InboundEvent, ReceiptEvent
from tests.event_builders import NOW, build_delivery_ref, make_notification_id

DELIVERY_ID = build_delivery_ref(make_notification_id(), "sms").id
SID, NUMBER = "SM" + "0" * 32, "+436641234567"
QUERY = {"delivery": DELIVERY_ID, "attempt": "1", "redrive_count": "2"}


def map_status(status: str, code: str = "", query: dict[str, str] = QUERY, **form: str) -> MappedCallback:
    return map_twilio_status(query, {"MessageSid": SID, "MessageStatus": status, "ErrorCode": code, "To": NUMBER, **form}, NOW)


def map_one(status: str, code: str = "", **form: str) -> ReceiptEvent:
    (event,) = map_status(status, code, **form).events
    assert isinstance(event, ReceiptEvent)
    return event


@pytest.mark.parametrize(
    ("status", "code", "expected", "reason", "consent"),
    [
        *((name, "", Status.SENT, "", "") for name in ("accepted", "scheduled", "queued", "sending", "sent")),
        *((name, "", Status.DELIVERED, "", "") for name in ("delivered", "read")),
        ("canceled", "", Status.FAILED, "canceled", ""),
        ("undelivered", "30003", Status.FAILED, "undelivered", ""),
        ("undelivered", "30004", Status.BOUNCED, "bounced", "hard_bounce"),
        ("undelivered", "30005", Status.BOUNCED, "bounced", "hard_bounce"),
        ("failed", "30006", Status.BOUNCED, "bounced", "hard_bounce"),
        ("undelivered", "30007", Status.FAILED, "filtered", ""),
        ("undelivered", "30034", Status.FAILED, "filtered", ""),
        ("undelivered", "30036", Status.FAILED, "expired", ""),
        ("failed", "21610", Status.UNSUBSCRIBED, "opted_out", "stop"),
        ("failed", "39999", Status.FAILED, "undelivered", ""),
        ("failed", "", Status.FAILED, "undelivered", ""),
    ],
)
def test_each_status_has_its_meaning(status: str, code: str, expected: Status, reason: str, consent: str) -> None:
    event = map_one(status, code)
    assert (event.status, event.reason, event.consent, event.address) == (expected, reason, consent, NUMBER if consent else "")
    assert event.event_key == f"{SID}|{status}|{code}"
    assert (event.delivery_id, event.attempt, event.redrive_count, event.occurred_at) == (DELIVERY_ID, 1, 2, NOW)
    assert event.provider_code == int(code or 0)
    assert NUMBER not in event.detail


def test_every_code_has_words_and_the_page_of_the_vendor() -> None:
    for code, meaning in ERROR_CODES.items():
        assert meaning.text
        assert meaning.reason in REASONS
        assert str(code) in get_code_url(code)
        assert (meaning.consent != "") == (meaning.status in (Status.BOUNCED, Status.UNSUBSCRIBED))


def test_an_unlisted_code_is_named_with_its_page() -> None:
    assert map_one("failed", "39999").detail == "failed: see https://www.twilio.com/docs/api/errors/39999"


def test_old_names_of_the_parameters_are_read() -> None:
    event = map_twilio_status(QUERY, {"SmsSid": SID, "SmsStatus": "delivered"}, NOW).events[0]
    assert event.event_key == f"{SID}|delivered|"


@pytest.mark.parametrize(
    ("query", "form"),
    [({}, {}), ({**QUERY, "delivery": "dlv_1"}, {}), ({**QUERY, "attempt": "x"}, {}), (QUERY, {"MessageSid": "", "SmsSid": ""})],
)
def test_a_callback_that_names_no_delivery_of_ours_is_counted(query: dict[str, str], form: dict[str, str]) -> None:
    assert map_status("delivered", query=query, **form) == MappedCallback([], {("delivered", "foreign"): 1})  # type: ignore[arg-type]


def test_an_unknown_status_is_counted() -> None:
    assert map_status("levitated") == MappedCallback([], {("other", "unknown"): 1})  # type: ignore[arg-type]


def test_a_number_of_another_channel_suppresses_nobody() -> None:
    assert map_one("undelivered", "30005", To="whatsapp:+436641234567").consent == ""


@pytest.mark.parametrize(
    ("body", "opt_out_type", "kind"),
    [
        ("STOP", "", "stop"),
        (" stop \n", "", "stop"),
        ("Stop please", "", None),
        ("UNSUBSCRIBE", "", "stop"),
        ("start", "", "start"),
        ("Unstop", "", "start"),
        ("HELP", "", "help"),
        ("INFO", "", "help"),
        ("Hör auf", "STOP", "stop"),
        ("stop", "START", "start"),
        ("ja", "HELP", "help"),
        ("thank you", "", None),
        ("thank you", "OTHER", None),
        ("", "", None),
    ],
)
def test_keywords_and_what_twilio_says_of_them(body: str, opt_out_type: str, kind: Any) -> None:
    mapped = map_twilio_inbound({"MessageSid": SID, "From": "+43 664 1234567", "Body": body, "OptOutType": opt_out_type}, NOW)
    assert mapped.events == ([InboundEvent("sms", "twilio", SID, kind, NUMBER, NOW)] if kind else [])
    assert mapped.counts == {(kind, "taken") if kind else ("message", "ignored"): 1}


@pytest.mark.parametrize(
    "form", [{"From": NUMBER}, {"From": "", "MessageSid": SID}, {"From": "12345", "MessageSid": SID}, {"MessageSid": SID}]
)
def test_an_inbound_message_without_id_or_number_changes_nothing(form: dict[str, str]) -> None:
    assert map_twilio_inbound({**form, "Body": "STOP"}, NOW) == MappedCallback([], {("stop", "foreign"): 1})  # type: ignore[arg-type]


texts = st.dictionaries(
    st.sampled_from(["MessageSid", "MessageStatus", "ErrorCode", "To", "From", "Body", "delivery", "attempt"]), st.text()
)


@given(texts, texts)
def test_no_form_is_an_error(query: dict[str, str], form: dict[str, str]) -> None:
    assert map_twilio_status({**QUERY, **query}, {"MessageStatus": "failed", "MessageSid": SID, **form}, NOW).counts.total() == 1
    assert map_twilio_inbound(form, NOW).counts.total() == 1


@pytest.mark.parametrize(
    ("code", "source", "expected"),
    [
        ("30003", "low.3.17", (2, "low.3.17")),
        ("30008", "high.0.1", (2, "high.0.1")),
        ("30001", "low.3.17", (2, "low.3.17")),
        ("30005", "low.3.17", (0, "")),
        ("30007", "low.3.17", (0, "")),
        ("30999", "low.3.17", (1, "low.3.17")),  # one that Twilio has added
        ("39999", "low.3.17", (0, "")),
        ("30003", "", (0, "")),
        ("30003", "low.3.17; drop", (0, "")),
    ],
)
def test_a_cause_that_passes_says_where_the_record_is(code: str, source: str, expected: tuple[int, str]) -> None:
    (event,) = map_status("undelivered", code, {**QUERY, "source": source}).events
    assert isinstance(event, ReceiptEvent)
    assert (event.max_resends, event.source) == expected
