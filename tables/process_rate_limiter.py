"""A rate limiter within one process: for what only one process does, and for while Redis does not answer."""

from collections.abc import Callable, Sequence

from schemas.limit_ports import Quota, RateVerdict
from schemas.ports import Clock
from tables.gcra import decide, find_least

MIN_SWEPT_KEYS = 1000  # quotas that are full again are forgotten when there are so many, and then at twice as many as stay


class ProcessRateLimiter:
    """Implements schemas.limit_ports.RateLimiter; `clock` is monotonic, in seconds.

    `get_share` is the share of each quota that this process has, above 0 to 1; of a burst it has one permit at least. A quota is full when
    it is first used, or, with `starts_full` false, has one permit.
    """

    def __init__(self, clock: Clock, get_share: Callable[[], float] = lambda: 1.0, *, starts_full: bool = True) -> None:
        self._clock, self._get_share, self._starts_full = clock, get_share, starts_full
        self._full_at: dict[str, float] = {}
        self._sweep_at = MIN_SWEPT_KEYS

    async def acquire(self, quotas: Sequence[Quota], permits: int = 1, at_least: int = 0) -> RateVerdict:
        """The verdict of this process alone. Raises ValueError if the request could never be granted."""
        find_least(quotas, permits, at_least)
        return self.acquire_now(quotas, permits, at_least)

    def acquire_now(self, quotas: Sequence[Quota], permits: int = 1, at_least: int = 0) -> RateVerdict:
        """The same without waiting; a share of a burst may be smaller than what is asked for, and then gives what it has."""
        share, now = self._get_share(), self._clock()
        if share < 1:
            quotas = [Quota(quota.key, quota.interval / share, max(1, int(quota.burst * share))) for quota in quotas]
        least = min(at_least or permits, *(quota.burst for quota in quotas))
        verdict, ends = decide(quotas, [self._get_full_at(quota, now) for quota in quotas], now, permits, least)
        self._full_at.update(zip([quota.key for quota in quotas], ends, strict=False))
        if len(self._full_at) >= self._sweep_at:
            self._sweep(now)
        return verdict

    def clear(self) -> None:
        """Forget what was used."""
        self._full_at.clear()

    def __len__(self) -> int:
        return len(self._full_at)

    def _get_full_at(self, quota: Quota, now: float) -> float:
        full_at = self._full_at.get(quota.key)
        if full_at is None:
            return now if self._starts_full else now + (quota.burst - 1) * quota.interval
        return full_at

    def _sweep(self, now: float) -> None:
        """Forget the quotas that are full; what does not start full begins with one permit again."""
        self._full_at = {key: at for key, at in self._full_at.items() if at > now}
        self._sweep_at = max(MIN_SWEPT_KEYS, 2 * len(self._full_at))
