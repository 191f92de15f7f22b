"""Redrives -> the topics that the dead letters came from, a page at a time.

A page is read, judged, produced and acknowledged, then its results are stored. A page that is produced again, after a crash or by two
workers, has the same records: a delivery with the same redrive_count, a notification with the same id. Who reads them skips the second.
"""

from collections.abc import Callable

from msgspec import Struct

from agents.polling import PagePoller, limit_wait
from agents.redrives.judge import count_results, judge
from schemas.errors import RecordTooLargeError, UnavailableError
from schemas.ids import compute_key_partition
from schemas.ports import Clock, FlushedOutbox, Outbox, Sleep
from schemas.redrives import REDRIVEN, ClaimedRedrive, RedriveItem, RedriveRecord, RedriveResult
from schemas.store_ports import RedrivePages

PAGES_PER_SECOND = 4  # of a redrive with a rate


class RedrivenPage(Struct, frozen=True):
    """A page whose records Kafka has acknowledged, with the number of dead letters by result."""

    redrive_id: str
    results: dict[str, int]
    is_last: bool


class FailedRedrive(Struct, frozen=True):
    """A redrive that cannot go on."""

    redrive_id: str
    error: str


class RedriveDelay(Struct, frozen=True):
    """PostgreSQL or Kafka does not answer; the next attempt is in `seconds`."""

    cause: str
    seconds: float


RedriveEvent = RedrivenPage | FailedRedrive | RedriveDelay


class Redriver(PagePoller):
    """Redrives the pages that are due, one after the other; several workers share the pages of all redrives."""

    def __init__(
        self,
        pages: RedrivePages,
        create_outbox: Callable[[], FlushedOutbox],
        sleep: Sleep,
        clock: Clock,
        holder: str,
        partitions: int,
        topic_prefix: str,
        interval: float,
        max_page: int,
        observe: Callable[[RedriveEvent], None],
    ) -> None:
        """`clock` in epoch seconds. `holder`: names this process, and no other ever."""
        self._pages, self._create_outbox, self._clock, self._holder = pages, create_outbox, clock, holder
        self._partitions, self._topic_prefix = partitions, topic_prefix
        self._interval, self._max_page, self._observe = interval, max_page, observe
        super().__init__(self.redrive_next, sleep, lambda cause, seconds: observe(RedriveDelay(cause, seconds)))

    async def redrive_next(self) -> float:
        """Redrive the page that is due. Returns the seconds until the next look. Raises UnavailableError."""
        redrive = await self._pages.claim(self._holder)
        if redrive is None:
            wait = await self._pages.get_wait()
            return limit_wait(wait, self._interval)
        try:
            await self._redrive(redrive)
        except UnavailableError:
            raise
        except Exception as error:  # it costs this redrive, and not the worker, which would meet it again after its restart
            text = f"unexpected error: {type(error).__name__}"
            await self._pages.fail(redrive.id, self._holder, text)
            self._observe(FailedRedrive(redrive.id, text))
        return 0.0

    async def _redrive(self, redrive: ClaimedRedrive) -> None:
        limit = self._max_page if redrive.rate is None else max(1, redrive.rate // PAGES_PER_SECOND)
        items = await self._pages.read_page(redrive.id, min(limit, self._max_page))
        outbox = self._create_outbox()
        results = {item.id: self._write(outbox, item, redrive) for item in items}
        await outbox.flush()
        produced = sum(result == REDRIVEN for result in results.values())
        is_last = await self._pages.store_page(redrive.id, results, produced / redrive.rate if redrive.rate else 0.0)
        self._observe(RedrivenPage(redrive.id, count_results(results), is_last))

    def _write(self, outbox: Outbox, item: RedriveItem, redrive: ClaimedRedrive) -> RedriveResult:
        """Add the record of a dead letter, if it is to be sent."""
        judged = judge(item.content, item.facts, redrive.options, self._clock(), self._topic_prefix)
        if not isinstance(judged, RedriveRecord):
            return judged
        partition = compute_key_partition(judged.user_key, self._partitions)
        try:
            outbox.add(judged.topic, partition, judged.key, judged.value, judged.headers)
        except RecordTooLargeError:
            return "too_large"
        return REDRIVEN
