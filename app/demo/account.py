"""Accounts for every line of the sample: what became of it, and what all of them add up to; pure."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from app.demo.submitted import Submitted
from schemas.words import Channel, State, StatusName
from tables.postgres.fates import Current, Fates

OVER = frozenset({StatusName.FAILED, StatusName.DELIVERED, StatusName.BOUNCED, StatusName.UNSUBSCRIBED})
ENDED = frozenset({State.REFUSED, State.DEAD, State.MERGED})
REPEATED = "repeated"


class Fate(Struct, frozen=True):
    """What became of a line: `routed`, `refused expired`, ... and the statuses of its deliveries; empty if nothing is known yet."""

    state: str = ""
    statuses: tuple[str, ...] = ()
    final: bool = False


class Account(Struct, frozen=True):
    """What the lines came to: counts of what is final, and how many lines are not."""

    submitted: int
    fates: Counter[str]
    statuses: Counter[str]
    in_flight: int
    lost: int = 0

    @property
    def states(self) -> Counter[str]:
        """The fates without their reasons."""
        return _first_words(self.fates)

    @property
    def reasons(self) -> Counter[str]:
        """The reasons of notifications and deliveries together."""
        counts: Counter[str] = Counter()
        for fate, count in (*self.fates.items(), *self.statuses.items()):
            counts.update(dict.fromkeys(fate.split()[1:], count))
        return counts

    @property
    def whole(self) -> bool:
        """Whether every line is final."""
        return not self.in_flight and not self.lost and self.fates.total() == self.submitted

    def final(self) -> dict[str, dict[str, int]]:
        """What is final, by status, state and reason; the states add up to the lines."""
        by = {"status": _first_words(self.statuses), "state": self.states, "reason": self.reasons}
        return {name: dict(sorted(counts.items())) for name, counts in by.items()}


def _first_words(counts: Counter[str]) -> Counter[str]:
    words: Counter[str] = Counter()
    for text, count in counts.items():
        words[text.split()[0]] += count
    return words


def fate_of(submitted: Submitted, fates: Fates, receipts: Mapping[Channel, int], now: float, all_read: bool) -> Fate:
    """The fate of a line by what is recorded; `all_read` says that the router has read every record that was handed in.

    A line that sends an earlier one once more is absorbed by it: it has no row, and none must come of it.
    """
    if submitted.rejected:
        return Fate(f"rejected {submitted.rejected}", (), True)
    if submitted.line.again:
        return Fate(REPEATED, (), all_read)
    decided = fates.notifications.get(submitted.id)
    if decided is None:
        return Fate()
    current = [fates.deliveries.get(planned.id) for planned in decided.planned]
    final = decided.state in ENDED or (decided.state == State.ROUTED and all(is_over(each, receipts, now) for each in current))
    return Fate(_joined(decided.state, decided.reason), tuple(map(_told, current)), final)


def is_over(current: Current | None, receipts: Mapping[Channel, int], now: float) -> bool:
    """Whether nothing more will happen to a delivery: SENT is final once its receipt can no longer come (design.md section 6)."""
    if current is None:
        return False
    return current.status in OVER or (current.status is StatusName.SENT and current.at + receipts[current.channel] <= now)


def account(fates: Sequence[Fate], lost: int = 0) -> Account:
    """What the lines come to; `lost` are those of the unfinished ones of which nothing more can be expected."""
    final = [fate for fate in fates if fate.final]
    statuses = Counter(status for fate in final for status in fate.statuses)
    return Account(len(fates), Counter(fate.state for fate in final), statuses, len(fates) - len(final) - lost, lost)


def surprises(account: Account, expected: Collection[Sequence[str]]) -> dict[str, tuple[int, int]]:
    """Where counts differ from what the sample expects: (expected, got) by fate and status."""
    wanted = Counter(word for each in expected for word in each)
    got = account.fates + account.statuses
    return {word: (wanted[word], got[word]) for word in sorted({*wanted, *got}) if wanted[word] != got[word]}


def _told(current: Current | None) -> str:
    return StatusName.PENDING.value if current is None else _joined(current.status, current.reason)


def _joined(word: str, reason: str) -> str:
    return f"{word} {reason}" if reason else f"{word}"
