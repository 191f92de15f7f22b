"""When the linker links, and what it reports."""

import asyncio
from collections.abc import Sequence

import pytest

from agents.log_linker import MAX_ENTRIES, LinkDelay, LogLinker
from schemas.checkpoints import LinkedLog
from schemas.errors import UnavailableError


class FakeChains:
    """Gives the results in turn; an exception is raised."""

    def __init__(self, *results: Sequence[LinkedLog] | Exception) -> None:
        self.results, self.limits = [*results], list[int]()

    async def link(self, limit: int) -> Sequence[LinkedLog]:
        self.limits.append(limit)
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


async def run(chains: FakeChains) -> tuple[list[LinkedLog | LinkDelay], list[float]]:
    """What is observed, and the waits, until there are no results."""
    observed: list[LinkedLog | LinkDelay] = []
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if not chains.results:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await LogLinker(chains, sleep, 1.0, observed.append).run_forever()
    return observed, waits


async def test_it_goes_on_at_once_while_more_waits() -> None:
    full, rest, nothing = (
        LinkedLog("audit", MAX_ENTRIES, True, None),
        LinkedLog("audit", 3, False, None),
        LinkedLog("audit", 0, False, None),
    )
    chains = FakeChains([full, nothing], [rest, nothing], [nothing, nothing], [])
    assert await run(chains) == ([full, rest], [0.0, 1.0, 1.0, 1.0])
    assert set(chains.limits) == {MAX_ENTRIES}


async def test_it_tries_again_later_while_postgresql_is_away() -> None:
    linked = LinkedLog("consent", 1, False, None)
    observed, waits = await run(FakeChains(UnavailableError("away"), UnavailableError("away"), [linked]))
    assert observed == [LinkDelay("away", 1.0), LinkDelay("away", 2.0), linked]
    assert waits == [1.0, 2.0, 1.0]
