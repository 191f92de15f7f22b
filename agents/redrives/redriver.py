"""Redrives -> the topics that the dead letters came from, a page at a time.

A page is read and judged, and what is to be sent of it is taken in hand: from then on nobody can discard it. Then it is produced and
acknowledged, and its results are stored. A page that is produced again, after a crash or by two workers, has the same records: a delivery
with the same redrive_count, a notification with the same id. Who reads them skips the second.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from msgspec import Struct

from agents.polling import PagePoller, limit_wait
from agents.redrives.judge import Judgement, count_results, judge
from schemas.errors import RecordTooLargeError, UnavailableError
from schemas.ids import compute_key_partition
from schemas.ports import Clock, FlushedOutbox, Outbox, Sleep
from schemas.redrive_ports import RedrivePages
from schemas.redrives import REDRIVEN, ClaimedRedrive, RedriveItem, RedriveRecord, RedriveResult

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
        renewal_interval: float,
        observe: Callable[[RedriveEvent], None],
    ) -> None:
        """`clock` in epoch seconds. `holder`: names this process, and no other ever. `renewal_interval`: of the lease of a page."""
        self._pages, self._create_outbox, self._clock, self._holder = pages, create_outbox, clock, holder
        self._partitions, self._topic_prefix = partitions, topic_prefix
        self._interval, self._max_page, self._observe = interval, max_page, observe
        self._sleep, self._renewal_interval = sleep, renewal_interval
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
        judged = {item.id: self._judge(item, redrive) for item in items}
        records = {dead_letter_id: one for dead_letter_id, one in judged.items() if isinstance(one, RedriveRecord)}
        taken = await self._pages.take(redrive.id, [*records]) if records else {}
        if taken is None:
            await self._pages.store_page(redrive.id, {}, 0.0)  # it was paused or cancelled: give it back
            return
        outbox = self._create_outbox()
        results = {
            one: result if isinstance(result, str) else taken.get(one) or self._write(outbox, result) for one, result in judged.items()
        }
        await self._flush(outbox, redrive.id)
        produced = sum(result == REDRIVEN for result in results.values())
        is_last = await self._pages.store_page(redrive.id, results, produced / redrive.rate if redrive.rate else 0.0)
        self._observe(RedrivenPage(redrive.id, count_results(results), is_last))

    def _judge(self, item: RedriveItem, redrive: ClaimedRedrive) -> Judgement:
        return judge(item.content, item.facts, redrive.options, self._clock(), self._topic_prefix)

    def _write(self, outbox: Outbox, record: RedriveRecord) -> RedriveResult:
        """Add the record of a dead letter."""
        partition = compute_key_partition(record.user_key, self._partitions)
        try:
            outbox.add(record.topic, partition, record.key, record.value, record.headers)
        except RecordTooLargeError:
            return "too_large"
        return REDRIVEN

    async def _flush(self, outbox: FlushedOutbox, redrive_id: str) -> None:
        """Produce the page, and keep it in hand until Kafka has it, however long that takes: it may not be discarded meanwhile."""
        renewals = asyncio.create_task(self._renew(redrive_id), name="redrive-lease")
        try:
            await outbox.flush()
        finally:
            renewals.cancel()

    async def _renew(self, redrive_id: str) -> None:
        while True:
            await self._sleep(self._renewal_interval)
            with suppress(UnavailableError):
                await self._pages.renew(redrive_id, self._holder)
