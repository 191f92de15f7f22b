"""When readings are gathered, and what is said while PostgreSQL is away."""

import asyncio

import pytest

from agents.reading_gatherer import INTERVAL, MAX_READINGS, GatherDelay, ReadingGatherer
from schemas.errors import UnavailableError


class FakeReadings:
    """Gives the results in turn; an exception is raised."""

    def __init__(self, *results: int | Exception) -> None:
        self.results, self.limits = [*results], list[int]()

    async def gather(self, limit: int) -> int:
        self.limits.append(limit)
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


async def run(readings: FakeReadings) -> tuple[list[GatherDelay], list[float]]:
    """What is observed, and the waits, until there are no results."""
    observed: list[GatherDelay] = []
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if not readings.results:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await ReadingGatherer(readings, sleep, observed.append).run_forever()
    return observed, waits


async def test_more_than_one_transaction_takes_is_gathered_at_once() -> None:
    readings = FakeReadings(0, MAX_READINGS, 7)
    assert await run(readings) == ([], [INTERVAL, 0.0, INTERVAL])
    assert readings.limits == [MAX_READINGS] * 3


async def test_while_postgres_is_away_this_is_reported_and_tried_again() -> None:
    observed, waits = await run(FakeReadings(UnavailableError("away"), UnavailableError("away"), 0))
    assert observed == [GatherDelay("away", 1.0), GatherDelay("away", 2.0)]
    assert waits == [1.0, 2.0, INTERVAL]
