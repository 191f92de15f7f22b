"""Makes "this group has never committed here" an answer that only the coordinator gives, never an error.

aiokafka does not read the error of a whole OffsetFetch response. A coordinator that has just started, or just moved, answers with such an
error and no partitions, and aiokafka takes the missing partitions for "no commit": the consumer starts at the beginning of the topic,
although its commits are intact. It also takes an unknown topic for "no commit", and ends for good at other errors.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from aiokafka import errors
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.structs import OffsetAndMetadata, TopicPartition

NO_COMMIT = -1
FATAL_ERRORS = (errors.GroupAuthorizationFailedError, errors.TopicAuthorizationFailedError)

_original_fetch = GroupCoordinator._do_fetch_commit_offsets


class CommittedOffsetsUnknownError(errors.KafkaError):
    """The coordinator did not say what the group has committed; aiokafka asks again."""

    retriable = True


def patch_committed_offsets() -> None:
    """Apply the patch to the whole process; call it once at start."""
    GroupCoordinator._do_fetch_commit_offsets = _fetch_committed_offsets


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
