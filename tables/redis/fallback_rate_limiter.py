"""A rate limiter that goes on in its own process while Redis does not answer."""

from collections.abc import Callable, Sequence

from schemas.errors import UnavailableError
from schemas.limit_ports import Quota, RateLimiter, RateVerdict
from tables.process_rate_limiter import ProcessRateLimiter


class FallbackRateLimiter:
    """Implements schemas.limit_ports.RateLimiter, and raises no UnavailableError.

    `on_change` is called with true when this process begins to count by itself, and with false when all count together again.
    """

    def __init__(self, shared: RateLimiter, local: ProcessRateLimiter, on_change: Callable[[bool], None]) -> None:
        self._shared, self._local, self._on_change = shared, local, on_change
        self.is_alone = False

    async def acquire(self, quotas: Sequence[Quota], permits: int = 1, at_least: int = 0) -> RateVerdict:
        """The verdict of all processes together, or of this one. Raises ValueError if the request could never be granted."""
        try:
            verdict = await self._shared.acquire(quotas, permits, at_least)
        except UnavailableError:
            self._set_alone(True)
            return await self._local.acquire(quotas, permits, at_least)
        self._set_alone(False)
        return verdict

    def _set_alone(self, is_alone: bool) -> None:
        if is_alone != self.is_alone:
            self.is_alone = is_alone
            self._local.clear()
            self._on_change(is_alone)
