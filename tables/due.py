"""The table `due`: what the scheduler holds, in the order in which it is due.

An entry has two rows. The entry row, with the scheduled record, has the key (priority, time, user, id), so that a scan finds what is due
first; its time is never earlier than `due_at`. The index row leads from (user, id) to it. Who cancels or moves an entry must find its
index row. So the removal of the index row is the claim of a release: it is acknowledged before the output is produced, and from then on
the entry is released, whatever happens to the worker. Two more rows for each priority: the time up to which all is released, so that no
scan begins over the tombstones of what was; and the position of the last record that was stored, so that none is stored again.

A cancelled entry keeps both rows without its content for CANCELLED_ROWS seconds: a router that was killed before it recorded its hold
decides the hold again and writes the entry once more, and that must not undo the cancel.
"""

from struct import Struct as Layout

from msgspec import Struct

from schemas.enums import PRIORITIES, Priority
from schemas.lifetimes import NOTIFICATION_RECORDS
from tables.table_definition import CountedEntries, GetRows, RowView, TableDefinition, format_time

ENTRY_KEYS = tuple(bytes([number]) for number in range(len(PRIORITIES)))
"""The first byte of the entry keys of each priority."""
INDEX_KEYS, RELEASED_UNTIL_KEYS, POSITION_KEYS = b"i", b"r", b"s"

CANCELLED_ROWS = NOTIFICATION_RECORDS  # seconds; a record that is read again is no older
CANCELLED_ENTRY = b"\2"
"""The entry row of a cancelled entry."""

_VERSION = b"\1"
_CANCELLED_BIT = 0x80  # of the priority in an index row
_TIME_FORMAT = Layout(">Q")
_INDEX_FORMAT = Layout("<BQI")  # priority, milliseconds of the entry key, resume count
_POSITION_FORMAT = Layout("<qq")
_NUMBERS = {priority: number for number, priority in enumerate(PRIORITIES)}


class IndexRow(Struct, frozen=True, gc=False):
    """Where the entry row is: its priority and time (milliseconds); the resume count of the entry, and whether it was cancelled."""

    priority: Priority
    due_ms: int
    resume_count: int
    is_cancelled: bool = False


class Position(Struct, frozen=True, gc=False):
    """The offset of a record and its broker's time in milliseconds."""

    offset: int
    timestamp: int


def encode_entry_key(priority: Priority, due_ms: int, user_id: str = "", entry_id: str = "") -> bytes:
    """The key of an entry row; without user and id, the least key of this time."""
    start = ENTRY_KEYS[_NUMBERS[priority]] + _TIME_FORMAT.pack(due_ms)
    return start + encode_index_key(user_id, entry_id)[1:] if user_id else start


def encode_entry_limit(priority: Priority) -> bytes:
    """The first key after all entry keys of a priority."""
    return bytes([_NUMBERS[priority] + 1])


def decode_due_ms(entry_key: bytes) -> int:
    """The time in an entry key, in milliseconds."""
    due_ms: int = _TIME_FORMAT.unpack_from(entry_key, 1)[0]
    return due_ms


def get_user_key(entry_key: bytes) -> bytes:
    """The user in an entry key, in UTF-8: the key of the record that is released."""
    return entry_key[9:].partition(b"\0")[0]


def convert_to_index_key(entry_key: bytes) -> bytes:
    """The index key of the entry with this key."""
    return INDEX_KEYS + entry_key[9:]


def encode_index_key(user_id: str, entry_id: str) -> bytes:
    """The key of an index row."""
    return b"i%b\0%b" % (user_id.encode(), entry_id.encode())


def encode_index_row(row: IndexRow) -> bytes:
    """The row as 13 bytes."""
    return _INDEX_FORMAT.pack(_NUMBERS[row.priority] | (row.is_cancelled * _CANCELLED_BIT), row.due_ms, row.resume_count)


def decode_index_row(packed: bytes) -> IndexRow:
    """The row in these bytes. Raises struct.error if they are no row."""
    number, due_ms, resume_count = _INDEX_FORMAT.unpack(packed)
    return IndexRow(PRIORITIES[number & ~_CANCELLED_BIT], due_ms, resume_count, number & _CANCELLED_BIT != 0)


def leads_to(index_row: bytes, entry_key: bytes) -> bool:
    """Whether the entry of this index row has this key; both are of the same user and id. Raises struct.error if it is no row."""
    row = decode_index_row(index_row)
    return entry_key.startswith(encode_entry_key(row.priority, row.due_ms))


def encode_entry_row(scheduled: bytes) -> bytes:
    """The row of a scheduled record: its JSON behind a version."""
    return _VERSION + scheduled


def get_scheduled(packed: bytes) -> bytes:
    """The JSON of the scheduled record in an entry row. Raises ValueError if it is no row."""
    if not packed.startswith(_VERSION):
        raise ValueError("not a row of the table due")
    return packed[1:]


def encode_released_until_key(priority: Priority) -> bytes:
    """The key of the row with the time up to which this priority is released."""
    return RELEASED_UNTIL_KEYS + ENTRY_KEYS[_NUMBERS[priority]]


def encode_released_until(due_ms: int) -> bytes:
    """That row: a time in milliseconds."""
    return _TIME_FORMAT.pack(due_ms)


def decode_released_until(packed: bytes | None) -> int:
    """The time in that row; 0 without a row."""
    due_ms: int = _TIME_FORMAT.unpack(packed)[0] if packed else 0
    return due_ms


def encode_position_key(priority: Priority) -> bytes:
    """The key of the row with the position of the last record of this priority that was stored."""
    return POSITION_KEYS + ENTRY_KEYS[_NUMBERS[priority]]


def encode_position(position: Position) -> bytes:
    """That row."""
    return _POSITION_FORMAT.pack(position.offset, position.timestamp)


def decode_position(packed: bytes | None) -> Position:
    """The position in that row; before all records without a row."""
    return Position(*_POSITION_FORMAT.unpack(packed)) if packed else Position(-1, -1)


def read_time(packed: bytes) -> float:
    """Not used: the rows of this table do not expire. Raises TypeError."""
    raise TypeError("the rows of the table due do not expire")


def find_row(get_rows: GetRows, user_id: str, key: str) -> RowView | None:
    """The entry of a notification or delivery id, without its content. Raises ValueError without an id."""
    if not key:
        raise ValueError("missing key: use /tables/due/{user}/{notification id or delivery id}")
    (packed,) = get_rows([encode_index_key(user_id, key)])
    row = decode_index_row(packed) if packed is not None else None
    if row is None or row.is_cancelled:
        return None
    return {"id": key, "due_at": format_time(row.due_ms / 1000), "priority": row.priority, "resume_count": row.resume_count}


def encode_user_prefix(user_id: str) -> bytes:
    """What the keys of a user's index rows begin with."""
    return encode_index_key(user_id, "")


def is_held(index_row: bytes) -> bool:
    """Whether the entry of an index row waits for its time."""
    return not decode_index_row(index_row).is_cancelled


TABLE = TableDefinition("due", read_time, find_row, encode_user_prefix, CountedEntries(INDEX_KEYS, is_held))
