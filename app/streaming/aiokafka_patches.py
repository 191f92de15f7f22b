"""All changes of aiokafka for the whole process: fixes of four faults, cheaper messages and cheaper records.

Committed offsets: aiokafka does not read the error of a whole OffsetFetch response. A coordinator that has just started, or just moved,
answers with such an error and no partitions, and aiokafka takes the missing partitions for "no commit": the consumer starts at the
beginning of the topic, although its commits are intact. It also takes an unknown topic for "no commit", and ends for good at other errors.
Here only the coordinator's own answer says "this group has never committed here".

A request on a closed connection: uvloop raises RuntimeError for a write to a closed transport, but aiokafka expects an OSError (aiokafka
issue 1038). If a connection is lost and aiokafka has not noticed yet, that error silently ends aiokafka's metadata task. Everything that
needs metadata then waits forever, the group's heartbeats included.

A cancelled start: a client whose start is cancelled never closes its first connection.

Header names: Kafka allows any bytes, but aiokafka decodes them as UTF-8. Its C parser raises on invalid UTF-8, and the consumer would
never get past such a record. Here invalid bytes are replaced by U+FFFD.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Iterator
from typing import Any

import aiokafka.codec
from aiokafka import errors
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.consumer import fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from app.streaming.compiled_schemas import compile_aiokafka_schemas

NO_COMMIT = -1
FATAL_ERRORS = (errors.GroupAuthorizationFailedError, errors.TopicAuthorizationFailedError)
LENGTH_POSITION, BODY_POSITION = 8, 12  # byte offsets in a record batch: of its length field, and of the part that this length counts

_original_fetch = GroupCoordinator._do_fetch_commit_offsets
_original_send = AIOKafkaConnection.send


def patch_aiokafka() -> None:
    """Fix the faults and make messages cheaper in the whole process; call it once at start."""
    compile_aiokafka_schemas()
    GroupCoordinator._do_fetch_commit_offsets = _fetch_committed_offsets
    AIOKafkaConnection.send = _send
    fetcher.MemoryRecords = LenientMemoryRecords


def tune_aiokafka() -> None:
    """Reduce the CPU cost of records in the whole process; call it once at start. Consumed records are then of another type."""
    fetcher.PartitionRecords._consumer_record = _return_raw_record
    aiokafka.codec.lz4_encode.__defaults__ = (1,)


def _return_raw_record(self: Any, tp: Any, record: Any) -> Any:
    """The C parser's record itself. aiokafka copies it into a frozen dataclass, which costs 1 us."""
    return record


# ---- committed offsets


class CommittedOffsetsUnknownError(errors.KafkaError):
    """The coordinator did not say what the group has committed; aiokafka asks again."""

    retriable = True


async def _fetch_committed_offsets(self: Any, partitions: Collection[TopicPartition]) -> dict[TopicPartition, OffsetAndMetadata]:
    """aiokafka's `_do_fetch_commit_offsets`: the committed offsets, without the partitions that the group never committed.

    Raises CommittedOffsetsUnknownError, or an error of authorization.
    """
    by_topic: dict[str, list[int]] = {}
    for partition in partitions:
        by_topic.setdefault(partition.topic, []).append(partition.partition)
    response = await self._send_req(OffsetFetchRequest(self.group_id, list(by_topic.items())))
    try:
        return parse_committed_offsets(response, partitions)
    except CommittedOffsetsUnknownError as error:
        if isinstance(error.__cause__, errors.NotCoordinatorForGroupError):
            self.coordinator_dead()
        raise


def parse_committed_offsets(response: Any, partitions: Collection[TopicPartition]) -> dict[TopicPartition, OffsetAndMetadata]:
    """The committed offsets of an OffsetFetch response. Raises CommittedOffsetsUnknownError, or an error of authorization."""
    _require_success(getattr(response, "error_code", 0), "the group")
    committed: dict[TopicPartition, OffsetAndMetadata] = {}
    for topic, topic_partitions in response.topics:
        for number, offset, metadata, error_code in topic_partitions:
            _require_success(error_code, f"{topic} partition {number}")
            committed[TopicPartition(topic, number)] = OffsetAndMetadata(offset, metadata)
    missing = set(partitions) - committed.keys()
    if missing:
        raise CommittedOffsetsUnknownError(f"the coordinator's answer lacks {len(missing)} of {len(partitions)} partitions")
    return {partition: offset for partition, offset in committed.items() if offset.offset != NO_COMMIT}


def _require_success(error_code: int, subject: str) -> None:
    error_type = errors.for_code(error_code)
    if error_type in FATAL_ERRORS:
        raise error_type(subject)
    if error_type is not errors.NoError:
        raise CommittedOffsetsUnknownError(f"the coordinator does not know the committed offsets of {subject}") from error_type()


# ---- connections


def _send(self: Any, request: Any, expect_response: bool = True) -> Any:
    """aiokafka's `send`. Raises KafkaConnectionError if the transport is closed; the request was not sent."""
    if self._writer is not None and self._writer.is_closing():
        error = errors.KafkaConnectionError(f"Connection at {self._host}:{self._port} is closed")
        self.close(reason=CloseReason.CONNECTION_BROKEN, exc=error)
        raise error
    response = _original_send(self, request, expect_response)
    # Only a client's first connection has no close callback.
    return response if self._on_close_cb is not None else _await_response(self, response)


async def _await_response(connection: Any, response: Awaitable[Any]) -> Any:
    try:
        return await response
    except asyncio.CancelledError:
        connection.close()
        raise


# ---- header names


class LenientMemoryRecords:
    """The record batches of a fetch response, with the interface of aiokafka's MemoryRecords."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self._position, self._records = raw, 0, MemoryRecords(raw)

    def has_next(self) -> bool:
        """Whether there is another complete batch."""
        return bool(self._records.has_next())

    def size_in_bytes(self) -> int:
        """The size of all batches, including an incomplete one."""
        return len(self._raw)

    def next_batch(self) -> LenientRecordBatch:
        """The next batch."""
        start = self._position
        self._position += BODY_POSITION + int.from_bytes(self._raw[start + LENGTH_POSITION : start + BODY_POSITION], "big")
        return LenientRecordBatch(self._records.next_batch(), memoryview(self._raw)[start : self._position])


class LenientRecordBatch:
    """A batch parsed by the C parser; if that raises UnicodeDecodeError, by the slower LenientBatchParser."""

    def __init__(self, batch: Any, raw: memoryview) -> None:
        self._batch, self._raw = batch, raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._batch))
        except UnicodeDecodeError:
            return iter(LenientBatchParser(bytearray(self._raw)))

    def __next__(self) -> Any:
        """The record of a control batch. Control records have no headers."""
        return next(self._batch)


class LenientBatchParser(_DefaultRecordBatchPy):
    """aiokafka's pure Python parser, over LenientBytes."""

    _buffer: Any

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = LenientBytes(self._buffer)


class LenientBytes(bytearray):
    """Bytes that decode as UTF-8 without an error."""

    def __getitem__(self, index: Any) -> Any:
        item = super().__getitem__(index)
        return LenientBytes(item) if isinstance(index, slice) else item

    def decode(self, *args: Any) -> str:
        """The bytes as text; invalid UTF-8 is replaced by U+FFFD, whatever the arguments."""
        return super().decode("utf-8", "replace")
