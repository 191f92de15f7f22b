"""Explanations: one sentence that says what became of a notification, and why."""

import pytest

from agents.router.gates.idempotency import DUPLICATE
from agents.router.gates.rate_limit import RATE_LIMITED
from agents.router.gates.recipient import NO_ADDRESS
from agents.router.gates.rule import UNKNOWN_TYPE
from app.api.explanation import build_explanation
from app.api.presenter import present_notification
from schemas.enums import Reason, State, Status
from schemas.events import DecidedEvent, DeliveryRef, GateResult, StatusEvent
from schemas.history import NotificationHistory
from schemas.ids import DELIVERY_PREFIX, make_id
from tests.unit.app.api.harness import NOW, RECEIPT_TIMEOUTS, make_notification_id

DLV = make_id(DELIVERY_PREFIX, NOW, 1)


def build_summary(accepted: DecidedEvent, *current: StatusEvent) -> str:
    body = build_explanation(accepted, present_notification(NotificationHistory(accepted, current, []), accepted.id, RECEIPT_TIMEOUTS, NOW))
    assert [(gate.gate, gate.verdict) for gate in body.gates] == [(step.gate, step.verdict) for step in accepted.decision_log]
    return body.summary


def build_event(state: State, reason: str, step: GateResult, **more: str) -> DecidedEvent:
    return DecidedEvent(
        make_notification_id(),
        "u",
        state,
        NOW,
        NOW,
        "low",
        "a.type",
        reason=reason,
        decision_log=[GateResult("decode", "pass"), step],
        **more,
    )


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        (
            build_event(
                State.REJECTED,
                DUPLICATE,
                GateResult("idempotency", "reject", "duplicate", {"key": "k"}),
                duplicate_of=make_notification_id(9),
            ),
            f"Rejected: the same user had one with this key already: {make_notification_id(9)}, at the gate idempotency.",
        ),
        (
            build_event(
                State.REJECTED, RATE_LIMITED, GateResult("rate_limit", "reject", "", {"sms": {"used_count": 10, "window_seconds": 3600}})
            ),
            "Rejected: the user has got as many as the rate limits allow (sms: 10 in 3600 s), at the gate rate_limit.",
        ),
        (
            build_event(State.REJECTED, NO_ADDRESS, GateResult("recipient", "reject", "", {"channels": ["email", "sms"]})),
            "Rejected: the user has no address on any of its channels (email, sms), at the gate recipient.",
        ),
        (
            build_event(State.DEAD, UNKNOWN_TYPE, GateResult("rule", "dead_letter", "", {"error": "no rule"})),
            "Dead: there is no rule for the type 'a.type' (no rule), at the gate rule.",
        ),
    ],
)
def test_what_was_not_routed_tells_why_and_where(accepted: DecidedEvent, expected: str) -> None:
    assert build_summary(accepted) == expected


def test_what_was_routed_tells_of_its_deliveries() -> None:
    accepted = DecidedEvent(make_notification_id(), "u", State.ROUTED, NOW, NOW, "high", deliveries=[DeliveryRef(DLV, "email")])
    failed = StatusEvent(DLV, make_notification_id(), "u", "email", Status.FAILED, NOW, NOW, reason=Reason.RETRIES_EXHAUSTED)
    assert build_summary(accepted) == "Routed with high priority: email is PENDING."
    assert build_summary(accepted, failed) == "Routed with high priority: email is FAILED (retries_exhausted)."


def test_a_reason_of_a_later_release_is_told_as_it_is() -> None:
    accepted = DecidedEvent(make_notification_id(), "u", State.REJECTED, NOW, NOW, "low", reason="moon_phase")
    assert build_summary(accepted) == "Rejected: moon_phase."
