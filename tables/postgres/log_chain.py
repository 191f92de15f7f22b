"""Links the entries of the audit log and the events of consent to their hash chains, and reads the chains."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from schemas.checkpoints import Checkpoint, CheckpointKeys, LinkedLog
from schemas.log_chain import EMPTY_CHAIN, ENTRY_PREFIXES, LOG_NAMES, ChainHead, Link, LogEntry, LogName, extend_chain
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.query_loader import load_queries

_SQL = load_queries("log_chain")


class CheckpointPolicy(NamedTuple):
    """When a head is signed: `interval` seconds after the last checkpoint, or so many `entries` after it."""

    interval: float
    entries: int


class LinkedEntry(NamedTuple):
    """A link with its entry, None if that was removed, and the checkpoint at this place."""

    link: Link
    entry: LogEntry | None
    checkpoint: Checkpoint | None


class LogChainStore:
    """Extends the chains, one process at a time; without keys nothing is signed. Each method raises UnavailableError."""

    def __init__(self, database: Database, keys: CheckpointKeys | None, policy: CheckpointPolicy) -> None:
        self._database, self._keys, self._policy = database, keys, policy

    @property
    def public_key(self) -> bytes:
        """The 32 bytes that verify new checkpoints; none without keys."""
        return self._keys.public_key if self._keys else b""

    async def link(self, limit: int) -> list[LinkedLog]:
        """Link at most `limit` entries of each log; nothing while another process does it."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            if not await connection.fetchval(_SQL["try_lock"]):
                return []
            return [await self._link_log(connection, log, limit, self._policy) for log in LOG_NAMES]

    async def sign_now(self, log: LogName, limit: int) -> None:
        """Link what waits, at most `limit` entries at a time, and sign the head."""
        has_more = True
        while has_more:
            async with self._database.acquire_connection() as connection, connection.transaction():
                await connection.execute(_SQL["lock"])
                has_more = (await self._link_log(connection, log, limit, CheckpointPolicy(0.0, 1))).has_more

    async def _link_log(self, connection: Connection, log: LogName, limit: int, policy: CheckpointPolicy) -> LinkedLog:
        state = await connection.fetchrow(_SQL["get_state"], log)
        head = ChainHead(state["number"], state["hash"]) if state["number"] else EMPTY_CHAIN
        links: list[Link] = []
        if state["has_unlinked"]:
            entries = [build_entry(row) for row in await connection.fetch(_SQL[f"list_unlinked_{log}"], limit)]
            links = extend_chain(head, entries)
            await _insert_links(connection, log, links)
        if links:
            head = ChainHead(links[-1].number, links[-1].hash)
        checkpoint = await self._sign_if_due(connection, log, head, state, policy)
        return LinkedLog(log, len(links), len(links) == limit, checkpoint)

    async def _sign_if_due(
        self, connection: Connection, log: LogName, head: ChainHead, state: DatabaseRow, policy: CheckpointPolicy
    ) -> Checkpoint | None:
        unsigned = head.number - state["signed_number"]
        if self._keys is None or unsigned <= 0 or (unsigned < policy.entries and state["signed_age"] < policy.interval):
            return None
        checkpoint = self._keys.sign(log, head.number, head.hash, state["now"])
        await connection.execute(_SQL["insert_checkpoint"], *checkpoint)
        return checkpoint

    async def get_last_checkpoint(self, log: LogName) -> Checkpoint | None:
        """The last signed head; None if there is none."""
        return await fetch_last_checkpoint(self._database, log)

    async def get_head(self, log: LogName) -> tuple[ChainHead, int]:
        """The head, and how many entries wait to be linked."""
        async with self._database.acquire_connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            state = await connection.fetchrow(_SQL["get_state"], log)
            unlinked: int = await connection.fetchval(_SQL["count_unlinked"], log)
        return ChainHead(state["number"], state["hash"]) if state["number"] else EMPTY_CHAIN, unlinked


class ChainSnapshot:
    """The chains as they are in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def iterate(self, log: LogName, page_size: int) -> AsyncIterator[Sequence[LinkedEntry]]:
        """A chain from its beginning, in pages."""
        after = 0
        while rows := await self._connection.fetch(_SQL[f"list_linked_{log}"], after, page_size):
            yield [build_linked_entry(log, row) for row in rows]
            after = rows[-1]["number"]

    async def get_last_checkpoint(self, log: LogName) -> Checkpoint | None:
        """The last signed head; None if there is none."""
        return build_checkpoint(await self._connection.fetchrow(_SQL["get_last_checkpoint"], log))

    async def find_outside(self, log: LogName) -> str:
        """What is wrong beside the chain: an entry that was put in without being queued, or removed before it was linked; else empty."""
        if (found := await self._connection.fetchval(_SQL[f"find_unlinked_{log}"])) is not None:
            return f"the entry {ENTRY_PREFIXES[log]}{found.hex} of the {log} log is not in the chain: it was inserted past the queue"
        if (found := await self._connection.fetchval(_SQL[f"find_removed_{log}"])) is not None:
            return f"the entry {ENTRY_PREFIXES[log]}{found.hex} of the {log} log was removed before it was linked"
        return ""

    async def find_unexplained_erasure(self) -> str:
        """What is wrong with an erased entry: no entry of the audit log says that it was erased; else empty."""
        found = await self._connection.fetchval(_SQL["find_unexplained_erasure"])
        return "" if found is None else f"entries under {found!r} were erased, and no entry of the audit log says so"

    async def count_unlinked(self, log: LogName) -> int:
        """How many entries wait to be linked."""
        count: int = await self._connection.fetchval(_SQL["count_unlinked"], log)
        return count


@asynccontextmanager
async def open_snapshot(database: Database) -> AsyncIterator[ChainSnapshot]:
    """A transaction that sees both chains as they are at its beginning. Raises UnavailableError."""
    async with database.acquire_connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        yield ChainSnapshot(connection)


async def fetch_last_checkpoint(database: Database, log: LogName) -> Checkpoint | None:
    """The last signed head of a chain; None if there is none. Raises UnavailableError."""
    rows = await database.fetch(_SQL["get_last_checkpoint"], log)
    return build_checkpoint(rows[0]) if rows else None


def build_checkpoint(row: DatabaseRow | None) -> Checkpoint | None:
    """A row of log_checkpoints; None for none."""
    if row is None:
        return None
    return Checkpoint(row["log"], row["number"], row["hash"], row["created_at"], row["key_id"], row["signature"])


def build_linked_entry(log: LogName, row: DatabaseRow) -> LinkedEntry:
    """A row of list_linked_..."""
    link = Link(row["number"], row["entry_id"].hex, row["person"], row["hash"])
    checkpoint = None
    if row["signed_hash"] is not None:
        checkpoint = Checkpoint(log, row["number"], row["signed_hash"], row["signed_at"], row["key_id"], row["signature"])
    return LinkedEntry(link, None if row["id"] is None else build_entry(row), checkpoint)


def build_entry(row: DatabaseRow) -> LogEntry:
    """The columns of an entry that are hashed."""
    return LogEntry(row["id"].hex, row["fields"], row["personal"], row["salt"])


async def _insert_links(connection: Connection, log: LogName, links: Sequence[Link]) -> None:
    columns: Any = zip(*links, strict=True) if links else ((), (), (), ())
    numbers, entry_ids, persons, hashes = columns
    await connection.execute(_SQL["insert_links"], log, numbers, entry_ids, persons, hashes)
    await connection.execute(_SQL["delete_unlinked"], log, entry_ids)
