"""The membership of a Faust consumer in its group, for the fence of its commits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from faust.types import TP


class ConsumerMembership:
    """Implements app.streaming.commit.fencing.GroupMembership. `generation`: of the batches in flight, set with each batch."""

    def __init__(self, app: Any, thread: Any, is_changelog: Callable[[TP], bool]) -> None:
        self.generation = -1
        self._app, self._thread, self._is_changelog = app, thread, is_changelog
        self._cached_assignment: set[TP] | None = None  # the assignment that _assigned_partitions was computed from
        self._assigned_partitions: frozenset[int] = frozenset()

    def get_generation(self) -> int:
        """The generation of the batches in flight: that of the last one enqueued."""
        return self.generation

    def get_coordinator_generation(self) -> int:
        """The generation that the coordinator last confirmed; -1 once it no longer knows this member."""
        return int(self._thread.get_coordinator_generation())

    def get_last_heartbeat_at(self) -> float:
        """When the coordinator last confirmed this member, in seconds of time.monotonic."""
        return float(self._thread.get_last_heartbeat_at())

    def is_assigned(self, partition: int) -> bool:
        """Whether a source partition of that number is assigned; a standby, which has only its changelog, does not count."""
        return partition in self._get_assigned_partitions()

    def count_assigned(self) -> int:
        """How many source partitions are assigned, by their number."""
        return len(self._get_assigned_partitions())

    def _get_assigned_partitions(self) -> frozenset[int]:
        assignment = self._app._assignment
        if assignment is not self._cached_assignment:  # Faust makes a new set at each rebalance
            self._cached_assignment = assignment
            self._assigned_partitions = frozenset(tp.partition for tp in assignment or () if not self._is_changelog(tp))
        return self._assigned_partitions
