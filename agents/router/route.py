"""The route gate: of the channels that are left, all, or the first."""

from functools import lru_cache

from msgspec import Raw

from agents.router.case import Case, Desk, Ending, step
from schemas.words import Channel

GATE = "route"


def gate(case: Case, desk: Desk) -> Ending | None:
    """Choose the channels by the strategy of the rule; there is always one, the gates before saw to that."""
    assert case.rule is not None
    usable = tuple(case.addresses)
    if case.limited:
        usable = tuple(channel for channel in usable if channel not in case.limited)
    case.chosen = usable if case.rule.strategy == "all" else usable[:1]
    case.trace.append(_chosen(case.rule.type, case.rule.version, case.rule.strategy, case.chosen))
    return None


@lru_cache(maxsize=4096)
def _chosen(rule: str, version: int, strategy: str, channels: tuple[Channel, ...]) -> Raw:
    return step(GATE, "pass", "", {"rule": f"{rule}@{version}", "strategy": strategy, "channels": channels})
