"""Broadcasts -> notifications.<priority>, a page of users at a time.

A page is read, produced and acknowledged, then the cursor is stored. Nothing of it is produced if the broadcast was paused or cancelled
since it was claimed. A page that is produced again, after a crash or by two workers, has the same ids, wherever it ends: they are derived
from the broadcast, the user and its time. The router skips them as replays.
"""

from collections.abc import Callable

import msgspec
from msgspec import Struct

from agents.broadcasts.project_share import ProjectShare
from agents.polling import PagePoller, limit_wait
from schemas.audiences import Recipients, UserPage
from schemas.broadcasts import ClaimedBroadcast, derive_notification_id
from schemas.enums import Priority
from schemas.errors import RecordTooLargeError, UnavailableError
from schemas.ids import compute_key_partition
from schemas.limit_ports import Exceeded
from schemas.ports import Clock, FlushedOutbox, Outbox, Sleep
from schemas.store_ports import BroadcastPages
from schemas.topics import get_notifications_topic

DEFAULT_PRIORITY: Priority = "low"  # what goes to many users shall hold up nobody who is waiting for a message
PAGES_PER_SECOND = 4  # of a broadcast with a rate
AUDIENCE_DELETED = "its audience was deleted"

_encode = msgspec.json.Encoder().encode


class ExpandedPage(Struct, frozen=True):
    """A page whose notifications Kafka has acknowledged, and how long that took in seconds."""

    broadcast_id: str
    priority: Priority
    user_count: int
    is_last: bool
    seconds: float


class FailedBroadcast(Struct, frozen=True):
    """A broadcast that cannot be expanded."""

    broadcast_id: str
    error: str


class ExpansionDelay(Struct, frozen=True):
    """PostgreSQL or Kafka does not answer; the next attempt is in `seconds`."""

    cause: str
    seconds: float


class Expander(PagePoller):
    """Expands the pages that are due, one after the other; several workers share the pages of all broadcasts."""

    def __init__(
        self,
        pages: BroadcastPages,
        create_outbox: Callable[[], FlushedOutbox],
        sleep: Sleep,
        clock: Clock,
        holder: str,
        partitions: int,
        topic_prefix: str,
        interval: float,
        max_page_users: int,
        observe: Callable[[ExpandedPage | FailedBroadcast | ExpansionDelay], None],
        share: ProjectShare | None = None,
    ) -> None:
        """`holder`: names this process, and no other ever. `interval`: the most seconds between two looks for a new broadcast.

        `share`: what the project of a broadcast may produce; None: anything.
        """
        self._share = share
        self._pages, self._create_outbox, self._clock, self._holder = pages, create_outbox, clock, holder
        self._partitions, self._topic_prefix = partitions, topic_prefix
        self._interval, self._max_page_users, self._observe = interval, max_page_users, observe
        super().__init__(self.expand_next, sleep, lambda cause, seconds: observe(ExpansionDelay(cause, seconds)))

    async def expand_next(self) -> float:
        """Expand the page that is due. Returns the seconds until the next look. Raises UnavailableError."""
        broadcast = await self._pages.claim(self._holder)
        if broadcast is None:
            wait = await self._pages.get_wait()
            return limit_wait(wait, self._interval)
        try:
            await self._expand(broadcast)
        except UnavailableError:
            raise
        except RecordTooLargeError as error:
            await self._fail(broadcast, str(error))
        except Exception as error:  # it costs this broadcast, and not the worker, which would meet it again after its restart
            await self._fail(broadcast, f"unexpected error: {type(error).__name__}")
        return 0.0

    async def _expand(self, broadcast: ClaimedBroadcast) -> None:
        started_at, recipients = self._clock(), broadcast.recipients
        if recipients is None:
            await self._fail(broadcast, AUDIENCE_DELETED)
            return
        if broadcast.total_count is None and not await self._count(broadcast.id, recipients):
            return
        limit = self._max_page_users if broadcast.rate is None else max(1, broadcast.rate // PAGES_PER_SECOND)
        limit = min(limit, self._max_page_users)
        if self._share is not None:
            limit = self._share.limit_page(broadcast, limit)
        page = await self._pages.read_page(recipients, broadcast.cursor, limit)
        if self._share is not None:  # permits for those that there are: a page of a filter may have few, or none
            verdict = await self._share.acquire(broadcast, len(page.user_ids))
            if isinstance(verdict, Exceeded):
                await self._pages.store_page(broadcast.id, broadcast.cursor, UserPage([], broadcast.cursor, False), verdict.retry_after)
                return
            page = shorten(page, verdict.permits)
        if not await self._pages.renew(broadcast.id, self._holder):
            await self._pages.give_back(broadcast.id, self._holder)
            return
        priority = broadcast.priority or DEFAULT_PRIORITY
        outbox = self._create_outbox()
        write_notifications(outbox, broadcast, page, self._topic_prefix + get_notifications_topic(priority), self._partitions)
        await outbox.flush()
        seconds = len(page.user_ids) / broadcast.rate if broadcast.rate else 0.0
        if await self._pages.store_page(broadcast.id, broadcast.cursor, page, seconds):
            self._observe(ExpandedPage(broadcast.id, priority, len(page.user_ids), page.is_last, self._clock() - started_at))

    async def _count(self, broadcast_id: str, recipients: Recipients) -> bool:
        """Count the users and store the number. Returns whether the broadcast is still in hand."""
        total, cursor, is_last = 0, "", False
        while not is_last:
            if not await self._pages.renew(broadcast_id, self._holder):
                return False
            counted = await self._pages.count_page(recipients, cursor)
            total, cursor, is_last = total + counted.count, counted.cursor, counted.is_last
        return await self._pages.store_total(broadcast_id, self._holder, total)

    async def _fail(self, broadcast: ClaimedBroadcast, error: str) -> None:
        await self._pages.fail(broadcast.id, self._holder, error)
        self._observe(FailedBroadcast(broadcast.id, error))


def shorten(page: UserPage, users: int) -> UserPage:
    """The first users of a page."""
    if users >= len(page.user_ids):
        return page
    return UserPage(page.user_ids[:users], page.user_ids[users - 1], False)


def write_notifications(outbox: Outbox, broadcast: ClaimedBroadcast, page: UserPage, topic: str, partitions: int) -> None:
    """Add the notification of each user. Raises RecordTooLargeError."""
    rest = broadcast.notification.lstrip()[1:]  # its fields after the opening brace
    for user_id in page.user_ids:
        key = user_id.encode()
        notification_id = derive_notification_id(broadcast.id, user_id, broadcast.identified_at)
        value = b'{"id":"%b","user_id":%b,%b' % (notification_id.encode(), _encode(user_id), rest)
        outbox.add(topic, compute_key_partition(key, partitions), key, value)
