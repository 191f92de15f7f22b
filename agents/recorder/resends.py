"""Sends again what a carrier could not deliver for a cause that passes: a telephone that is switched off, a full queue.

The report says where the record of the delivery is; it is read there, and waits in the scheduler as a retry does. All follows from report
and record, so what is done twice gives the same entry, which scheduler and worker take once.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from agents.recorder.events import RecordedEvent
from schemas.delivery import Delivery
from schemas.enums import Priority, Reason, Status
from schemas.errors import DECODE_ERRORS, RecordTooLargeError
from schemas.events import ReceiptEvent, StatusEvent
from schemas.ports import Clock, FlushedOutbox
from schemas.record_source import RecordSource, decode_source
from schemas.scheduled import Scheduled, compute_delivery_resume_count
from schemas.topics import STATUS_TOPIC, get_deliveries_topic, get_scheduled_topic, parse_priority

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Delivery).decode


class RecordReader(Protocol):
    """Reads single records of Kafka."""

    async def read(self, topic: str, partition: int, offset: int) -> bytes | None:
        """The value of a record; None if there is none any more. Raises UnavailableError."""
        ...


class Resend(NamedTuple):
    """The entry with which a delivery waits, and the event that says so."""

    scheduled: Scheduled
    event: StatusEvent


def list_resendable(events: Iterable[RecordedEvent | None]) -> list[ReceiptEvent]:
    """The reports after which a delivery may be sent again, each once."""
    found = {(event.delivery_id, event.attempt): event for event in events if type(event) is ReceiptEvent and event.max_resends}
    return list(found.values())


def plan_resend(report: ReceiptEvent, value: bytes | None, topic: str, delays: Sequence[float], now: float) -> Resend | None:
    """What follows from a report and the record that it names; None if that is another one, or the delivery is not to be sent again."""
    try:
        delivery = _decode(value or b"")
    except DECODE_ERRORS:
        return None
    if (delivery.id, delivery.redrive_count) != (report.delivery_id, report.redrive_count) or report.attempt < delivery.attempt:
        return None
    if delivery.at_most_once or delivery.resends >= min(report.max_resends, len(delays)):
        return None
    due_at, attempt = report.occurred_at + delays[delivery.resends], report.attempt + 1
    if due_at >= delivery.expires_at:
        return None
    again = replace(
        delivery,
        attempt=attempt,
        counted_attempts=0,
        unanswered=None,
        resends=delivery.resends + 1,
        undelivered_attempt=report.attempt,
        account=report.provider,
        sent_again=False,
    )
    count = compute_delivery_resume_count(delivery.redrive_count, attempt, may_be_sent=again.possible_duplicate)
    scheduled = Scheduled(delivery.id, delivery.user_id, due_at, topic, Raw(_encode(again)), count, expires_at=delivery.expires_at)
    return Resend(scheduled, _build_event(again, parse_priority(topic), due_at, now))


def _build_event(delivery: Delivery, priority: Priority, due_at: float, now: float) -> StatusEvent:
    return StatusEvent(
        delivery.id,
        delivery.notification_id,
        delivery.user_id,
        delivery.channel,
        Status.PENDING,
        now,
        delivery.created_at,
        delivery.redrive_count,
        delivery.attempt,
        reason=Reason.UNDELIVERED,
        variant=delivery.variant,
        next_attempt_at=due_at,
        is_test=delivery.is_test,
        priority=priority,
        type=delivery.type,
        category=delivery.category,
        template=delivery.template,
        due_at=delivery.due_at,
    )


class Resender:
    """`delays`: seconds after each report, as many as there are resends at most."""

    def __init__(
        self,
        reader: RecordReader,
        create_outbox: Callable[[], FlushedOutbox],
        clock: Clock,
        delays: Sequence[float],
        partitions: int,
        topic_prefix: str,
        on_resend: Callable[[StatusEvent], None],
        on_too_large: Callable[[StatusEvent, str], None],
    ) -> None:
        """`on_too_large` gets the event of a delivery whose entry does not fit into a record, and why; it is not sent again."""
        self._reader, self._create_outbox, self._clock, self._delays = reader, create_outbox, clock, delays
        self._partitions, self._prefix, self._on_resend, self._on_too_large = partitions, topic_prefix, on_resend, on_too_large

    async def run(self, events: Sequence[RecordedEvent | None]) -> None:
        """Schedule what is to be sent again. Raises UnavailableError; then it is to be repeated."""
        if not self._delays or not (reports := list_resendable(events)):
            return
        outbox, resends = self._create_outbox(), []
        for report in reports:
            source = decode_source(report.source)
            resend = await self._plan(report, source) if source is not None and source.partition < self._partitions else None
            if source is None or resend is None:
                continue
            key = resend.scheduled.user_id.encode()
            try:
                outbox.add(self._prefix + get_scheduled_topic(source.priority), source.partition, key, _encode(resend.scheduled))
            except RecordTooLargeError as error:
                self._on_too_large(resend.event, str(error))
                continue
            outbox.add(self._prefix + STATUS_TOPIC, source.partition, key, _encode(resend.event))
            resends.append(resend.event)
        await outbox.flush()
        for event in resends:
            self._on_resend(event)

    async def _plan(self, report: ReceiptEvent, source: RecordSource) -> Resend | None:
        topic = self._prefix + get_deliveries_topic(report.channel, source.priority)
        value = await self._reader.read(topic, source.partition, source.offset)
        return plan_resend(report, value, topic, self._delays, self._clock())
