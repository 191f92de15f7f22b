"""The answer to "why did I (not) get this?" in one sentence; pure."""

from collections import Counter
from collections.abc import Sequence

from agents.delivery import reasons as delivery_reasons
from agents.router.gates import escalation
from agents.router.gates.wording import Facts, get_channel_word, write_sentence
from app.api.reasons import REASONS, REMEDIES
from app.api.responses import AttemptResponse, DeliveryResponse, NotificationResponse
from schemas.enums import Outcome, Reason, State, Status
from schemas.events import DecidedEvent

UNDECIDED = "Accepted: the router has not decided yet, or its decision is not recorded yet."
UNRECORDED = "The router's decision is not recorded yet. "
UNANSWERED = "the last call got no answer, so a report of the provider is waited for, before the message is sent again"
SENT_AGAIN = "a call before it got no answer, so it may have arrived twice"
NO_REASON = "no reason was recorded"
_PREFIXES = {State.HELD: "Held", State.MERGED: "Not sent on its own"}
_ORDER = (Status.DELIVERED, Status.SENT, Status.PENDING, Status.FAILED, Status.BOUNCED, Status.UNSUBSCRIBED)


def build_answer(event: DecidedEvent | None, notification: NotificationResponse, facts: Facts, now: float) -> str:
    """One sentence; `facts` are those of the gate that stopped the notification, `now` in epoch seconds."""
    if event is None:
        if not notification.deliveries:
            return UNDECIDED
        return UNRECORDED + _describe_deliveries(notification.deliveries, facts)
    if event.state == State.ROUTED:
        return _describe_deliveries(notification.deliveries, facts) + _describe_next_step(event, notification, facts)
    return f"{_describe_state(event, facts, now)}: {describe_reason(event, facts)}."


def build_remedy(event: DecidedEvent | None, deliveries: Sequence[DeliveryResponse], facts: Facts) -> str:
    """What would have changed the result, as a clause; empty if nothing would have had to."""
    if event is not None and event.state != State.ROUTED:
        return write_sentence(REMEDIES.get(event.reason, ""), facts)
    clauses = dict.fromkeys(delivery_reasons.REMEDIES.get(delivery.reason, "") for delivery in deliveries)
    return "; ".join(filter(None, clauses))


def _describe_next_step(event: DecidedEvent, notification: NotificationResponse, facts: Facts) -> str:
    """Why the last channel of an escalation followed, and when the next one may, or why none does."""
    went_on = _describe_last_step(event, facts)
    if notification.escalates_at is not None:
        return f"{went_on} The next channel may follow at {facts.format_time(notification.escalates_at)}."
    return went_on + (f" No further channel follows: {describe_reason(event, facts)}." if event.reason else "")


def _describe_last_step(event: DecidedEvent, facts: Facts) -> str:
    """Why an escalation went on to the channel that has gone out last; empty if it did not."""
    passed = [entry.inputs for entry in event.decision_log if entry.gate == escalation.NAME and entry.verdict == "pass"]
    cause = escalation.describe_cause(Facts(event, passed[-1], facts.time_zone)) if passed else ""
    return f" It went on to the next channel because it was {cause}." if cause else ""


def _describe_state(event: DecidedEvent, facts: Facts, now: float) -> str:
    prefix = _PREFIXES.get(event.state, "Not sent")
    until = facts.inputs.get("until")
    if event.state != State.HELD or not isinstance(until, int | float):
        return prefix
    late = "" if now < until else ", which is past; it has not been released, or what became of it is not recorded yet"
    return f"{prefix} until {facts.format_time(until)}{late}"


def describe_reason(event: DecidedEvent, facts: Facts) -> str:
    """Why a gate stopped the notification, as a clause."""
    reason = write_sentence(REASONS[event.reason], facts) if event.reason in REASONS else event.reason or NO_REASON
    error = facts.inputs.get("error")
    return reason + _format_error(error, reason) if isinstance(error, str) else reason


def _format_error(error: str, reason: str) -> str:
    """What the error adds to the reason, whose words it may begin with."""
    start, _, rest = error.partition(": ")
    text = rest if reason.endswith(start) else error
    return f" ({text})" if text else ""


def _describe_deliveries(deliveries: Sequence[DeliveryResponse], facts: Facts) -> str:
    """What became of the deliveries, those that arrived first; those of one channel that ended alike are counted."""
    if not deliveries:
        return "Not sent: it was routed to no channel."
    ordered = sorted(deliveries, key=lambda delivery: _ORDER.index(Status(delivery.status)))
    groups = Counter((delivery.channel, delivery.status, delivery.reason) for delivery in ordered)
    clauses = []
    for (channel, status, reason), count in groups.items():
        last = next(one for one in reversed(ordered) if (one.channel, one.status, one.reason) == (channel, status, reason))
        clause = _describe_delivery(last, facts)
        clauses.append(f"{clause} ({count} addresses)" if count > 1 else clause)
    text = "; ".join(clauses)
    return f"{text[0].upper()}{text[1:]}."


def _describe_delivery(delivery: DeliveryResponse, facts: Facts) -> str:
    channel, attempts = get_channel_word(delivery.channel), len(delivery.attempts)
    report = _find_report(delivery)
    at = _describe_time(delivery, facts) + (f", as {report.provider} reported" if report is not None else "")
    reason = delivery_reasons.REASONS.get(delivery.reason, delivery.reason)
    because = f": {reason}" if reason else ""
    last = delivery.attempts[-1] if delivery.attempts else None
    match delivery.status:
        case Status.PENDING if _find_unanswered(delivery):
            return f"not known whether it was sent by {channel}: {UNANSWERED}"
        case Status.PENDING if last is not None and last.reason == Reason.UNDELIVERED and last.next_attempt_at is not None:
            return f"not delivered by {channel} yet{because}; it is sent again at {facts.format_time(last.next_attempt_at)}"
        case Status.PENDING if attempts:
            next_at = delivery.attempts[-1].next_attempt_at
            follows = "the next one waits" if next_at is None else f"the next one follows at {facts.format_time(next_at)}"
            return f"not sent by {channel} yet: {attempts} attempt{'s' * (attempts > 1)} failed, {follows}"
        case Status.PENDING:
            return f"not sent by {channel} yet: no attempt is recorded"
        case Status.FAILED:
            return f"not {'sent' if report is None else 'delivered'} by {channel}{because}"
        case Status.UNSUBSCRIBED:
            return f"not received by {channel}{because or ': the recipient has unsubscribed'}"
    twice = f"; {SENT_AGAIN}" if last is not None and last.possible_duplicate else ""
    return f"{Status(delivery.status).lower()} by {channel}{at}{because}{_describe_engagement(delivery, facts)}{twice}"


def _describe_time(delivery: DeliveryResponse, facts: Facts) -> str:
    """When it came to its status: the time that is known of it, else that of the last event."""
    known = {Status.SENT: delivery.sent_at, Status.DELIVERED: delivery.delivered_at}.get(Status(delivery.status))
    last = delivery.attempts[-1].occurred_at if delivery.attempts else None
    at = known or last
    return f" at {facts.format_time(at)}" if at is not None else ""


def _describe_engagement(delivery: DeliveryResponse, facts: Facts) -> str:
    times = {"opened": delivery.opened_at, "clicked": delivery.clicked_at}
    return "".join(f"; {word} at {facts.format_time(at)}" for word, at in times.items() if at is not None)


def _find_report(delivery: DeliveryResponse) -> AttemptResponse | None:
    """The report of a provider or an app that the status comes from; an attempt has an outcome, and a search has no message id."""
    for attempt in delivery.attempts:
        is_report = not attempt.outcome and (attempt.provider_message_id or attempt.status == Status.DELIVERED)
        if is_report and attempt.status == delivery.status != Status.SENT:
            return attempt
    return None


def _find_unanswered(delivery: DeliveryResponse) -> bool:
    """Whether the last call got no answer; later events without an outcome are searches for what became of it."""
    outcomes = [attempt.outcome for attempt in delivery.attempts if attempt.outcome]
    return bool(outcomes) and outcomes[-1] == Outcome.UNKNOWN
