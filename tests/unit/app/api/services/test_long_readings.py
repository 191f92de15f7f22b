"""Who may read for long, and for how long."""

import asyncio

import pytest

from app.api.services.long_readings import LongReadings
from schemas.errors import DescribedUnavailableError, ReadingRunningError


async def test_one_reads_at_a_time_and_the_next_one_after_it() -> None:
    readings = LongReadings()
    async with readings.admit():
        with pytest.raises(ReadingRunningError):
            async with readings.admit():
                pytest.fail("two were admitted")
    async with readings.admit():
        pass


async def test_what_takes_too_long_is_cancelled_and_says_what_to_do() -> None:
    readings = LongReadings(0)
    with pytest.raises(DescribedUnavailableError, match="choose a shorter time"):
        async with readings.admit():
            await asyncio.Event().wait()
    with pytest.raises(DescribedUnavailableError):  # the place is free again
        async with readings.admit():
            await asyncio.Event().wait()
