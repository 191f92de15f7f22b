"""Watches the lines of the sample until all are final, or until time is up."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from dev.sample.reconciliation import LineResult, compute_result
from dev.sample.submissions import SubmittedLine
from schemas.enums import Channel
from schemas.errors import UnavailableError
from schemas.ports import Clock, Sleep
from tables.postgres.notification_results import NotificationResults

POLL_INTERVAL = 0.2  # seconds between two looks


class HistoryReader(Protocol):
    """Where it is recorded what became of notifications. Raises Unavailable."""

    async def get_many(self, ids: Sequence[str]) -> NotificationResults: ...


class ProgressDisplay(Protocol):
    """The progress of the sample, as somebody is shown it."""

    def set_final(self, lines: int) -> None: ...


class ResultPoller:
    """One sample; `unread` says how many of the records handed in the router has not finished, `receipts` are seconds per channel."""

    def __init__(
        self,
        submitted: Sequence[SubmittedLine],
        history_reader: HistoryReader,
        fetch_lag: Callable[[], Awaitable[int]],
        receipt_timeouts: Mapping[Channel, int],
        clock: Clock,
        sleep: Sleep,
    ) -> None:
        self._submitted, self._history_reader, self._fetch_lag, self._receipt_timeouts = (
            submitted,
            history_reader,
            fetch_lag,
            receipt_timeouts,
        )
        self._clock, self._sleep = clock, sleep
        self._results = [LineResult() for _ in submitted]
        self._all_read = False
        self.history = NotificationResults({}, {})

    @property
    def results(self) -> list[LineResult]:
        """What has become of each line so far."""
        return self._results

    async def poll_until_final(self, deadline: float, display: ProgressDisplay) -> bool:
        """Look until every line is final, at the latest until that time (epoch seconds); whether they are."""
        while True:
            await self.poll()
            display.set_final(sum(fate.final for fate in self._results))
            if all(fate.final for fate in self._results):
                return True
            if self._clock() >= deadline:
                return False
            await self._sleep(POLL_INTERVAL)

    async def poll(self) -> None:
        """One look at those that are not final; a server that does not answer has nothing new to say."""
        ids = {each.notification_id for each, fate in self._list_open_results() if each.notification_id and not each.line.replay_of}
        try:
            self._merge_history(await self._history_reader.get_many(sorted(ids)))
            # asked last, when nothing else is open: positions are committed now and then only
            self._all_read = all(each.line.replay_of for each, _ in self._list_open_results()) and not await self._fetch_lag()
        except UnavailableError:
            return
        now = self._clock()
        for index, (each, fate) in enumerate(zip(self._submitted, self._results, strict=True)):
            if not fate.final:
                self._results[index] = compute_result(each, self.history, self._receipt_timeouts, now, self._all_read)

    def _merge_history(self, found: NotificationResults) -> None:
        self.history.notifications.update(found.notifications)
        self.history.deliveries.update(found.deliveries)

    def _list_open_results(self) -> list[tuple[SubmittedLine, LineResult]]:
        return [(each, fate) for each, fate in zip(self._submitted, self._results, strict=True) if not fate.final]

    def list_unfinished(self) -> list[SubmittedLine]:
        """The lines that are not final."""
        return [each for each, _ in self._list_open_results()]


def count_lost(poller: ResultPoller, total_lag: int) -> int:
    """How many of the unfinished lines are lost: all of them, once no role has anything left to read."""
    return 0 if total_lag else len(poller.list_unfinished())
