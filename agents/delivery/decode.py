"""Decodes records of `deliveries.*` and validates the deliveries in them."""

from typing import NamedTuple

import msgspec
from msgspec import Struct

from schemas.channels import ChannelName
from schemas.delivery import Delivery
from schemas.enums import Reason
from schemas.errors import DECODE_ERRORS
from schemas.json_errors import describe_decode_error
from schemas.ports import Record
from schemas.sealing import Sealer
from tables.attempts import MAX_UINT32, encode_key

_MAX_TIMESTAMP = 1e11  # seconds since 1970: a greater value is probably in milliseconds
_decoder = msgspec.json.Decoder(Delivery)


class DecodedDelivery(Struct, frozen=True, gc=False):
    """A record, its delivery and the key of the delivery's row in the table `attempts`.

    `sealer` is set if the delivery in the record is sealed. `is_erased`: it can never be opened.
    """

    record: Record
    delivery: Delivery
    row_key: bytes
    sealer: Sealer | None = None
    is_erased: bool = False


class DecodeFailure(NamedTuple):
    """A record without a valid delivery of the worker's channel; `delivery` is set if the value could be decoded."""

    record: Record
    reason: Reason
    error: str
    delivery: Delivery | None = None


def decode_delivery(record: Record, channel: ChannelName) -> DecodedDelivery | DecodeFailure:
    """The delivery in a record, or why there is none."""
    if record.value is None:
        return DecodeFailure(record, Reason.NULL_VALUE, "the record has no value")
    try:
        delivery = _decoder.decode(record.value)
    except DECODE_ERRORS as error:
        reason = Reason.INVALID if isinstance(error, msgspec.ValidationError) else Reason.UNDECODABLE
        return DecodeFailure(record, reason, str(describe_decode_error(error, record.value)))
    try:
        row_key = encode_key(delivery.id)
    except ValueError as error:
        return DecodeFailure(record, Reason.INVALID, f"{error} - at $.id")
    error_text = _validate_delivery(delivery, channel)
    if error_text:
        return DecodeFailure(record, Reason.INVALID, error_text, delivery)
    return DecodedDelivery(record, delivery, row_key)


def _validate_delivery(delivery: Delivery, channel: ChannelName) -> str:
    """Why the delivery is invalid; empty if it is valid."""
    if delivery.channel != channel:
        return f"the channel is {delivery.channel}, but the topic is for {channel} - at $.channel"
    if not delivery.user_id or "\0" in delivery.user_id:
        return "an id cannot be empty or contain the character NUL - at $.user_id"
    if not (0 <= delivery.redrive_count < MAX_UINT32 and 0 <= delivery.attempt < MAX_UINT32):
        return "redrive_count and attempt must be at least 0 and less than 2**32 - at $.attempt"
    if not 0 <= delivery.counted_attempts <= delivery.attempt:
        return "counted_attempts must be at least 0 and at most attempt - at $.counted_attempts"
    if not 0 <= delivery.created_at < _MAX_TIMESTAMP:
        return "a time must be in seconds since 1970 - at $.created_at"
    if not 0 <= delivery.expires_at < _MAX_TIMESTAMP:
        return "a time must be in seconds since 1970 - at $.expires_at"
    return ""
