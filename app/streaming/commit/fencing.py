"""Whether this worker still owns its partitions: its generation is the group's, and the coordinator has heard of it lately."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from schemas.errors import PartitionFencedError


class GroupMembership(Protocol):
    """What the consumer knows of its place in the group."""

    def get_generation(self) -> int:
        """The generation whose assignment the agents work on."""
        ...

    def get_coordinator_generation(self) -> int:
        """The generation that the coordinator last gave or confirmed; -1 if it no longer knows this member."""
        ...

    def get_last_heartbeat_at(self) -> float:
        """When the coordinator last confirmed this member, on the clock of `now`."""
        ...

    def is_assigned(self, partition: int) -> bool:
        """Whether the partition is in the current assignment."""
        ...


class GenerationFence:
    """Asked before each flush, so that a worker which was thought dead writes nothing more once it wakes up."""

    def __init__(
        self, membership: GroupMembership, *, session_timeout: float, monotonic: Callable[[], float], retry_interval: float = 0.05
    ) -> None:
        """`session`: seconds after which the group gives up a silent member; `now`: a monotonic clock in seconds."""
        self._membership = membership
        self._session_timeout = session_timeout
        self._monotonic = monotonic
        self._retry_interval = retry_interval

    def get_generation(self) -> int:
        """The generation to be checked later."""
        return self._membership.get_generation()

    def is_assigned(self, partition: int) -> bool:
        """Whether the partition is assigned to this worker."""
        return self._membership.is_assigned(partition)

    def is_current(self, generation: int) -> bool:
        """Whether the group still is in that generation, as far as this worker knows."""
        return self._membership.get_generation() == generation == self._membership.get_coordinator_generation()

    async def require_current(self, generation: int) -> None:
        """Return if partitions of that generation are still ours. Raises PartitionLost.

        If the coordinator was silent for longer than a session this waits for its word: its answer is either a heartbeat (go on) or a new
        generation (all positions are set back, so what is dropped now comes again). Raising before the answer could drop a batch for good.
        """
        while self.is_current(generation):
            if self._monotonic() - self._membership.get_last_heartbeat_at() < self._session_timeout:
                return
            await asyncio.sleep(self._retry_interval)
        raise PartitionFencedError(f"generation {generation} is over; the group is in {self._membership.get_coordinator_generation()}")
