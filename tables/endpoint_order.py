"""The table `endpoint_order`: which deliveries of a user an ordered webhook endpoint has not had yet, in their order.

Key: the user, NUL, the id of the endpoint. There is a row only while a delivery is in the scheduler: for its next attempt, or until its
turn. All others are in the worker, which reads them again after a crash. A row without entries stands for none.
"""

from collections.abc import Iterable
from enum import IntEnum
from math import ceil
from struct import Struct as Layout
from typing import NamedTuple

from msgspec import Struct

from schemas.enums import PRIORITIES, Priority
from schemas.ids import DELIVERY_PREFIX
from tables.table_definition import GetRows, RowView, TableDefinition, encode_user_prefix, format_time

_VERSION = 1
_HEAD_FORMAT = Layout("<Bd")  # version, time of writing
_ENTRY_FORMAT = Layout("<16sBI")  # the 16 bytes of the id, place and priority, expiry in whole seconds
_PLACE_SHIFT, _PRIORITY_MASK = 2, 3
_PLACE_OFFSET = 16  # in an entry
_MAX_EXPIRY = 2**32 - 1
_NUMBERS = {priority: number for number, priority in enumerate(PRIORITIES)}


class Place(IntEnum):
    """Where a delivery is: in the worker or on the way to it; in the scheduler, until its turn; or there, for its next attempt."""

    WORKER = 0
    WAITING = 1
    RETRYING = 2


_WAITING_FLAGS = [Place.WAITING << _PLACE_SHIFT | number for number in _NUMBERS.values()]


class OrderedEntry(Struct, gc=False):
    """One delivery: the 16 bytes of its id, the priority of its topic, when it expires (epoch seconds), and where it is."""

    key: bytes
    priority: Priority
    expires_at: float
    place: Place = Place.WORKER

    @property
    def delivery_id(self) -> str:
        """The id of the delivery."""
        return DELIVERY_PREFIX + self.key.hex()


class EndpointOrderRow(NamedTuple):
    """The deliveries in their order, and when the row was written (epoch seconds)."""

    entries: list[OrderedEntry]
    written_at: float


def encode_key(user_id: str, endpoint_id: str) -> bytes:
    """The key of the row of a user and an endpoint."""
    return encode_user_prefix(user_id) + endpoint_id.encode()


def encode_row(entries: Iterable[OrderedEntry], written_at: float) -> bytes:
    """The row as bytes, 21 for each entry; a time of expiry is rounded up to seconds."""
    pack = _ENTRY_FORMAT.pack
    packed = [
        pack(entry.key, entry.place << _PLACE_SHIFT | _NUMBERS[entry.priority], min(ceil(entry.expires_at), _MAX_EXPIRY))
        for entry in entries
    ]
    return _HEAD_FORMAT.pack(_VERSION, written_at) + b"".join(packed)


def decode_row(packed: bytes) -> EndpointOrderRow:
    """The row in these bytes. Raises ValueError if they are no row."""
    size = len(packed) - _HEAD_FORMAT.size
    if size < 0 or size % _ENTRY_FORMAT.size or packed[0] != _VERSION:
        raise ValueError("not a row of the table endpoint_order")
    entries = [
        OrderedEntry(key, PRIORITIES[flags & _PRIORITY_MASK], float(expires_at), Place(flags >> _PLACE_SHIFT))
        for key, flags, expires_at in _ENTRY_FORMAT.iter_unpack(memoryview(packed)[_HEAD_FORMAT.size :])
    ]
    return EndpointOrderRow(entries, read_time(packed))


def count_waiting(packed: bytes) -> int:
    """How many deliveries of a row wait in the scheduler until their turn; 0 for bytes that are no row."""
    places = packed[_HEAD_FORMAT.size + _PLACE_OFFSET :: _ENTRY_FORMAT.size]
    return sum(map(places.count, _WAITING_FLAGS))


def read_time(packed: bytes) -> float:
    """When the row was written, in epoch seconds. A delivery expires before a row that was not written since."""
    _, written_at = _HEAD_FORMAT.unpack_from(packed)
    return float(written_at)


def find_row(get_rows: GetRows, user_id: str, key: str) -> RowView | None:
    """The row of an endpoint, decoded. Raises ValueError without an id."""
    if not key:
        raise ValueError("missing key: use /tables/endpoint_order/{user}/{endpoint id}")
    (packed,) = get_rows([encode_key(user_id, key)])
    if packed is None:
        return None
    row = decode_row(packed)
    deliveries = [
        {
            "delivery_id": entry.delivery_id,
            "priority": entry.priority,
            "place": entry.place.name.lower(),
            "expires_at": format_time(entry.expires_at),
        }
        for entry in row.entries
    ]
    return {"endpoint_id": key, "written_at": format_time(row.written_at), "deliveries": deliveries}


TABLE = TableDefinition("endpoint_order", read_time, find_row)
