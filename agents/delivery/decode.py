"""A record of `deliveries.*` as a delivery that can be worked on, or the reason why it cannot."""

from typing import NamedTuple

import msgspec

from schemas.delivery import Delivery
from schemas.errors import UNREADABLE
from schemas.ports import Record
from schemas.words import Channel, Reason
from tables.attempts import MAX_NUMBER, key

_LATEST = 1e11
_delivery = msgspec.json.Decoder(Delivery)


class Readable(NamedTuple):
    """A record, its delivery and the key of the delivery's row."""

    record: Record
    delivery: Delivery
    key: bytes


class Unreadable(NamedTuple):
    """A record that is no delivery of this channel; as much of the delivery as could be read."""

    record: Record
    reason: Reason
    error: str
    delivery: Delivery | None = None


def decoded(record: Record, channel: Channel) -> Readable | Unreadable:
    """The delivery in a record, checked as far as everything after it relies on."""
    if record.value is None:
        return Unreadable(record, Reason.NULL_VALUE, "the record has no value")
    try:
        delivery = _delivery.decode(record.value)
    except msgspec.ValidationError as error:
        return Unreadable(record, Reason.INVALID, str(error))
    except UNREADABLE as error:
        return Unreadable(record, Reason.UNDECODABLE, str(error))
    try:
        row_key = key(delivery.id)
    except ValueError as error:
        return Unreadable(record, Reason.INVALID, f"{error} - at `$.id`")
    wrong = _wrong(delivery, channel)
    if wrong:
        return Unreadable(record, Reason.INVALID, wrong, delivery)
    return Readable(record, delivery, row_key)


def _wrong(delivery: Delivery, channel: Channel) -> str:
    if delivery.channel != channel:
        return f"a delivery by {delivery.channel} on a topic of {channel} - at `$.channel`"
    if not (0 <= delivery.generation < MAX_NUMBER and 0 <= delivery.attempt < MAX_NUMBER):
        return "generation and attempt are 0 or more, and less than 2**32 - at `$.attempt`"
    if not (0 <= delivery.created_at < _LATEST and 0 <= delivery.expires_at < _LATEST):
        return "times are seconds since 1970 - at `$.expires_at`"
    return ""
