"""History -> what became of a broadcast, a page at a time; of one that was cancelled, what waits -> Cancel records on scheduled.<priority>.

The ids of a broadcast's notifications have its time, so they are a range of the history; whether one in it is its own, its hash says.
A page is read, its Cancel records are acknowledged, then the cursor is stored with what was found. A page that is read again, after a crash
or by two workers, asks for the same cancels, which the scheduler carries out once. Passes follow each other until nothing waits and all is
decided: what was released while the first pass read may be held again.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import Struct

from agents.polling import PagePoller, limit_wait
from schemas.broadcast_counts import (
    BroadcastCount,
    BroadcastFindings,
    DecidedNotification,
    DeliveryResult,
    compute_pause,
    is_of_broadcast,
)
from schemas.enums import PRIORITIES, State, Status
from schemas.errors import UnavailableError
from schemas.ids import compute_key_partition
from schemas.ports import Clock, FlushedOutbox, Sleep
from schemas.scheduled import Cancel
from schemas.store_ports import BroadcastHistory
from schemas.topics import get_scheduled_topic

REST = 3.0  # times the duration of a page of a mere count: so little of a core do counts take, however large broadcasts are

FAILURE_PAUSE = 3600.0  # seconds until a count is tried again that failed with an unexpected error

_encode = msgspec.json.Encoder().encode


class CountDelay(Struct, frozen=True):
    """PostgreSQL or Kafka does not answer; the next attempt is in `seconds`."""

    cause: str
    seconds: float


class FailedCount(Struct, frozen=True):
    """A page of a broadcast that cannot be counted; the next attempt is in `seconds`."""

    broadcast_id: str
    error: str
    seconds: float


class CountedPage(Struct, frozen=True):
    """A page of the history: how many notifications of the broadcast it has, and how many cancels were requested."""

    broadcast_id: str
    notification_count: int
    cancel_count: int
    is_last: bool


class BroadcastCounter(PagePoller):
    """Counts the pages that are due, one after the other; several workers share the pages of all broadcasts."""

    def __init__(
        self,
        history: BroadcastHistory,
        create_outbox: Callable[[], FlushedOutbox],
        sleep: Sleep,
        clock: Clock,
        holder: str,
        partitions: int,
        topic_prefix: str,
        interval: float,
        max_page: int,
        observe: Callable[[CountedPage | FailedCount | CountDelay], None],
    ) -> None:
        """`clock`: seconds of any origin. `holder`: names this process, and no other ever. `max_page`: notifications."""
        self._history, self._create_outbox, self._clock, self._holder = history, create_outbox, clock, holder
        self._partitions, self._interval, self._max_page, self._observe = partitions, interval, max_page, observe
        self._topics = [topic_prefix + get_scheduled_topic(priority) for priority in PRIORITIES]
        super().__init__(self.count_next, sleep, lambda cause, seconds: observe(CountDelay(cause, seconds)))

    async def count_next(self) -> float:
        """Count the page that is due. Returns the seconds until the next look. Raises UnavailableError."""
        count = await self._history.claim(self._holder)
        if count is None:
            return limit_wait(await self._history.get_wait(), self._interval)
        try:
            return await self._count(count)
        except UnavailableError:
            raise
        except Exception as error:  # it costs this broadcast its counts, and not the worker, which would meet it again after its restart
            await self._history.postpone(count, FAILURE_PAUSE)
            self._observe(FailedCount(count.id, f"unexpected error: {type(error).__name__}", FAILURE_PAUSE))
            return 0.0

    async def _count(self, count: BroadcastCount) -> float:
        started_at = self._clock()
        page = await self._history.read_page(count, self._max_page)
        own = [one for one in page.notifications if is_of_broadcast(count.id, one.id, one.user_id, count.identified_ats)]
        results = await self._history.find_results([delivery for one in own for delivery in one.deliveries])
        cancels = find_waiting(own, results)
        if count.state == "cancelled":
            cancels += await self._find_digests(count, own)
            await self._request(cancels)
        seconds = self._clock() - started_at
        findings = add_page(count, own, results, len(cancels), seconds)
        pause = compute_pause(count, findings) if page.is_last else 0.0
        if await self._history.store_page(count, page, findings, pause):
            self._observe(CountedPage(count.id, len(own), len(cancels) if findings.cancels else 0, page.is_last))
        return 0.0 if findings.cancels else REST * seconds

    async def _find_digests(self, count: BroadcastCount, own: Sequence[DecidedNotification]) -> list[Cancel]:
        """The digests of a page that are held and have nothing else in them; what others have submitted is not cancelled."""
        merged = sorted({(one.merged_into, one.user_id) for one in own if one.merged_into})
        digests = await self._history.find_held_digests(merged) if merged else []
        return [
            Cancel(digest.id, digest.user_id)
            for digest in digests
            if all(is_of_broadcast(count.id, one, digest.user_id, count.identified_ats) for one in digest.member_ids)
        ]

    async def _request(self, cancels: Sequence[Cancel]) -> None:
        """The history does not say which priority an entry has, so each request goes over all; where it is not, nothing happens."""
        outbox = self._create_outbox()
        for cancel in cancels:
            key, value = cancel.user_id.encode(), _encode(cancel)
            for topic in self._topics:
                outbox.add(topic, compute_key_partition(key, self._partitions), key, value)
        await outbox.flush()


def find_waiting(own: Sequence[DecidedNotification], results: Mapping[str, DeliveryResult]) -> list[Cancel]:
    """The requests that cancel what waits of these notifications. A delivery that was tried and is PENDING waits for its next attempt."""
    cancels = []
    for one in own:
        if one.state == State.HELD or one.next_step_at is not None:
            cancels.append(Cancel(one.id, one.user_id))
        waiting = (one_id for one_id in one.deliveries if one_id in results and results[one_id].status == Status.PENDING)
        cancels += [Cancel(delivery_id, one.user_id, "delivery") for delivery_id in waiting]
    return cancels


def add_page(
    count: BroadcastCount, own: Sequence[DecidedNotification], results: Mapping[str, DeliveryResult], waiting: int, seconds: float
) -> BroadcastFindings:
    """What the count has found with this page."""
    before = count.findings
    states = {name: {**reasons} for name, reasons in before.states.items()}
    statuses = {name: {**reasons} for name, reasons in before.statuses.items()}
    for one in own:
        _add(states, one.state, one.reason)
        for delivery_id in one.deliveries:
            _add(statuses, *results.get(delivery_id, (Status.PENDING, "")))
    cancels = count.state == "cancelled"
    return BroadcastFindings(before.decided + len(own), before.waiting + waiting, before.seconds + seconds, cancels, states, statuses)


def _add(counts: dict[str, dict[str, int]], name: str, reason: str) -> None:
    reasons = counts.setdefault(name, {})
    reasons[reason] = reasons.get(reason, 0) + 1
