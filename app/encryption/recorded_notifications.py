"""Opens recorded notifications, on which rules and templates are tried."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from schemas.errors import DECODE_ERRORS, ErasedError, SealError
from schemas.notification import SealedNotification
from schemas.ports import Header, Record, RecordedNotification
from schemas.sealed_records import open_fields
from schemas.sealing import Sealer
from schemas.user_keys import SealerReader

_decode = msgspec.json.Decoder(SealedNotification).decode


class OpenedRecord(NamedTuple):
    """A record with another value."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]


async def open_recorded(records: Sequence[RecordedNotification], reader: SealerReader | None) -> list[RecordedNotification]:
    """The records with what was sealed in them, without those that cannot be opened. Raises UnavailableError."""
    sealed = {index: found for index, one in enumerate(records) if (found := _find_sealed(one.record)) is not None}
    if not sealed:
        return [*records]
    sealers = await reader.get_many([one.user_id for one in sealed.values()]) if reader is not None else {}
    opened = []
    for index, one in enumerate(records):
        if index not in sealed:
            opened.append(one)
        elif (value := _open(one.record, sealed[index], sealers.get(sealed[index].user_id))) is not None:
            record = OpenedRecord(one.record.offset, one.record.timestamp, one.record.key, value, one.record.headers)
            opened.append(one._replace(record=record))
    return opened


def _find_sealed(record: Record) -> SealedNotification | None:
    if record.value is None or b'"sealed":' not in record.value:
        return None
    try:
        notification = _decode(record.value)
    except DECODE_ERRORS:
        return None
    return notification if notification.sealed else None


def _open(record: Record, notification: SealedNotification, sealer: Sealer | None) -> bytes | None:
    if sealer is None:
        return None
    try:
        return open_fields(record.value or b"", "notification", notification.id or "", sealer)
    except (ErasedError, SealError, *DECODE_ERRORS):
        return None
