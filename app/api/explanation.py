"""Why a notification became what it is, in one plain sentence; pure."""

from collections.abc import Mapping
from typing import Any

from agents.router.gates.order import REASONS
from app.api.responses import ExplanationResponse, GateResponse, NotificationResponse
from schemas.enums import State
from schemas.events import DecidedEvent

UNDECIDED_TEXT = "accepted over HTTP a moment ago; the router has not decided yet, or its decision is not recorded yet"


def build_explanation(event: DecidedEvent | None, notification: NotificationResponse) -> ExplanationResponse:
    """The sentence, the gates and the attempts; `notification` is the same notification as the API shows it."""
    if event is None:
        return ExplanationResponse(
            notification.id, notification.state, _format_summary("Accepted", UNDECIDED_TEXT), [], notification.deliveries
        )
    gates = [GateResponse(step.gate, step.verdict, step.reason, step.inputs) for step in event.decision_log]
    return ExplanationResponse(notification.id, notification.state, build_summary(event, notification), gates, notification.deliveries)


def build_summary(event: DecidedEvent, notification: NotificationResponse) -> str:
    """What became of it and why."""
    if event.state == State.ROUTED:
        return _format_summary("Routed", _describe_deliveries(event, notification))
    last = event.decision_log[-1] if event.decision_log else None
    why = REASONS.get(event.reason, event.reason or "no reason was recorded").format(duplicate_of=event.duplicate_of, type=repr(event.type))
    at = f"{_format_inputs(last.inputs)}, at the gate {last.gate}" if last else ""
    return _format_summary(str(event.state).capitalize(), why + at)


def _describe_deliveries(event: DecidedEvent, notification: NotificationResponse) -> str:
    priority = f"with {event.priority} priority"
    if not notification.deliveries:
        return f"{priority}, to no channel"
    ways = ", ".join(f"{delivery.channel} is {delivery.status}{_format_reason(delivery.reason)}" for delivery in notification.deliveries)
    return f"{priority}: {ways}"


def _format_reason(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _format_inputs(inputs: Mapping[str, Any]) -> str:
    """What of the gate's inputs belongs into the sentence: the error, the channels, or the limits that are used up."""
    if "error" in inputs:
        return f" ({inputs['error']})"
    if "channels" in inputs:
        return f" ({', '.join(inputs['channels'])})"
    full = [
        f"{channel}: {used['used_count']} in {used['window_seconds']} s" for channel, used in inputs.items() if isinstance(used, Mapping)
    ]
    return f" ({', '.join(full)})" if full else ""


def _format_summary(what: str, why: str) -> str:
    return f"{what}: {why}." if what != "Routed" else f"Routed {why}."
