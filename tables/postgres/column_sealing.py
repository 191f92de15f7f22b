"""Seals and opens the columns with personal data: users, devices and suppressions (docs/decisions/0054).

A transaction that writes holds the keys with which it seals, so that no erasure destroys one before it ends; it takes them before the
user, as an erasure does. Keys are read on the connection at hand, which may be the only one.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from schemas.blind_index import BlindIndex
from schemas.errors import ErasedError, SealError, UnavailableError
from schemas.log_events import LogEvent
from schemas.sealed_columns import NO_PRIVATE_USER, PrivateUser, open_device, open_suppressed, open_user
from schemas.sealing import OuterKeys, ReadRandom, Sealer
from schemas.user_keys import SealerReader, WrappedKey, unwrap_keys
from tables.postgres.database import Connection, DatabaseRow
from tables.postgres.project_sealing import ProjectSealing
from tables.postgres.query_loader import load_queries

_SQL = load_queries("user_keys")
_LOGGER = logging.getLogger("herold")
ADDRESS_UNREADABLE: LogEvent = "sealing.address_unreadable"
NO_KEYS = "the addresses of users are sealed, and the settings of encryption have no keys: set encryption.keys and encryption.index_key"


class StoredToken(NamedTuple):
    """The token of a device as it is stored."""

    user_id: str
    token: str
    sealed: bytes | None


class ColumnSealing:
    """How the columns of one database are sealed; `cached` reads keys for profiles, where those of a moment ago will do."""

    def __init__(
        self,
        outer_keys: OuterKeys,
        index: BlindIndex,
        projects: ProjectSealing,
        read_random: ReadRandom,
        cached: SealerReader | None = None,
    ) -> None:
        self._outer_keys, self._read_random = outer_keys, read_random
        self.index, self.projects, self.cached = index, projects, cached

    def seals(self, user_id: str) -> bool:
        """Whether the data of a user is sealed, as of the last refresh."""
        return self.projects.seals(user_id)

    async def hold_sealers(self, connection: Connection, user_ids: Iterable[str]) -> dict[str, Sealer]:
        """The sealers of users who are sealed or are to be, with a new key for who has none.

        They cannot be destroyed until the transaction ends. Who is sealed stays so when sealing is switched off, so that no process with
        other settings writes the data in plain. Raises UnavailableError.
        """
        await self.projects.refresh(connection.fetch)
        wanted, others = list[str](), list[str]()
        for user_id in user_ids:
            (wanted if self.seals(user_id) else others).append(user_id)
        if others:
            wanted += [row["id"] for row in await connection.fetch(_SQL["list_sealed_users"], others)]
        return await self.hold_keys(connection, wanted)

    async def hold_keys(self, connection: Connection, key_ids: Iterable[str]) -> dict[str, Sealer]:
        """The sealers with these ids, whoever they belong to; as hold_sealers."""
        wanted = sorted(set(key_ids))
        if not wanted:
            return {}
        found = self._build(await connection.fetch(_SQL["hold_user_keys"], wanted))
        if missing := [key_id for key_id in wanted if key_id not in found or not found[key_id].can_seal]:
            await self._insert_keys(connection, missing)
            found |= self._build(await connection.fetch(_SQL["hold_user_keys"], missing))
        return found

    async def hold_keys_of(self, connection: Connection, user_id: str | None, address_token: str) -> Sealer | None:
        """What seals a suppressed address: the key of the user, without one the key of the address; None if it is not sealed."""
        await self.projects.refresh(connection.fetch)
        if not self.seals(user_id or ""):
            return None
        key_id = user_id or address_token
        return (await self.hold_keys(connection, [key_id]))[key_id]

    async def read_sealers(self, connection: Connection, user_ids: Iterable[str]) -> dict[str, Sealer]:
        """The sealers of users, to open what is sealed. Raises UnavailableError."""
        wanted = [*dict.fromkeys(user_ids)]
        return self._build(await connection.fetch(_SQL["list_user_keys"], wanted)) if wanted else {}

    async def _insert_keys(self, connection: Connection, key_ids: Sequence[str]) -> None:
        versions = {row["user_id"]: row["version"] for row in await connection.fetch(_SQL["list_user_keys"], key_ids)}
        numbers = [versions.get(key_id, 0) + 1 for key_id in key_ids]
        outer = self._outer_keys
        wrapped = [outer.wrap(key_id, number, outer.make_data_key()) for key_id, number in zip(key_ids, numbers, strict=True)]
        await connection.execute(_SQL["insert_user_keys"], key_ids, numbers, outer.current_id, wrapped)

    def _build(self, rows: Iterable[DatabaseRow]) -> dict[str, Sealer]:
        keys: dict[str, list[WrappedKey]] = {}
        for user_id, version, outer_key_id, wrapped in rows:
            keys.setdefault(user_id, []).append(WrappedKey(version, outer_key_id, wrapped))
        try:
            return {one: Sealer(one, unwrap_keys(one, found, self._outer_keys), self._read_random) for one, found in keys.items()}
        except KeyError as error:
            raise UnavailableError(f"the outer key {error} wraps keys of users, and encryption.keys does not have it") from None
        except SealError as error:
            raise UnavailableError(str(error)) from None


async def open_users(
    sealing: ColumnSealing | None, connection: Connection, rows: Iterable[DatabaseRow], held: Mapping[str, Sealer] | None = None
) -> dict[str, PrivateUser]:
    """What is sealed in rows of users (`id`, `sealed`), by user; who was erased has nothing. Raises UnavailableError."""
    sealed = {row["id"]: row["sealed"] for row in rows if row["sealed"] is not None}
    sealers = await _get_sealers(sealing, connection, sealed, held)
    return {user_id: open_private(user_id, one, sealers.get(user_id)) for user_id, one in sealed.items()}


def open_private(user_id: str, sealed: bytes, sealer: Sealer | None) -> PrivateUser:
    """What is sealed of a user; nothing if the key is destroyed. Raises UnavailableError."""
    try:
        return NO_PRIVATE_USER if sealer is None else open_user(user_id, sealed, sealer)
    except ErasedError:
        return NO_PRIVATE_USER
    except SealError as error:
        raise UnavailableError(f"the addresses of a user: {error}") from None


async def open_devices(
    sealing: ColumnSealing | None,
    connection: Connection,
    devices: Sequence[StoredToken],
    held: Mapping[str, Sealer] | None = None,
) -> list[str]:
    """The tokens of devices, one by one. Raises UnavailableError."""
    sealers = await _get_sealers(sealing, connection, [one.user_id for one in devices if one.sealed is not None], held)
    return [one.token if one.sealed is None else open_token(one.token, one.sealed, sealers.get(one.user_id)) for one in devices]


def open_token(stored: str, sealed: bytes, sealer: Sealer | None) -> str:
    """The token of a device; the stored one, which is a hash, if the key is destroyed. Raises UnavailableError."""
    try:
        return stored if sealer is None else open_device(stored, sealed, sealer)
    except ErasedError:
        return stored
    except SealError as error:
        raise UnavailableError(f"the token of a device: {error}") from None


async def open_suppressions(sealing: ColumnSealing | None, connection: Connection, rows: Sequence[DatabaseRow]) -> list[str]:
    """The addresses in rows of suppressions (`user_id`, `address`, `sealed`), row by row; of whom was erased a token.

    Without keys it is a token, too: what is suppressed can be listed and undone by its id. `id`, if rows have it, is logged for an
    address that does not open.
    """
    owners = [(row["user_id"] or row["address"]) if row["sealed"] is not None else None for row in rows]
    sealers = await sealing.read_sealers(connection, filter(None, owners)) if sealing is not None else {}
    return [
        open_address(row["address"], row["sealed"], sealers.get(owner), suppression=row.get("id")) if owner else row["address"]
        for owner, row in zip(owners, rows, strict=True)
    ]


def open_address(stored: str, sealed: bytes, sealer: Sealer | None, **ids: object) -> str:
    """A suppressed address; its token if the key is destroyed, or if it does not open, which is logged with the ids.

    The token is as good for a suppression, and no retry would open it.
    """
    try:
        return stored if sealer is None else open_suppressed(stored, sealed, sealer)
    except ErasedError:
        return stored
    except SealError as error:
        _LOGGER.error(ADDRESS_UNREADABLE, extra={"fields": {**{name: str(one) for name, one in ids.items()}, "cause": str(error)}})
        return stored


async def _get_sealers(
    sealing: ColumnSealing | None, connection: Connection, user_ids: Iterable[str], held: Mapping[str, Sealer] | None
) -> Mapping[str, Sealer]:
    missing = [user_id for user_id in dict.fromkeys(user_ids) if held is None or user_id not in held]
    if not missing:
        return held or {}
    if sealing is None:
        raise UnavailableError(NO_KEYS)
    return {**(held or {}), **await sealing.read_sealers(connection, missing)}
