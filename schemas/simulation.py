"""What other rules would make of recorded notifications: the report of `herold rules simulate` and of the API; pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

from schemas.channels import ChannelName
from schemas.enums import Priority, State

MAX_EXAMPLES = 3
MAX_CHANGES = 50

SkipReason = Literal["resumed", "repartitioned", "replayed"]
SearchEnd = Literal["count", "records", "time", "all"]
"""Why a search for notifications of a type ended: enough were found, enough records or time were spent, or all records were read."""


class SimulatedResult(Struct, frozen=True, omit_defaults=True):
    """What the router decides: of a routed notification its channels, priority and templates, else the gate that stops it."""

    state: State
    gate: str = ""
    reason: str = ""
    channels: tuple[ChannelName, ...] = ()
    priority: Priority | None = None
    templates: tuple[str, ...] = ()


class SimulatedChange(Struct, frozen=True):
    """The notifications whose result would change in the same way: how many, and the ids of some."""

    before: SimulatedResult
    after: SimulatedResult
    count: int
    examples: list[str]


class CountChange(Struct, frozen=True):
    """How often something happens before and after."""

    before: int
    after: int


class StopChange(Struct, frozen=True):
    """How many notifications a gate stops for a reason, before and after."""

    gate: str
    reason: str
    before: int
    after: int


class SimulationReport(Struct, frozen=True):
    """What would change; times in epoch seconds. `skipped` are records that the simulation cannot judge, `other_changes` were not listed.

    `channels` are deliveries by channel.
    """

    since: float
    until: float
    simulated: int
    skipped: dict[SkipReason, int]
    changed: int
    changes: list[SimulatedChange]
    other_changes: int
    stops: list[StopChange]
    channels: dict[ChannelName, CountChange]


class TypeSimulationReport(SimulationReport, frozen=True):
    """What a rule would change for the newest notifications of its type.

    `since`: from then on all of them are in it. `examined` counts the records of any type that were read, `end` says why no more were.
    """

    examined: int
    end: SearchEnd


class SimulatedNotification(Struct, frozen=True):
    """A notification with both results, and its deliveries by channel."""

    id: str
    before: SimulatedResult
    after: SimulatedResult
    deliveries_before: Mapping[ChannelName, int] = {}
    deliveries_after: Mapping[ChannelName, int] = {}


def build_simulation_report(
    notifications: Iterable[SimulatedNotification], skipped: Mapping[SkipReason, int], since: float, until: float
) -> SimulationReport:
    """Count the changes, those of most notifications first."""
    counts: Counter[tuple[SimulatedResult, SimulatedResult]] = Counter()
    examples: dict[tuple[SimulatedResult, SimulatedResult], list[str]] = {}
    stops: tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]] = (Counter(), Counter())
    deliveries: tuple[Counter[ChannelName], Counter[ChannelName]] = (Counter(), Counter())
    simulated = 0
    for one in notifications:
        simulated += 1
        for number, (result, sent) in enumerate(((one.before, one.deliveries_before), (one.after, one.deliveries_after))):
            deliveries[number].update(sent)
            if result.gate:
                stops[number][result.gate, result.reason] += 1
        if one.before != one.after:
            counts[one.before, one.after] += 1
            found = examples.setdefault((one.before, one.after), [])
            if len(found) < MAX_EXAMPLES:
                found.append(one.id)
    listed = [SimulatedChange(*results, count, examples[results]) for results, count in counts.most_common(MAX_CHANGES)]
    return SimulationReport(
        since,
        until,
        simulated,
        dict(skipped),
        counts.total(),
        listed,
        counts.total() - sum(change.count for change in listed),
        [StopChange(*key, stops[0][key], stops[1][key]) for key in sorted(stops[0].keys() | stops[1].keys())],
        {name: CountChange(deliveries[0][name], deliveries[1][name]) for name in sorted(deliveries[0].keys() | deliveries[1].keys())},
    )
