"""The decision log: the entry of each gate, built at the end from what the gates found; notifications that are routed alike share one."""

import msgspec
from msgspec import Raw

from agents.router.gates.gate import encode_pass, encode_stop
from agents.router.gates.order import GATES
from agents.router.routing_state import RoutingState
from agents.router.verdict import Stop

MAX_CACHED_LOGS = 4096  # per plan: producers choose how many addresses, and locales the template
FAN_OUT = "fan_out"

_encode = msgspec.json.Encoder().encode


def build_routed_log(state: RoutingState) -> Raw:
    """The log of a routed notification: with the same plan, logs differ in consent, addresses, templates and full windows only."""
    assert state.plan is not None
    if state.full_windows or state.address_faults or state.removed or not state.is_consent_checked:
        return _build_log(state)
    logs, key = state.plan.decision_logs, (state.consent, *state.address_counts, *state.template_labels)
    log = logs.get(key)
    if log is None:
        if len(logs) >= MAX_CACHED_LOGS:
            logs.clear()
        log = logs[key] = _build_log(state)
    return log


def build_stopped_log(state: RoutingState, stop: Stop) -> Raw:
    """The log of a notification that a gate stopped: the gates before it, and its verdict."""
    entries = []
    for gate in GATES:
        if gate.name == state.stopped_at:
            break
        entries.append(gate.explain(state))
    return Raw(_encode([*entries, encode_stop(state.stopped_at, stop)]))


def _build_log(state: RoutingState) -> Raw:
    entries = [gate.explain(state) for gate in GATES]
    deliveries = sum(len(state.addresses[channel]) for channel in state.channels)
    return Raw(_encode([*entries, encode_pass(FAN_OUT, "", {"deliveries": deliveries})]))
