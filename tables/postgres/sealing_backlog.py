"""Seals the rows that were written before sealing was switched on, page by page; an interrupted run goes on with what is in plain."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from schemas.errors import UnavailableError
from schemas.sealed_columns import hide_user, seal_suppressed, seal_user
from schemas.sealing import Sealer
from tables.postgres.column_sealing import NO_KEYS, ColumnSealing
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.query_loader import load_queries
from tables.postgres.user_columns import encode_devices, rename_devices
from tables.postgres.user_rows import build_private, encode_json

_SQL = load_queries("sealing_backlog")
_FIRST_ID = "0" * 32


class SealedPage(NamedTuple):
    """How many rows were sealed, and after which key the next page begins; None after the last page."""

    sealed: int
    next_key: tuple[str, ...] | None


class SealingBacklog:
    """Each method seals a page of at most `limit` rows in one transaction. Raises UnavailableError."""

    def __init__(self, database: Database, limit: int) -> None:
        self._database, self._limit = database, limit

    async def seal_users(self, after: tuple[str, ...] = ("",)) -> SealedPage:
        """Users whose addresses and attributes are in plain, unless their project says so."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            sealing = self._get_sealing()
            rows = await connection.fetch(_SQL["list_plain_users"], *after, self._limit)
            held = await sealing.hold_sealers(connection, [row["id"] for row in rows])
            locked = await connection.fetch(_SQL["lock_plain_users"], [*held])
            if locked:
                await connection.execute(_SQL["seal_users"], *zip(*(_seal_user(sealing, row, held) for row in locked), strict=True))
        return self._build_page(len(locked), rows, "id")

    async def seal_devices(self, after: tuple[str, ...] = ("", "")) -> SealedPage:
        """Devices of sealed users whose tokens are in plain."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            sealing = self._get_sealing()
            rows = await connection.fetch(_SQL["list_plain_devices"], *after, self._limit)
            user_ids, tokens = [row["user_id"] for row in rows], [row["token"] for row in rows]
            held = await sealing.hold_sealers(connection, user_ids)
            await connection.fetch(_SQL["lock_users"], user_ids)
            await rename_devices(connection, user_ids, tokens, encode_devices(sealing, [*zip(user_ids, tokens, strict=True)], held))
        return self._build_page(len(rows), rows, "user_id", "token")

    async def seal_suppressions(self, after: tuple[str, ...] = (_FIRST_ID,)) -> SealedPage:
        """Suppressions whose addresses are in plain."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            sealing = self._get_sealing()
            rows = await connection.fetch(_SQL["list_plain_suppressions"], *after, self._limit)
            values = await _seal_suppressions(sealing, connection, rows)
            if values:
                ids, tokens, sealed = zip(*values, strict=True)
                await connection.execute(_SQL["drop_repeated"], ids, tokens)
                await connection.execute(_SQL["seal_suppressions"], ids, tokens, sealed)
        return self._build_page(len(values), rows, "id")

    def _get_sealing(self) -> ColumnSealing:
        if self._database.sealing is None:
            raise UnavailableError(NO_KEYS)
        return self._database.sealing

    def _build_page(self, count: int, rows: Sequence[DatabaseRow], *columns: str) -> SealedPage:
        return SealedPage(count, tuple(str(rows[-1][name]) for name in columns) if len(rows) == self._limit else None)


def _seal_user(sealing: ColumnSealing, row: DatabaseRow, held: Mapping[str, Sealer]) -> tuple[str, str, str, bytes]:
    private, user_id = build_private(row), row["id"]
    hidden = hide_user(private, sealing.index)
    return user_id, encode_json(hidden.addresses), encode_json(hidden.attributes), seal_user(user_id, private, held[user_id])


async def _seal_suppressions(
    sealing: ColumnSealing, connection: Connection, rows: Sequence[DatabaseRow]
) -> list[tuple[object, str, bytes]]:
    """The id, the token and what is sealed of each suppression that is to be sealed, which is locked.

    While the transaction waited for keys, another run may have sealed it, or an erasure may have left only its token.
    """
    tokens = [sealing.index.compute(row["channel"], row["address"]) for row in rows]
    await sealing.projects.refresh(connection.fetch)
    wanted = [(row, token) for row, token in zip(rows, tokens, strict=True) if sealing.seals(row["user_id"] or token)]
    held = await sealing.hold_keys(connection, [row["user_id"] or token for row, token in wanted])
    still_plain = {row["id"] for row in await connection.fetch(_SQL["lock_plain_suppressions"], [row["id"] for row, _ in wanted])}
    return [
        (row["id"], token, seal_suppressed(token, row["address"], held[row["user_id"] or token]))
        for row, token in wanted
        if row["id"] in still_plain
    ]
