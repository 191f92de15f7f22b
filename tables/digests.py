"""The table `digests`: the digests that are open, and the notifications that they gather.

A digest is a notification of its own, which the scheduler holds until its window ends. A notification is in it if and only if its event row
is there. All rows but the last are claims (docs/decisions/0005), so that whoever decides a replay finds where it is; and all are removed
with the rows of the digest's own decision. Five kinds, each with the user in its key:

- window rows lead from what is gathered together (the window's fingerprint) to the digests that are not decided yet;
- the digest row has what is known of a digest;
- event rows have the notifications in it;
- member rows lead from a notification to its digest. One is written before the event row, so it may lead to a digest that has no such row;
- the scheduled row proves that the record with which the scheduler holds the digest is acknowledged. It is no claim.

A crash while the rows of a digest are removed may leave some, which nobody reads any more. So each row has the digest's time, or a
notification's, and expires when no digest of then can be open (lifetimes.DIGEST_ROWS).
"""

import struct
from typing import Any

import msgspec
from msgspec import Struct

from schemas.enums import Priority
from schemas.ids import NOTIFICATION_PREFIX
from tables.table_definition import GetRows, RowView, TableDefinition, format_time

ID_BYTES = 16
WINDOW_KEYS, DIGEST_KEYS, EVENT_KEYS, MEMBER_KEYS, SCHEDULED_KEYS = b"\0w", b"\0d", b"\0e", b"\0m", b"\0s"
_TIME = struct.Struct("<d")  # epoch seconds


class DigestRow(Struct, frozen=True, array_like=True):
    """An open digest; times in epoch seconds, `size` in bytes.

    `fingerprint` is its window's, in hex. `started_at` is the broker's time of the first notification's record. `cause`: why it ends at
    `ends_at`: `window`, `expiry`, or because it is full, `count` or `size`. Nothing joins a closed one.
    """

    type: str
    key: str
    fingerprint: str
    started_at: float
    ends_at: float
    priority: Priority
    count: int
    size: int
    cause: str = "window"
    is_closed: bool = False


class DigestEvent(Struct, frozen=True, array_like=True):
    """A notification in a digest, the `number`th that joined it; times in epoch seconds, `expires_at` 0 without a limit of its own.

    `sealed` stands for the data, which is empty then.
    """

    number: int
    id: str
    created_at: float
    expires_at: float
    data: dict[str, Any]
    sealed: bytes = b""


_encode = msgspec.json.Encoder().encode
_decode_digest = msgspec.json.Decoder(DigestRow).decode
_decode_event = msgspec.json.Decoder(DigestEvent).decode


def encode_window_prefix(user_key: bytes, fingerprint: bytes) -> bytes:
    """What the keys of the window rows of one fingerprint (16 bytes) begin with; `user_key` is the user's id in UTF-8."""
    return user_key + WINDOW_KEYS + fingerprint


def encode_window_key(user_key: bytes, fingerprint: bytes, digest_id: str) -> bytes:
    """The key of a window row."""
    return encode_window_prefix(user_key, fingerprint) + _get_id_bytes(digest_id)


def decode_window_key(key: bytes) -> str:
    """The id of the digest in the key of a window row."""
    return NOTIFICATION_PREFIX + key[-ID_BYTES:].hex()


def encode_digest_key(user_key: bytes, digest_id: str) -> bytes:
    """The key of a digest row."""
    return user_key + DIGEST_KEYS + _get_id_bytes(digest_id)


def encode_event_prefix(user_key: bytes, digest_id: str) -> bytes:
    """What the keys of the event rows of a digest begin with."""
    return user_key + EVENT_KEYS + _get_id_bytes(digest_id)


def encode_event_key(user_key: bytes, digest_id: str, notification_id: str) -> bytes:
    """The key of an event row."""
    return encode_event_prefix(user_key, digest_id) + _get_id_bytes(notification_id)


def encode_member_key(user_key: bytes, notification_id: str) -> bytes:
    """The key of a member row."""
    return user_key + MEMBER_KEYS + _get_id_bytes(notification_id)


def convert_to_member_key(event_key: bytes, user_key: bytes) -> bytes:
    """The key of the member row of the notification with this event row."""
    return user_key + MEMBER_KEYS + event_key[-ID_BYTES:]


def encode_member_row(digest_id: str, started_at: float) -> bytes:
    """The row: the id of the digest, and when it began."""
    return _get_id_bytes(digest_id) + _TIME.pack(started_at)


def decode_member_row(packed: bytes) -> str:
    """The id of the digest."""
    return NOTIFICATION_PREFIX + packed[:ID_BYTES].hex()


def encode_present_row(started_at: float) -> bytes:
    """The value of window rows and scheduled rows: when the digest began."""
    return _TIME.pack(started_at)


def encode_scheduled_key(user_key: bytes, digest_id: str) -> bytes:
    """The key of a scheduled row."""
    return user_key + SCHEDULED_KEYS + _get_id_bytes(digest_id)


def encode_digest_row(row: DigestRow) -> bytes:
    """The row as JSON."""
    return _encode(row)


def decode_digest_row(packed: bytes | None) -> DigestRow | None:
    """The row in these bytes; None without them. Raises msgspec.DecodeError if they are no row."""
    return None if packed is None else _decode_digest(packed)


def encode_event_row(event: DigestEvent) -> bytes:
    """The row as JSON; without what is sealed if nothing is."""
    return _encode(event if event.sealed else (event.number, event.id, event.created_at, event.expires_at, event.data))


def decode_event_row(packed: bytes) -> DigestEvent:
    """The event in these bytes. Raises msgspec.DecodeError if they are no row."""
    return _decode_event(packed)


def read_time(packed: bytes) -> float:
    """When the digest began, or for an event row when its notification was created, in epoch seconds. Raises msgspec.DecodeError."""
    if len(packed) <= ID_BYTES + _TIME.size:  # no JSON row is so short
        return float(_TIME.unpack(packed[-_TIME.size :])[0])
    return _decode_digest(packed).started_at if packed.startswith(b'["') else _decode_event(packed).created_at


def find_row(get_rows: GetRows, user_id: str, key: str) -> RowView | None:
    """The digest with this id, without what is in it. Raises ValueError without an id."""
    if len(key) != len(NOTIFICATION_PREFIX) + 2 * ID_BYTES:
        raise ValueError("missing key: use /tables/digests/{user}/{id of the digest}")
    (packed,) = get_rows([encode_digest_key(user_id.encode(), key)])
    row = decode_digest_row(packed)
    if row is None:
        return None
    times = {"started_at": format_time(row.started_at), "ends_at": format_time(row.ends_at)}
    return {"id": key, "type": row.type, "key": row.key, **times, "priority": row.priority, "count": row.count, "cause": row.cause}


def _get_id_bytes(notification_id: str) -> bytes:
    return bytes.fromhex(notification_id[len(NOTIFICATION_PREFIX) :])


def encode_user_prefix(user_id: str) -> bytes:
    """What the keys of a user's digest rows begin with; the other rows are not shown, because they have what is in the notifications."""
    return user_id.encode() + DIGEST_KEYS


TABLE = TableDefinition("digests", read_time, find_row, encode_user_prefix)
