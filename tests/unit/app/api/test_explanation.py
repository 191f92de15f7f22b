"""The summary of an explanation."""

import pytest

from agents.router.gates.idempotency import DUPLICATE, OTHER_CONTENT
from agents.router.gates.order import REASONS
from agents.router.gates.rate_limit import RATE_LIMITED
from agents.router.gates.recipient import INVALID_ADDRESS, NO_ADDRESS
from agents.router.gates.rule import UNKNOWN_TYPE
from app.api.explanation import build_explanation
from app.api.presenter import present_notification
from schemas.enums import Reason, State, Status
from schemas.events import DecidedEvent, DeliveryRef, GateResult, StatusEvent
from schemas.history import NotificationHistory
from schemas.ids import DELIVERY_PREFIX, make_id
from tests.unit.app.api.harness import NOW, RECEIPT_TIMEOUTS, make_notification_id

DELIVERY_ID = make_id(DELIVERY_PREFIX, NOW, 1)


def build_summary(event: DecidedEvent, *statuses: StatusEvent) -> str:
    notification = present_notification(NotificationHistory(event, statuses, []), event.id, RECEIPT_TIMEOUTS, NOW)
    explanation = build_explanation(event, notification)
    assert [(gate.gate, gate.verdict) for gate in explanation.gates] == [(result.gate, result.verdict) for result in event.decision_log]
    return explanation.summary


def build_event(state: State, reason: str, result: GateResult, **fields: str) -> DecidedEvent:
    return DecidedEvent(
        make_notification_id(),
        "u",
        state,
        NOW,
        NOW,
        "low",
        "a.type",
        reason=reason,
        decision_log=[GateResult("decode", "pass"), result],
        **fields,
    )


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            build_event(
                State.REJECTED,
                DUPLICATE,
                GateResult("idempotency", "reject", "duplicate", {"key": "k"}),
                duplicate_of=make_notification_id(9),
            ),
            f"Rejected: {REASONS[DUPLICATE].format(duplicate_of=make_notification_id(9))}, at the gate idempotency.",
        ),
        (
            build_event(
                State.REJECTED,
                OTHER_CONTENT,
                GateResult("idempotency", "reject", OTHER_CONTENT, {"key": "k"}),
                duplicate_of=make_notification_id(9),
            ),
            "Rejected: the user has an earlier notification with the same key and other content: "
            f"{make_notification_id(9)}, at the gate idempotency.",
        ),
        (
            build_event(
                State.REJECTED, RATE_LIMITED, GateResult("rate_limit", "reject", "", {"sms": {"used_count": 10, "window_seconds": 3600}})
            ),
            f"Rejected: {REASONS[RATE_LIMITED]} (sms: 10 in 3600 s), at the gate rate_limit.",
        ),
        (
            build_event(State.REJECTED, NO_ADDRESS, GateResult("recipient", "reject", "", {"channels": ["email", "sms"]})),
            f"Rejected: {REASONS[NO_ADDRESS]} (email, sms), at the gate recipient.",
        ),
        (
            build_event(
                State.REJECTED,
                INVALID_ADDRESS,
                GateResult("recipient", "reject", "", {"channels": ["sms"], "invalid": {"to.sms": "no number"}}),
            ),
            f"Rejected: {REASONS[INVALID_ADDRESS]} (to.sms: no number), at the gate recipient.",
        ),
        (
            build_event(State.DEAD, UNKNOWN_TYPE, GateResult("rule", "dead_letter", "", {"error": "no rule"})),
            f"Dead: {REASONS[UNKNOWN_TYPE].format(type=repr('a.type'))} (no rule), at the gate rule.",
        ),
    ],
)
def test_a_notification_that_is_not_routed_is_explained_by_reason_and_gate(event: DecidedEvent, expected: str) -> None:
    assert build_summary(event) == expected


def test_a_routed_notification_is_explained_by_its_deliveries() -> None:
    event = DecidedEvent(make_notification_id(), "u", State.ROUTED, NOW, NOW, "high", deliveries=[DeliveryRef(DELIVERY_ID, "email")])
    failed = StatusEvent(DELIVERY_ID, make_notification_id(), "u", "email", Status.FAILED, NOW, NOW, reason=Reason.RETRIES_EXHAUSTED)
    assert build_summary(event) == "Routed with high priority: email is PENDING."
    assert build_summary(event, failed) == "Routed with high priority: email is FAILED (retries_exhausted)."


def test_a_reason_of_a_later_release_is_shown_unchanged() -> None:
    event = DecidedEvent(make_notification_id(), "u", State.REJECTED, NOW, NOW, "low", reason="moon_phase")
    assert build_summary(event) == "Rejected: moon_phase."


@pytest.mark.parametrize(
    ("reason", "error", "expected"),
    [
        (Reason.NULL_VALUE, "the record has no value", "Dead: the record has no value, at the gate decode."),
        (Reason.UNDECODABLE, "is not JSON: it ends too early", "Dead: the record is not JSON (it ends too early), at the gate decode."),
    ],
)
def test_an_error_does_not_repeat_the_reason(reason: Reason, error: str, expected: str) -> None:
    assert build_summary(build_event(State.DEAD, reason, GateResult("decode", "dead_letter", reason, {"error": error}))) == expected
