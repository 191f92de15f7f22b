"""The last step: the outputs of a decided notification as records of the outbox."""

from contextlib import suppress
from typing import Literal

import msgspec
from msgspec import Raw

from agents.dead_letter import build_dead_letter, truncate_value
from agents.router.decision_log import build_routed_log, build_stopped_log
from agents.router.gates import channels, decode, escalation, repartition
from agents.router.routing_state import RoutingState
from agents.router.verdict import (
    PASS,
    DeadLetterVerdict,
    Hold,
    Merge,
    Pass,
    Reject,
    Repartition,
    Stop,
    Verdict,
    build_dead_letter_verdict,
)
from schemas.categories import Consent
from schemas.channels import ChannelName
from schemas.dead_letter import encode_headers
from schemas.delivery import Delivery, NextStep
from schemas.enums import Reason, State
from schemas.errors import DECODE_ERRORS
from schemas.events import DecidedEvent, DeliveryRef
from schemas.ids import derive_delivery_id
from schemas.json_errors import describe_decode_error
from schemas.ports import Outbox
from schemas.record_size import compute_batch_size
from schemas.scheduled import Scheduled
from schemas.sealed_records import NO_CONTENT_JSON, seal_delivery, seal_notification, seal_record
from schemas.sealing import Sealer
from schemas.topics import MAX_DELIVERY_BYTES

MAX_KEY_BYTES = 32 * 1024  # of a dead letter: compressed, a record may hold more than a dead letter can

_ROUTED = State.ROUTED  # looked up once: a member of an enum costs as much as a dict with three entries
_encode = msgspec.json.Encoder().encode


def write_deliveries(state: RoutingState, outbox: Outbox) -> None:
    """Write a delivery for each address of each channel, and the decided event that lists them."""
    refs, topics = [], state.topics.deliveries[state.priority]
    for channel, content in zip(state.channels, state.contents, strict=True):
        topic = topics[channel]
        for address in state.addresses[channel]:
            delivery = (_build_delivery if state.sealer is None else _build_sealed_delivery)(state, channel, address, content)
            if state.variant or state.at_most_once or state.escalates_at or state.resume_count or state.notification.is_test:
                delivery = _add_rare_fields(state, delivery)
            if state.endpoints and (endpoint := state.endpoints.get(address)):
                delivery = msgspec.structs.replace(delivery, endpoint_id=endpoint.id, is_ordered=endpoint.is_ordered)
            if state.consent_events and (event_id := state.consent_events.get(channel)):
                delivery = msgspec.structs.replace(delivery, consent_event_id=event_id)
            outbox.add(topic, state.partition, state.user_key, _encode(delivery))
            refs.append(DeliveryRef(delivery.id, channel))
    if state.escalates_at:
        outbox.add(state.topics.scheduled, state.partition, state.user_key, state.scheduled)
    _write_decided_event(state, outbox, _ROUTED, refs, build_routed_log(state))


def write_verdict(state: RoutingState, verdict: Verdict, outbox: Outbox) -> None:
    """Write what follows from a verdict other than pass: a repartitioned record, or the records of a stopped notification."""
    match verdict:
        case Repartition():
            outbox.add(state.topics.input, verdict.partition, state.user_key, verdict.value, repartition.build_headers(state))
        case Hold() | Merge() | Reject() | DeadLetterVerdict():
            _write_stop(state, verdict, outbox)


def encode_scheduled(state: RoutingState, hold: Hold) -> Hold | DeadLetterVerdict:
    """The hold, with its record in the state; or a dead letter if there can be no such record.

    A field that the decoder skipped can be invalid. And a record that its topic just holds may be too large with its due time.
    """
    gate = escalation.NAME if state.routed_channels else state.stopped_at
    return _encode_scheduled(state, hold.until, gate, state.routed_channels) or hold


def encode_next_step(state: RoutingState) -> Pass | DeadLetterVerdict:
    """PASS, with the record of an escalation's next step in the state; or a dead letter as encode_scheduled gives it."""
    problem = _encode_scheduled(state, state.escalates_at, escalation.NAME, (*state.routed_channels, *state.channels))
    if problem is None:
        return PASS
    state.stopped_at = channels.NAME
    return problem


def _encode_scheduled(
    state: RoutingState, due_at: float, resume_gate: str, routed_channels: tuple[ChannelName, ...]
) -> DeadLetterVerdict | None:
    try:
        payload = repartition.stamp_id(state)
    except DECODE_ERRORS as error:
        return build_dead_letter_verdict(Reason.UNDECODABLE, str(describe_decode_error(error, state.record.value or b"")))
    scheduled = state.scheduled = _encode(_build_scheduled(state, due_at, resume_gate, routed_channels, payload))
    if compute_batch_size(state.user_key, scheduled, ()) > MAX_DELIVERY_BYTES:
        return build_dead_letter_verdict(
            Reason.TOO_LARGE,
            f"{len(payload)} bytes leave no room to hold it until it is due: {len(scheduled)} with what the scheduler needs",
        )
    return None


def _write_stop(state: RoutingState, stop: Stop, outbox: Outbox) -> None:
    """The decided event; for a dead notification also a dead letter with the original bytes, for a held one the scheduled record."""
    if isinstance(stop, DeadLetterVerdict):
        _write_dead_letter(state, stop, outbox)
    elif isinstance(stop, Hold):
        outbox.add(state.topics.scheduled, state.partition, state.user_key, state.scheduled)
    elif isinstance(stop, Merge):
        for topic, value in state.digest_records if state.digest_row_key else ():
            outbox.add(topic, state.partition, state.user_key, value)
    duplicate_of = stop.duplicate_of if isinstance(stop, Reject) else stop.into if isinstance(stop, Merge) else ""
    decided_state = _ROUTED if state.routed_channels else stop.state  # whatever ends an escalation, something has gone out
    _write_decided_event(state, outbox, decided_state, [], build_stopped_log(state, stop), stop.reason, duplicate_of)


def _add_rare_fields(state: RoutingState, delivery: Delivery) -> Delivery:
    """The delivery with what few have. The next step of an escalation does not wait for the failure of one address among several."""
    is_only_one = sum(len(state.addresses[channel]) for channel in state.channels) == 1
    next_step = NextStep(state.topics.priority, state.resume_count + 1) if state.escalates_at and is_only_one else None
    due_at = state.record.timestamp / 1000 if state.resume_count else 0.0
    rare = {"variant": state.variant, "at_most_once": state.at_most_once, "next_step": next_step, "due_at": due_at}
    return msgspec.structs.replace(delivery, is_test=state.notification.is_test, **rare)


def _get_category(state: RoutingState) -> str:
    return state.notification.category or (state.plan.rule.category if state.plan else "")


def _get_delivery_consent(state: RoutingState) -> Literal["", Consent]:
    """What the delivery worker checks again before the call."""
    consent = state.consent
    return "" if consent == "none" or (state.plan is not None and state.plan.rule.mandatory) else consent


# The structs of each notification get their fields by position: so many keywords cost half a microsecond.
# fmt: off


def _build_delivery(state: RoutingState, channel: ChannelName, address: str, content: Raw) -> Delivery:
    notification = state.notification
    delivery_id = derive_delivery_id(state.id, notification.user_id, channel, address)
    return Delivery(
        delivery_id, state.id, notification.user_id, channel, address, content,  # type: ignore[arg-type]  # encoded already
        state.created_at, state.expires_at, notification.type, _get_category(state), state.template_name,
        _get_delivery_consent(state),
    )


def _build_sealed_delivery(state: RoutingState, channel: ChannelName, address: str, content: Raw) -> Delivery:
    notification, sealer = state.notification, state.sealer
    delivery_id = derive_delivery_id(state.id, notification.user_id, channel, address)
    assert sealer is not None
    return Delivery(
        delivery_id, state.id, notification.user_id, channel, "", NO_CONTENT_JSON,  # type: ignore[arg-type]  # encoded already
        state.created_at, state.expires_at, notification.type, _get_category(state), state.template_name,
        _get_delivery_consent(state), sealed=seal_delivery(address, content, delivery_id, sealer),
    )


def _write_decided_event(
    state: RoutingState, outbox: Outbox, decided_state: State, refs: list[DeliveryRef], log: Raw, reason: str = "", duplicate_of: str = ""
) -> None:
    notification, topics = state.notification, state.topics
    event = DecidedEvent(
        state.id, notification.user_id, decided_state, state.now, state.created_at, state.priority, notification.type,
        _get_category(state), reason, refs, log, duplicate_of, state.expires_at, state.resume_count,  # type: ignore[arg-type]  # encoded already
    )
    if state.redrive_count:
        event = msgspec.structs.replace(event, redrive_count=state.redrive_count)
    if notification.is_test:
        event = msgspec.structs.replace(event, is_test=True)
    outbox.add(topics.status, state.partition, state.user_key, _encode(event))


# fmt: on


def _build_scheduled(
    state: RoutingState, due_at: float, resume_gate: str, routed_channels: tuple[ChannelName, ...], payload: bytes
) -> Scheduled:
    """Without the decision log: the recorder joins those of all decisions."""
    return Scheduled(
        id=state.id,
        user_id=state.notification.user_id,
        due_at=due_at,
        target_topic=state.topics.input,
        payload=Raw(payload),
        resume_count=state.resume_count + 1,
        resume_gate=resume_gate,
        record_time=round(state.record_time * 1000),
        category=_get_category(state),
        expires_at=state.expires_at,
        routed_channels=routed_channels,
        is_digest=state.is_digest,
    )


def _seal_dead_value(state: RoutingState, sealer: Sealer, value: bytes) -> bytes:
    """The value of a dead letter: of a notification the private fields are sealed, so that it can be found; of anything else all."""
    if state.is_digest:
        return _encode(seal_notification(state.notification, sealer, state.id))
    if state.is_sealed:
        return value
    if state.stopped_at != decode.NAME:
        with suppress(*DECODE_ERRORS):
            return repartition.stamp_id(state)
    return seal_record(value, state.id, sealer)


def _write_dead_letter(state: RoutingState, verdict: DeadLetterVerdict, outbox: Outbox) -> None:
    record = state.record
    dead_letter = build_dead_letter(
        "router",
        state.topics.input,
        state.partition,
        record,
        verdict.reason,
        verdict.error,
        notification_id=state.id,
        user_id=state.notification.user_id,
    )
    dead_letter = msgspec.structs.replace(dead_letter, source_time=state.record_time)
    if state.is_digest:  # its record has nothing of what is in it
        dead_letter = msgspec.structs.replace(dead_letter, value=_encode(state.notification))
    if state.sealer is not None and dead_letter.value is not None:
        dead_letter = msgspec.structs.replace(dead_letter, value=_seal_dead_value(state, state.sealer, dead_letter.value))
    # Kafka rejects a record without key and value: an absent value is written as an empty one, and a header says that it was absent
    value = truncate_value(dead_letter) or b""
    key = None if record.key is None else record.key[:MAX_KEY_BYTES]
    outbox.add(state.topics.dead_letters, state.partition, key, value, encode_headers(dead_letter))
