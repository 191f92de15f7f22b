"""A fake of the consumer's membership in its group."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class FakeMembership:
    """Implements app.streaming.commit.fencing.GroupMembership; `confirmed_generation` is the coordinator's."""

    current_generation: int = 7
    confirmed_generation: int = 7
    heartbeat_at: float = 0.0
    partitions: set[int] = field(default_factory=lambda: {0, 1, 2, 3})
    on_generation_read: Callable[[], None] = lambda: None

    def get_generation(self) -> int:
        return self.current_generation

    def get_coordinator_generation(self) -> int:
        self.on_generation_read()
        return self.confirmed_generation

    def get_last_heartbeat_at(self) -> float:
        return self.heartbeat_at

    def is_assigned(self, partition: int) -> bool:
        return partition in self.partitions

    def count_assigned(self) -> int:
        return len(self.partitions)

    def lose_membership(self) -> None:
        """The coordinator begins a generation without this member."""
        self.confirmed_generation += 1
