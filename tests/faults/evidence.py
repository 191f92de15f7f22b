"""What one fault left behind, and the judgement of it: what is lost, unreported, repeated or wrong. Values only."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_NAMED = 5  # examples in one line


class PositionAlarm(NamedTuple):
    """A line `worker.position_jumped` in the log of a worker."""

    worker: str
    topic: str
    partition: int
    from_offset: int
    to_offset: int


class Removal(NamedTuple):
    """What a fault removed from a partition: all records below `first_offset`, or the whole log, which then begins again at 0.

    `committed`: the offset that was to be read next by the group. `addresses`: of the removed records by offset. `is_exact`: whether the
    workers were stopped, so that the alarm must begin at `committed`; a running worker may have fetched more.
    """

    topic: str
    partition: int
    committed: int
    first_offset: int
    is_new_log: bool
    is_exact: bool
    addresses: Mapping[int, str]

    def find_alarms(self, alarms: Iterable[PositionAlarm]) -> list[PositionAlarm]:
        """The alarms about this removal: with its partition, and offsets that it explains."""
        return [alarm for alarm in alarms if alarm[1:3] == self[:2] and self._explains(alarm)]

    def _explains(self, alarm: PositionAlarm) -> bool:
        is_from_expected = alarm.from_offset == self.committed if self.is_exact else alarm.from_offset >= self.committed
        return is_from_expected and alarm.to_offset == self.first_offset and (self.is_new_log or alarm.from_offset < alarm.to_offset)

    def find_reported(self, alarms: Iterable[PositionAlarm]) -> set[str]:
        """The addresses of the removed records that the alarms report."""
        starts = [alarm.from_offset for alarm in self.find_alarms(alarms)]
        return {address for offset, address in self.addresses.items() if starts and offset >= min(starts)}

    def must_be_reported(self) -> bool:
        """Whether a worker cannot go on where the group was to continue."""
        return self.committed > 0 if self.is_new_log else self.is_exact and self.committed < self.first_offset


class Limits(NamedTuple):
    """What a fault may repeat: requests to providers, notifications read or decided again, and releases of held ones."""

    requests: int = 0
    notifications: int = 0
    releases: int = 0


NO_REPEATS = Limits()


@dataclass
class Evidence:
    """The figures of one fault, when everything is committed again.

    `addresses`: of the notifications produced. `requests`: of all faults, by address. `held`: of those addresses. `early`: addresses that
    were released or sent before their time. `repeated_requests`, `decided_again`, `read_again`, `released_again`: counts since the fault
    before. `tables`: partitions of tables that differ from a replay, in words. `problems`: anything else.
    """

    title: str
    limits: Limits = NO_REPEATS
    addresses: set[str] = field(default_factory=set)
    requests: Counter[str] = field(default_factory=Counter)
    removals: list[Removal] = field(default_factory=list)
    alarms: list[PositionAlarm] = field(default_factory=list)
    repeated_requests: int = 0
    decided_again: int = 0
    read_again: int = 0
    released_again: int = 0
    held: set[str] = field(default_factory=set)
    early: set[str] = field(default_factory=set)
    tables: list[str] = field(default_factory=list)
    table_count: int = 0
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def reported(self) -> set[str]:
        """The addresses whose records were removed and reported."""
        return set().union(*(removal.find_reported(self.alarms) for removal in self.removals))

    @property
    def lost(self) -> set[str]:
        """The addresses without a request whose record was not removed."""
        removed = {address for removal in self.removals for address in removal.addresses.values()}
        return self.addresses - self.requests.keys() - removed

    @property
    def unreported(self) -> set[str]:
        """The addresses without a request whose record was removed, but no alarm says so."""
        return self.addresses - self.requests.keys() - self.reported - self.lost

    def judge(self) -> list[str]:
        """What is wrong, in words."""
        return [*self._judge_losses(), *self._judge_alarms(), *self._judge_repeats(), *self.tables, *self.problems]

    def _judge_losses(self) -> list[str]:
        texts = (
            (self.lost, "lost, although the log has them"),
            (self.unreported, "removed from the log, but no alarm reports them"),
            (self.early, "released or sent before their time"),
        )
        return [f"{len(addresses)} notifications {text}: {_name(addresses)}" for addresses, text in texts if addresses]

    def _judge_alarms(self) -> list[str]:
        missing = [
            f"no alarm: {removal.topic} partition {removal.partition} was to continue at {removal.committed}, has {removal.first_offset}"
            for removal in self.removals
            if removal.must_be_reported() and not removal.find_alarms(self.alarms)
        ]
        explained = {alarm for removal in self.removals for alarm in removal.find_alarms(self.alarms)}
        return missing + [f"alarm without a removal: {alarm}" for alarm in self.alarms if alarm not in explained]

    def _judge_repeats(self) -> list[str]:
        counts = (
            (self.repeated_requests, self.limits.requests, "requests repeated"),
            (self.decided_again, self.limits.notifications, "notifications decided again"),
            (self.read_again, self.limits.notifications, "notifications read again without an alarm"),
            (self.released_again, self.limits.releases, "held notifications released again"),
        )
        return [f"{count} {text}, at most {limit} were in flight" for count, limit, text in counts if count > limit]

    def format(self) -> str:
        """One line with the figures; those that are 0 are left out, except what is lost."""
        figures = {
            "addresses": len(self.addresses),
            "of them held": len(self.held),
            "records removed": sum(len(removal.addresses) for removal in self.removals),
            "alarms": len(self.alarms),
            "removed and reported": len(self.reported),
            "removed without a report": len(self.unreported),
            "requests repeated": self.repeated_requests,
            "decided again": self.decided_again,
            "read again": self.read_again,
            "released again": self.released_again,
            "early": len(self.early),
            "table partitions compared": self.table_count,
        }
        texts = [f"{len(self.lost)} lost", *(f"{figure} {text}" for text, figure in figures.items() if figure)]
        return f"{self.title}: {', '.join(texts)}, {self.seconds:.0f} s"


def _name(values: Iterable[str]) -> str:
    names = sorted(values)
    return ", ".join(names[:MAX_NAMED]) + (", ..." if len(names) > MAX_NAMED else "")
