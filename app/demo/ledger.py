"""Compares the twins' ledger with history: what history calls sent was accepted by a provider, and the other way round; pure."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from schemas.words import LANES, Lane, StatusName

SENT = frozenset({StatusName.SENT, StatusName.DELIVERED})
NEVER_SENT = frozenset({StatusName.PENDING, StatusName.FAILED})


class Entry(Struct, frozen=True):
    """A request in the ledger (docs/twins.md); `at` in epoch seconds."""

    seq: int
    at: float
    delivery: str
    status: int

    @property
    def accepted(self) -> bool:
        """Whether the provider took it."""
        return 200 <= self.status < 300


class Promised(Struct, frozen=True):
    """A delivery of the sample: its status in history, its lane, and when its notification was handed in (epoch seconds).

    `planned` says that the router listed it; one that is not listed should not be there.
    """

    status: StatusName
    lane: Lane
    at: float
    planned: bool = True


class Latency(Struct, frozen=True):
    """Seconds from handing in to the provider, of deliveries that needed one request only."""

    count: int
    p50: float
    p99: float


class Comparison(Struct, frozen=True):
    """Delivery ids of which ledger and history disagree; further acceptances of accepted deliveries; requests; latency by lane.

    `missing`: sent by history, accepted by nobody. `unsent`: accepted, not sent by history. `unplanned`: not listed by the router.
    `unknown`: accepted, and history has no such delivery at all.
    """

    missing: list[str]
    unsent: list[str]
    unplanned: list[str]
    unknown: list[str]
    duplicates: int
    requests: int
    accepted: int
    latency: dict[Lane, Latency]

    @property
    def agrees(self) -> bool:
        """Whether every delivery that history calls sent was accepted by a provider, and the other way round."""
        return not (self.missing or self.unsent or self.unplanned or self.unknown)


def strangers(promised: Collection[str], entries: Sequence[Entry]) -> set[str]:
    """Accepted deliveries that are not the sample's: of somebody else, or of nobody."""
    return {entry.delivery for entry in entries if entry.accepted and entry.delivery not in promised}


def compare(promised: Mapping[str, Promised], entries: Sequence[Entry], unknown: Collection[str] = ()) -> Comparison:
    """What ledger and history say of the sample's deliveries; `unknown` are the strangers that history has never heard of."""
    requests: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    first: dict[str, float] = {}
    for entry in entries:
        if entry.delivery in promised:
            requests[entry.delivery] += 1
            if entry.accepted:
                accepted[entry.delivery] += 1
                first.setdefault(entry.delivery, entry.at)
    return Comparison(
        missing=sorted(each for each, known in promised.items() if known.status in SENT and not accepted[each]),
        unsent=sorted(each for each in +accepted if promised[each].status in NEVER_SENT),
        unplanned=sorted(each for each, known in promised.items() if not known.planned),
        unknown=sorted(unknown),
        duplicates=accepted.total() - len(+accepted),
        requests=requests.total(),
        accepted=len(+accepted),
        latency=_latency(promised, {each: at for each, at in first.items() if requests[each] == 1}),
    )


def _latency(promised: Mapping[str, Promised], first: Mapping[str, float]) -> dict[Lane, Latency]:
    found: dict[Lane, Latency] = {}
    for lane in LANES:
        seconds = sorted(at - promised[each].at for each, at in first.items() if promised[each].lane == lane)
        if seconds:
            found[lane] = Latency(len(seconds), percentile(seconds, 50), percentile(seconds, 99))
    return found


def percentile(ordered: list[float], percent: int) -> float:
    """The least value that at least that many percent do not exceed (nearest rank)."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
