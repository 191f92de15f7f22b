"""Offsets are committed seldom in quiet traffic, and at once before a pause."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.streaming.consumer.batch_consumer import BatchConsumer
from app.streaming.consumer.commit_pacing import FULL_COMMIT_RECORDS, MAX_INTERVALS, CommitPacer


def test_in_quiet_traffic_every_fourth_interval_commits() -> None:
    pacer = CommitPacer()
    dues = [pacer.is_due(100 * interval) for interval in range(1, 2 * MAX_INTERVALS + 1)]
    assert dues == [False, False, False, True] * 2


def test_an_interval_without_anything_new_commits() -> None:
    pacer = CommitPacer()
    assert [pacer.is_due(acknowledged) for acknowledged in (0, 5, 5, 6, 7, 7)] == [True, False, True, False, False, True]


def test_in_busy_traffic_every_interval_commits() -> None:
    pacer = CommitPacer()
    assert [pacer.is_due(FULL_COMMIT_RECORDS * interval) for interval in range(1, 4)] == [True, True, True]


def test_records_of_several_intervals_count_together() -> None:
    pacer = CommitPacer()
    assert [pacer.is_due(FULL_COMMIT_RECORDS * half // 2) for half in (1, 2, 3, 4)] == [False, True, False, True]


async def test_the_consumer_commits_only_if_it_is_due(consumer: BatchConsumer, monkeypatch: pytest.MonkeyPatch) -> None:
    commits: list[int] = []
    tracker = consumer._offset_tracker

    async def iterate(*_: Any, **__: Any) -> AsyncIterator[float]:
        for acknowledged in (1, 2, 2, 3):
            tracker.acknowledged_records = acknowledged
            yield 0.0

    async def commit() -> None:
        commits.append(tracker.acknowledged_records)

    monkeypatch.setattr(consumer, "itertimer", iterate)
    monkeypatch.setattr(consumer, "sleep", lambda _: asyncio.sleep(0))
    monkeypatch.setattr(consumer, "commit", commit)
    (task,) = [task for task in consumer._get_tasks() if task.fun.__name__ == "_commit_handler"]
    await task.fun(consumer)
    assert commits == [2]
