"""Checks the partition counts of topics, at the start of a worker and while it runs, and ends it if one is wrong.

With unequal counts a user's records and rows are on different partitions.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from faust.types import TP

from app.streaming.consumer.failure_policy import FailureHandler
from schemas.errors import HeroldError, TopicMismatchError, UnavailableError

log = logging.getLogger(__name__)

CHECK_INTERVAL = 10.0  # seconds; without a rebalance no partition moves, so that the rows are still beside the records
METADATA_ATTEMPTS = 20  # at an assignment
METADATA_RETRY_INTERVAL = 0.5  # seconds


def find_partition_problems(topics: Iterable[str], partitions: int, partition_counts: Mapping[str, int]) -> list[str]:
    """Topics that are missing or do not have `partitions` partitions; `partition_counts` holds the count of each existing topic."""
    problems = []
    for topic in topics:
        if topic not in partition_counts:
            problems.append(f"{topic}: missing")
        elif partition_counts[topic] != partitions:
            problems.append(f"{topic}: {partition_counts[topic]} partitions, expected {partitions} (kafka.topic_partitions)")
    return problems


def require_partition_counts(topics: Iterable[str], partitions: int, partition_counts: Mapping[str, int]) -> None:
    """Check that all topics exist and have `partitions` partitions. Raises TopicMismatchError."""
    problems = find_partition_problems(topics, partitions, partition_counts)
    if problems:
        raise build_partition_error(problems)


def find_changed_partition_counts(partitions: int, partition_counts: Mapping[str, int]) -> list[str]:
    """Topics with another count than `partitions`; a topic that is not in `partition_counts` may be without a leader, and is no problem."""
    return find_partition_problems(sorted(partition_counts), partitions, partition_counts)


def build_partition_error(problems: Sequence[str]) -> TopicMismatchError:
    """The error for these problems, with what to do."""
    advice = "`herold topics apply` creates missing topics; for a topic with another partition count see docs/kafka.md, section Partitions"
    return TopicMismatchError("\n".join([*problems, advice]))


class PartitionCheck:
    """Compares the sources, sinks and changelogs of an app with its partition count; `on_failure` stops the worker."""

    def __init__(self, app: Any, on_failure: FailureHandler) -> None:
        self._app, self._on_failure = app, on_failure

    async def check_assignment(self, assigned: Iterable[TP]) -> bool:
        """Whether records of these partitions may be processed. If not, the worker stops, and the flow must not be resumed.

        With unequal counts, Faust may have assigned a partition and its table's partition to different workers.
        """
        for _ in range(METADATA_ATTEMPTS):
            counts = await self._fetch_partition_counts()
            if counts is not None or self._app.should_stop:
                break
            await asyncio.sleep(METADATA_RETRY_INTERVAL)
        if counts is None:
            self._stop(UnavailableError("no broker answers, so the partition counts of the topics are not known after a rebalance"))
            return False
        return self._is_unchanged(self._add_assigned(counts, assigned))

    async def check_periodically(self) -> None:
        """Check every CHECK_INTERVAL until a count has changed; while Kafka is unreachable nothing is known and nothing is assigned."""
        is_unchanged = True
        while is_unchanged:
            await asyncio.sleep(CHECK_INTERVAL)
            is_unchanged = self._is_unchanged(await self._fetch_partition_counts() or {})

    async def _fetch_partition_counts(self) -> dict[str, int] | None:
        """The count of each topic, by the brokers; of a source by the group's metadata too, which the assignment was computed from."""
        topics = self._app.get_required_topics()
        counts: dict[str, int] | None = await self._app.producer.fetch_partition_counts(topics)
        if counts is None:
            return None
        by_group = {topic: self._app.consumer.topic_partitions(topic) or 0 for topic in self._app.source_topics}
        return counts | {topic: count for topic, count in by_group.items() if count > counts.get(topic, 0)}

    def _is_unchanged(self, counts: Mapping[str, int]) -> bool:
        problems = find_changed_partition_counts(self._app.settings.topic_partitions, counts)
        if problems:
            self._stop(build_partition_error(problems))
        return not problems

    def _add_assigned(self, counts: Mapping[str, int], assigned: Iterable[TP]) -> dict[str, int]:
        """The counts with those that an assigned partition shows: the leader of the group may know more than the broker that answered."""
        counts = dict(counts)
        for tp in assigned:
            if tp.partition >= self._app.settings.topic_partitions:
                counts[tp.topic] = max(counts.get(tp.topic, 0), tp.partition + 1)
        return counts

    def _stop(self, error: HeroldError) -> None:
        log.critical("the worker stops before it processes a record on a partition whose rows may be elsewhere: %s", error)
        self._on_failure(error, None)
