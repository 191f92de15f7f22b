"""Prepares the states of a batch: their plans, the keys of their rows, and the users whose profiles are needed."""

from collections.abc import Iterable

from agents.router.compiled_policy import CompiledPolicy
from agents.router.gates.order import BATCH_GATES
from agents.router.project_plans import find_project_plan
from agents.router.routing_plan import RoutingPlan
from agents.router.routing_state import RoutingState
from agents.router.verdict import PASS
from schemas.projects import MARK

_PREFETCHES = tuple(gate.prefetch for gate in BATCH_GATES if gate.prefetch is not None)


def prepare_states(states: Iterable[RoutingState], policy: CompiledPolicy) -> list[str]:
    """Set the plan and the row keys of each state; returns the users and address keys whose profiles are needed, each once."""
    user_ids: dict[str, None] = {}
    has_projects = policy.policy.has_projects()
    for state in states:
        if state.verdict is PASS:
            if has_projects:
                state.plan = _find_plan(state, policy)
            else:
                state.plan = policy.get_plan(state.notification, state.routed_channels, state.resume_count)
            for prefetch in _PREFETCHES:
                prefetch(state)
            if state.reads_profile:
                user_ids[state.notification.user_id] = None
            for key in state.address_keys:
                user_ids[key] = None
    return list(user_ids)


def _find_plan(state: RoutingState, policy: CompiledPolicy) -> RoutingPlan | None:
    """The plan; None also for a user of the default project with the type of another one."""
    notification = state.notification
    if notification.user_id.startswith(MARK) or ((template := notification.template) and template.startswith(MARK)):
        return find_project_plan(state, policy)
    return policy.get_plan(notification, state.routed_channels, state.resume_count)


def collect_row_keys(states: Iterable[RoutingState]) -> tuple[list[bytes], list[bytes]]:
    """The keys of their rows in the tables idempotency and rate_windows."""
    idempotency_keys: list[bytes] = []
    window_keys: dict[bytes, None] = {}
    for state in states:
        if state.verdict is PASS:
            idempotency_keys.append(state.idempotency_row_key)
            if state.claim_row_key:
                idempotency_keys.append(state.claim_row_key)
            if state.digest_row_key:
                idempotency_keys.append(state.digest_row_key)
            for key in state.window_row_keys:
                window_keys[key] = None
    return idempotency_keys, list(window_keys)
