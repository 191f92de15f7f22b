"""The table user_keys: the data keys of users, wrapped."""

from collections.abc import Sequence
from typing import NamedTuple

from schemas.sealing import OuterKeys
from schemas.user_keys import WrappedKey
from tables.postgres.database import Database
from tables.postgres.query_loader import load_queries

_SQL = load_queries("user_keys")


class KeyCount(NamedTuple):
    """How many data keys an outer key wraps, and how many it has wrapped that are destroyed."""

    outer_key_id: str
    kept: int
    erased: int


class PostgresUserKeys:
    """Reads data keys, makes missing ones, and wraps them anew. Each method raises UnavailableError."""

    def __init__(self, database: Database, outer_keys: OuterKeys) -> None:
        self._database, self._outer_keys = database, outer_keys

    async def get_many(self, user_ids: Sequence[str]) -> dict[str, list[WrappedKey]]:
        """The keys of users, in the order of their versions; users without keys are left out."""
        found: dict[str, list[WrappedKey]] = {}
        for user_id, version, outer_key_id, wrapped in await self._database.fetch(_SQL["list_user_keys"], user_ids):
            found.setdefault(user_id, []).append(WrappedKey(version, outer_key_id, wrapped))
        return found

    async def get_or_make(self, user_ids: Sequence[str]) -> dict[str, list[WrappedKey]]:
        """The keys of users; who has none, or only destroyed ones, gets a new one. Two writers get the same."""
        found = await self.get_many(user_ids)
        missing = sorted(user_id for user_id in user_ids if user_id not in found or found[user_id][-1].wrapped is None)
        if not missing:
            return found
        made = {user_id: self._make_key(user_id, found[user_id][-1].version + 1 if user_id in found else 1) for user_id in missing}
        versions, wrapped = [key.version for key in made.values()], [key.wrapped for key in made.values()]
        rows = await self._database.fetch(_SQL["insert_user_keys"], missing, versions, self._outer_keys.current_id, wrapped)
        for (user_id,) in rows:
            found.setdefault(user_id, []).append(made.pop(user_id))
        return {**found, **await self.get_many(list(made))} if made else found  # another writer was quicker

    def _make_key(self, user_id: str, version: int) -> WrappedKey:
        outer = self._outer_keys
        return WrappedKey(version, outer.current_id, outer.wrap(user_id, version, outer.make_data_key()))

    async def wrap_next(self, limit: int) -> int:
        """Wrap at most so many data keys with the first outer key that another one wraps; returns how many there were.

        Raises KeyError if there is an outer key that is not configured, SealError if another one has its id.
        """
        outer = self._outer_keys
        rows = await self._database.fetch(_SQL["list_keys_to_wrap"], outer.current_id, limit)
        if rows:
            wrapped = [outer.wrap(user_id, version, outer.unwrap(key_id, user_id, version, old)) for user_id, version, key_id, old in rows]
            user_ids, versions = [row["user_id"] for row in rows], [row["version"] for row in rows]
            async with self._database.acquire_connection() as connection:
                await connection.execute(_SQL["wrap_user_keys"], outer.current_id, user_ids, versions, wrapped)
        return len(rows)

    async def count(self) -> list[KeyCount]:
        """The number of data keys by outer key."""
        return [KeyCount(*row) for row in await self._database.fetch(_SQL["count_user_keys"])]
