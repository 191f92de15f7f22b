"""Stores the preferences of users; each change appends events of consent in its transaction."""

from collections.abc import Callable, Sequence

from schemas.errors import MissingUserError
from schemas.ids import to_uuid_hex
from schemas.request_origin import get_request_origin
from schemas.users import CONSENT_EVENT_PREFIX, ChangeOrigin, ConsentEvent, Preference, PreferenceChange
from tables.postgres.address_forms import list_other_forms, open_event_addresses
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.query_loader import load_queries
from tables.postgres.user_lock import lock_user

MakeId = Callable[[str], str]  # a new id with a prefix

_SQL = load_queries("preferences")
_MAX_UUID = "f" * 32


class PreferenceStore:
    """Reads and writes the tables user_preferences and consent_events. Each method raises UnavailableError."""

    def __init__(self, database: Database, make_id: MakeId) -> None:
        self._database, self._make_id = database, make_id

    async def list_preferences(self, user_id: str) -> tuple[list[Preference], int]:
        """The preferences of a user, and the user's version. Raises MissingUserError."""
        async with self._database.acquire_connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            version: int | None = await connection.fetchval(_SQL["get_version"], user_id)
            if version is None:
                raise MissingUserError(user_id)
            return await _fetch_preferences(connection, user_id), version

    async def change(self, user_id: str, changes: Sequence[PreferenceChange], version: int | None, origin: ChangeOrigin) -> None:
        """Write and delete preferences; None changes any version. Raises MissingUserError and VersionMismatchError."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            await lock_user(connection, user_id, version)
            await self._write(connection, user_id, changes, origin)

    async def replace(self, user_id: str, preferences: Sequence[Preference], version: int | None, origin: ChangeOrigin) -> None:
        """Let a user have these preferences and no others. Raises as `change` does."""
        kept = {(one.category, one.channel) for one in preferences}
        changes = [PreferenceChange(one.choice, one.category, one.channel, one.digest) for one in preferences]
        async with self._database.acquire_connection() as connection, connection.transaction():
            await lock_user(connection, user_id, version)
            before = await _fetch_preferences(connection, user_id)
            changes += [PreferenceChange(None, one.category, one.channel) for one in before if (one.category, one.channel) not in kept]
            await self._write(connection, user_id, changes, origin)

    async def list_consent_events(self, user_id: str, limit: int, before: str | None = None) -> list[ConsentEvent]:
        """At most `limit` events about a user with ids below `before`, newest first."""
        below = to_uuid_hex(before) if before else _MAX_UUID
        sealing = self._database.sealing
        async with self._database.acquire_connection() as connection:
            forms = await list_other_forms(sealing, connection, user_id)
            rows = await connection.fetch(_SQL["list_consent_events"], user_id, below, limit, forms)
            opened = await open_event_addresses(sealing, connection, rows)
        return [_build_event(row, opened.get(row["address"], row["address"])) for row in rows]

    async def _write(self, connection: Connection, user_id: str, changes: Sequence[PreferenceChange], origin: ChangeOrigin) -> None:
        chosen = [(user_id, change) for change in changes if change.choice is not None]
        if deleted := [(change.category, change.channel) for change in changes if change.choice is None]:
            await _delete_preferences(connection, user_id, deleted, self._make_id, origin)
        if chosen:
            await self.set_many(connection, chosen, origin)

    async def set_many(self, connection: Connection, changes: Sequence[tuple[str, PreferenceChange]], origin: ChangeOrigin) -> list[str]:
        """Write the choices of locked users in the open transaction; returns the users for whom something changed."""
        return await set_choices(connection, changes, self._make_id, origin)


async def set_choices(
    connection: Connection, changes: Sequence[tuple[str, PreferenceChange]], make_id: MakeId, origin: ChangeOrigin
) -> list[str]:
    """Write the choices of locked users in the open transaction; returns the users for whom something changed."""
    rows = await connection.fetch(
        _SQL["set_preferences"],
        [user_id for user_id, _ in changes],
        [change.category for _, change in changes],
        [change.channel for _, change in changes],
        [change.choice for _, change in changes],
        [change.digest for _, change in changes],
        _make_event_ids(make_id, len(changes)),
        *_list_origin(origin),
    )
    return [row["user_id"] for row in rows]


async def delete_all_preferences(connection: Connection, user_id: str, make_id: MakeId, origin: ChangeOrigin) -> None:
    """Delete every preference of a locked user in the open transaction, with an event of consent for each."""
    stored = await _fetch_preferences(connection, user_id)
    await _delete_preferences(connection, user_id, [(one.category, one.channel) for one in stored], make_id, origin)


async def _delete_preferences(
    connection: Connection, user_id: str, keys: Sequence[tuple[str, str]], make_id: MakeId, origin: ChangeOrigin
) -> None:
    categories, channels = [category for category, _ in keys], [channel for _, channel in keys]
    event_ids = _make_event_ids(make_id, len(keys))
    await connection.execute(_SQL["delete_preferences"], [user_id] * len(keys), categories, channels, event_ids, *_list_origin(origin))


def _make_event_ids(make_id: MakeId, count: int) -> list[str]:
    return [to_uuid_hex(make_id(CONSENT_EVENT_PREFIX)) for _ in range(count)]


def _list_origin(origin: ChangeOrigin) -> tuple[str, ...]:
    return origin.source, origin.actor, origin.reason, *list_request_values()


def list_request_values() -> tuple[str, str, str]:
    """What an event of consent notes of the request at hand: principal, client's address, id."""
    request = get_request_origin()
    return request.principal, request.client_address, request.request_id


async def _fetch_preferences(connection: Connection, user_id: str) -> list[Preference]:
    rows = await connection.fetch(_SQL["list_preferences"], user_id)
    return [Preference(row["choice"], row["category"], row["channel"], row["digest"]) for row in rows]


def _build_event(row: DatabaseRow, address: str) -> ConsentEvent:
    return ConsentEvent(
        id=f"{CONSENT_EVENT_PREFIX}{row['id'].hex}",
        user_id=row["user_id"],
        category=row["category"],
        channel=row["channel"],
        address=address,
        change=row["change"],
        old_choice=row["old_choice"],
        new_choice=row["new_choice"],
        source=row["source"],
        actor=row["actor"],
        reason=row["reason"],
        occurred_at=row["occurred_at"].timestamp(),
    )
