"""The route gate: of the channels that are left, all, or the first."""

from msgspec import Raw

from agents.router.case import Case, Desk, Ending, passed

GATE = "route"


def gate(case: Case, desk: Desk) -> Ending | None:
    """Choose the channels by the strategy of the rule; there is always one, the gates before saw to that."""
    assert case.plan is not None
    usable = tuple(case.addresses)
    if case.limited:
        usable = tuple(channel for channel in usable if channel not in case.limited)
    case.chosen = usable if case.plan.rule.strategy == "all" else usable[:1]
    return None


def told(case: Case) -> Raw:
    """The step of a case that passed."""
    assert case.plan is not None
    rule = case.plan.rule
    return passed(GATE, "", {"rule": f"{rule.type}@{rule.version}", "strategy": rule.strategy, "channels": case.chosen})
