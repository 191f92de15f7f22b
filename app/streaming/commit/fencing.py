"""Fencing: a worker writes only while its generation is the group's and the coordinator has confirmed it recently."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cached_property
from typing import Protocol

from schemas.errors import PartitionFencedError

RETRY_INTERVAL = 0.05  # seconds between two checks while the coordinator is silent


class GroupMembership(Protocol):
    """The consumer's membership in its group."""

    def get_generation(self) -> int:
        """The generation whose assignment the agents work on."""
        ...

    def get_coordinator_generation(self) -> int:
        """The generation that the coordinator last confirmed; -1 if it no longer knows this member."""
        ...

    def get_last_heartbeat_at(self) -> float:
        """When the coordinator last confirmed this member, in seconds of the fence's clock."""
        ...

    def is_assigned(self, partition: int) -> bool:
        """Whether the partition is in the current assignment."""
        ...

    def count_assigned(self) -> int:
        """How many partitions are in the current assignment."""
        ...


class GenerationFence:
    """Checks the generation before and after each flush, so that a worker that was paused past its session writes nothing more."""

    def __init__(
        self,
        get_membership: Callable[[], GroupMembership],
        *,
        session_timeout: float,
        monotonic: Callable[[], float],
        retry_interval: float = RETRY_INTERVAL,
    ) -> None:
        """`get_membership`: called once, at the first use. `session_timeout`: seconds after which the group drops a silent member.

        `monotonic`: a monotonic clock in seconds.
        """
        self._get_membership = get_membership
        self._session_timeout = session_timeout
        self._monotonic = monotonic
        self._retry_interval = retry_interval

    @cached_property
    def _membership(self) -> GroupMembership:
        return self._get_membership()

    def get_generation(self) -> int:
        """The generation to check later."""
        return self._membership.get_generation()

    def is_assigned(self, partition: int) -> bool:
        """Whether the partition is assigned to this worker."""
        return self._membership.is_assigned(partition)

    def count_assigned(self) -> int:
        """How many partitions are assigned to this worker."""
        return self._membership.count_assigned()

    def is_current(self, generation: int) -> bool:
        """Whether the group is still in that generation, as far as this worker knows."""
        return self._membership.get_generation() == generation == self._membership.get_coordinator_generation()

    async def require_current(self, generation: int) -> None:
        """Return if this worker still has the partitions of that generation. Raises PartitionFencedError.

        If the coordinator was silent for longer than a session, this waits for its next response: a heartbeat, or a new generation. A new
        generation resets all positions, so the batches that are dropped here are redelivered. Raising before that response could lose them.
        """
        while self.is_current(generation):
            if self._monotonic() - self._membership.get_last_heartbeat_at() < self._session_timeout:
                return
            await asyncio.sleep(self._retry_interval)
        raise PartitionFencedError(f"generation {generation} is over; the group is in {self._membership.get_coordinator_generation()}")
