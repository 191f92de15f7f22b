"""notifications.<priority> -> deliveries, decided events, dead letters: a pure decision per record and one commit per batch."""

from asyncio import Future, shield
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from agents.consecutive_failure_limit import ConsecutiveFailureLimit
from agents.router.compiled_policy import CompiledPolicy
from agents.router.evaluate import BatchCounts, BatchSummary, evaluate_batch
from agents.router.gates.order import check_record
from agents.router.prefetch import collect_row_keys, prepare_states
from agents.router.routing_state import GateContext, RoutingState, StagedRows, TopicSet, build_topic_set
from agents.router.verdict import PASS
from schemas.errors import PartitionFencedError, UnavailableError
from schemas.ports import Batch, BatchCommitter, BatchHandle, BatchHandles, Clock, Sleep, Table, TableRows
from schemas.store_ports import PolicyReader, ProfileReader

RETRY_SECONDS = 1.0


class Evaluation(NamedTuple):
    """What one try came to: the counts, the states that still wait and for what, and the commit of what was decided."""

    counts: BatchCounts
    waiting: list[RoutingState]
    cause: str
    committed: Future[None]


class Router:
    """The agent of all three priorities, which share the rows of a partition.

    Between reading the rows of a batch and handing its outputs to the committer nothing is awaited, and the tables show the new rows at
    once. So the priorities need no lock, and the next batch is decided while Kafka still confirms the ones before.
    """

    def __init__(
        self,
        policies: PolicyReader,
        profiles: ProfileReader,
        idempotency: Table,
        rate_windows: Table,
        committer: BatchCommitter,
        clock: Clock,
        partitions: int,
        topic_prefix: str,
        sleep: Sleep,
        observe: Callable[[BatchSummary], None],
    ) -> None:
        self._policies, self._profiles = policies, profiles
        self._idempotency, self._rate_windows = idempotency, rate_windows
        self._committer, self._clock, self._sleep, self._observe = committer, clock, sleep, observe
        self._partitions, self._topic_prefix = partitions, topic_prefix
        self._topic_sets: dict[str, TopicSet] = {}
        self._compiled_policy: CompiledPolicy | None = None
        # two, because all records of a batch are checked before the first is decided: a success in one must not reset the other's count
        self._record_failures, self._batch_failures = ConsecutiveFailureLimit(), ConsecutiveFailureLimit()

    async def run(self, batches: BatchHandles) -> None:
        """Route batches as long as there are any; each is acknowledged when its outputs and rows are committed."""
        async for handle in batches:
            try:
                committed = await self.route(handle.batch, handle.release)
            except PartitionFencedError:
                handle.release()
            else:
                _call_when_done(committed, partial(_finish_batch, handle))

    async def route(self, batch: Batch, release: Callable[[], None]) -> Future[None]:
        """Decide a batch and begin to commit it; records that need what is unavailable are tried again until all are decided.

        The batch is released while records wait, which may take longer than a rebalance or a stop can wait. The future is done when the
        batch is committed; it raises PartitionFencedError if the partition went to another worker meanwhile.
        """
        context = GateContext(self._partitions)
        states = self._build_states(batch, context)
        while True:
            started_at = self._clock()
            evaluation = await self._evaluate(states, batch.partition, context)
            _call_when_done(evaluation.committed, partial(self._report, batch, evaluation, started_at))
            if not evaluation.waiting:
                return evaluation.committed
            await shield(evaluation.committed)
            release()
            await self._sleep(RETRY_SECONDS)
            states = evaluation.waiting

    def _build_states(self, batch: Batch, context: GateContext) -> list[RoutingState]:
        topics, now = self._get_topics(batch.topic), self._clock()
        states = []
        for record in batch.records:
            state = RoutingState(record, topics, batch.partition, now)
            check_record(state, context, self._record_failures)
            states.append(state)
        return states

    def _report(self, batch: Batch, evaluation: Evaluation, started_at: float, committed: Future[None]) -> None:
        if committed.exception() is None:
            waiting, seconds = len(evaluation.waiting), self._clock() - started_at
            self._observe(evaluation.counts.build_summary(batch.topic, batch.partition, waiting, seconds, evaluation.cause))

    def _get_topics(self, topic: str) -> TopicSet:
        if topic not in self._topic_sets:
            self._topic_sets[topic] = build_topic_set(topic, self._topic_prefix)
        return self._topic_sets[topic]

    async def _evaluate(self, states: list[RoutingState], partition: int, context: GateContext) -> Evaluation:
        """Decide and commit what can be decided; the rest waits."""
        context.profiles = {}
        waiting: list[RoutingState] = []
        cause = ""
        try:
            context.policy = self._get_compiled_policy()
        except UnavailableError as error:
            return Evaluation(BatchCounts(), states, str(error), _build_done_future())
        user_ids = prepare_states(states, context.policy)
        try:
            if user_ids:
                context.profiles = await self._profiles.get_many(user_ids)
        except UnavailableError as error:
            cause = str(error)
            waiting = [state for state in states if state.verdict is PASS and state.needs_profile]
            states = [state for state in states if state.verdict is not PASS or not state.needs_profile]
        counts, committed = self._decide_and_commit(states, partition, context)
        return Evaluation(counts, waiting, cause, committed)

    def _get_compiled_policy(self) -> CompiledPolicy:
        policy, compiled = self._policies.get_current(), self._compiled_policy
        if compiled is None or compiled.policy is not policy:
            compiled = self._compiled_policy = CompiledPolicy(policy, compiled.templates.compiled if compiled else None)
        return compiled

    def _decide_and_commit(self, states: list[RoutingState], partition: int, context: GateContext) -> tuple[BatchCounts, Future[None]]:
        """From the outbox to the commit nothing is awaited: nobody else may read or write the rows in between."""
        # before the rows are read: it makes the tables drop the pending rows of a fenced generation
        outbox = self._committer.create_outbox(partition)
        context.rows = rows = self._read_rows(states, partition)
        counts = evaluate_batch(states, context, outbox, self._clock(), self._batch_failures)
        if not counts.has_outputs:
            return counts, _build_done_future()
        claims = _select_changed((self._rate_windows, rows.new_exact_windows), (self._idempotency, rows.new_claims))
        others = _select_changed((self._idempotency, rows.new_idempotency), (self._rate_windows, rows.new_sliced_windows))
        return counts, self._committer.commit(partition, outbox, others, claims)

    def _read_rows(self, states: list[RoutingState], partition: int) -> StagedRows:
        """The rows that the states need, one look-up per table."""
        idempotency_keys, window_keys = collect_row_keys(states)
        idempotency = _read_table(self._idempotency, partition, idempotency_keys)
        return StagedRows(idempotency, _read_table(self._rate_windows, partition, window_keys))


def _finish_batch(handle: BatchHandle, committed: Future[None]) -> None:
    error = committed.exception()
    if error is None:
        handle.ack()
    elif isinstance(error, PartitionFencedError):
        handle.release()


def _call_when_done(future: Future[None], callback: Callable[[Future[None]], None]) -> None:
    if future.done():
        callback(future)
    else:
        future.add_done_callback(callback)


def _build_done_future() -> Future[None]:
    future: Future[None] = Future()
    future.set_result(None)
    return future


def _select_changed(*staged: tuple[Table, TableRows]) -> list[tuple[Table, TableRows]]:
    return [(table, rows) for table, rows in staged if rows]


def _read_table(table: Table, partition: int, keys: list[bytes]) -> dict[bytes, bytes | None]:
    return dict(zip(keys, table.get_many(partition, keys), strict=True)) if keys else {}
