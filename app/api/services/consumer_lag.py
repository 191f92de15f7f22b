"""The consumer lag of the roles: a role with waiting records that commits no offset is stalled."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from app.api.pipeline.offsets import Offsets, get_positions
from app.topology import TOPOLOGY
from schemas.ports import Clock

STALL_TIMEOUT = 30.0  # seconds without a committed record, with records waiting, after which a role is stalled
FETCH_INTERVAL = 10.0  # seconds between two requests for the offsets


class GroupLag(NamedTuple):
    """Committed offset and lag of a consumer group, each summed over its partitions; in records."""

    committed: int
    lag: int


class StallDetector:
    """Compares the committed offsets of each role with those of the call before; `clock` is monotonic."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_progress: dict[str, tuple[int, float]] = {}

    def describe_stalled_roles(self, lags: Mapping[str, GroupLag]) -> str:
        """The stalled roles, as text; empty if there are none."""
        now = self._clock()
        return "; ".join(filter(None, (self._describe_stall(role, lag, now) for role, lag in lags.items())))

    def _describe_stall(self, role: str, lag: GroupLag, now: float) -> str:
        committed, since = self._last_progress.get(role, (-1, now))
        if lag.committed != committed or not lag.lag:
            self._last_progress[role] = lag.committed, now
            return ""
        if now - since <= STALL_TIMEOUT:
            return ""
        return f"{role}: {lag.lag} records are waiting, none was committed for {now - since:.0f} s"


class ConsumerLagProbe:
    """Reads the offsets at most every 10 s; `clock` is monotonic."""

    def __init__(self, read_offsets: Callable[[], Awaitable[Offsets]], clock: Clock) -> None:
        self._read_offsets, self._clock, self._stall_detector = read_offsets, clock, StallDetector(clock)
        self._next_fetch_at = 0.0
        self._last_error = ""

    async def probe(self) -> str:
        """The stalled roles, as text; empty if there are none. Raises KafkaError if Kafka does not answer."""
        if self._clock() >= self._next_fetch_at:
            self._next_fetch_at, self._last_error = self._clock() + FETCH_INTERVAL, "the offsets of the consumer groups cannot be read"
            self._last_error = self._stall_detector.describe_stalled_roles(compute_lags(await self._read_offsets()))
        return self._last_error


def compute_lags(offsets: Offsets) -> dict[str, GroupLag]:
    """The lag of each role; a partition without a committed offset counts from its first record."""
    return {spec.role: _compute_lag(offsets, spec.role, spec.source_topics) for spec in TOPOLOGY}


def _compute_lag(offsets: Offsets, role: str, topics: tuple[str, ...]) -> GroupLag:
    pairs = [pair for topic in topics for pair in zip(get_positions(offsets, role, topic), offsets.ends[topic], strict=True)]
    return GroupLag(sum(position for position, _ in pairs), sum(max(0, end - position) for position, end in pairs))
