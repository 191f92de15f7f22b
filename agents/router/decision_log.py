"""The decision log: the entry of each gate, built at the end from what the gates found; notifications that are routed alike share one."""

import msgspec
from msgspec import Raw

from agents.router.gates.gate import encode_pass, encode_stop
from agents.router.gates.order import list_logged_gates
from agents.router.gates.repartition import is_repartitioned
from agents.router.routing_state import RoutingState
from agents.router.verdict import Stop

MAX_CACHED_LOGS = 4096  # per plan: producers choose how many addresses, and locales the template
FAN_OUT = "fan_out"
RESUME = "resume"
REDRIVE = "redrive"

_encode = msgspec.json.Encoder().encode


def build_routed_log(state: RoutingState) -> Raw:
    """The log of a routed notification: those with the same plan differ in what the key has, unless something unusual happened."""
    assert state.plan is not None
    if state.full_windows or state.address_faults or state.removed or not state.is_consent_checked or state.resume_count:
        return _build_log(state)
    if state.redrive_count:
        return _build_log(state)
    if state.digest_reason or state.escalates_at or state.expression_faults or (state.record.headers and is_repartitioned(state)):
        return _build_log(state)
    logs = state.plan.decision_logs
    # fmt: off
    key = (
        state.priority_choice, state.consent, state.quiet_hours, state.tier, state.variant, *state.address_counts, *state.template_labels
    )
    # fmt: on
    log = logs.get(key)
    if log is None:
        if len(logs) >= MAX_CACHED_LOGS:
            logs.clear()
        log = logs[key] = _build_log(state)
    return log


def build_stopped_log(state: RoutingState, stop: Stop) -> Raw:
    """The log of a notification that a gate stopped: the gates before it, and its verdict."""
    entries = _start_log(state)
    for gate in list_logged_gates(state):
        if gate.name == state.stopped_at:
            break
        entries.append(gate.explain(state))
    return Raw(_encode([*entries, encode_stop(state.stopped_at, stop)]))


def _build_log(state: RoutingState) -> Raw:
    entries = [*_start_log(state), *(gate.explain(state) for gate in list_logged_gates(state))]
    deliveries = sum(len(state.addresses[channel]) for channel in state.channels)
    return Raw(_encode([*entries, encode_pass(FAN_OUT, "", {"deliveries": deliveries})]))


def _start_log(state: RoutingState) -> list[Raw]:
    """What begins the log of a notification that came back, which the recorder appends to that of the decision before.

    A resumed one names the gate that held it.
    """
    entries = [encode_pass(REDRIVE, "", {"redrive_count": state.redrive_count})] if state.redrive_count else []
    if state.resume_count:
        entries.append(encode_pass(RESUME, "", {"resume_count": state.resume_count, "gate": state.resume_gate}))
    return entries
