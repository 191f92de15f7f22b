"""Records of `notifications.status` to the rows of one commit; pure."""

from collections.abc import Iterable, Sequence
from zlib import crc32

import msgspec
from msgspec import Struct

from schemas.deadletter import DeadLetter
from schemas.errors import UNREADABLE
from schemas.history import STATE_RANK, AcceptedRow, Entries, FiledLetter, LoggedAttempt
from schemas.ports import Batch, Record
from schemas.status import Status, precedence
from schemas.words import Reason

_decode = msgspec.json.Decoder(AcceptedRow | Status).decode
_NUL = b"\\u0000"

NULL_VALUE = Reason.NULL_VALUE.value
UNDECODABLE = Reason.UNDECODABLE.value
UNSTORABLE = "unstorable"


class Heard(Struct, frozen=True, gc=False):
    """A record with the event in it; without one, `error` says why."""

    topic: str
    partition: int
    record: Record
    event: AcceptedRow | Status | None
    error: str = ""


def heard(batch: Batch) -> list[Heard]:
    """What a batch says, in its order."""
    return [_heard(batch.topic, batch.partition, record) for record in batch.records]


def entries(said: Iterable[Heard]) -> Entries:
    """The rows of one commit: one per notification and delivery, by precedence; every attempt; a letter for what cannot be read."""
    notifications: dict[str, AcceptedRow] = {}
    deliveries: dict[str, Status] = {}
    attempts: list[LoggedAttempt] = []
    letters: list[FiledLetter] = []
    for each in said:
        event = each.event
        if type(event) is Status:
            old = deliveries.get(event.delivery_id)
            if old is None or precedence(old) < precedence(event):
                deliveries[event.delivery_id] = event
            attempts.append(LoggedAttempt(_log_id(event, each.record), event))
        elif type(event) is AcceptedRow:
            first = notifications.get(event.id)
            if first is None or STATE_RANK[first.state] < STATE_RANK[event.state]:
                notifications[event.id] = event
        else:
            letters.append(letter_of(each, NULL_VALUE if each.record.value is None else UNDECODABLE, each.error))
    return Entries(list(notifications.values()), list(deliveries.values()), attempts, letters)


def letter_of(each: Heard, reason: str, error: str) -> FiledLetter:
    """The dead letter of a record that history cannot hold, filed under the record's own place."""
    record = each.record
    letter = DeadLetter(
        stage="recorder",
        reason=reason,
        error=error,
        topic=each.topic,
        partition=each.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        null_value=record.value is None,
    )
    return FiledLetter(record.timestamp / 1000, each.topic, each.partition, record.offset, letter)


def halves(said: Sequence[Heard]) -> tuple[Sequence[Heard], Sequence[Heard]]:
    """Both halves, to find what one commit failed at."""
    middle = len(said) // 2
    return said[:middle], said[middle:]


def _heard(topic: str, partition: int, record: Record) -> Heard:
    value = record.value
    if value is None:
        return Heard(topic, partition, record, None, "the record has no value")
    try:
        event = _decode(value)
    except UNREADABLE as error:
        return Heard(topic, partition, record, None, str(error))
    return Heard(topic, partition, record, event if _NUL not in value else _without_nul(event))


def _without_nul(event: AcceptedRow | Status) -> AcceptedRow | Status:
    """The event with U+FFFD for each NUL, which text in PostgreSQL cannot hold; JSON that is stored as it is keeps its escape."""
    texts = {name: text for name in event.__struct_fields__ if type(text := getattr(event, name)) is str and "\0" in text}
    return msgspec.structs.replace(event, **{name: text.replace("\0", "\ufffd") for name, text in texts.items()})


def _log_id(event: Status, record: Record) -> str:
    """The same for the same record, however often it is read: the delivery's first 24 digits and a checksum of the bytes."""
    return f"{event.delivery_id[4:28]}{crc32(record.value or b''):08x}"
