"""Why a notification became what it is, in one plain sentence; pure."""

from collections.abc import Mapping
from typing import Any

from app.api.bodies import Explained, Gate, NotificationBody
from schemas.status import Accepted
from schemas.words import Reason, State

WHY: Mapping[str, str] = {
    Reason.DUPLICATE: "the same user had one with this key already: {first_id}",
    Reason.EXPIRED: "it had expired before it was decided",
    Reason.UNKNOWN_USER: "the user is not known and it names no address",
    Reason.NO_ADDRESS: "the user has no address on any of its channels",
    Reason.RATE_LIMITED: "the user has been told as much as the rate limits allow",
    Reason.NULL_VALUE: "the record has no value",
    Reason.TOO_LARGE: "the record is larger than 256 KiB",
    Reason.UNDECODABLE: "the record is not JSON",
    Reason.INVALID: "a field is missing or has the wrong type",
    Reason.UNSUPPORTED: "it asks for something that is not supported",
    Reason.FOREIGN_TIME: "the time in its id is more than a day off",
    Reason.WRONG_PARTITION: "it was on the wrong partition even after it had been forwarded",
    Reason.UNKNOWN_TYPE: "no rule tells what to do with the type {type}",
    Reason.UNKNOWN_TEMPLATE: "there is no such template",
    Reason.MISSING_VARIABLE: "the template needs a variable that its data does not have",
    Reason.TEMPLATE_ERROR: "the template could not be rendered",
    Reason.CONTENT_TOO_LARGE: "the rendered content is larger than 64 KiB",
    Reason.UNEXPECTED: "a fault of Herold's own, which its dead letter names",
}

WAITING = "accepted over HTTP a moment ago; the router has not decided yet, or its decision is not recorded yet"


def explained(accepted: Accepted | None, told: NotificationBody) -> Explained:
    """The sentence, the gates and the attempts; `told` is the same notification as the API shows it."""
    if accepted is None:
        return Explained(told.id, told.state, _sentence("Waiting", WAITING), [], told.deliveries)
    gates = [Gate(step.gate, step.verdict, step.reason, step.inputs) for step in accepted.trace]
    return Explained(told.id, told.state, sentence_for(accepted, told), gates, told.deliveries)


def sentence_for(accepted: Accepted, told: NotificationBody) -> str:
    """What became of it and why."""
    if accepted.state == State.ROUTED:
        return _sentence("Routed", _where(accepted, told))
    last = accepted.trace[-1] if accepted.trace else None
    why = WHY.get(accepted.reason, accepted.reason or "no reason was recorded").format(first_id=accepted.first_id, type=repr(accepted.type))
    at = f"{_on(last.inputs)}, at the gate {last.gate}" if last else ""
    return _sentence(str(accepted.state).capitalize(), why + at)


def _where(accepted: Accepted, told: NotificationBody) -> str:
    lane = f"in the {accepted.lane} lane"
    if not told.deliveries:
        return f"{lane}, to no channel"
    ways = ", ".join(f"{delivery.channel} is {delivery.status}{_because(delivery.reason)}" for delivery in told.deliveries)
    return f"{lane}: {ways}"


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _on(inputs: Mapping[str, Any]) -> str:
    """What of the gate's inputs belongs into the sentence: the error, the channels, or the limits that are used up."""
    if "error" in inputs:
        return f" ({inputs['error']})"
    if "channels" in inputs:
        return f" ({', '.join(inputs['channels'])})"
    full = [f"{channel}: {used['used']} in {used['seconds']} s" for channel, used in inputs.items() if isinstance(used, Mapping)]
    return f" ({', '.join(full)})" if full else ""


def _sentence(what: str, why: str) -> str:
    return f"{what}: {why}." if what != "Routed" else f"Routed {why}."
