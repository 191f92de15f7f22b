"""A limit for dead letters that may be our own fault: too many in a minute stop the worker, and the topic is not drained (decision 37)."""

from collections import deque
from collections.abc import Callable, Mapping

from schemas.enums import Reason
from schemas.errors import TooManyDeadLettersError
from schemas.ports import Clock

WINDOW_SECONDS = 60

COUNTED_REASONS = frozenset({Reason.NULL_VALUE, Reason.UNDECODABLE, Reason.INVALID, Reason.UNEXPECTED_ERROR})
"""What a faulty release does to good records. A dead provider, an unknown type or a broken template is the fault of others."""

Alert = Callable[[int, int], None]


class DeadLetterLimit:
    """Counts the records of the last minute, and the dead letters among them, by seconds.

    It is reached when there are more than `max_count` dead letters, and they are more than `max_share` of the records.
    """

    def __init__(self, max_count: int, max_share: float, clock: Clock, alert: Alert) -> None:
        """`clock` is monotonic; `alert` is called once with dead letters and records of the last minute, before the worker stops."""
        self._max_count, self._max_share, self._clock, self._alert = max_count, max_share, clock, alert
        self._seconds: deque[tuple[int, int, int]] = deque()  # second, records, dead letters; the oldest first
        self._records = self._dead_letters = 0
        self._is_reached = False

    def record(self, records: int, dead_letters: int) -> None:
        """Count records that are decided. Raises TooManyDeadLettersError if the limit is reached."""
        now = int(self._clock())
        while self._seconds and self._seconds[0][0] <= now - WINDOW_SECONDS:
            _, old_records, old_dead_letters = self._seconds.popleft()
            self._records -= old_records
            self._dead_letters -= old_dead_letters
        if self._seconds and self._seconds[-1][0] == now:
            _, before, dead_before = self._seconds.pop()
            self._seconds.append((now, before + records, dead_before + dead_letters))
        else:
            self._seconds.append((now, records, dead_letters))
        self._records += records
        self._dead_letters += dead_letters
        if dead_letters and self._dead_letters > self._max_count and self._dead_letters > self._max_share * self._records:
            self._stop()

    def _stop(self) -> None:
        if not self._is_reached:
            self._is_reached = True
            self._alert(self._dead_letters, self._records)
        raise TooManyDeadLettersError(self._dead_letters, self._records, WINDOW_SECONDS)


def count_dead_letters(counts: Mapping[str, int]) -> int:
    """How many of the dead letters, by reason, count towards the limit."""
    return sum(count for reason, count in counts.items() if reason in COUNTED_REASONS)


def build_unlimited() -> DeadLetterLimit:
    """A limit that is never reached, for tests and trials."""
    return DeadLetterLimit(2**62, 1.0, lambda: 0.0, lambda dead_letters, records: None)
