"""Whether this worker still owns its partitions: its generation is the group's, and the coordinator has heard of it lately."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from schemas.errors import PartitionLost


class Membership(Protocol):
    """What the consumer knows of its place in the group."""

    def generation(self) -> int:
        """The generation whose assignment the agents work on."""
        ...

    def coordinator_generation(self) -> int:
        """The generation that the coordinator last gave or confirmed; -1 if it no longer knows this member."""
        ...

    def heard_at(self) -> float:
        """When the coordinator last confirmed this member, on the clock of `now`."""
        ...

    def owns(self, partition: int) -> bool:
        """Whether the partition is in the current assignment."""
        ...


class Ownership:
    """Asked before each flush, so that a worker which was thought dead writes nothing more once it wakes up."""

    def __init__(self, members: Membership, *, session: float, now: Callable[[], float], pause: float = 0.05) -> None:
        """`session`: seconds after which the group gives up a silent member; `now`: a monotonic clock in seconds."""
        self._members = members
        self._session = session
        self._now = now
        self._pause = pause

    def generation(self) -> int:
        """The generation to be checked later."""
        return self._members.generation()

    def owns(self, partition: int) -> bool:
        """Whether the partition is assigned to this worker."""
        return self._members.owns(partition)

    def holds(self, generation: int) -> bool:
        """Whether the group still is in that generation, as far as this worker knows."""
        return self._members.generation() == generation == self._members.coordinator_generation()

    async def check(self, generation: int) -> None:
        """Return if partitions of that generation are still ours. Raises PartitionLost.

        If the coordinator was silent for longer than a session this waits for its word: its answer is either a heartbeat (go on) or a new
        generation (all positions are set back, so what is dropped now comes again). Raising before the answer could drop a batch for good.
        """
        while self.holds(generation):
            if self._now() - self._members.heard_at() < self._session:
                return
            await asyncio.sleep(self._pause)
        raise PartitionLost(f"generation {generation} is over; the group is in {self._members.coordinator_generation()}")
