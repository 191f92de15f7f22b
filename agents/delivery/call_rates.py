"""The calls per second of provider accounts and webhook hosts, which all workers share: permits are fetched for what waits for them.

Nothing is fetched ahead, so that no worker has permits that another one needs. What comes while an account is at its rate waits there by
priority, and gets the permits of some time together, so that many deliveries cost one request.
"""

import asyncio
from collections.abc import Callable
from math import ceil, inf
from sys import maxsize
from typing import Literal

from agents.delivery.batch_drain import BatchDrain
from agents.delivery.concurrency import ConcurrencyLimiter, Waiting
from schemas.delivery_policy import CallRate
from schemas.limit_ports import Exceeded, Granted, Quota, RateLimiter, RateVerdict
from schemas.ports import CallLater, Clock

HOLD = 0.05  # seconds; a permit that is not used for so long is given up, so that it is not used beside later ones
PAUSE = 0.05  # seconds from one request for permits to the next while an account is at its rate
RESERVE_FOR_HIGH = 0.25  # of a burst, which only the high priority may use
DRAIN_INTERVAL = 0.1  # seconds
MAX_IDLE_ACCOUNTS = 1000


def build_quotas(account: str, rate: CallRate) -> tuple[Quota, Quota]:
    """The quotas of the high priority and of the others, which have one key.

    The burst is smaller by what may be used late, so that no window of calls has more than `rate` says.
    """
    burst = max(1, rate.burst - ceil(rate.per_second * HOLD))
    key, interval = f"account:{account}", 1 / rate.per_second
    return Quota(key, interval, burst), Quota(key, interval, max(1, burst - ceil(burst * RESERVE_FOR_HIGH)))


class _Account:
    """The permits of an account in this worker, and the task that fetches more, as long as deliveries wait.

    While the task waits, `wakes` says what ends that early: nothing (the next permit comes later), a high delivery, or any end of a call.
    """

    __slots__ = ("expires_at", "for_high", "for_others", "is_serving", "permits", "wake", "wakes")

    def __init__(self, for_high: Quota, for_others: Quota) -> None:
        self.for_high, self.for_others = for_high, for_others
        self.permits, self.expires_at, self.is_serving = 0, -inf, False
        self.wakes: Literal["never", "for high", "always"] = "never"
        self.wake: asyncio.Future[None] | None = None

    def end_wait(self) -> None:
        """Let the task go on."""
        if self.wake is not None and not self.wake.done():
            self.wake.set_result(None)


class CallRates:
    """Implements agents.delivery.concurrency.AccountRates. `get_rate` has the rate of an account, if there is one; `clock` is monotonic."""

    def __init__(self, limiter: RateLimiter, get_rate: Callable[[str], CallRate | None], clock: Clock, call_later: CallLater) -> None:
        self._limiter, self._get_rate, self._clock, self._call_later = limiter, get_rate, clock, call_later
        self._accounts: dict[str, _Account] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_draining = False

    def start(
        self,
        concurrency: ConcurrencyLimiter,
        drain: BatchDrain,
        on_granted: Callable[[], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        """Limit the calls that `concurrency` admits; `on_granted` starts those that it admits now."""
        self._concurrency, self._drain, self._on_granted, self._on_error = concurrency, drain, on_granted, on_error
        concurrency.rates = self

    def count_free(self, account: str) -> int:
        """How many calls may be made now; none in a drain, which may not wait for them, so that they might be made twice."""
        known = self._accounts.get(account)
        if known is None:
            return 0 if self._get_rate(account) is not None else maxsize
        return known.permits if self._clock() < known.expires_at and not self._is_draining else 0

    def use(self, account: str) -> None:
        """A call is made."""
        known = self._accounts.get(account)
        if known is not None:
            known.permits -= 1

    def request(self, account: str, *, is_high: bool = False) -> None:
        """Fetch permits for what waits, as soon as there may be some."""
        known = self._accounts.get(account)
        if known is None:
            rate = self._get_rate(account)
            if rate is None:
                return
            known = self._add(account, rate)
        if not known.is_serving:
            known.is_serving = True
            task = asyncio.get_running_loop().create_task(self._serve(account, known))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif known.wakes == "always" or (is_high and known.wakes == "for high"):
            known.end_wait()

    def find_wait(self, account: str) -> float:
        """Seconds until a delivery that comes now is called for, if no other worker calls."""
        rate, waiting = self._get_rate(account), self._concurrency.count_waiting(account)
        return 0.0 if rate is None else (waiting.high + waiting.others) / rate.per_second

    def begin_drain(self) -> None:
        """A rebalance or stop begins: it does not wait for what waits here, nor for its batches once they have no call in flight."""
        self._is_draining = True
        self._release_batches()

    def end_drain(self) -> None:
        """Drop what waits and is revoked."""
        self._is_draining = False
        for account in self._accounts:
            self._concurrency.remove_waiting(account, lambda in_flight: in_flight.is_revoked)

    async def stop(self) -> None:
        """Fetch no more."""
        self._is_draining = False
        for task in self._tasks:
            task.cancel()

    def _release_batches(self) -> None:
        if self._is_draining:
            self._drain.release_accounts({name for name, account in self._accounts.items() if account.is_serving})
            self._call_later(DRAIN_INTERVAL, self._release_batches)

    def _add(self, account: str, rate: CallRate) -> _Account:
        if len(self._accounts) >= MAX_IDLE_ACCOUNTS:
            self._accounts = {name: known for name, known in self._accounts.items() if known.is_serving}
        known = self._accounts[account] = _Account(*build_quotas(account, rate))
        return known

    async def _serve(self, name: str, account: _Account) -> None:
        try:
            while any((waiting := self._concurrency.count_waiting(name))[:2]):
                account.wakes, pause = "always", PAUSE
                if waiting.room > 0 and not self._is_draining:
                    pause = await self._fetch(name, account, waiting)
                if pause:
                    await self._wait(account, pause)
        except Exception as error:
            self._on_error(error)
        finally:
            account.is_serving = False

    async def _fetch(self, name: str, account: _Account, waiting: Waiting) -> float:
        """Fetch permits for what waits, high first; returns the seconds until there may be more, 0 if all that was asked for were there."""
        high = min(waiting.high, waiting.room)
        others = min(waiting.others, waiting.room - high)
        asked = [(account.for_high, high), (account.for_others, others)]
        verdicts = await asyncio.gather(*(self._limiter.acquire([quota], permits, 1) for quota, permits in asked if permits))
        granted = sum(verdict.permits for verdict in verdicts if isinstance(verdict, Granted))
        if granted:
            account.permits = self.count_free(name) + granted
            account.expires_at = self._clock() + HOLD
            self._concurrency.admit(name)
            self._on_granted()
        account.wakes = "never" if high else "for high"
        if granted == high + others:
            return 0.0
        is_high_served = not high or (isinstance(verdicts[0], Granted) and verdicts[0].permits == high)
        return _find_pause(account, verdicts) if is_high_served else _get_wait(verdicts[0], account.for_high)

    async def _wait(self, account: _Account, seconds: float) -> None:
        wake = account.wake = asyncio.get_running_loop().create_future()
        self._call_later(seconds, account.end_wait)
        await wake
        account.wake = None


def _find_pause(account: _Account, verdicts: list[RateVerdict]) -> float:
    """Until as much has come together as a pause gives, but no longer than the burst takes to fill."""
    quota = account.for_others
    return max(_get_wait(verdicts[-1], quota), min(PAUSE, quota.interval * quota.burst / 2))


def _get_wait(verdict: RateVerdict, quota: Quota) -> float:
    return verdict.retry_after if isinstance(verdict, Exceeded) else quota.interval
