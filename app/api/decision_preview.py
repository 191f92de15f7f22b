"""What a dry run of the router found, as the API shows it to people; pure."""

from collections.abc import Mapping

import msgspec

from agents.router.dry_run import DryRunResult
from agents.router.gates.wording import Facts, get_channel_word, join_words, write_sentence
from agents.router.routing_state import RoutingState
from app.api.answer import describe_reason
from app.api.delivery_content import measure_content, show_content
from app.api.explanation import build_gate
from app.api.preview_bodies import NotificationPreviewResponse, PreviewedDelivery
from app.api.reasons import REMEDIES
from schemas.delivery import Delivery
from schemas.enums import State
from schemas.events import DecidedEvent, GateResult
from schemas.masks import mask_address
from schemas.projects import qualify
from schemas.redaction import redact_text

REPLAYED = "Nothing would happen: this notification was decided before."
NOWHERE = "It would be routed to no channel."


def build_preview(
    state: RoutingState, result: DryRunResult, unknown: Mapping[str, str], time_zone: str, project: str = ""
) -> NotificationPreviewResponse:
    """The preview of a notification of a project; `unknown` has the tables that could not be read, `time_zone` is the user's."""
    event = result.event or _build_replayed_event(state)
    facts = [Facts(event, entry.inputs, time_zone) for entry in event.decision_log]
    last = facts[-1] if facts else Facts(event, {}, time_zone)
    is_stopped = result.event is not None and event.state != State.ROUTED
    until = last.inputs.get("until") if event.state == State.HELD else None
    preview = NotificationPreviewResponse(
        state=event.state.value if result.event else "replayed",
        reason=event.reason,
        summary=redact_text(_write_summary(result, last)),
        remedy=redact_text(write_sentence(REMEDIES.get(event.reason, ""), last)) if is_stopped else "",
        user_id=event.user_id,
        type=event.type,
        category=event.category,
        priority=event.priority,
        rule=result.rule,
        time_zone=time_zone or "UTC",
        judged_at=state.record_time,
        expires_at=event.expires_at,
        held_until=until,
        next_channel_at=result.next_channel_at or None,
        duplicate_of=event.duplicate_of,
        gates=[build_gate(one, entry) for one, entry in zip(facts, event.decision_log, strict=True)],
        gates_not_reached=result.gates_not_reached,
        deliveries=[],
        unknown=dict(unknown),
    )
    return msgspec.structs.replace(_strip(preview, project), deliveries=[_build_delivery(one, result) for one in result.deliveries])


def _build_replayed_event(state: RoutingState) -> DecidedEvent:
    notification, none = state.notification, list[GateResult]()
    times = state.now, state.created_at
    return DecidedEvent(state.id, notification.user_id, State.REJECTED, *times, state.priority, notification.type, decision_log=none)


def _strip(preview: NotificationPreviewResponse, project: str) -> NotificationPreviewResponse:
    """The preview without the prefix of the project in Herold's own words; content is the project's own."""
    if not project:
        return preview
    prefix = qualify(project, "").encode()
    return msgspec.json.decode(msgspec.json.encode(preview).replace(prefix, b""), type=NotificationPreviewResponse)


def _write_summary(result: DryRunResult, facts: Facts) -> str:
    event = result.event
    if event is None:
        return REPLAYED
    match event.state:
        case State.ROUTED:
            return _describe_deliveries(result, facts)
        case State.HELD:
            return f"It would be held until {facts.format_time(facts.inputs.get('until'))}: {describe_reason(event, facts)}."
        case State.MERGED:
            return f"It would be gathered into a digest, which is sent at {facts.format_time(facts.inputs.get('sent_at'))} or before."
    return f"It would not be sent: {describe_reason(event, facts)}."


def _describe_deliveries(result: DryRunResult, facts: Facts) -> str:
    channels = list(dict.fromkeys(delivery.channel for delivery in result.deliveries))
    if not channels:
        return NOWHERE
    counts = {channel: sum(one.channel == channel for one in result.deliveries) for channel in channels}
    words = [get_channel_word(channel) + (f" to {count} addresses" if count > 1 else "") for channel, count in counts.items()]
    text = f"It would be sent at once by {join_words(words)}."
    if not result.next_channel_at:
        return text
    return f"{text} Unless it arrives, the next channel would follow at {facts.format_time(result.next_channel_at)}."


def _build_delivery(delivery: Delivery, result: DryRunResult) -> PreviewedDelivery:
    content, sms = show_content(delivery), measure_content(delivery)
    template, size = result.templates.get(delivery.channel, ""), len(msgspec.json.encode(delivery.content))
    return PreviewedDelivery(
        delivery.channel, mask_address(delivery.channel, delivery.address), template, delivery.variant, content, size, sms
    )
