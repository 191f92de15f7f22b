"""Checks that the records of each partition follow each other: a position that Kafka or a library moved is a jump."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from faust.types import TP

from schemas.errors import HeroldError


class PositionJump(NamedTuple):
    """A position that moved without reading: forward over records that were not read, or back to records that may be read again."""

    topic: str
    partition: int
    from_offset: int
    to_offset: int

    @property
    def direction(self) -> str:
        """`forward` or `backward`."""
        return "forward" if self.to_offset > self.from_offset else "backward"

    @property
    def offset_count(self) -> int:
        """How many offsets were skipped, or are read again as far as the log still has them."""
        return abs(self.to_offset - self.from_offset)


class PositionJumpError(HeroldError):
    """A position jumped, and `worker.on_position_jump` is `stop`."""


class PositionCheck:
    """Knows the offset at which each partition continues: after the last records, or where the last seek put it."""

    def __init__(self) -> None:
        self._expected: dict[TP, int] = {}
        self._own_commits: dict[TP, int] = {}

    def expect(self, offsets: Mapping[TP, int]) -> None:
        """Set the offsets at which these partitions continue after a seek."""
        self._expected.update(offsets)

    def expect_committed(self, committed: Mapping[TP, int | None]) -> None:
        """Set the committed offsets as those at which these partitions continue; None for those without a commit.

        An offset that this process committed must be there or have been passed: otherwise Kafka lost it, or the topic is a new one.
        """
        for tp, offset in committed.items():
            known = [known for known in (offset, self._own_commits.get(tp)) if known is not None]
            self._expected.pop(tp, None)
            if known:
                self._expected[tp] = max(known)

    def record_commits(self, offsets: Mapping[TP, int]) -> None:
        """Record what this process has committed.

        An offset after the position is not one of this log: the position jumped back while the commit was under way.
        """
        self._own_commits.update({tp: offset for tp, offset in offsets.items() if offset <= self._expected.get(tp, offset)})

    def forget_commits(self, tp: TP) -> None:
        """Expect no longer what this process has committed: the position jumped."""
        self._own_commits.pop(tp, None)

    def find_jump(self, tp: TP, start: int) -> PositionJump | None:
        """The jump to `start`; None if the partition continues there, or if it is not known where it continues."""
        expected = self._expected.get(tp)
        return None if expected is None or expected == start else PositionJump(tp.topic, tp.partition, expected, start)

    def record_position(self, tp: TP, position: int) -> None:
        """Record the position after the records that were taken."""
        self._expected[tp] = position
