"""Commits offsets seldom in quiet traffic.

A commit is a request and a record for each partition, whether it is for one notification or for a thousand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from faust.transport.drivers import aiokafka as driver
from mode import Service

if TYPE_CHECKING:
    from faust.types import TP

    from app.streaming.commit.offset_commit import OffsetTracker

MAX_INTERVALS = 4  # from one commit to the next, while records are acknowledged
FULL_COMMIT_RECORDS = 1000  # acknowledged records that make the cost of a commit small


class CommitPacer:
    """Decides once in each commit interval whether offsets are committed.

    They are if enough was acknowledged, if the last interval brought nothing more, or if the last commit is MAX_INTERVALS ago.
    """

    def __init__(self) -> None:
        self._committed = self._seen = 0  # records acknowledged at the last commit, and at the last call
        self._intervals = 0  # since the last commit

    def is_due(self, acknowledged: int) -> bool:
        """Whether to commit now; `acknowledged`: records since the start."""
        is_paused, self._seen = acknowledged == self._seen, acknowledged
        self._intervals += 1
        if not is_paused and acknowledged - self._committed < FULL_COMMIT_RECORDS and self._intervals < MAX_INTERVALS:
            return False
        self._committed, self._intervals = acknowledged, 0
        return True


class PacedConsumer(driver.Consumer):
    """Faust's consumer with the commits of a CommitPacer. Those at a rebalance and at a stop do not wait for it."""

    _offset_tracker: OffsetTracker[TP]

    @Service.task
    async def _commit_handler(self) -> None:
        pacer = CommitPacer()
        await self.sleep(self.commit_interval)
        async for _ in self.itertimer(self.commit_interval, name="commit"):
            if pacer.is_due(self._offset_tracker.acknowledged_records):
                await self.commit()
