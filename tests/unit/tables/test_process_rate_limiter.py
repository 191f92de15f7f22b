"""What only the limiter of a process has: a share, an empty start, and a bound on what it remembers."""

from schemas.limit_ports import Exceeded, Granted, Quota
from tables.process_rate_limiter import MIN_SWEPT_KEYS, ProcessRateLimiter


class SettableClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_share_has_its_part_of_rate_and_burst() -> None:
    clock, quota = SettableClock(), Quota("a", 1, 8)
    limiter = ProcessRateLimiter(clock, lambda: 0.25)
    assert await limiter.acquire([quota], 8, 1) == Granted(2, 0, 0, 8)
    assert await limiter.acquire([quota]) == Exceeded(0, 4)
    clock.now += 4
    assert await limiter.acquire([quota]) == Granted(1, 0, 0, 8)


async def test_the_smallest_share_gets_a_permit() -> None:
    limiter = ProcessRateLimiter(SettableClock(), lambda: 1 / 12)
    assert await limiter.acquire([Quota("a", 1, 4)]) == Granted(1, 0, 0, 12)


async def test_a_share_gives_what_it_has_of_what_the_whole_could_give() -> None:
    limiter = ProcessRateLimiter(SettableClock(), lambda: 0.5)
    assert await limiter.acquire([Quota("a", 1, 8)], 8) == Granted(4, 0, 0, 8)


async def test_a_share_may_change() -> None:
    clock, shares = SettableClock(), [1.0]
    limiter = ProcessRateLimiter(clock, lambda: shares[0])
    assert await limiter.acquire([Quota("a", 1, 4)], 2) == Granted(2, 0, 2, 2)
    shares[0] = 0.5
    assert await limiter.acquire([Quota("a", 1, 4)], 2, 1) == Granted(1, 0, 0, 4)


async def test_what_does_not_start_full_has_one_permit() -> None:
    clock = SettableClock()
    limiter = ProcessRateLimiter(clock, starts_full=False)
    assert await limiter.acquire([Quota("a", 1, 8)], 8, 1) == Granted(1, 0, 0, 8)
    clock.now += 8
    assert await limiter.acquire([Quota("a", 1, 8)], 8, 1) == Granted(8, 0, 0, 8)


async def test_what_was_used_can_be_forgotten() -> None:
    limiter = ProcessRateLimiter(SettableClock())
    await limiter.acquire([Quota("a", 1, 8)], 8)
    limiter.clear()
    assert isinstance(await limiter.acquire([Quota("a", 1, 8)], 8), Granted)


async def test_quotas_that_are_full_again_take_no_memory() -> None:
    clock = SettableClock()
    limiter = ProcessRateLimiter(clock)
    for n in range(10 * MIN_SWEPT_KEYS):
        clock.now += 1
        await limiter.acquire([Quota(f"ip:{n}", 10, 1)])
    assert len(limiter) <= MIN_SWEPT_KEYS


async def test_a_sweep_keeps_what_is_used() -> None:
    clock = SettableClock()
    limiter = ProcessRateLimiter(clock)
    for n in range(3 * MIN_SWEPT_KEYS):
        await limiter.acquire([Quota(f"ip:{n}", 10, 1)])
    assert [type(await limiter.acquire([Quota(f"ip:{n}", 10, 1)])) for n in (0, 3 * MIN_SWEPT_KEYS - 1)] == [Exceeded, Exceeded]


async def test_a_clock_that_steps_back_costs_no_more_than_the_burst() -> None:
    clock = SettableClock()
    limiter = ProcessRateLimiter(clock)
    await limiter.acquire([Quota("a", 10, 2)], 2)
    clock.now -= 500
    assert await limiter.acquire([Quota("a", 10, 2)]) == Exceeded(0, 10)
