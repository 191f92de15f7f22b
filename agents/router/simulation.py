"""What a policy makes of recorded notifications: the router's own gates, with tables in memory that begin empty; nothing is produced.

Each notification is judged at the time of its record, one after the other in the order of these times.
"""

import sys
from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping

from agents.consecutive_failure_limit import ConsecutiveFailureLimit
from agents.router import fan_out
from agents.router.compiled_policy import CompiledPolicy
from agents.router.evaluate import STAGES
from agents.router.gates.order import BATCH_GATES, check_gates, check_record, select_gates
from agents.router.prefetch import prepare_states
from agents.router.routing_state import GateContext, RoutingState, StagedRows, TopicSet, build_topic_set
from agents.router.staged_digests import StagedDigests
from agents.router.verdict import PASS, Hold, Pass, Repartition, Replay, Verdict
from schemas.channels import ChannelName
from schemas.enums import State
from schemas.ports import RecordedNotification
from schemas.profile import Profile
from schemas.simulation import SimulatedResult, SkipReason
from tables.idempotency import HoldClaim


class _Rows(dict[bytes, bytes | None]):
    """Rows of a table; one that was never written is None."""

    def __missing__(self, key: bytes) -> None:
        return None


class _DigestRows:
    """Rows of the table digests, in the order of their keys."""

    def __init__(self) -> None:
        self._rows: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []

    def stage(self) -> StagedDigests:
        """The rows for a batch."""
        return StagedDigests(lambda keys: [self._rows.get(key) for key in keys], self._list_rows)

    def write(self, staged: StagedDigests) -> None:
        """Write what a batch has staged."""
        for key, row in (*staged.new_claims.items(), *staged.new_rows.items()):
            if row is None:
                if self._rows.pop(key, None) is not None:
                    del self._keys[bisect_left(self._keys, key)]
                continue
            if key not in self._rows:
                insort(self._keys, key)
            self._rows[key] = row

    def _list_rows(self, prefix: bytes, max_rows: int) -> list[tuple[bytes, bytes]]:
        start = bisect_left(self._keys, prefix)
        return [(key, self._rows[key]) for key in self._keys[start : start + max_rows] if key.startswith(prefix)]


class PolicySimulation:
    """One policy and the rows that its decisions leave. Notifications are prepared in batches, so that their profiles can be read."""

    def __init__(self, policy: CompiledPolicy, partitions: int, topic_prefix: str) -> None:
        self._context = GateContext(partitions)
        self._digests = _DigestRows()
        self._context.policy, self._context.rows = policy, StagedRows(_Rows(), _Rows(), self._digests.stage())
        self._policy, self._topic_prefix = policy, topic_prefix
        self._topic_sets: dict[str, TopicSet] = {}
        self._failure_limit = ConsecutiveFailureLimit(sys.maxsize)

    def prepare(self, notifications: Iterable[RecordedNotification]) -> tuple[list[RoutingState], list[str]]:
        """The states of a batch, and the users and address keys whose profiles `decide` needs."""
        rows = self._context.rows
        self._digests.write(rows.digests)
        rows.digests = self._digests.stage()
        states = [self._build_state(one) for one in notifications]
        return states, prepare_states(states, self._policy)

    def decide(self, state: RoutingState, profiles: Mapping[str, Profile]) -> SimulatedResult | SkipReason:
        """The result of a prepared notification, or why it cannot be simulated."""
        if state.resume_count:
            return "resumed"
        self._context.profiles = profiles
        verdict = state.verdict
        if verdict is PASS:
            gates = select_gates(state) if state.digest_row_key else BATCH_GATES
            verdict = check_gates(gates, state, self._context, self._failure_limit)
        if verdict is PASS and state.escalates_at:
            verdict = fan_out.encode_next_step(state)
        if isinstance(verdict, Hold):
            verdict = fan_out.encode_scheduled(state, verdict)
        for stage in STAGES:
            stage(state, verdict, self._context)
        return _build_result(state, verdict)

    def _build_state(self, notification: RecordedNotification) -> RoutingState:
        topic, record = notification.topic, notification.record
        if topic not in self._topic_sets:
            self._topic_sets[topic] = build_topic_set(topic, self._topic_prefix)
        state = RoutingState(record, self._topic_sets[topic], notification.partition, record.timestamp / 1000)
        check_record(state, self._context, self._failure_limit)
        return state


def count_deliveries(state: RoutingState, result: SimulatedResult) -> dict[ChannelName, int]:
    """The deliveries of a notification with this result, by channel."""
    return {channel: len(state.addresses[channel]) for channel in result.channels}


def _build_result(state: RoutingState, verdict: Verdict) -> SimulatedResult | SkipReason:
    if isinstance(verdict, Pass):
        templates = tuple(label.partition(" ")[0] for label in state.template_labels)  # without the locale
        return SimulatedResult(State.ROUTED, channels=state.channels, priority=state.priority, templates=templates)
    if isinstance(verdict, Repartition):
        return "repartitioned"
    if isinstance(verdict, Replay | HoldClaim):
        return "replayed"
    return SimulatedResult(verdict.state, state.stopped_at, verdict.reason)
