"""The rate limiters against a model that counts tokens, as a bucket has them, instead of times."""

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.limit_ports import Exceeded, Granted, Quota, RateVerdict
from tests.contracts.limits.limiter_harness import LimiterHarness, ProcessLimiterHarness, run_redis_harness

UNIT = 1000.0  # seconds; all times are multiples, so that what the calls themselves take does not count
TOLERANCE = 30.0  # seconds

QUOTAS = [Quota("a", UNIT, 1), Quota("b", 2 * UNIT, 3), Quota("c", 3 * UNIT, 7)]


@dataclass
class Step:
    """Time passes, then permits are asked for."""

    pause: int
    quotas: list[Quota]
    permits: int
    at_least: int


@dataclass
class TokenBuckets:
    """A bucket of each quota gets a token per interval, up to its burst. Tokens are counted in units of time, so that none is rounded."""

    tokens: dict[str, int] = field(default_factory=lambda: {quota.key: quota.burst * int(quota.interval / UNIT) for quota in QUOTAS})

    def play(self, step: Step) -> tuple[int, int, float]:
        """How many are granted, and of the decisive quota its position and what is left, or the wait."""
        for quota in QUOTAS:
            size = int(quota.interval / UNIT)
            self.tokens[quota.key] = min(quota.burst * size, self.tokens[quota.key] + step.pause)
        sizes = [int(quota.interval / UNIT) for quota in step.quotas]
        whole = [self.tokens[quota.key] // size for quota, size in zip(step.quotas, sizes, strict=True)]
        least = step.at_least or step.permits
        if min(whole) < least:
            waits = [least * size - self.tokens[quota.key] for quota, size in zip(step.quotas, sizes, strict=True)]
            return 0, waits.index(max(waits)), max(waits) * UNIT
        granted = min(step.permits, *whole)
        for quota, size in zip(step.quotas, sizes, strict=True):
            self.tokens[quota.key] -= granted * size
        return granted, whole.index(min(whole)), min(whole) - granted


@st.composite
def draw_step(draw: st.DrawFn) -> Step:
    quotas = draw(st.lists(st.sampled_from(QUOTAS), min_size=1, max_size=3, unique=True))
    at_least = draw(st.integers(1, min(quota.burst for quota in quotas)))
    return Step(draw(st.integers(0, 8)), quotas, at_least + draw(st.integers(0, 8)), at_least)


async def play(harness: LimiterHarness, steps: list[Step]) -> list[RateVerdict]:
    verdicts = []
    for step in steps:
        await harness.advance(step.pause * UNIT)
        verdicts.append(await harness.limiter.acquire(step.quotas, step.permits, step.at_least))
    return verdicts


def check(verdicts: list[RateVerdict], steps: list[Step]) -> None:
    buckets = TokenBuckets()
    for verdict, step in zip(verdicts, steps, strict=True):
        granted, position, rest = buckets.play(step)
        match verdict:
            case Granted():
                assert (verdict.permits, verdict.quota, verdict.remaining) == (granted, position, rest)
            case Exceeded():
                assert (0, verdict.quota) == (granted, position)
                assert abs(verdict.retry_after - rest) < TOLERANCE


@given(st.lists(draw_step(), max_size=40))
def test_a_limiter_in_a_process_grants_what_buckets_have(steps: list[Step]) -> None:
    check(asyncio.run(play(ProcessLimiterHarness(), steps)), steps)


def test_redis_grants_what_buckets_have(redis_url: str, prefix: str) -> None:
    async def play_on_redis(steps: list[Step]) -> list[RateVerdict]:
        async with run_redis_harness(redis_url, f"{prefix}{uuid.uuid4().hex}.") as harness:
            return await play(harness, steps)

    @settings(max_examples=60)
    @given(st.lists(draw_step(), max_size=15))
    def run(steps: Any) -> None:
        check(asyncio.run(play_on_redis(steps)), steps)

    run()
