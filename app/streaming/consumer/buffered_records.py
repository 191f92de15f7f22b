"""The records that aiokafka has buffered: which partitions are read of them, and how their positions move."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiokafka.errors import KafkaTimeoutError, NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.types import TP

MAX_CHANGELOG_RECORDS = 2000  # records of a changelog batch
RESET_TIMEOUT_MS = 2000  # milliseconds that the first offset of a partition may take; nothing is fetched meanwhile; then it is asked again


class TakenRecords(NamedTuple):
    """Records of one partition, and the positions before and after them.

    Control batches and rolled-back records move only the position. If it was set anew, `start` and `position` are the new one.
    """

    start: int
    records: Sequence[Any]
    position: int


FetchedRecords = Mapping[TP, TakenRecords]


@dataclass(frozen=True)
class FetchRequest:
    """The partitions to fetch: those with room of each priority, highest first, and those of changelogs in recovery."""

    partitions_by_priority: Sequence[Collection[TP]]
    changelog_partitions: Collection[TP]

    def __bool__(self) -> bool:
        return bool(self.changelog_partitions) or any(self.partitions_by_priority)


async def take_records(fetcher: Any, partitions: Collection[TP], max_records: int) -> dict[TP, TakenRecords]:
    """The buffered records of these partitions, at most `max_records` of each; no records where only the position moved."""
    fetched: dict[TP, TakenRecords] = {}
    for tp in partitions:
        if tp in fetcher._records:
            before = start = _get_position(fetcher, tp)
            records: Sequence[Any] = ()
            try:
                records = (await fetcher.fetched_records({tp}, 0, max_records)).get(tp, ())
            except (NoOffsetForPartitionError, OffsetOutOfRangeError):
                start = await _reset_position(fetcher, tp, before)
            position = _get_position(fetcher, tp)
            if start is not None and position is not None and position != before:
                fetched[tp] = TakenRecords(start, records, position)
    return fetched


async def _reset_position(fetcher: Any, tp: TP, position: int | None) -> int | None:
    """Set the position to the first offset: the partition has no committed one, or the log has not the one that was to be read next.

    The latter may exist by now, in a log that was truncated and written again, so it does not count. Returns the new position; None if
    Kafka does not tell it, or if the partition was revoked: it is then asked again.
    """
    try:
        first: int = (await fetcher.beginning_offsets([tp], RESET_TIMEOUT_MS))[tp]
    except KafkaTimeoutError:
        return None
    if not fetcher._subscriptions.is_assigned(tp) or _get_position(fetcher, tp) != position:
        return None
    fetcher.seek_to(tp, first)
    return first


def _get_position(fetcher: Any, tp: TP) -> int | None:
    """The offset to read next; None for a partition without a position or assignment."""
    assignment = fetcher._subscriptions.subscription.assignment
    state = assignment and assignment.state_value(tp)
    return state.position if state and state.has_valid_position else None
