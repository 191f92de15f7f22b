"""The decision trace: a step of each gate, written at the end from what the gates found; what is routed alike shares one."""

from collections.abc import Callable

import msgspec
from msgspec import Raw

from agents.router import decode, expiry, owner, rate_limit, render, repeats, route, user
from agents.router.case import Case, Stop, passed

MAX_TRACES = 4096  # per plan: producers choose how many addresses, and locales the template

FAN_OUT = "fan_out"

# the steps of the gates that a case passed, in their order
STEPS: dict[str, Callable[[Case], Raw]] = {
    decode.GATE: lambda case: decode.PASSED,
    owner.GATE: lambda case: owner.PASSED,
    repeats.GATE: lambda case: repeats.PASSED,
    expiry.GATE: lambda case: expiry.PASSED,
    user.GATE: user.told,
    rate_limit.GATE: rate_limit.told,
    route.GATE: route.told,
    render.GATE: render.told,
    FAN_OUT: lambda case: passed(FAN_OUT, "", {"deliveries": sum(len(case.addresses[channel]) for channel in case.chosen)}),
}
_encode = msgspec.json.Encoder().encode


def routed(case: Case) -> Raw:
    """The trace of a case that passed all gates: by one plan, they differ in the numbers of addresses, the templates, and full windows."""
    assert case.plan is not None
    if case.limited:
        return _whole(case)
    traces, key = case.plan.traces, (*case.counts, *case.labels)
    trace = traces.get(key)
    if trace is None:
        if len(traces) >= MAX_TRACES:
            traces.clear()
        trace = traces[key] = _whole(case)
    return trace


def stopped(case: Case, stop: Stop) -> Raw:
    """The trace of a case that ended at a gate: the gates before it, and why it ended."""
    steps = []
    for gate, told in STEPS.items():
        if gate == stop.gate:
            break
        steps.append(told(case))
    return Raw(_encode([*steps, stop.step]))


def _whole(case: Case) -> Raw:
    return Raw(_encode([told(case) for told in STEPS.values()]))
