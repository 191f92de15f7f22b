"""Rows of PostgreSQL from and to the values of schemas/users.py."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from schemas.profile import QuietHours
from schemas.sealed_columns import PrivateUser
from schemas.timestamps import to_epoch_seconds
from schemas.user_validation import normalize_user_addresses
from schemas.users import User, UserChange
from tables.postgres.database import DatabaseRow

_encode = msgspec.json.Encoder().encode
_decode_addresses = msgspec.json.Decoder(dict[str, list[str]]).decode
_decode_attributes = msgspec.json.Decoder(dict[str, Any]).decode
_decode_quiet_hours = msgspec.json.Decoder(QuietHours).decode

JSON_NULL = "null"
"""What deletes the quiet hours; NULL leaves them as they are."""


def encode_user_values(change: UserChange) -> tuple[str | None, ...]:
    """Addresses, locale, time zone, tier, attributes and quiet hours as the queries take them; None for what stays as it is."""
    return (
        None if change.addresses is UNSET else encode_json(normalize_user_addresses(change.addresses)),
        _unset_to_none(change.locale),
        _unset_to_none(change.time_zone),
        _unset_to_none(change.tier),
        None if change.attributes is UNSET else encode_json(change.attributes),
        None if change.quiet_hours is UNSET else encode_json(change.quiet_hours),
    )


def build_user(row: DatabaseRow, private: PrivateUser | None = None) -> User:
    """The user in a row of the queries of users.sql; `private` is what was sealed of one whose row is."""
    if private is None:
        private = build_private(row)
    return User(
        id=row["id"],
        addresses=private.addresses,
        locale=row["locale"],
        time_zone=row["time_zone"],
        tier=row["tier"],
        attributes=private.attributes,
        quiet_hours=_decode_quiet_hours(row["quiet_hours"]) if row["quiet_hours"] else None,
        version=row["version"],
        created_at=row["created_at"].timestamp(),
        updated_at=row["updated_at"].timestamp(),
    )


def build_private(row: DatabaseRow) -> PrivateUser:
    """What would be sealed of a user whose row is in plain."""
    return PrivateUser(_decode_addresses(row["addresses"]), _decode_attributes(row["attributes"]))


def encode_json(value: Any) -> str:
    """JSON for a column."""
    return _encode(value).decode()


def to_timestamp(value: float | datetime | None) -> datetime | None:
    """A time for a column."""
    return None if value is None else datetime.fromtimestamp(to_epoch_seconds(value), UTC)


def to_seconds(value: datetime | None) -> float | None:
    """A time of a column in epoch seconds."""
    return None if value is None else value.timestamp()


def _unset_to_none(value: str | UnsetType) -> str | None:
    return None if value is UNSET else value
