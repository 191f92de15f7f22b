"""Erases users: destroys their keys, deletes their rows, and leaves hashes of suppressed addresses (docs/decisions/0047)."""

from collections.abc import Sequence
from typing import Any

import msgspec

from schemas.addresses import build_comparison_key
from schemas.blind_index import BlindIndex, is_token
from schemas.erasures import ERASURE_PREFIX, Erasure, OwnedAddress
from schemas.errors import ConflictError, MissingUserError
from schemas.ids import to_uuid_hex
from schemas.users import AUDIT_ENTRY_PREFIX, ChangeOrigin
from tables.postgres.address_forms import list_tokens, read_addresses
from tables.postgres.audit_log import append_audit_entry, erase_from_logs
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.policy_writer import MakeId
from tables.postgres.preferences import delete_all_preferences
from tables.postgres.query_loader import load_queries
from tables.postgres.user_columns import NO_SEALERS
from tables.postgres.user_lock import lock_user
from tables.postgres.user_rows import encode_json

_SQL = load_queries("erasures")
_USERS_SQL = load_queries("users")
_FIRST_ID = "0" * 32
USER_ERASED = "the user was erased"
NO_INDEX_KEY = "the user has suppressed addresses, of which a hash has to stay: set encryption.index_key, then erase the user again"

_decode_counts = msgspec.json.Decoder(dict[str, int]).decode


class ErasureStore:
    """Erases users and reads the erasure log. Each method raises UnavailableError; without `index` a user with suppressions stays."""

    def __init__(self, database: Database, make_id: MakeId, index: BlindIndex | None) -> None:
        self._database, self._make_id, self._index = database, make_id, index

    async def list_addresses(self, user_id: str) -> list[OwnedAddress]:
        """The addresses that a user has."""
        async with self._database.acquire_connection() as connection:
            return await read_addresses(self._database.sealing, connection, user_id)

    def list_key_ids(self, user_id: str, owned: Sequence[OwnedAddress]) -> list[str]:
        """The ids of the keys that the erasure of a user destroys: the user's, and those of suppressed addresses of the user."""
        return [user_id, *list_tokens(self._database.sealing, owned)]

    async def record_export(self, actor: str, user_id: str) -> None:
        """Append to the audit log that somebody exports the data of a user."""
        entry_id, details = self._make_id(AUDIT_ENTRY_PREFIX), {"resource": "export", "count": 1}
        await append_audit_entry(self._database, entry_id, actor, "read", "user", user_id, details)

    async def erase(self, user_id: str, origin: ChangeOrigin) -> Erasure:
        """Erase a user, who need not exist any more. Raises ConflictError if a hash has to stay and there is no key for it."""
        erasure_id = self._make_id(ERASURE_PREFIX)
        async with self._database.acquire_connection() as connection, connection.transaction():
            counts = await self._erase_rows(connection, user_id, erasure_id, origin)
            values = to_uuid_hex(erasure_id), user_id, origin.actor, origin.reason, encode_json(counts)
            return _build_erasure(await connection.fetchrow(_SQL["insert_erasure"], *values))

    async def list_erasures(self, limit: int, after: str = "") -> list[Erasure]:
        """At most `limit` entries of the erasure log, oldest first, from the first one after `after`."""
        rows = await self._database.fetch(_SQL["list_erasures"], to_uuid_hex(after) if after else _FIRST_ID, limit)
        return [_build_erasure(row) for row in rows]

    async def _erase_rows(self, connection: Connection, user_id: str, erasure_id: str, origin: ChangeOrigin) -> dict[str, int]:
        sealing = self._database.sealing
        held = await sealing.read_sealers(connection, [user_id]) if sealing is not None else NO_SEALERS
        before = await read_addresses(sealing, connection, user_id, held)
        # keys before the user, as whoever writes holds them
        counts = {"keys": await _destroy_keys(connection, self.list_key_ids(user_id, before))}
        is_stored = await _lock_if_stored(connection, user_id)
        owned = await read_addresses(sealing, connection, user_id, held)
        counts["keys"] += await _destroy_keys(connection, list_tokens(sealing, [one for one in owned if one not in before]))
        keys, tokens = [build_comparison_key(one.channel, one.address) for one in owned], list_tokens(sealing, owned)
        channels = [one.channel for one in owned]
        forms = [*channels, *channels][: len(keys) + len(tokens)], [*keys, *tokens]
        suppressed = _build_addresses(await connection.fetch(_SQL["list_suppressed"], user_id, *forms))
        if suppressed:
            counts["suppressions"], keys_since = await self._hash_addresses(connection, user_id, suppressed)
            counts["keys"] += keys_since
        for name in ("empty_replacements", "delete_dead_letters", "delete_user_counts"):
            counts[name.partition("_")[2]] = len(await connection.fetch(_SQL[name], user_id))
        if is_stored:
            await delete_all_preferences(connection, user_id, self._make_id, ChangeOrigin(origin.source, origin.actor, USER_ERASED))
            await connection.execute(_USERS_SQL["delete_user"], user_id)
        addresses = sorted({*keys, *tokens, *(one.address for one in suppressed)})
        entry_id, pseudonym = self._make_id(AUDIT_ENTRY_PREFIX), f"erased:{to_uuid_hex(erasure_id)}"
        counts["log_entries"] = await erase_from_logs(connection, entry_id, origin.actor, user_id, pseudonym, addresses)
        return {**counts, "users": int(is_stored), "addresses": len(owned)}

    async def _hash_addresses(self, connection: Connection, user_id: str, suppressed: Sequence[OwnedAddress]) -> tuple[int, int]:
        """Put tokens in the place of addresses in suppressions; returns in how many, and how many keys of them it destroyed.

        A run that seals may have made these keys since those of the user were destroyed.
        """
        if self._index is None:
            raise ConflictError(NO_INDEX_KEY)
        index = self._index
        tokens = [one.address if is_token(one.address) else index.compute(one.channel, one.address) for one in suppressed]
        values: Sequence[Any] = user_id, [one.channel for one in suppressed], [one.address for one in suppressed], tokens
        await connection.execute(_SQL["drop_repeated_suppressions"], *values)
        hashed = len(await connection.fetch(_SQL["hash_suppressions"], *values))
        return hashed, await _destroy_keys(connection, [user_id, *tokens])


async def _destroy_keys(connection: Connection, key_ids: Sequence[str]) -> int:
    return len(await connection.fetch(_SQL["destroy_keys"], key_ids)) if key_ids else 0


async def _lock_if_stored(connection: Connection, user_id: str) -> bool:
    try:
        await lock_user(connection, user_id, None)
    except MissingUserError:
        return False
    return True


def _build_addresses(rows: Sequence[DatabaseRow]) -> list[OwnedAddress]:
    return sorted(OwnedAddress(row["channel"], row["address"]) for row in rows)


def _build_erasure(row: DatabaseRow) -> Erasure:
    return Erasure(
        id=f"{ERASURE_PREFIX}{row['id'].hex}",
        user_id=row["user_id"],
        erased_at=row["erased_at"],
        erased_by=row["erased_by"],
        reason=row["reason"],
        counts=_decode_counts(row["counts"]),
    )
