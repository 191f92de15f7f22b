"""How fetches follow each other: cheap at rest, quick under light load, and never in the way of a busy priority."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FetchPacingSettings:
    """`idle` and `partial`: seconds that a fetch may park at the broker when it asks for all partitions, or leaves some out; `gather`:
    seconds until the next fetch after one that brought fewer than `gather_below` records.
    """

    max_wait: float
    max_wait_partial: float
    small_fetch_delay: float
    small_fetch_records: int


class FetchPacer:
    """Decides for each fetch how long it may park, and whether it comes now.

    A fetch that asks for every partition wakes up as soon as any of them has data, so it may park long and costs nothing at rest. One that
    leaves partitions out, because what was read of them is not taken yet, must come back soon to ask for them.
    """

    def __init__(self, settings: FetchPacingSettings) -> None:
        self._settings = settings
        self._next_fetch_at = 0.0

    def compute_max_wait_ms(self, *, partial: bool) -> int:
        """Milliseconds that the next fetch may wait at the broker for data."""
        return int((self._settings.max_wait_partial if partial else self._settings.max_wait) * 1000)

    def record_fetch(self, records: int, *, more_buffered: bool, now: float) -> None:
        """Note what was taken. After few records, and with no more at hand, the next ones come together instead of in a batch each."""
        few = 0 < records < self._settings.small_fetch_records and not more_buffered
        self._next_fetch_at = now + self._settings.small_fetch_delay if few else 0.0

    def compute_delay(self, now: float) -> float:
        """Seconds by which a fetch would come too early; 0.0 if it may go."""
        return max(0.0, self._next_fetch_at - now)
