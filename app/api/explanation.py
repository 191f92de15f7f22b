"""The explanation of a notification: why it has its state, in one sentence, gate by gate and attempt by attempt; pure."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from agents.router.gates import rendering, rule
from agents.router.gates.order import ALL_GATES
from agents.router.gates.wording import Facts, describe_inputs, write_sentence
from app.api.answer import build_answer, build_remedy
from app.api.reasons import REASONS, REMEDIES
from app.api.responses import ExplanationResponse, GateResponse, NotificationResponse
from schemas.channels import CHANNEL_NAMES
from schemas.enums import State
from schemas.events import DecidedEvent, GateResult
from schemas.redaction import redact_text, redact_value

PASS = "pass"
_DESCRIPTIONS = {gate.name: gate.describe for gate in ALL_GATES}


def build_explanation(
    event: DecidedEvent | None, notification: NotificationResponse, time_zone: str, now: float, broadcast: str = ""
) -> ExplanationResponse:
    """The explanation of a decision, None for one that is not recorded yet; `notification` is the API's view of the notification.

    `time_zone` is the user's, empty for UTC; `now` in epoch seconds; `broadcast` is what it comes from. Addresses are redacted, except in
    `user_id`.
    """
    log = event.decision_log if event is not None else []
    facts = _build_facts(event or _build_unrecorded_event(notification), log[-1] if log else None, time_zone)
    return ExplanationResponse(
        id=notification.id,
        state=notification.state,
        summary=redact_text(build_answer(event, notification, facts, now)),
        remedy=redact_text(build_remedy(event, notification.deliveries, facts)),
        user_id=notification.user_id,
        type=notification.type,
        category=notification.category,
        priority=notification.priority,
        time_zone=time_zone or "UTC",
        created_at=notification.created_at,
        decided_at=notification.decided_at,
        expires_at=notification.expires_at,
        rule=str(_find_inputs(log, rule.NAME).get("rule", "")),
        templates=list_templates(log),
        duplicate_of=notification.duplicate_of,
        duplicate_of_path=f"/v1/notifications/{notification.duplicate_of}/explain" if notification.duplicate_of else "",
        broadcast=broadcast,
        held_until=notification.held_until,
        escalates_at=notification.escalates_at,
        gates=[build_gate(_build_facts(facts.event, result, time_zone), result) for result in log],
        deliveries=[msgspec.convert(redact_value(msgspec.to_builtins(delivery)), type(delivery)) for delivery in notification.deliveries],
    )


def add_digest(explanation: ExplanationResponse, digest: ExplanationResponse) -> ExplanationResponse:
    """The explanation of what was merged, with what became of its digest once that is decided."""
    if digest.state in ("accepted", State.HELD):
        return explanation
    return msgspec.structs.replace(explanation, summary=f"{explanation.summary} The digest: {digest.summary}")


def _build_facts(event: DecidedEvent, result: GateResult | None, time_zone: str) -> Facts:
    return Facts(event, result.inputs if result is not None else {}, time_zone)


def _build_unrecorded_event(notification: NotificationResponse) -> DecidedEvent:
    """An event without a decision, so that the words about attempts can be written before the decision is recorded."""
    return DecidedEvent(notification.id, notification.user_id, notification.state, 0.0, 0.0, notification.priority)  # type: ignore[arg-type]


def build_gate(facts: Facts, result: GateResult) -> GateResponse:
    """The result of a gate with its words; `facts` are those of its entry."""
    is_stop = result.verdict != PASS
    meaning = write_sentence(REASONS[result.reason], facts) if result.reason in REASONS else ""
    description = _DESCRIPTIONS.get(result.gate, describe_inputs)(facts)
    return GateResponse(
        gate=result.gate,
        verdict=result.verdict,
        reason=result.reason,
        meaning=redact_text(meaning),
        description=redact_text(description),
        remedy=redact_text(write_sentence(REMEDIES.get(result.reason, ""), facts)) if is_stop else "",
        inputs=redact_value(result.inputs),
    )


def _find_inputs(log: Sequence[GateResult], gate: str) -> dict[str, Any]:
    """The inputs of the gate's last entry: what was held has several, and its rule may have changed meanwhile."""
    return next((result.inputs for result in reversed(log) if result.gate == gate), {})


def list_templates(log: Iterable[GateResult]) -> dict[str, str]:
    """The template of each channel, with version and locale, if the notification was rendered; an escalation was more than once."""
    results = [result for result in log if result.gate == rendering.NAME and result.verdict == PASS]
    return {channel: str(label) for result in results for channel, label in result.inputs.items() if channel in CHANNEL_NAMES}
