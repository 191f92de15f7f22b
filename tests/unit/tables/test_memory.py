"""What the in-memory twins can do beyond the suites of tests/contracts: be away."""

import pytest

from schemas.errors import Unavailable
from tables.memory import MemoryHistory, MemoryProfiles
from tests.history import accepted, entries


async def test_a_history_that_is_gone_takes_nothing() -> None:
    history = MemoryHistory()
    history.gone = True
    with pytest.raises(Unavailable):
        await history.write(entries(accepted()))
    assert not history.notifications


async def test_profiles_that_are_gone_tell_nothing() -> None:
    profiles = MemoryProfiles()
    profiles.gone = True
    with pytest.raises(Unavailable):
        await profiles.get_many(["u-1"])
