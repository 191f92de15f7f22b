"""Decodes records of `notifications.status` and builds the rows of one commit; pure functions."""

from collections.abc import Iterable, Sequence
from zlib import crc32

import msgspec
from msgspec import Struct

from agents.dead_letter import build_dead_letter
from schemas.enums import Reason
from schemas.errors import DECODE_ERRORS
from schemas.events import EngagementEvent, InboundEvent, ReceiptEvent, StatusEvent, compute_precedence
from schemas.history import (
    DecidedRow,
    HistoryBatch,
    LoggedAttempt,
    ReceivedReport,
    RecordedDeadLetter,
    compute_decision_precedence,
)
from schemas.json_errors import describe_decode_error
from schemas.ports import Batch, Record

RecordedEvent = DecidedRow | StatusEvent | ReceiptEvent | EngagementEvent | InboundEvent

_decode = msgspec.json.Decoder(RecordedEvent).decode
_BACKSLASH, _ESCAPED_NUL = ord("\\"), b"\\u0000"


class DecodedRecord(Struct, frozen=True, gc=False):
    """A record with its event, or with the error if it could not be decoded."""

    topic: str
    partition: int
    record: Record
    event: RecordedEvent | None
    error: str = ""


def decode_events(batch: Batch) -> list[DecodedRecord]:
    """The records of a batch with their events, in the same order."""
    return [_decode_event(batch.topic, batch.partition, record) for record in batch.records]


def build_history_batch(records: Iterable[DecodedRecord]) -> HistoryBatch:
    """The rows of one commit: the winning event per decision and delivery, every attempt and report, a dead letter for the undecodable."""
    notifications: dict[tuple[str, str, int, int], DecidedRow] = {}  # by id and user: a producer may give one id to two users
    deliveries: dict[str, StatusEvent] = {}
    attempts: list[LoggedAttempt] = []
    dead_letters: list[RecordedDeadLetter] = []
    reported: list[DecodedRecord] = []
    for decoded in records:
        event = decoded.event
        if type(event) is StatusEvent:
            winner = deliveries.get(event.delivery_id)
            if winner is None or compute_precedence(winner) < compute_precedence(event):
                deliveries[event.delivery_id] = event
            attempts.append(LoggedAttempt(_derive_log_id(event, decoded.record), event))
        elif type(event) is DecidedRow:
            key = event.id, event.user_id, event.resume_count, event.redrive_count
            first = notifications.get(key)
            if first is None or compute_decision_precedence(first) < compute_decision_precedence(event):
                notifications[key] = event
        elif event is not None:
            reported.append(decoded)
        else:
            reason = Reason.NULL_VALUE if decoded.record.value is None else Reason.UNDECODABLE
            dead_letters.append(build_recorded_dead_letter(decoded, reason, decoded.error))
    return HistoryBatch(list(notifications.values()), list(deliveries.values()), attempts, dead_letters, *_select_reports(reported))


def _select_reports(records: Iterable[DecodedRecord]) -> tuple[list[ReceivedReport], list[InboundEvent]]:
    """The reports and inbound messages, each once, the first of those that are the same."""
    reports: dict[tuple[str, str, str], ReceivedReport] = {}
    inbound: dict[tuple[str, str], InboundEvent] = {}
    for decoded in records:
        event = decoded.event
        if isinstance(event, InboundEvent):
            inbound.setdefault((event.provider, event.event_key), event)
        elif isinstance(event, ReceiptEvent | EngagementEvent):
            at = decoded.record.timestamp / 1000
            report = ReceivedReport(event, decoded.topic, decoded.partition, decoded.record.offset, at)
            reports.setdefault((event.delivery_id, event.provider, event.event_key), report)
    return list(reports.values()), list(inbound.values())


def build_recorded_dead_letter(decoded: DecodedRecord, reason: Reason, error: str) -> RecordedDeadLetter:
    """The dead letter of a record that cannot be recorded, stored under the record's own topic, partition and offset."""
    topic, partition, record = decoded.topic, decoded.partition, decoded.record
    dead_letter = build_dead_letter("recorder", topic, partition, record, reason, error)
    return RecordedDeadLetter(record.timestamp / 1000, topic, partition, record.offset, dead_letter)


def split_in_half(records: Sequence[DecodedRecord]) -> tuple[Sequence[DecodedRecord], Sequence[DecodedRecord]]:
    """Both halves, to find the record that makes a commit fail."""
    middle = len(records) // 2
    return records[:middle], records[middle:]


def _decode_event(topic: str, partition: int, record: Record) -> DecodedRecord:
    value = record.value
    if value is None:
        return DecodedRecord(topic, partition, record, None, "the record has no value")
    try:
        event = _decode(value)
    except DECODE_ERRORS as error:
        return DecodedRecord(topic, partition, record, None, str(describe_decode_error(error, value)))
    # one byte is found in a tenth of the time, and few records have it
    if _BACKSLASH in value and _ESCAPED_NUL in value:
        event = _replace_nul(event)
    return DecodedRecord(topic, partition, record, event)


def _replace_nul(event: RecordedEvent) -> RecordedEvent:
    """The event with U+FFFD for each NUL in its text fields, because PostgreSQL text cannot hold it. Raw JSON keeps its escape."""
    texts = {name: text for name in event.__struct_fields__ if type(text := getattr(event, name)) is str and "\0" in text}
    return msgspec.structs.replace(event, **{name: text.replace("\0", "\ufffd") for name, text in texts.items()})


def _derive_log_id(event: StatusEvent, record: Record) -> str:
    """The first 24 hex digits of the delivery id and a checksum of the record, so that a replay has the same id."""
    return f"{event.delivery_id[4:28]}{crc32(record.value or b''):08x}"
