"""The last step: what a case says to the world, as records of the outbox: deliveries, its Accepted event, a dead letter, or a forward."""

from typing import cast

import msgspec
from msgspec import Raw

from agents.router import owner, trace
from agents.router.case import Case, Forward, Stop
from schemas.content import Content
from schemas.deadletter import MAX_VALUE_BYTES, DeadLetter, headers_of
from schemas.delivery import Delivery
from schemas.ids import delivery_id
from schemas.ports import Outbox
from schemas.status import Accepted, Planned, Step
from schemas.words import Channel, State

MAX_KEY = 32 * 1024  # of a dead letter: compressed, a record may hold more than a dead letter can

_ROUTED = State.ROUTED  # looked up once: a member of an enum costs as much as a dict with three entries
_encode = msgspec.json.Encoder().encode


def deliver(case: Case, outbox: Outbox) -> None:
    """One delivery for each address of each chosen channel, and the Accepted event that lists them."""
    planned = []
    for channel, content in zip(case.chosen, case.contents, strict=True):
        topic = case.source.deliveries[channel]
        for address in case.addresses[channel]:
            delivery = _delivery(case, channel, address, cast(Content, content))
            outbox.add(topic, case.partition, case.user, _encode(delivery))
            planned.append(Planned(delivery.id, channel))
    _accept(case, outbox, _ROUTED, planned, trace.routed(case))


def refuse(case: Case, stop: Stop, outbox: Outbox) -> None:
    """The Accepted event of a refused notification; of a dead one, a dead letter with the original bytes as well."""
    if stop.state is State.DEAD:
        _bury(case, stop, outbox)
    _accept(case, outbox, stop.state, [], trace.stopped(case, stop), stop)


def forward(case: Case, ending: Forward, outbox: Outbox) -> None:
    """The record once more, on its user's partition."""
    outbox.add(case.source.topic, ending.partition, case.user, ending.value, owner.headers_of(case))


def _category_of(case: Case) -> str:
    return case.notification.category or (case.plan.rule.category if case.plan else "")


def _delivery(case: Case, channel: Channel, address: str, content: Content) -> Delivery:
    notification = case.notification
    return Delivery(
        id=delivery_id(case.id, notification.user_id, channel, address),
        notification_id=case.id,
        user_id=notification.user_id,
        channel=channel,
        address=address,
        content=content,
        created_at=case.created_at,
        expires_at=case.expires_at,
        type=notification.type,
        category=_category_of(case),
        template=case.template,
    )


def _accept(case: Case, outbox: Outbox, state: State, planned: list[Planned], steps: Raw, stop: Stop | None = None) -> None:
    event = Accepted(
        id=case.id,
        user_id=case.notification.user_id,
        state=state,
        at=case.now,
        created_at=case.created_at,
        lane=case.source.lane,
        type=case.notification.type,
        category=_category_of(case),
        reason=stop.reason if stop else "",
        deliveries=planned,
        trace=cast("list[Step]", steps),
        first_id=stop.first_id if stop else "",
        expires_at=case.expires_at,
    )
    outbox.add(case.source.status, case.partition, case.user, _encode(event))


def _bury(case: Case, stop: Stop, outbox: Outbox) -> None:
    record = case.record
    letter = DeadLetter(
        stage="router",
        reason=stop.reason,
        error=stop.error,
        topic=case.source.topic,
        partition=case.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        notification_id=case.id,
        user_id=case.notification.user_id,
    )
    # Kafka takes no record without key and value: an absent value is empty, and a header says that it was absent
    value = (record.value or b"")[:MAX_VALUE_BYTES]
    key = None if record.key is None else record.key[:MAX_KEY]
    outbox.add(case.source.dead_letters, case.partition, key, value, headers_of(letter))
