"""The explanation of a notification: why it has its state, in one sentence and gate by gate; pure."""

from collections.abc import Mapping
from typing import Any

from agents.router.gates.order import REASONS
from app.api.responses import ExplanationResponse, GateResponse, NotificationResponse
from schemas.enums import State
from schemas.events import DecidedEvent

UNDECIDED_SUMMARY = "Accepted: the router has not decided yet, or its decision is not recorded yet."


def build_explanation(event: DecidedEvent | None, notification: NotificationResponse) -> ExplanationResponse:
    """The explanation of a decision, None for one that is not recorded yet; `notification` is the API's view of the notification."""
    if event is None:
        return ExplanationResponse(notification.id, notification.state, UNDECIDED_SUMMARY, [], notification.deliveries)
    gates = [GateResponse(result.gate, result.verdict, result.reason, result.inputs) for result in event.decision_log]
    return ExplanationResponse(notification.id, notification.state, build_summary(event, notification), gates, notification.deliveries)


def build_summary(event: DecidedEvent, notification: NotificationResponse) -> str:
    """The state and its reason, in one sentence."""
    if event.state == State.ROUTED:
        return f"Routed {_describe_deliveries(event, notification)}."
    result = event.decision_log[-1] if event.decision_log else None
    reason = REASONS.get(event.reason, event.reason or "no reason was recorded").format(
        duplicate_of=event.duplicate_of, type=repr(event.type)
    )
    gate = f"{_format_inputs(result.inputs, reason)}, at the gate {result.gate}" if result else ""
    return f"{str(event.state).capitalize()}: {reason}{gate}."


def _describe_deliveries(event: DecidedEvent, notification: NotificationResponse) -> str:
    priority = f"with {event.priority} priority"
    if not notification.deliveries:
        return f"{priority}, to no channel"
    deliveries = (f"{delivery.channel} is {delivery.status}{_format_reason(delivery.reason)}" for delivery in notification.deliveries)
    return f"{priority}: {', '.join(deliveries)}"


def _format_reason(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _format_error(error: str, reason: str) -> str:
    """What the error adds to the reason, whose words it may begin with."""
    start, _, rest = error.partition(": ")
    text = rest if reason.endswith(start) else error
    return f" ({text})" if text else ""


def _format_inputs(inputs: Mapping[str, Any], reason: str) -> str:
    """The inputs of a gate that the sentence quotes: the error, the invalid addresses, the channels, or the limits that are reached."""
    if "error" in inputs:
        return _format_error(inputs["error"], reason)
    if "invalid" in inputs:
        return f" ({'; '.join(f'{place}: {problem}' for place, problem in inputs['invalid'].items())})"
    if "channels" in inputs:
        return f" ({', '.join(inputs['channels'])})"
    limits = [
        f"{channel}: {window['used_count']} in {window['window_seconds']} s"
        for channel, window in inputs.items()
        if isinstance(window, Mapping)
    ]
    return f" ({', '.join(limits)})" if limits else ""
