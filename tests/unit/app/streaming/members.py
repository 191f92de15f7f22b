"""A stand-in for the consumer's place in the group."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class MembersTwin:
    """Implements ownership.Membership; `coordinator` is the generation that the coordinator confirms."""

    current: int = 7
    coordinator: int = 7
    heard: float = 0.0
    partitions: set[int] = field(default_factory=lambda: {0, 1, 2, 3})
    asked: Callable[[], None] = lambda: None

    def generation(self) -> int:
        return self.current

    def coordinator_generation(self) -> int:
        self.asked()
        return self.coordinator

    def heard_at(self) -> float:
        return self.heard

    def owns(self, partition: int) -> bool:
        return partition in self.partitions

    def lose(self) -> None:
        """The group goes on without this member's generation."""
        self.coordinator += 1
