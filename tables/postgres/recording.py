"""Writes history: COPY for rows that are new, a merge for rows that may exist; implements schemas.ports.Recording."""

import struct
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import NamedTuple

import asyncpg

from schemas.errors import Unstorable
from schemas.history import Entries, FiledLetter
from schemas.ids import DELIVERY, NOTIFICATION, is_id, uuid_hex
from schemas.status import Status
from tables.postgres import copying
from tables.postgres.pool import Connection, Database
from tables.postgres.sql import queries

_SQL = queries("recording")
_UNFIT = (
    ValueError,  # an id that is none, text that is not Unicode; also asyncpg's own DataError
    OverflowError,
    struct.error,
    asyncpg.exceptions.DataError,
    asyncpg.exceptions.IntegrityConstraintViolationError,
    asyncpg.exceptions.CardinalityViolationError,
    asyncpg.exceptions.ProgramLimitExceededError,
)
_INT4 = 2**31 - 1
_END_OF_TIME = 253_402_300_799.0  # epoch seconds; 9999-12-31
REMEMBERED = 200_000  # ids; a row that comes again mostly comes soon


class _Load(NamedTuple):
    """Packed rows for one table: `fresh` ones are believed to be new, `known` ones may exist."""

    table: str
    columns: str
    fresh: bytes
    known: bytes


class RecordingStore:
    """Commits groups of events; remembers the ids it wrote lately, whose rows would collide in a COPY."""

    def __init__(self, database: Database, remembered: int = REMEMBERED) -> None:
        self._database, self._remembered = database, remembered
        self._known: set[str] = set()
        self._known_before: set[str] = set()

    async def write(self, entries: Entries) -> None:
        """One transaction. Raises Unstorable if a row cannot be stored as it is, Unavailable if PostgreSQL does not answer."""
        try:
            await self._write(entries)
        except _UNFIT as unfit:
            raise Unstorable(f"{type(unfit).__name__}: {unfit}") from unfit
        self._remember(row.id for row in entries.notifications)
        self._remember(event.delivery_id for event in entries.deliveries)

    async def _write(self, entries: Entries) -> None:
        try:
            await self._commit(_loads(entries, self._lately, logged=False), entries.letters)
        except asyncpg.exceptions.UniqueViolationError:  # read again after a crash, or another worker's: everything may exist
            await self._commit(_loads(entries, lambda an_id: True, logged=True), entries.letters)

    async def _commit(self, loads: Sequence[_Load], letters: Sequence[FiledLetter]) -> None:
        async with self._database.connection() as connection, connection.transaction():
            for load in loads:
                if load.fresh:
                    await _copy(connection, load.table, load.columns, load.fresh)
                if load.known:
                    await connection.execute(_SQL[f"stage_{load.table}"])
                    await _copy(connection, f"staged_{load.table}", load.columns, load.known)
                    await connection.execute(_SQL[f"merge_{load.table}"])
            if letters:
                await connection.executemany(_SQL["letter"], [_letter(filed) for filed in letters])

    def _lately(self, an_id: str) -> bool:
        return an_id in self._known or an_id in self._known_before

    def _remember(self, ids: Iterable[str]) -> None:
        self._known.update(ids)
        if len(self._known) > self._remembered // 2:
            self._known, self._known_before = set(), self._known


def _loads(entries: Entries, may_exist: Callable[[str], bool], logged: bool) -> list[_Load]:
    """The rows of the three tables in the order of their ids, so that no two workers lock crosswise; those that may exist apart."""
    notifications = [(row.id, copying.notification(row), may_exist(row.id)) for row in entries.notifications]
    deliveries = [
        (event.delivery_id, copying.delivery(event), _is_later(event) or may_exist(event.delivery_id)) for event in entries.deliveries
    ]
    logs = [(attempt.id, copying.log(attempt), logged) for attempt in entries.attempts]
    return [
        _load("notifications", copying.NOTIFICATION_COLUMNS, notifications),
        _load("deliveries", copying.DELIVERY_COLUMNS, deliveries),
        _load("delivery_logs", copying.LOG_COLUMNS, logs),
    ]


def _is_later(event: Status) -> bool:
    """Whether the delivery has had an event before: a second attempt, another life, or news from the provider."""
    return event.attempt > 0 or event.generation > 0 or event.outcome is None


def _load(table: str, columns: str, rows: list[tuple[str, bytes, bool]]) -> _Load:
    rows.sort()
    return _Load(table, columns, _stream([row for _, row, old in rows if not old]), _stream([row for _, row, old in rows if old]))


def _stream(rows: Sequence[bytes]) -> bytes:
    return copying.copy_of(rows) if rows else b""


async def _copy(connection: Connection, table: str, columns: str, stream: bytes) -> None:
    await connection.copy_to_table(table, source=_once(stream), columns=columns.split(), format="binary")


async def _once(stream: bytes) -> AsyncIterator[bytes]:
    yield stream


def _letter(filed: FiledLetter) -> tuple[object, ...]:
    """The row of a dead letter; whatever stands in its headers must not make it one that cannot be stored."""
    letter = filed.letter
    return (
        filed.topic,
        filed.partition,
        filed.offset,
        min(max(filed.at, 0.0), _END_OF_TIME),
        letter.stage,
        *map(_storable, (letter.reason, letter.error, letter.topic)),
        min(letter.partition, _INT4),
        letter.offset,
        min(letter.attempts, _INT4),
        _storable(letter.user_id),
        uuid_hex(letter.notification_id) if is_id(letter.notification_id, NOTIFICATION) else None,
        uuid_hex(letter.delivery_id) if is_id(letter.delivery_id, DELIVERY) else None,
        letter.key,
        letter.value,
        letter.truncated,
    )


def _storable(text: str) -> str:
    return text.replace("\0", "\ufffd")
