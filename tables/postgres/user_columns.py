"""What is written into the columns of users and devices: in plain, or sealed with tokens of the blind index in the place of values."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import UNSET

from schemas.errors import UnavailableError
from schemas.sealed_columns import PrivateUser, hide_user, seal_device, seal_user
from schemas.sealing import Sealer
from schemas.user_validation import normalize_user_addresses
from schemas.users import UserChange
from tables.postgres.column_sealing import NO_KEYS, ColumnSealing, open_users
from tables.postgres.database import Connection, DatabaseRow
from tables.postgres.query_loader import load_queries
from tables.postgres.user_rows import build_private, encode_json, encode_user_values

_DEVICES_SQL = load_queries("devices")
NO_SEALERS: Mapping[str, Sealer] = {}

UserValues = tuple[str | bytes | None, ...]
"""Addresses, locale, time zone, tier, attributes, quiet hours and what is sealed, for the queries; None for what stays as it is."""


class StoredDevices(NamedTuple):
    """Devices as they are stored."""

    tokens: list[str]
    sealed: list[bytes | None]


async def hold_sealers(sealing: ColumnSealing | None, connection: Connection, user_ids: Sequence[str]) -> Mapping[str, Sealer]:
    """The sealers of those users who are sealed, for the transaction; to be called before users are locked. Raises UnavailableError."""
    return NO_SEALERS if sealing is None else await sealing.hold_sealers(connection, user_ids)


async def encode_users(
    sealing: ColumnSealing | None,
    connection: Connection,
    changes: Sequence[tuple[str, UserChange]],
    stored: Mapping[str, DatabaseRow],
    held: Mapping[str, Sealer],
) -> list[UserValues]:
    """The values of each change. `stored`: the rows of those users who exist, locked. Raises UnavailableError."""
    if sealing is None:
        if any(row["sealed"] is not None for row in stored.values()):
            raise UnavailableError(NO_KEYS)
        return [(*encode_user_values(change), None) for _, change in changes]
    opened = await open_users(sealing, connection, stored.values(), held)
    return [
        _encode_user(sealing, user_id, change, stored.get(user_id), opened.get(user_id), held.get(user_id)) for user_id, change in changes
    ]


def _encode_user(
    sealing: ColumnSealing, user_id: str, change: UserChange, row: DatabaseRow | None, opened: PrivateUser | None, sealer: Sealer | None
) -> UserValues:
    _, *labels, _, quiet_hours = encode_user_values(change)
    if sealer is None:
        if opened is not None:
            raise UnavailableError("the user was sealed at this moment: try again")
        return (*encode_user_values(change), None)
    before = opened or (build_private(row) if row is not None else PrivateUser())
    after = _merge(before, change)
    if row is not None and opened == after:  # other bytes for the same would be a change
        return row["addresses"], *labels, row["attributes"], quiet_hours, row["sealed"]
    hidden = hide_user(after, sealing.index)
    return encode_json(hidden.addresses), *labels, encode_json(hidden.attributes), quiet_hours, seal_user(user_id, after, sealer)


def _merge(before: PrivateUser, change: UserChange) -> PrivateUser:
    addresses: Mapping[Any, list[str]] = before.addresses if change.addresses is UNSET else normalize_user_addresses(change.addresses)
    return PrivateUser({**addresses}, before.attributes if change.attributes is UNSET else change.attributes)


def encode_devices(sealing: ColumnSealing | None, devices: Sequence[tuple[str, str]], held: Mapping[str, Sealer]) -> StoredDevices:
    """Devices (user, token) as they are stored from now on."""
    tokens, sealed = list[str](), list[bytes | None]()
    for user_id, token in devices:
        if sealing is None or (sealer := held.get(user_id)) is None:
            tokens.append(token)
            sealed.append(None)
            continue
        hidden = sealing.index.compute_device(token)
        tokens.append(hidden)
        sealed.append(seal_device(hidden, token, sealer))
    return StoredDevices(tokens, sealed)


async def rename_devices(connection: Connection, user_ids: Sequence[str], tokens: Sequence[str], devices: StoredDevices) -> None:
    """Give devices of locked users that were stored in plain the form in which they are written afterwards."""
    if any(sealed is not None for sealed in devices.sealed):
        await connection.execute(_DEVICES_SQL["rename_devices"], user_ids, tokens, devices.tokens, devices.sealed)


def list_device_forms(sealing: ColumnSealing | None, token: str) -> list[str]:
    """What the token of a device can be in its column."""
    return [token] if sealing is None else [token, sealing.index.compute_device(token)]
