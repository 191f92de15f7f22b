"""How fetches follow each other: cheap at rest, quick under light load, and never in the way of a busy lane."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PaceRule:
    """`idle` and `partial`: seconds that a fetch may park at the broker when it asks for all partitions, or leaves some out; `gather`:
    seconds until the next fetch after one that brought fewer than `gather_below` records.
    """

    idle: float
    partial: float
    gather: float
    gather_below: int


class Pace:
    """Decides for each fetch how long it may park, and whether it comes now.

    A fetch that asks for every partition wakes up as soon as any of them has data, so it may park long and costs nothing at rest. One that
    leaves partitions out, because what was read of them is not taken yet, must come back soon to ask for them.
    """

    def __init__(self, rule: PaceRule) -> None:
        self._rule = rule
        self._next_at = 0.0

    def park_ms(self, *, left_out: bool) -> int:
        """Milliseconds that the next fetch may wait at the broker for data."""
        return int((self._rule.partial if left_out else self._rule.idle) * 1000)

    def took(self, records: int, *, more: bool, now: float) -> None:
        """Note what was taken. After few records, and with no more at hand, the next ones come together instead of in a batch each."""
        few = 0 < records < self._rule.gather_below and not more
        self._next_at = now + self._rule.gather if few else 0.0

    def early(self, now: float) -> float:
        """Seconds by which a fetch would come too early; 0.0 if it may go."""
        return max(0.0, self._next_at - now)
