"""The share of a broadcast's project: how many notifications it may produce now, beside what the project submits otherwise."""

from collections.abc import Callable

import msgspec
from msgspec import Struct

from schemas.broadcasts import ClaimedBroadcast
from schemas.limit_ports import Granted, Quota, RateLimiter, RateVerdict

PAGE_SECONDS = 0.25  # a page has at least what a quota gives in this time, so that pages are few
UNLIMITED = 0


class _Typed(Struct):
    type: str


_decode = msgspec.json.Decoder(_Typed).decode


class ProjectShare:
    """`find_quota`: the quota of the project that a notification type belongs to, None for none."""

    def __init__(self, limiter: RateLimiter, find_quota: Callable[[str], Quota | None]) -> None:
        self._limiter, self._find_quota = limiter, find_quota

    def limit_page(self, broadcast: ClaimedBroadcast, users: int) -> int:
        """How many users of at most so many a page may have, because there are never permits for more at once."""
        quota = self._find(broadcast)
        return users if quota is None else min(users, quota.burst)

    async def acquire(self, broadcast: ClaimedBroadcast, users: int) -> RateVerdict:
        """Permits for at most so many users; all of them if the project has no limit."""
        quota = self._find(broadcast)
        if quota is None or not users:
            return Granted(users, UNLIMITED, 0, 0.0)
        least = min(users, quota.burst, max(1, int(PAGE_SECONDS / quota.interval)))
        return await self._limiter.acquire([quota], users, least)

    def _find(self, broadcast: ClaimedBroadcast) -> Quota | None:
        return self._find_quota(_decode(broadcast.notification).type)
