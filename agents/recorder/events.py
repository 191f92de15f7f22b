"""Records of `notifications.status` to the rows of one commit; pure."""

from collections.abc import Iterable, Sequence
from zlib import crc32

import msgspec
from msgspec import Struct

from schemas.dead_letter import DeadLetter
from schemas.enums import Reason
from schemas.errors import DECODE_ERRORS
from schemas.events import StatusEvent, compute_precedence
from schemas.history import STATE_RANK, DecidedRow, HistoryBatch, LoggedAttempt, RecordedDeadLetter
from schemas.ports import Batch, Record

_decode = msgspec.json.Decoder(DecidedRow | StatusEvent).decode
_ESCAPED_NUL = b"\\u0000"

NULL_VALUE = Reason.NULL_VALUE.value
UNDECODABLE = Reason.UNDECODABLE.value
UNSTORABLE = Reason.UNSTORABLE.value


class DecodedRecord(Struct, frozen=True, gc=False):
    """A record with the event in it; without one, `error` says why."""

    topic: str
    partition: int
    record: Record
    event: DecidedRow | StatusEvent | None
    error: str = ""


def decode_events(batch: Batch) -> list[DecodedRecord]:
    """What a batch says, in its order."""
    return [_decode_event(batch.topic, batch.partition, record) for record in batch.records]


def build_history_batch(records: Iterable[DecodedRecord]) -> HistoryBatch:
    """The rows of one commit: one per notification and delivery, by precedence; every attempt; a letter for what cannot be read."""
    notifications: dict[str, DecidedRow] = {}
    deliveries: dict[str, StatusEvent] = {}
    attempts: list[LoggedAttempt] = []
    letters: list[RecordedDeadLetter] = []
    for each in records:
        event = each.event
        if type(event) is StatusEvent:
            old = deliveries.get(event.delivery_id)
            if old is None or compute_precedence(old) < compute_precedence(event):
                deliveries[event.delivery_id] = event
            attempts.append(LoggedAttempt(_derive_log_id(event, each.record), event))
        elif type(event) is DecidedRow:
            first = notifications.get(event.id)
            if first is None or STATE_RANK[first.state] < STATE_RANK[event.state]:
                notifications[event.id] = event
        else:
            letters.append(build_dead_letter(each, NULL_VALUE if each.record.value is None else UNDECODABLE, each.error))
    return HistoryBatch(list(notifications.values()), list(deliveries.values()), attempts, letters)


def build_dead_letter(decoded: DecodedRecord, reason: str, error: str) -> RecordedDeadLetter:
    """The dead letter of a record that history cannot hold, filed under the record's own place."""
    record = decoded.record
    letter = DeadLetter(
        stage="recorder",
        reason=reason,
        error=error,
        source_topic=decoded.topic,
        source_partition=decoded.partition,
        source_offset=record.offset,
        key=record.key,
        value=record.value,
        null_value=record.value is None,
    )
    return RecordedDeadLetter(record.timestamp / 1000, decoded.topic, decoded.partition, record.offset, letter)


def split_in_half(records: Sequence[DecodedRecord]) -> tuple[Sequence[DecodedRecord], Sequence[DecodedRecord]]:
    """Both halves, to find what one commit failed at."""
    middle = len(records) // 2
    return records[:middle], records[middle:]


def _decode_event(topic: str, partition: int, record: Record) -> DecodedRecord:
    value = record.value
    if value is None:
        return DecodedRecord(topic, partition, record, None, "the record has no value")
    try:
        event = _decode(value)
    except DECODE_ERRORS as error:
        return DecodedRecord(topic, partition, record, None, str(error))
    return DecodedRecord(topic, partition, record, event if _ESCAPED_NUL not in value else _replace_nul(event))


def _replace_nul(event: DecidedRow | StatusEvent) -> DecidedRow | StatusEvent:
    """The event with U+FFFD for each NUL, which text in PostgreSQL cannot hold; JSON that is stored as it is keeps its escape."""
    texts = {name: text for name in event.__struct_fields__ if type(text := getattr(event, name)) is str and "\0" in text}
    return msgspec.structs.replace(event, **{name: text.replace("\0", "\ufffd") for name, text in texts.items()})


def _derive_log_id(event: StatusEvent, record: Record) -> str:
    """The same for the same record, however often it is read: the delivery's first 24 digits and a checksum of the bytes."""
    return f"{event.delivery_id[4:28]}{crc32(record.value or b''):08x}"
