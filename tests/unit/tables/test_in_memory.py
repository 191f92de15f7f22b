"""What the in-memory simulators can do beyond the suites of tests/contracts: be away."""

import pytest

from schemas.errors import UnavailableError
from tables.in_memory import MemoryHistory, MemoryProfileReader
from tests.event_builders import build_decided_event, build_history_batch


async def test_a_history_that_is_gone_takes_nothing() -> None:
    history = MemoryHistory()
    history.unavailable = True
    with pytest.raises(UnavailableError):
        await history.write(build_history_batch(build_decided_event()))
    assert not history.notifications


async def test_profiles_that_are_gone_tell_nothing() -> None:
    profiles = MemoryProfileReader()
    profiles.unavailable = True
    with pytest.raises(UnavailableError):
        await profiles.get_many(["u-1"])
