"""The explanation: the answer on top, what would have changed it, and each gate in words."""

from typing import Any

import msgspec
import pytest

from agents.delivery import reasons
from agents.router.decision_log import FAN_OUT
from agents.router.gates.idempotency import DUPLICATE, OTHER_CONTENT
from agents.router.gates.order import REASONS
from agents.router.gates.rate_limit import RATE_LIMITED
from agents.router.gates.recipient import INVALID_ADDRESS, NO_ADDRESS
from agents.router.gates.rule import UNKNOWN_TYPE
from app.api.explanation import add_digest, build_explanation
from app.api.presenter import present_notification
from app.api.responses import ExplanationResponse
from schemas.enums import Outcome, Reason, State, Status
from schemas.events import DecidedEvent, DeliveryRef, GateResult, StatusEvent
from schemas.history import DeliveryTimes, NotificationHistory
from schemas.ids import DELIVERY_PREFIX, make_id
from tests.unit.app.api.harness import NOW, RECEIPT_TIMEOUTS, make_notification_id

DELIVERY_ID, SECOND_ID = make_id(DELIVERY_PREFIX, NOW, 1), make_id(DELIVERY_PREFIX, NOW, 2)
FIRST_ID = make_notification_id(9)
NOW_TEXT = "2025-10-09 10:53:20 Vienna time (08:53:20 UTC)"
WINDOW = {"used_count": 3, "max_count": 3, "window_seconds": 3600, "reset_at": NOW}


def explain(event: DecidedEvent | None, *statuses: StatusEvent, zone: str = "Europe/Vienna", now: float = NOW) -> ExplanationResponse:
    history = NotificationHistory(event, list({status.delivery_id: status for status in statuses}.values()), statuses)
    notification = present_notification(history, make_notification_id(), RECEIPT_TIMEOUTS, now)
    return build_explanation(event, notification, zone, now)


def build_event(state: State, reason: str, gate: str, inputs: dict[str, Any], **fields: Any) -> DecidedEvent:
    log = [GateResult("decode", "pass"), GateResult(gate, "stop", reason, inputs)]
    return DecidedEvent(make_notification_id(), "u", state, NOW, NOW, "low", "a.type", reason=reason, decision_log=log, **fields)


def build_status(status: Status, delivery_id: str = DELIVERY_ID, **fields: Any) -> StatusEvent:
    channel = fields.pop("channel", "email")
    return StatusEvent(delivery_id, make_notification_id(), "u", channel, status, NOW, NOW, outcome=Outcome.ACCEPTED, **fields)


def build_report(status: Status, **fields: Any) -> StatusEvent:
    """What SendGrid reported of the delivery, a minute after it was sent."""
    report = {"outcome": None, "provider": "sendgrid", "provider_message_id": "m-1", "occurred_at": NOW + 60, **fields}
    return msgspec.structs.replace(build_status(status), **report)


def build_unanswered() -> StatusEvent:
    return msgspec.structs.replace(build_status(Status.PENDING), outcome=Outcome.UNKNOWN)


def build_step(**inputs: Any) -> GateResult:
    """The entry of an escalation that goes on."""
    return GateResult("escalation", "pass", "", {"unless": "read", "routed_channels": ["push"], "statuses": {"push": ["SENT"]}, **inputs})


def build_routed(*channels: str) -> DecidedEvent:
    refs = [DeliveryRef(delivery_id, channel) for delivery_id, channel in zip((DELIVERY_ID, SECOND_ID), channels, strict=False)]  # type: ignore[arg-type]
    return DecidedEvent(make_notification_id(), "u", State.ROUTED, NOW, NOW, "high", deliveries=refs)


@pytest.mark.parametrize(
    ("event", "summary", "remedy"),
    [
        (
            build_event(State.REJECTED, DUPLICATE, "idempotency", {"key": "k"}, duplicate_of=FIRST_ID),
            f"Not sent: the user has an earlier notification with this key: {FIRST_ID}.",
            "a message of its own needs a key of its own",
        ),
        (
            build_event(State.REJECTED, OTHER_CONTENT, "idempotency", {"key": "k"}, duplicate_of=FIRST_ID),
            f"Not sent: the user has an earlier notification with the same key and other content: {FIRST_ID}.",
            "a key of its own",
        ),
        (
            build_event(State.REJECTED, RATE_LIMITED, "rate_limit", {"sms": WINDOW}),
            f"Not sent: {REASONS[RATE_LIMITED]}.",
            f"the limit of 3 SMS in 3,600 s has room again at {NOW_TEXT}",
        ),
        (
            build_event(State.REJECTED, RATE_LIMITED, "rate_limit", {"email, news": WINDOW, "all channels": WINDOW}),
            f"Not sent: {REASONS[RATE_LIMITED]}.",
            f"the limit of 3 e-mail of the category news in 3,600 s has room again at {NOW_TEXT}; "
            f"the limit of 3 messages over all channels in 3,600 s has room again at {NOW_TEXT}",
        ),
        (
            build_event(State.REJECTED, RATE_LIMITED, "rate_limit", {"sms": WINDOW | {"max_count": 0, "reset_at": None}}),
            f"Not sent: {REASONS[RATE_LIMITED]}.",
            "the limit of 0 SMS in 3,600 s never has room: an operator would have to raise it",
        ),
        (
            build_event(State.REJECTED, NO_ADDRESS, "recipient", {"channels": ["email", "sms"]}),
            f"Not sent: {REASONS[NO_ADDRESS]}.",
            "the user would have to have an address for e-mail and SMS, or the producer to give one in `to`",
        ),
        (
            build_event(State.REJECTED, INVALID_ADDRESS, "recipient", {"channels": ["sms"], "invalid": {"to.sms": "no number"}}),
            f"Not sent: {REASONS[INVALID_ADDRESS]}.",
            "the addresses that the gate names would have to be corrected",
        ),
        (
            build_event(State.REJECTED, Reason.EXPIRED, "expiry", {"expires_at": NOW, "now": NOW + 1}),
            "Not sent: it had expired before it was decided.",
            f"it would have had to be decided before {NOW_TEXT}",
        ),
        (
            build_event(State.DEAD, UNKNOWN_TYPE, "rule", {"error": "no rule"}),
            "Not sent: there is no rule for the type 'a.type' (no rule).",
            "an operator would have to add a rule for the type 'a.type'",
        ),
        (
            build_event(State.DEAD, Reason.UNDECODABLE, "decode", {"error": "is not JSON: it ends too early"}),
            "Not sent: the record is not JSON (it ends too early).",
            "the producer would have to write a notification as JSON",
        ),
        (
            build_event(State.DEAD, Reason.NULL_VALUE, "decode", {"error": "the record has no value"}),
            "Not sent: the record has no value.",
            "to write a value",
        ),
    ],
)
def test_what_was_not_sent_has_its_reason_on_top_and_what_would_have_changed_it(event: DecidedEvent, summary: str, remedy: str) -> None:
    explanation = explain(event)
    assert explanation.summary == summary
    assert remedy in explanation.remedy
    assert [gate.remedy for gate in explanation.gates] == ["", explanation.remedy]


def test_a_held_one_says_until_when_and_that_it_is_late() -> None:
    event = build_event(State.HELD, "moon_phase", "moon", {"until": NOW})
    assert explain(event, now=NOW - 1).summary == f"Held until {NOW_TEXT}: moon_phase."
    assert "has not been released" in explain(event, now=NOW + 1).summary


def test_an_escalation_says_when_the_next_channel_may_follow_or_why_none_does() -> None:
    step = {"strategy": "escalate", "channels": ["email"], "next": ["sms"], "escalates_at": NOW}
    log = [
        GateResult("rendering", "pass", "", {"email": "a@1 de"}),
        GateResult("channels", "pass", "", step),
        GateResult("fan_out", "pass"),
    ]
    first = msgspec.structs.replace(build_routed("email"), decision_log=log)
    assert explain(first, build_status(Status.SENT)).summary == f"Sent by e-mail at {NOW_TEXT}. The next channel may follow at {NOW_TEXT}."
    second = [
        GateResult(
            "escalation", "pass", "", {"unless": "delivered", "routed_channels": ["email", "push"], "statuses": {"email": ["SENT"]}}
        ),
        GateResult("rendering", "pass", "", {"sms": "a@2 de"}),
    ]
    both = explain(msgspec.structs.replace(first, deliveries=build_routed("email", "sms").deliveries, decision_log=[*log, *second]))
    assert (both.templates, both.gates[3].description) == ({"email": "a@1 de", "sms": "a@2 de"}, "e-mail: SENT; push: PENDING")
    ended = GateResult("escalation", "reject", "delivered", {"by": ["email"], "statuses": {"email": ["DELIVERED"]}})
    last = explain(msgspec.structs.replace(first, reason="delivered", decision_log=[*log, ended]), build_status(Status.DELIVERED))
    assert last.summary == f"Delivered by e-mail at {NOW_TEXT}. No further channel follows: it was delivered by e-mail."
    assert last.gates[-1].remedy == ""


def test_the_rule_of_what_was_held_is_that_of_its_last_decision() -> None:
    event = build_event(State.REJECTED, "expired", "expiry", {})
    event.decision_log[:0] = [GateResult("rule", "pass", "", {"rule": f"a.type@{version}"}) for version in (1, 2)]
    assert explain(event).rule == "a.type@2"


def test_what_was_merged_says_what_became_of_its_digest() -> None:
    merged = explain(build_event(State.MERGED, "digest", "digest", {}, duplicate_of=FIRST_ID))
    held = explain(build_event(State.HELD, "digest", "digest", {"until": NOW}))
    cancelled = explain(build_event(State.REJECTED, "cancelled", "digest", {}))
    assert add_digest(merged, held) == merged
    assert add_digest(merged, cancelled).summary == f"{merged.summary} The digest: Not sent: it was cancelled while it was held."


def test_the_first_of_duplicates_is_linked() -> None:
    explanation = explain(build_event(State.MERGED, "digest", "digest", {}, duplicate_of=FIRST_ID))
    assert explanation.duplicate_of_path == f"/v1/notifications/{FIRST_ID}/explain"
    assert explanation.summary == f"Not sent on its own: it was merged into the digest {FIRST_ID}."


@pytest.mark.parametrize(
    ("statuses", "summary", "remedy"),
    [
        ([build_status(Status.DELIVERED)], f"Delivered by e-mail at {NOW_TEXT}.", ""),
        ([build_status(Status.SENT)], f"Sent by e-mail at {NOW_TEXT}.", ""),
        ([], "Not sent by e-mail yet: no attempt is recorded.", ""),
        ([build_status(Status.PENDING)], "Not sent by e-mail yet: 1 attempt failed, the next one waits.", ""),
        (
            [build_status(Status.SENT), build_status(Status.PENDING, attempt=1, reason="undelivered", next_attempt_at=NOW + 120)],
            f"Not delivered by e-mail yet: {reasons.REASONS['undelivered']}; it is sent again at {NOW_TEXT.replace(':53:', ':55:')}.",
            reasons.REMEDIES["undelivered"],
        ),
        (
            [build_status(Status.PENDING, next_attempt_at=NOW + 120)],
            f"Not sent by e-mail yet: 1 attempt failed, the next one follows at {NOW_TEXT.replace(':53:', ':55:')}.",
            "",
        ),
        (
            [build_status(Status.FAILED, reason=Reason.RETRIES_EXHAUSTED)],
            "Not sent by e-mail: all attempts failed.",
            "accept one of the attempts",
        ),
        (
            [build_status(Status.UNSUBSCRIBED, reason=Reason.OPTED_OUT)],
            "Not received by e-mail: the recipient has opted out.",
            "opt in again",
        ),
        (
            [build_unanswered()],
            "Not known whether it was sent by e-mail: the last call got no answer, so a report of the provider is waited for, before the "
            "message is sent again.",
            "",
        ),
        (
            [build_status(Status.SENT, possible_duplicate=True)],
            f"Sent by e-mail at {NOW_TEXT}; a call before it got no answer, so it may have arrived twice.",
            "",
        ),
        (
            [build_status(Status.DELIVERED, reason=Reason.FOUND_BY_RECEIPT)],
            f"Delivered by e-mail at {NOW_TEXT}: the provider did not answer, but reported it later.",
            "",
        ),
        (
            [build_status(Status.FAILED, reason=Reason.UNKNOWN)],
            "Not sent by e-mail: the provider did not answer, so it may have arrived, and it must not be sent twice or had expired.",
            "can send it again",
        ),
    ],
)
def test_a_routed_one_says_what_became_of_its_delivery(statuses: list[StatusEvent], summary: str, remedy: str) -> None:
    explanation = explain(build_routed("email"), *statuses)
    assert explanation.summary == summary
    assert remedy in explanation.remedy


def test_what_arrived_comes_first_and_what_ended_alike_is_counted() -> None:
    failed = build_status(Status.FAILED, reason=Reason.REJECTED_RECIPIENT)
    sent = build_status(Status.SENT, SECOND_ID, channel="sms")
    text = f"Sent by SMS at {NOW_TEXT}; not sent by e-mail: the provider rejected the address."
    assert explain(build_routed("email", "sms"), failed, sent).summary == text
    assert explain(build_routed("push", "push")).summary == "Not sent by push yet: no attempt is recorded (2 addresses)."


def test_attempts_are_explained_before_the_decision_is_recorded() -> None:
    explanation = explain(None, build_status(Status.SENT))
    assert explanation.summary == f"The router's decision is not recorded yet. Sent by e-mail at {NOW_TEXT}."


def test_rule_and_templates_have_their_versions() -> None:
    log = [GateResult("rule", "pass", "", {"rule": "a.type@3"}), GateResult("rendering", "pass", "", {"email": "shipped@2 de"})]
    event = DecidedEvent(make_notification_id(), "u", State.ROUTED, NOW, NOW, "high", decision_log=log)
    assert (explain(event).rule, explain(event).templates) == ("a.type@3", {"email": "shipped@2 de"})
    dead = build_event(State.DEAD, "missing_variable", "rendering", {"template": "shipped", "channel": "email"})
    assert explain(dead).templates == {}


def test_a_reason_and_a_gate_of_a_later_release_are_shown_as_they_are() -> None:
    explanation = explain(build_event(State.REJECTED, "moon_phase", "moon", {"full_at": NOW, "phases": ["new", "full"]}))
    assert explanation.summary == "Not sent: moon_phase."
    assert explanation.gates[1].description == f"full at: {NOW_TEXT}; phases: new and full"


def test_the_log_of_an_older_release_may_lack_inputs() -> None:
    explanation = explain(build_event(State.REJECTED, NO_ADDRESS, "recipient", {}))
    assert "(not recorded)" in explanation.remedy


def test_the_fan_out_is_shown_as_the_last_gate() -> None:
    log = [GateResult(FAN_OUT, "pass", "", {"deliveries": 2})]
    event = DecidedEvent(make_notification_id(), "u", State.ROUTED, NOW, NOW, "high", decision_log=log)
    assert [gate.description for gate in explain(event).gates] == ["deliveries: 2"]


def test_no_address_is_published() -> None:
    secret = "ada@example.org +43 664 1234567 https://u:p@hooks.example.org/secret"
    inputs = {"error": secret, "invalid": {"ada@example.org": secret}}
    detail = build_status(Status.SENT, detail=secret)
    explanation = explain(build_event(State.DEAD, Reason.INVALID, "decode", inputs), detail)
    text = repr(explanation)
    assert "ada@" not in text
    assert "1234567" not in text
    assert "secret" not in text.replace("'secret'", "")
    assert "a***@example.org" in explanation.summary


@pytest.mark.parametrize(
    ("report", "times", "summary"),
    [
        (build_report(Status.DELIVERED), DeliveryTimes(NOW, NOW + 60), "Delivered by e-mail at {later}, as sendgrid reported."),
        (
            build_report(Status.DELIVERED),
            DeliveryTimes(NOW, NOW, NOW + 60),
            "Delivered by e-mail at {now}, as sendgrid reported; opened at {later}.",
        ),
        (
            build_report(Status.DELIVERED, provider="fcm", provider_message_id=""),
            DeliveryTimes(NOW, NOW, NOW + 60, NOW + 60),
            "Delivered by e-mail at {now}, as fcm reported; opened at {later}; clicked at {later}.",
        ),
        (
            build_report(Status.BOUNCED, reason=Reason.BOUNCED),
            DeliveryTimes(NOW, NOW),
            "Bounced by e-mail at {later}, as sendgrid reported: there is no such mailbox or number, as its server or carrier reported.",
        ),
        (
            build_report(Status.FAILED, reason=Reason.UNDELIVERED),
            DeliveryTimes(NOW),
            "Not delivered by e-mail: the provider had taken it and could not deliver it.",
        ),
        (
            build_report(Status.UNSUBSCRIBED, reason=Reason.COMPLAINED),
            DeliveryTimes(NOW, NOW),
            "Not received by e-mail: the recipient reported it as spam.",
        ),
    ],
)
def test_what_a_provider_reported_is_its_word(report: StatusEvent, times: DeliveryTimes, summary: str) -> None:
    sent = build_status(Status.SENT)
    history = NotificationHistory(build_routed("email"), [report], [sent, report], {DELIVERY_ID: times})
    notification = present_notification(history, make_notification_id(), RECEIPT_TIMEOUTS, NOW)
    explanation = build_explanation(history.decided, notification, "Europe/Vienna", NOW)
    later = NOW_TEXT.replace(":53:", ":54:")
    assert explanation.summary == summary.format(now=NOW_TEXT, later=later)


def test_an_escalation_says_why_it_went_on_and_who_has_read_it() -> None:
    routed, sent = build_routed("push", "email"), build_status(Status.SENT, channel="push")
    first = explain(msgspec.structs.replace(routed, decision_log=[build_step(at=NOW)]), sent)
    assert first.summary.endswith(f" It went on to the next channel because it was not read by {NOW_TEXT}.")
    assert first.gates[0].description == f"push: SENT; not read by {NOW_TEXT}"
    end = GateResult("escalation", "reject", "read", {"by": ["email"], "read_at": NOW})
    last = explain(msgspec.structs.replace(routed, reason="read", decision_log=[build_step(at=NOW), end]), sent)
    assert last.summary.endswith(f" No further channel follows: it was read at {NOW_TEXT}, as its e-mail shows.")
    end.inputs["by"] = []
    marked = explain(msgspec.structs.replace(routed, reason="read", decision_log=[end]), sent)
    assert marked.summary.endswith(f" No further channel follows: it was read at {NOW_TEXT}, as the app of its producer reported.")


def test_a_step_that_an_older_release_has_logged_says_what_it_knows() -> None:
    old = explain(msgspec.structs.replace(build_routed("push"), decision_log=[build_step()]))
    assert (old.gates[0].description, "went on" in old.summary) == ("push: SENT", False)
