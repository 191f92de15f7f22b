"""Evaluates a batch: decides its states in order, adds their outputs to the outbox, stages their rows, and counts them."""

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct

from agents.consecutive_failure_limit import ConsecutiveFailureLimit
from agents.dead_letter_limit import count_dead_letters
from agents.router import fan_out
from agents.router.gates import idempotency
from agents.router.gates.gate import Gate
from agents.router.gates.order import BATCH_GATES, check_gates, select_gates
from agents.router.routing_state import GateContext, RoutingState
from agents.router.verdict import PASS, DeadLetterVerdict, Hold, Merge, Reject, Repartition, Replay, Verdict
from schemas.channels import ChannelName
from schemas.enums import State
from schemas.ports import Outbox
from tables.idempotency import HoldClaim

STAGES = tuple(gate.stage for gate in BATCH_GATES if gate.stage is not None)


class BatchSummary(Struct, frozen=True):
    """What became of a batch, for a log line and counters: notifications by (state, reason), deliveries by channel, and seconds.

    `waiting` records are tried again, because what they need (profiles, policies) is unavailable; `cause` says what.
    `digests`: those that were decided, by what ended their windows.
    """

    topic: str
    partition: int
    records: int
    states: dict[tuple[str, str], int]
    deliveries: dict[ChannelName, int]
    repartitioned: int
    replays: int
    waiting: int
    seconds: float
    cause: str = ""
    digests: dict[str, int] = {}


class BatchCounts:
    """The counts of a batch as they grow."""

    def __init__(self) -> None:
        self.routed = 0
        self.stopped: Counter[tuple[str, str]] = Counter()
        self.deliveries: Counter[ChannelName] = Counter()
        self.repartitioned = 0
        self.replays = 0
        self.digests: Counter[str] = Counter()

    @property
    def has_outputs(self) -> bool:
        """Whether there is anything to produce; a batch of replays has neither outputs nor rows."""
        return bool(self.routed or self.stopped or self.repartitioned)

    def count_dead_letters(self) -> int:
        """How many notifications became dead letters that may be our own fault."""
        if not self.stopped:
            return 0
        return count_dead_letters({reason: count for (state, reason), count in self.stopped.items() if state == State.DEAD})

    def add_routed(self, state: RoutingState) -> None:
        """Count a routed notification and its deliveries."""
        self.routed += 1
        for channel in state.channels:
            self.deliveries[channel] += len(state.addresses[channel])

    def add_verdict(self, verdict: Verdict, *, is_routed: bool = False) -> None:
        """Count a notification with a verdict other than pass. `is_routed`: it has gone out on some channels, and stays routed."""
        match verdict:
            case Repartition():
                self.repartitioned += 1
            case Replay():
                self.replays += 1
            case DeadLetterVerdict():
                self.stopped[verdict.state, verdict.reason] += 1
            case Hold() | Merge() | Reject():
                self.stopped[State.ROUTED if is_routed else verdict.state, verdict.reason] += 1

    def add_digest(self, state: RoutingState, verdict: Verdict) -> None:
        """Count a digest that is decided, by what ended its window."""
        if not isinstance(verdict, Hold | Replay) and state.gathered is not None and not state.gathered.row.is_closed:
            self.digests[state.gathered.row.cause] += 1

    def build_summary(self, topic: str, partition: int, waiting: int, seconds: float, cause: str) -> BatchSummary:
        """The summary of a batch with these counts, with the number of records that still wait, and the cause."""
        states = dict(self.stopped) | ({(State.ROUTED, ""): self.routed} if self.routed else {})
        records = sum(states.values()) + self.repartitioned + self.replays
        deliveries = dict(self.deliveries)
        others = self.repartitioned, self.replays, waiting, seconds, cause
        return BatchSummary(topic, partition, records, states, deliveries, *others, digests=dict(self.digests))


def evaluate_batch(
    states: Iterable[RoutingState], context: GateContext, outbox: Outbox, now: float, failure_limit: ConsecutiveFailureLimit
) -> BatchCounts:
    """Decide each state at `now`; later ones see the rows that earlier ones staged. Raises as check_gates does."""
    counts = BatchCounts()
    for state in states:
        state.now = now
        verdict = state.verdict
        if verdict is PASS:
            gates = select_gates(state) if state.resume_count or state.digest_row_key else BATCH_GATES
            verdict = check_gates(gates, state, context, failure_limit)
        if verdict is PASS and state.escalates_at:
            verdict = fan_out.encode_next_step(state)
        if verdict is PASS:
            fan_out.write_deliveries(state, outbox)
            counts.add_routed(state)
        else:
            if isinstance(verdict, HoldClaim):
                verdict = _decide_again(verdict, gates, state, context, failure_limit)
            if isinstance(verdict, Hold):
                verdict = fan_out.encode_scheduled(state, verdict)
            fan_out.write_verdict(state, verdict, outbox)
            counts.add_verdict(verdict, is_routed=bool(state.routed_channels))
        for stage in STAGES:
            stage(state, verdict, context)
        if state.is_digest:
            counts.add_digest(state, verdict)
    return counts


def _decide_again(
    claim: HoldClaim, gates: Sequence[Gate], state: RoutingState, context: GateContext, failure_limit: ConsecutiveFailureLimit
) -> Verdict:
    """The verdict on a notification that was held before a crash: what would pass by now stays held, because its release may follow."""
    verdict = check_gates(gates[gates.index(idempotency.GATE) + 1 :], state, context, failure_limit)
    if verdict is not PASS:
        return verdict
    state.stopped_at, state.escalates_at = claim.gate, 0.0
    return Hold(claim.until, claim.reason, claim.inputs)
