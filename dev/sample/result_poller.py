"""Polls the results of the submitted lines until all are final or the deadline has passed."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from dev.sample.notification_results import NotificationResults
from dev.sample.reconciliation import LineResult, compute_result
from dev.sample.sample_file import SampleLine
from dev.sample.submissions import SubmittedLine
from schemas.channels import ChannelName
from schemas.errors import UnavailableError
from schemas.ports import Clock, Sleep

POLL_INTERVAL = 0.2  # seconds


class HistoryReader(Protocol):
    """Reads the results of notifications. Raises UnavailableError."""

    async def get_many(self, ids: Sequence[str]) -> NotificationResults: ...


class ProgressDisplay(Protocol):
    """Shows the progress of a run."""

    def show_progress(self, size: int) -> AbstractContextManager[None]:
        """Show the progress of a run of `size` lines while the context is open."""
        ...

    def add_submitted(self, lines: int) -> None:
        """Add to the number of submitted lines."""
        ...

    def set_final(self, lines: int) -> None:
        """Set the number of final lines."""
        ...


class ResultPoller:
    """Polls the results of one run.

    `fetch_lag` returns the number of submitted records that the router has not committed; `receipt_timeouts` in seconds.
    """

    def __init__(
        self,
        submitted: Sequence[SubmittedLine],
        history_reader: HistoryReader,
        fetch_lag: Callable[[], Awaitable[int]],
        receipt_timeouts: Mapping[ChannelName, int],
        clock: Clock,
        sleep: Sleep,
    ) -> None:
        self._submitted, self._history_reader, self._fetch_lag = submitted, history_reader, fetch_lag
        self._receipt_timeouts, self._clock, self._sleep = receipt_timeouts, clock, sleep
        self._results = [LineResult() for _ in submitted]
        self._all_read = False
        self.history = NotificationResults({}, {})

    @property
    def results(self) -> list[LineResult]:
        """The result of each line so far."""
        return self._results

    async def poll_until_final(self, deadline: float, on_polled: Callable[[int], None]) -> bool:
        """Poll until every line is final or the deadline (epoch seconds) has passed; return whether all are final.

        `on_polled` gets the number of final lines.
        """
        while True:
            await self.poll()
            on_polled(sum(result.final for result in self._results))
            if all(result.final for result in self._results):
                return True
            if self._clock() >= deadline:
                return False
            await self._sleep(POLL_INTERVAL)

    async def poll(self) -> None:
        """Update the results of lines that are not final; if a server is unavailable, they stay as they are."""
        ids = {line.notification_id for line in self.list_unfinished() if line.notification_id and not line.line.replay_of}
        try:
            self._merge_history(await self._history_reader.get_many(sorted(ids)))
            # offsets are committed in intervals: the lag is fetched only when nothing else is unfinished
            self._all_read = all(waits_for_others(line.line) for line in self.list_unfinished()) and not await self._fetch_lag()
        except UnavailableError:
            return
        now = self._clock()
        for index, (line, result) in enumerate(zip(self._submitted, self._results, strict=True)):
            if not result.final:
                self._results[index] = compute_result(line, self.history, self._receipt_timeouts, now, self._all_read)

    def _merge_history(self, results: NotificationResults) -> None:
        self.history.notifications.update(results.notifications)
        self.history.deliveries.update(results.deliveries)

    def list_unfinished(self) -> list[SubmittedLine]:
        """List the lines that are not final."""
        return [line for line, result in zip(self._submitted, self._results, strict=True) if not result.final]


def waits_for_others(line: SampleLine) -> bool:
    """Whether a line is final only when all others are: a replay, and what is expected to be held."""
    return bool(line.replay_of) or line.expects_hold


def count_lost(poller: ResultPoller, total_lag: int) -> int:
    """Count the unfinished lines that are lost: all of them if no role has a lag, else none."""
    return 0 if total_lag else len(poller.list_unfinished())
