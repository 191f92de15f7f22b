"""Imports a file in chunks: each is committed whole, its users' cached profiles are deleted, and then the state is saved.

A second import of the same lines changes nothing, so that an interruption between the commit and the saved state does no harm.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from app.admin.bulk.import_state import ImportCounts, ImportState
from app.admin.bulk.records import ParsedRecord, PreferenceLine, UserLine, iterate_devices
from app.admin.bulk.source_lines import LineProblem, SourceRecord
from schemas.users import ChangeOrigin, PreferenceChange
from tables.postgres.bulk import BulkStore, WrittenChunk

CHUNK_SIZE = 5000  # records

Parse = Callable[[SourceRecord], ParsedRecord | list[LineProblem]]
WriteChunk = Callable[[Sequence[ParsedRecord]], Awaitable[WrittenChunk]]
Report = Callable[[LineProblem], None]


class Chunk(NamedTuple):
    """The valid records of some lines, what is wrong with the others, how many these are, and where the lines end."""

    records: list[ParsedRecord]
    problems: list[LineProblem]
    invalid: int
    last_line: int
    position: int


class ChunkReader:
    """Parses the records of a file; of several with the same key, the first is valid. Lines up to `committed_line` count as read."""

    def __init__(self, records: Iterator[SourceRecord], parse: Parse, committed_line: int = 0) -> None:
        self._records, self._parse, self._committed_line = records, parse, committed_line
        self._first_lines: dict[int, int] = {}  # by hash of the key: a million keys take 100 MB instead of 250

    def read(self) -> Chunk | None:
        """The next chunk; None at the end. Raises InvalidFileError."""
        valid: list[ParsedRecord] = []
        problems: list[LineProblem] = []
        invalid, record = 0, None
        for record in islice(self._records, CHUNK_SIZE):
            found = self._add(record, valid)
            if found and record.line > self._committed_line:
                problems += found
                invalid += 1
        return Chunk(valid, problems, invalid, record.line, record.position) if record else None

    def _add(self, record: SourceRecord, valid: list[ParsedRecord]) -> list[LineProblem]:
        """Add a valid record to those of the chunk; else return what is wrong."""
        parsed = self._parse(record)
        if isinstance(parsed, list):
            return parsed
        first_line = self._first_lines.setdefault(hash(parsed.key), parsed.line)
        if first_line != parsed.line:
            return [LineProblem(parsed.line, "", f"{' '.join(filter(None, parsed.key))} is in line {first_line} already: keep one of them")]
        if parsed.line > self._committed_line:
            valid.append(parsed)
        return []


class Importer:
    """Imports or validates the chunks of one file; `report` gets each problem, `advance` the bytes that are done."""

    def __init__(self, store: BulkStore, write: WriteChunk, needs_users: bool, report: Report, advance: Callable[[int], None]) -> None:
        self._store, self._write, self._needs_users = store, write, needs_users
        self._report, self._advance = report, advance

    async def validate(self, reader: ChunkReader) -> ImportCounts:
        """Find what is wrong with the whole file, and write nothing."""
        counts = ImportCounts()
        while chunk := await asyncio.to_thread(reader.read):
            chunk = await self._check_users(chunk)
            counts.unchanged += len(chunk.records)
            counts.invalid += chunk.invalid
            self._advance(chunk.position)
        return counts

    async def write(
        self,
        reader: ChunkReader,
        state: ImportState,
        evict: Callable[[Iterable[str]], Awaitable[None]],
        save: Callable[[ImportState], None],
    ) -> None:
        """Write the valid records; a chunk is read while the one before is written."""
        chunk = await asyncio.to_thread(reader.read)
        while chunk:
            following = asyncio.create_task(asyncio.to_thread(reader.read))
            try:
                await self._write_chunk(chunk, state, evict)
                save(state)
            finally:
                chunk = await following

    async def _write_chunk(self, chunk: Chunk, state: ImportState, evict: Callable[[Iterable[str]], Awaitable[None]]) -> None:
        chunk = await self._check_users(chunk)
        written = await self._write(chunk.records) if chunk.records else WrittenChunk(0, 0, set())
        await evict(written.user_ids)
        counts = state.counts
        counts.created += written.created
        counts.changed += written.changed
        counts.unchanged += len(chunk.records) - written.created - written.changed
        counts.invalid += chunk.invalid
        state.line = max(state.line, chunk.last_line)
        self._advance(chunk.position)

    async def _check_users(self, chunk: Chunk) -> Chunk:
        """Report the problems of a chunk, and leave out records of users who do not exist."""
        if self._needs_users and chunk.records:
            missing = await self._store.list_missing_users({record.user_id for record in chunk.records})
            unknown = [record for record in chunk.records if record.user_id in missing]
            text = "there is no such user: import the users first, or remove the line"
            problems = [LineProblem(record.line, "user_id", text) for record in unknown]
            records = [record for record in chunk.records if record.user_id not in missing] if missing else chunk.records
            chunk = chunk._replace(records=records, problems=chunk.problems + problems, invalid=chunk.invalid + len(unknown))
        for problem in sorted(chunk.problems, key=lambda one: one.line):
            self._report(problem)
        return chunk


def build_user_writer(store: BulkStore) -> WriteChunk:
    """A function that writes users with their devices."""

    async def write(records: Sequence[ParsedRecord]) -> WrittenChunk:
        users = [(record.user_id, record.value) for record in records if isinstance(record.value, UserLine)]
        devices = [(user_id, device.token, device.kind, device.platform) for user_id, device in iterate_devices(records)]
        return await store.write_users(users, devices)

    return write


def build_preference_writer(store: BulkStore, origin: ChangeOrigin) -> WriteChunk:
    """A function that writes preferences."""

    async def write(records: Sequence[ParsedRecord]) -> WrittenChunk:
        return await store.write_preferences([(record.user_id, _to_change(record.value)) for record in records], origin)

    return write


def _to_change(value: UserLine | PreferenceLine) -> PreferenceChange:
    assert isinstance(value, PreferenceLine)
    return PreferenceChange(value.choice, value.category, value.channel, value.digest)
