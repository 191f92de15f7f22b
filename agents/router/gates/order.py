"""The gates in their order, on one screen.

The gates that need only the record are checked first, record by record. Then the rows and profiles that the others read are prefetched for
the whole batch, and the others are checked. What the gates leave in the state gives the decision log (agents/router/decision_log.py).
"""

from collections.abc import Sequence

from agents.consecutive_failure_limit import ConsecutiveFailureLimit
from agents.router.gates import (
    channels,
    consent,
    decode,
    digest,
    escalation,
    expiry,
    idempotency,
    quiet_hours,
    rate_limit,
    recipient,
    rendering,
    repartition,
    rule,
    schedule,
)
from agents.router.gates.gate import Gate
from agents.router.gates.wording import Sentence
from agents.router.routing_state import GateContext, RoutingState
from agents.router.verdict import PASS, Verdict, build_dead_letter_verdict
from schemas.enums import Reason

GATES: tuple[Gate, ...] = (
    decode.GATE,
    repartition.GATE,
    idempotency.GATE,
    rule.GATE,
    expiry.GATE,
    schedule.GATE,
    recipient.GATE,
    consent.GATE,
    digest.GATE,
    quiet_hours.GATE,
    rate_limit.GATE,
    channels.GATE,
    rendering.GATE,
)

RECORD_GATES = tuple(gate for gate in GATES if gate.needs_record_only)
BATCH_GATES = tuple(gate for gate in GATES if not gate.needs_record_only)
RESUME_GATES: dict[str, tuple[Gate, ...]] = {
    resume_gate.name: tuple(gate for number, gate in enumerate(BATCH_GATES) if not gate.is_final_once_passed or number >= first)
    for first, resume_gate in enumerate(BATCH_GATES)
}
"""The gates of the batch that are checked for a notification that the gate of this name has held."""

_AFTER_EXPIRY = RESUME_GATES[channels.NAME].index(expiry.GATE) + 1
RESUME_GATES[escalation.NAME] = (
    *RESUME_GATES[channels.NAME][:_AFTER_EXPIRY],
    escalation.GATE,
    *RESUME_GATES[channels.NAME][_AFTER_EXPIRY:],
)
ALL_GATES = (*GATES, escalation.GATE)
"""Also the gate that only the next step of an escalation meets."""

_DIGEST_GATES = {
    name: (idempotency.GATE, digest.GATE, *(gate for gate in gates if gate not in (idempotency.GATE, digest.GATE)))
    for name, gates in RESUME_GATES.items()
}
# of a digest that comes back: what is in it is found first
_JOIN_GATES = {
    name: (idempotency.GATE, digest.RECALL, *(gate for gate in gates if gate is not idempotency.GATE))
    for name, gates in {"": BATCH_GATES, **RESUME_GATES}.items()
}

REASONS: dict[str, Sentence] = {
    Reason.UNEXPECTED_ERROR: "an unexpected error in Herold, which its dead letter describes",
    **{reason: text for gate in ALL_GATES for reason, text in gate.reasons.items()},
}
"""What each reason of the router means, as a clause; the gates declare their own."""

REMEDIES: dict[str, Sentence] = {
    Reason.UNEXPECTED_ERROR: "the error would have to be fixed, and the dead letter sent again",
    **{reason: text for gate in ALL_GATES for reason, text in gate.remedies.items()},
}
"""What would have changed the result, for each reason, as a clause; the gates declare their own."""


def select_gates(state: RoutingState) -> Sequence[Gate]:
    """The gates of the batch that are checked for a notification that comes back, is a digest, or may join one."""
    if state.is_digest:
        return _DIGEST_GATES.get(state.resume_gate, _DIGEST_GATES[digest.NAME])
    if state.digest_row_key:
        return _JOIN_GATES.get(state.resume_gate if state.resume_count else "", _JOIN_GATES[""])
    return RESUME_GATES.get(state.resume_gate, BATCH_GATES)


def list_logged_gates(state: RoutingState) -> Sequence[Gate]:
    """The gates whose entries the decision log has, in their order, as far as they were checked."""
    if state.is_digest:
        return (*RECORD_GATES, *select_gates(state))
    if state.is_recalled:
        return (*RECORD_GATES, idempotency.GATE, digest.GATE)
    if state.resume_count and state.resume_gate in RESUME_GATES:
        return (*RECORD_GATES, *RESUME_GATES[state.resume_gate])
    return GATES


def check_gates(gates: Sequence[Gate], state: RoutingState, context: GateContext, failure_limit: ConsecutiveFailureLimit) -> Verdict:
    """The verdict of the first gate that does not pass, else PASS. Raises an unexpected error once the failure limit is exceeded."""
    verdict: Verdict = PASS
    try:
        for gate in gates:
            check = gate.check  # called as a method of the gate it would be looked up in its class first
            verdict = check(state, context)
            if verdict is not PASS:
                state.stopped_at = gate.name
                break
    except Exception as error:
        state.stopped_at = gate.name
        return build_dead_letter_verdict(Reason.UNEXPECTED_ERROR, failure_limit.record_failure(error))
    if failure_limit.consecutive_failures:
        failure_limit.record_success()
    return verdict


def check_record(state: RoutingState, context: GateContext, failure_limit: ConsecutiveFailureLimit) -> None:
    """Set the verdict of the gates that need only the record, and the id. Raises as check_gates does."""
    state.verdict = check_gates(RECORD_GATES, state, context, failure_limit)
    if not state.id:  # decode failed with an error of our own
        decode.identify_by_key(state)
