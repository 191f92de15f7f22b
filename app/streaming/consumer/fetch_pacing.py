"""The pace of fetches: few at rest, immediate under light load, and never a delay for a backlog."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FetchPacingSettings:
    """`max_wait` and `max_wait_partial`: seconds that a fetch may wait at the broker if it includes all partitions, or not all.

    `small_fetch_delay`: seconds until the next fetch after one that returned fewer than `small_fetch_records` records.
    """

    max_wait: float
    max_wait_partial: float
    small_fetch_delay: float
    small_fetch_records: int


class FetchPacer:
    """Decides for each fetch how long it may wait at the broker, and whether it is sent now.

    A fetch of all partitions returns as soon as any of them has data, so it may wait long and costs nothing at rest. A fetch that omits
    partitions, because their buffered records are not taken yet, must return soon so that the next one can include them.
    """

    def __init__(self, settings: FetchPacingSettings) -> None:
        self._settings = settings
        self._next_fetch_at = 0.0

    def compute_max_wait_ms(self, *, partial: bool) -> int:
        """Milliseconds that the next fetch may wait at the broker for data."""
        return int((self._settings.max_wait_partial if partial else self._settings.max_wait) * 1000)

    def record_fetch(self, records: int, *, more_buffered: bool, now: float) -> None:
        """Record how many records were taken. After a small fetch the next one is delayed, so that its records share a batch."""
        is_small = 0 < records < self._settings.small_fetch_records and not more_buffered
        self._next_fetch_at = now + self._settings.small_fetch_delay if is_small else 0.0

    def compute_delay(self, now: float) -> float:
        """Seconds until the next fetch may be sent; 0.0 if it may be sent now."""
        return max(0.0, self._next_fetch_at - now)
