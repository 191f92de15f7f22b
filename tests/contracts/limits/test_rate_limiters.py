"""What every rate limiter does, in Redis and in a process."""

from collections.abc import AsyncIterator

import pytest

from schemas.limit_ports import Exceeded, Granted, Quota
from tests.contracts.limits.limiter_harness import LimiterHarness, ProcessLimiterHarness, run_redis_harness

SLOW = Quota("slow", 1000, 3)  # seconds: what a test takes does not count
FAST = Quota("fast", 100, 5)


@pytest.fixture(params=["process", "redis"])
async def harness(request: pytest.FixtureRequest) -> AsyncIterator[LimiterHarness]:
    if request.param == "process":
        yield ProcessLimiterHarness()
    else:
        async with run_redis_harness(request.getfixturevalue("redis_url"), request.getfixturevalue("prefix")) as harness:
            yield harness


async def test_a_burst_is_granted_at_once_and_then_one_permit_per_interval(harness: LimiterHarness) -> None:
    verdicts = [await harness.limiter.acquire([SLOW]) for _ in range(4)]
    assert [(verdict.permits, verdict.remaining) for verdict in verdicts if isinstance(verdict, Granted)] == [(1, 2), (1, 1), (1, 0)]
    assert verdicts[3] == Exceeded(0, pytest.approx(1000, abs=5))
    await harness.advance(990)
    assert await harness.limiter.acquire([SLOW]) == Exceeded(0, pytest.approx(10, abs=5))
    await harness.advance(10)
    assert await harness.limiter.acquire([SLOW]) == Granted(1, 0, 0, pytest.approx(3000, abs=5))
    assert isinstance(await harness.limiter.acquire([SLOW]), Exceeded)


async def test_it_is_full_again_after_what_it_says(harness: LimiterHarness) -> None:
    verdict = await harness.limiter.acquire([SLOW], 2)
    assert verdict == Granted(2, 0, 1, pytest.approx(2000, abs=5))
    await harness.advance(2000)
    assert await harness.limiter.acquire([SLOW], 3) == Granted(3, 0, 0, pytest.approx(3000, abs=5))


async def test_several_permits_are_granted_together_or_not_at_all(harness: LimiterHarness) -> None:
    await harness.limiter.acquire([SLOW], 2)
    assert await harness.limiter.acquire([SLOW], 3) == Exceeded(0, pytest.approx(2000, abs=5))
    assert isinstance(await harness.limiter.acquire([SLOW], 1), Granted)


async def test_as_many_as_there_are_are_granted_if_fewer_are_enough(harness: LimiterHarness) -> None:
    assert await harness.limiter.acquire([SLOW], 100, 1) == Granted(3, 0, 0, pytest.approx(3000, abs=5))
    assert await harness.limiter.acquire([SLOW], 100, 2) == Exceeded(0, pytest.approx(2000, abs=5))


async def test_what_one_quota_does_not_grant_uses_nothing_of_the_others(harness: LimiterHarness) -> None:
    await harness.limiter.acquire([SLOW], 3)
    for _ in range(3):
        assert await harness.limiter.acquire([FAST, SLOW]) == Exceeded(1, pytest.approx(1000, abs=5))
    assert await harness.limiter.acquire([FAST], 5) == Granted(5, 0, 0, pytest.approx(500, abs=5))


async def test_the_quota_that_takes_longest_is_named(harness: LimiterHarness) -> None:
    await harness.limiter.acquire([SLOW], 3)
    await harness.limiter.acquire([FAST], 5)
    assert await harness.limiter.acquire([SLOW, FAST]) == Exceeded(0, pytest.approx(1000, abs=5))
    assert await harness.limiter.acquire([FAST, SLOW]) == Exceeded(1, pytest.approx(1000, abs=5))


async def test_the_quota_with_the_fewest_permits_left_is_named(harness: LimiterHarness) -> None:
    assert await harness.limiter.acquire([FAST, SLOW]) == Granted(1, 1, 2, pytest.approx(1000, abs=5))


async def test_keys_are_counted_apart(harness: LimiterHarness) -> None:
    await harness.limiter.acquire([SLOW], 3)
    assert isinstance(await harness.limiter.acquire([Quota("other", 1000, 3)], 3), Granted)


async def test_time_without_use_gives_no_more_than_the_burst(harness: LimiterHarness) -> None:
    await harness.limiter.acquire([SLOW])
    await harness.advance(1_000_000)
    assert isinstance(await harness.limiter.acquire([SLOW], 3), Granted)
    assert isinstance(await harness.limiter.acquire([SLOW]), Exceeded)


async def test_a_quota_that_became_faster_waits_no_longer_than_its_own_burst(harness: LimiterHarness) -> None:
    await harness.limiter.acquire([SLOW], 3)
    assert await harness.limiter.acquire([Quota("slow", 10, 3)]) == Exceeded(0, pytest.approx(10, abs=5))


@pytest.mark.parametrize(("permits", "at_least"), [(4, 0), (0, 0), (9, 4), (1, 2)])
async def test_what_could_never_be_granted_is_an_error(harness: LimiterHarness, permits: int, at_least: int) -> None:
    with pytest.raises(ValueError, match="the burst of slow is 3"):
        await harness.limiter.acquire([FAST, SLOW], permits, at_least)
