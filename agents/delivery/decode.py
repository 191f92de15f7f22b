"""A record of `deliveries.*` as a delivery that can be worked on, or the reason why it cannot."""

from typing import NamedTuple

import msgspec

from schemas.delivery import Delivery
from schemas.enums import Channel, Reason
from schemas.errors import DECODE_ERRORS
from schemas.ports import Record
from tables.attempts import MAX_UINT32, encode_key

_MAX_TIMESTAMP = 1e11
_decoder = msgspec.json.Decoder(Delivery)


class DecodedDelivery(NamedTuple):
    """A record, its delivery and the key of the delivery's row."""

    record: Record
    delivery: Delivery
    row_key: bytes


class DecodeFailure(NamedTuple):
    """A record that is no delivery of this channel; as much of the delivery as could be read."""

    record: Record
    reason: Reason
    error: str
    delivery: Delivery | None = None


def decode_delivery(record: Record, channel: Channel) -> DecodedDelivery | DecodeFailure:
    """The delivery in a record, checked as far as everything after it relies on."""
    if record.value is None:
        return DecodeFailure(record, Reason.NULL_VALUE, "the record has no value")
    try:
        delivery = _decoder.decode(record.value)
    except msgspec.ValidationError as error:
        return DecodeFailure(record, Reason.INVALID, str(error))
    except DECODE_ERRORS as error:
        return DecodeFailure(record, Reason.UNDECODABLE, str(error))
    try:
        row_key = encode_key(delivery.id)
    except ValueError as error:
        return DecodeFailure(record, Reason.INVALID, f"{error} - at `$.id`")
    wrong = _validate_delivery(delivery, channel)
    if wrong:
        return DecodeFailure(record, Reason.INVALID, wrong, delivery)
    return DecodedDelivery(record, delivery, row_key)


def _validate_delivery(delivery: Delivery, channel: Channel) -> str:
    if delivery.channel != channel:
        return f"a delivery by {delivery.channel} on a topic of {channel} - at `$.channel`"
    if not (0 <= delivery.redrive_count < MAX_UINT32 and 0 <= delivery.attempt < MAX_UINT32):
        return "redrive_count and attempt are 0 or more, and less than 2**32 - at `$.attempt`"
    if not (0 <= delivery.created_at < _MAX_TIMESTAMP and 0 <= delivery.expires_at < _MAX_TIMESTAMP):
        return "times are seconds since 1970 - at `$.expires_at`"
    return ""
