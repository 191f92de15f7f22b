"""Offsets of topics and consumer groups as values, and what follows from a series of them: lag and rates; pure.

How long records wait is not in Kafka's offsets. It follows from when the end of a partition was first seen beyond the committed offset: the
first record that waits has waited at least since then. That is never too much, and too little by at most the time between two readings.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

PartitionOffsets = tuple[int, ...]
"""The offsets of a topic, by partition."""

RATE_SECONDS: Final = 15.0  # over which a rate is measured, at most
MIN_RATE_SECONDS: Final = 2.0  # over less than this there is none
STEPS: Final = ((60.0, 0.0), (300.0, 10.0), (3600.0, 60.0))
"""Up to which age readings are kept, and how far apart, in seconds."""


class Offsets(NamedTuple):
    """A reading at `at` (epoch seconds). Topics are without the topic prefix; a committed offset of -1 stands for none."""

    at: float
    starts: Mapping[str, PartitionOffsets]
    ends: Mapping[str, PartitionOffsets]
    committed: Mapping[str, Mapping[str, PartitionOffsets]]


class PartitionLag(NamedTuple):
    """What waits in a partition: records, and the seconds that the first of them has waited at least."""

    partition: int
    messages: int
    seconds: float


class OffsetSeries:
    """The readings of the last hour, the older ones farther apart."""

    def __init__(self) -> None:
        self._readings: list[Offsets] = []

    @property
    def latest(self) -> Offsets | None:
        """The last reading."""
        return self._readings[-1] if self._readings else None

    def add(self, reading: Offsets) -> None:
        """Add a reading; without effect if it is older than the last one."""
        if self._readings and reading.at <= self._readings[-1].at:
            return
        self._readings = thin([*self._readings, reading])

    def list_lags(self, role: str, topic: str, now: float) -> list[PartitionLag]:
        """What waits for a role in each partition of a topic, as of the last reading."""
        return [self._build_lag(role, topic, partition, now) for partition in range(len(self._readings[-1].ends.get(topic, ())))]

    def find_arrival_rate(self, topic: str) -> float | None:
        """Records per second that were written to a topic; None if it is not known yet."""
        return self._find_rate(lambda reading: sum(reading.ends.get(topic, ())))

    def find_consumption_rate(self, role: str, topic: str) -> float | None:
        """Records per second that a role has committed; None if it is not known yet."""
        return self._find_rate(lambda reading: sum(get_positions(reading, role, topic)))

    def _build_lag(self, role: str, topic: str, partition: int, now: float) -> PartitionLag:
        latest = self._readings[-1]
        position, end = get_positions(latest, role, topic)[partition], latest.ends[topic][partition]
        if end <= position:
            return PartitionLag(partition, 0, 0.0)
        seen_at = latest.at
        for reading in reversed(self._readings):
            ends = reading.ends.get(topic, ())
            if partition >= len(ends) or ends[partition] <= position:
                break
            seen_at = reading.at
        return PartitionLag(partition, end - position, max(0.0, now - seen_at))

    def _find_rate(self, count: Callable[[Offsets], int]) -> float | None:
        if not self._readings:
            return None
        latest = self._readings[-1]
        before = next((one for one in self._readings if latest.at - one.at <= RATE_SECONDS), latest)
        seconds = latest.at - before.at
        return max(0.0, (count(latest) - count(before)) / seconds) if seconds >= MIN_RATE_SECONDS else None


def get_positions(reading: Offsets, role: str, topic: str) -> PartitionOffsets:
    """The offsets from which a role goes on; one that has committed nothing begins with the first record."""
    committed, starts = reading.committed.get(role, {}).get(topic, ()), reading.starts.get(topic, ())
    return tuple(offset if offset >= 0 else start for offset, start in zip(committed, starts, strict=True))


def thin(readings: Sequence[Offsets]) -> list[Offsets]:
    """The readings without those that are too old, or too near to the one before for their age."""
    latest, kept = readings[-1].at, list[Offsets]()
    for reading in readings:
        step = next((step for age, step in STEPS if latest - reading.at <= age), None)
        if step is not None and (not kept or reading.at - kept[-1].at >= step):
            kept.append(reading)
    return kept


def sum_lags(lags: Iterable[PartitionLag]) -> tuple[int, float]:
    """All that waits, and the seconds that the first record of all has waited at least."""
    waiting = list(lags)
    return sum(lag.messages for lag in waiting), max((lag.seconds for lag in waiting), default=0.0)
