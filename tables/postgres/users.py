"""Stores users and their devices; a change is for the version that was read, and writes an entry of the audit log in its transaction."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import UNSET

from schemas.addresses import NORMALIZERS
from schemas.channels import CHANNELS, ChannelName
from schemas.projects import DEFAULT_PROJECT, project_in_force, qualify
from schemas.sealed_columns import list_forms
from schemas.sealing import Sealer
from schemas.user_audit import describe_fields
from schemas.users import AUDIT_ENTRY_PREFIX, ChangeOrigin, Device, DeviceChange, User, UserChange
from tables.postgres.audit_log import write_audit_entry
from tables.postgres.column_sealing import StoredToken, open_devices, open_users
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.preferences import MakeId, delete_all_preferences
from tables.postgres.query_loader import load_queries
from tables.postgres.user_columns import NO_SEALERS, encode_devices, encode_users, hold_sealers, list_device_forms, rename_devices
from tables.postgres.user_lock import lock_user
from tables.postgres.user_rows import build_user, encode_json, to_seconds, to_timestamp

_SQL = load_queries("users")
_DEVICES_SQL = load_queries("devices")
OBJECT_TYPE = "user"  # of the audit log, also for devices
USER_DELETED = "the user was deleted"


class UserStore:
    """Reads and writes the tables users and devices. Each method raises UnavailableError if PostgreSQL does not answer."""

    def __init__(self, database: Database, make_id: MakeId) -> None:
        self._database, self._make_id = database, make_id

    async def get(self, user_id: str) -> User | None:
        """A user; None if there is no such user."""
        users = await self._fetch_users("get_user", user_id)
        return users[0] if users else None

    async def list_users(self, search: str, limit: int, after: str = "") -> list[User]:
        """At most `limit` users whose id begins with the text or who have it as an address or device, in the order of ids after `after`."""
        index = None if self._database.sealing is None else self._database.sealing.index
        forms = [(channel, one) for channel, address in _find_addresses(search) for one in list_forms(index, channel, address)]
        addresses, tokens = encode_json([{channel: [one]} for channel, one in forms]), list_device_forms(self._database.sealing, search)
        first = qualify(project_in_force.get() or DEFAULT_PROJECT, search)  # the ids of a project are a range of the index
        return await self._fetch_users("list_users", after, first, addresses, tokens, limit)

    async def create(self, user_id: str, change: UserChange, origin: ChangeOrigin) -> User | None:
        """The new user; None if there is one with this id."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            held = await hold_sealers(self._database.sealing, connection, [user_id])
            (values,) = await encode_users(self._database.sealing, connection, [(user_id, change)], {}, held)
            row = await connection.fetchrow(_SQL["insert_user"], user_id, *values)
            if row is None:
                return None
            (user,) = await self._build_users(connection, [row], held)
            fields = _list_filled(user)
            details = {"fields": fields, "after": describe_fields(user, fields), "version": user.version}
            await self._log(connection, "create", user_id, origin, details)
        return user

    async def change(self, user_id: str, change: UserChange, version: int | None, origin: ChangeOrigin) -> User:
        """The changed user; None changes any version. Raises MissingUserError and VersionMismatchError."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            held = await hold_sealers(self._database.sealing, connection, [user_id])
            await lock_user(connection, user_id, version)
            row = await connection.fetchrow(_SQL["get_user"], user_id)
            (columns,) = await encode_users(self._database.sealing, connection, [(user_id, change)], {user_id: row}, held)
            changed = await connection.fetchrow(_SQL["update_user"], user_id, *columns)
            (before,) = await self._build_users(connection, [row], held)
            (user,) = await self._build_users(connection, [changed], held)
            if fields := _list_changed(before, user):
                values = {"before": describe_fields(before, fields), "after": describe_fields(user, fields)}
                await self._log(connection, "change", user_id, origin, {"fields": fields, **values, "version": user.version})
        return user

    async def delete(self, user_id: str, version: int | None, origin: ChangeOrigin) -> None:
        """Delete a user with devices and preferences, each of which has an event of consent. Raises as `change` does."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            await lock_user(connection, user_id, version)
            consent_origin = ChangeOrigin(origin.source, origin.actor, origin.reason or USER_DELETED)
            await delete_all_preferences(connection, user_id, self._make_id, consent_origin)
            await connection.execute(_SQL["delete_user"], user_id)
            await self._log(connection, "delete", user_id, origin, {})

    async def list_devices(self, user_id: str, limit: int, after: str = "") -> list[Device]:
        """At most `limit` devices of a user in the order of tokens as they are stored, from the first one after `after`."""
        sealing, forms = self._database.sealing, list_device_forms(self._database.sealing, after)
        async with self._database.acquire_connection() as connection:
            rows = await connection.fetch(_DEVICES_SQL["list_devices"], user_id, after, limit, forms[-1] if after else "")
            stored = [StoredToken(user_id, row["token"], row["sealed"]) for row in rows]
            tokens = await open_devices(sealing, connection, stored)
        return [_build_device(row, token) for row, token in zip(rows, tokens, strict=True)]

    async def set_device(self, user_id: str, token: str, change: DeviceChange, origin: ChangeOrigin) -> tuple[Device, bool]:
        """The device as it is now, and whether it is new. Raises MissingUserError."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            held = await hold_sealers(self._database.sealing, connection, [user_id])
            await lock_user(connection, user_id, None)
            stored = encode_devices(self._database.sealing, [(user_id, token)], held)
            await rename_devices(connection, [user_id], [token], stored)
            values = *_encode_device_values(change), stored.sealed[0]
            row = await connection.fetchrow(_DEVICES_SQL["upsert_device"], user_id, stored.tokens[0], *values)
            if row["is_changed"]:  # an app that registers the same device at each start is no news
                await self._log(connection, "set_device", user_id, origin, {"kind": row["kind"], "platform": row["platform"]})
        return _build_device(row, token), row["is_new"]

    async def delete_device(self, user_id: str, token: str, origin: ChangeOrigin) -> bool:
        """Whether there was such a device, which is deleted now. Raises MissingUserError."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            await lock_user(connection, user_id, None)  # before the device, as in every other change, so that no two wait for each other
            tokens = list_device_forms(self._database.sealing, token)
            row = await connection.fetchrow(_DEVICES_SQL["delete_device"], user_id, tokens)
            if row is not None:
                await self._log(connection, "delete_device", user_id, origin, {"kind": row["kind"], "platform": row["platform"]})
        return row is not None

    async def list_categories(self) -> Sequence[str]:
        """The categories that rules have."""
        return [row["category"] for row in await self._database.fetch(_SQL["list_categories"])]

    async def _fetch_users(self, query: str, *values: Any) -> list[User]:
        async with self._database.acquire_connection() as connection:
            return await self._build_users(connection, await connection.fetch(_SQL[query], *values), NO_SEALERS)

    async def _build_users(self, connection: Connection, rows: Sequence[DatabaseRow], held: Mapping[str, Sealer]) -> list[User]:
        opened = await open_users(self._database.sealing, connection, rows, held)
        return [build_user(row, opened.get(row["id"])) for row in rows]

    async def _log(self, connection: Connection, action: str, user_id: str, origin: ChangeOrigin, details: Mapping[str, Any]) -> None:
        """Append an entry to the audit log. Its values are masked, and go with the erasure of the user: it outlives the user."""
        entry_id, with_source = self._make_id(AUDIT_ENTRY_PREFIX), {"source": origin.source, **details}
        await write_audit_entry(connection, entry_id, origin.actor, action, OBJECT_TYPE, user_id, with_source)


def _list_filled(user: User) -> list[str]:
    return [name for name in UserChange.__struct_fields__ if getattr(user, name)]


def _list_changed(before: User, after: User) -> list[str]:
    return [name for name in UserChange.__struct_fields__ if getattr(before, name) != getattr(after, name)]


def _find_addresses(text: str) -> Iterator[tuple[ChannelName, str]]:
    """The channels that a text is an address of, with its normal form; tokens of devices are left out."""
    for channel in CHANNELS:
        if text and not channel.has_devices and isinstance(address := NORMALIZERS[channel.name](text), str):
            yield channel.name, address


def _encode_device_values(change: DeviceChange) -> tuple[Any, ...]:
    """Kind, platform, time of last use, and whether this is given."""
    is_given = change.last_seen_at is not UNSET
    kind, platform = (None if value is UNSET else value for value in (change.kind, change.platform))
    return kind, platform, to_timestamp(change.last_seen_at) if change.last_seen_at is not UNSET else None, is_given


def _build_device(row: DatabaseRow, token: str) -> Device:
    last_seen_at, updated_at = to_seconds(row["last_seen_at"]), row["updated_at"].timestamp()
    return Device(token, row["kind"], row["platform"], last_seen_at, updated_at)
