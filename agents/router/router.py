"""notifications.<priority> -> deliveries, decided events, dead letters: a pure decision per record and one commit per batch."""

from asyncio import Future, Task, get_running_loop
from collections.abc import Callable, Collection, Container
from functools import partial
from typing import NamedTuple

from agents.agent_runs import AgentRuns
from agents.consecutive_failure_limit import ConsecutiveFailureLimit
from agents.dead_letter_limit import DeadLetterLimit, build_unlimited
from agents.router.compiled_policy import CompiledPolicy
from agents.router.delivery_look_up import DeliveryLookUp
from agents.router.evaluate import BatchCounts, BatchSummary, evaluate_batch
from agents.router.gates.order import check_record
from agents.router.opening import Opening
from agents.router.parking import ParkedBatch, Parking, ParkingLimits, describe_unknown, split_waiting
from agents.router.prefetch import collect_row_keys, prepare_states
from agents.router.routing_state import GateContext, RoutingState, StagedRows, TopicSet, build_topic_set
from agents.router.staged_digests import StagedDigests
from schemas.errors import PartitionFencedError, UnavailableError
from schemas.message_links import LinkBuilder
from schemas.patience import compute_patience, run_within
from schemas.ports import Batch, BatchCommitter, BatchHandle, BatchHandles, Clock, PrefixTable, Sleep, Table, TableRows
from schemas.store_ports import DeliveryStatusReader, PolicyReader, ProfileReader
from schemas.user_keys import SealerReader

RETRY_SECONDS = 1.0
RETRY_RECORDS = 500  # parked records of one retry, like a batch
# that a batch waits for profiles, and SECONDS_PER_PROFILE for each; those of high are small, and have 1 s until the provider
PROFILE_PATIENCE_SECONDS = 0.4
PROFILE_RETRY_SECONDS = 5.0  # after a failed look-up, batches with addresses of their own do not wait for another one


class LookUp(NamedTuple):
    """The states of a batch that can be decided, those that wait, and what for."""

    ready: list[RoutingState]
    waiting: list[RoutingState]
    cause: str


class Router:
    """The agent of all three priorities, which share the rows of a partition.

    Between reading the rows of a batch and handing its outputs to the committer nothing is awaited, and the tables show the new rows at
    once. So the priorities need no lock, and the next batch is decided while Kafka still confirms the ones before. Records that need what
    is unavailable are parked (agents/router/parking.py), and the next batch does not wait for them. An exception ends every `run`.
    """

    def __init__(
        self,
        policies: PolicyReader,
        profiles: ProfileReader,
        deliveries: DeliveryStatusReader,
        idempotency: Table,
        rate_windows: Table,
        digests: PrefixTable,
        committer: BatchCommitter,
        clock: Clock,
        partitions: int,
        topic_prefix: str,
        sleep: Sleep,
        observe: Callable[[BatchSummary], None],
        parking_limits: ParkingLimits,
        link_builder: LinkBuilder | None = None,
        dead_letter_limit: DeadLetterLimit | None = None,
        sealers: SealerReader | None = None,
    ) -> None:
        self._policies, self._profiles = policies, profiles
        self._delivery_look_up = DeliveryLookUp(deliveries, clock)
        self._idempotency, self._rate_windows, self._digests = idempotency, rate_windows, digests
        self._committer, self._clock, self._sleep, self._observe = committer, clock, sleep, observe
        self._partitions, self._topic_prefix, self._parking_limits = partitions, topic_prefix, parking_limits
        self._link_builder, self._dead_letter_limit = link_builder, dead_letter_limit or build_unlimited()
        self._topic_sets: dict[str, TopicSet] = {}
        self._compiled_policy: CompiledPolicy | None = None
        # two, because all records of a batch are checked before the first is decided: a success in one must not reset the other's count
        self._record_failures, self._batch_failures = ConsecutiveFailureLimit(), ConsecutiveFailureLimit()
        self._opening = Opening(sealers, self._record_failures)
        self._parkings: dict[tuple[str, int], Parking] = {}
        self._retry_tasks: dict[tuple[str, int], Task[None]] = {}
        self._profiles_cause = ""  # why the last look-up of profiles failed
        self._profiles_retry_at = 0.0
        self._runs = AgentRuns()

    async def run(self, batches: BatchHandles) -> None:
        """Route batches as long as there are any; each is acknowledged when its outputs and rows are committed."""
        with self._runs.track():
            async for handle in batches:
                await self._route(handle)

    async def stop(self) -> None:
        """Drop what is parked; it was not acknowledged."""
        self.on_partitions_revoked(range(self._partitions))

    def on_partitions_revoked(self, partitions: Container[int]) -> None:
        """Drop what is parked of these partitions; it will be read again."""
        for key in [key for key in self._parkings if key[1] in partitions]:
            self._parkings.pop(key).drop()
            self._retry_tasks.pop(key).cancel()

    async def _route(self, handle: BatchHandle) -> None:
        batch, context, started_at = handle.batch, GateContext(self._partitions, self._link_builder), self._clock()
        states = self._build_states(batch, context)
        parking = self._parkings.get((batch.topic, batch.partition))
        look_up = await self._look_up(states, context, parking.user_ids if parking else ())
        counts, committed = self._decide_and_commit(look_up.ready, batch.partition, context)
        self._report_when_done(committed, batch.topic, batch.partition, counts, look_up, started_at)
        if look_up.waiting:
            await self._park(handle, look_up.waiting, committed)
        else:
            _call_when_done(committed, partial(_finish_batch, handle))

    async def _park(self, handle: BatchHandle, states: list[RoutingState], committed: Future[None]) -> None:
        """Park these records, and wait until there is room for another batch."""
        key = handle.batch.topic, handle.batch.partition
        parking = self._parkings.get(key)
        if parking is None:
            parking = self._parkings[key] = Parking(key[1], self._parking_limits)
            self._retry_tasks[key] = get_running_loop().create_task(self._retry_parked(key, parking), name=f"retry-{key[0]}-{key[1]}")
        parked_batch = ParkedBatch(handle, len(states))
        parking.add(parked_batch, states)
        handle.batch.drop_records()
        handle.set_unfinished(0, 0)  # the parking has its own limits
        _call_when_done(committed, partial(_end_commits, [parked_batch]))
        await parking.wait_for_room()

    async def _retry_parked(self, key: tuple[str, int], parking: Parking) -> None:
        """Try the parked records again until all are decided."""
        try:
            while parking:
                await self._sleep(RETRY_SECONDS)
                while await self._route_parked(key[0], parking):
                    pass
            del self._parkings[key], self._retry_tasks[key]
        except Exception as error:
            self._runs.fail(error)

    async def _route_parked(self, topic: str, parking: Parking) -> bool:
        """Route the oldest parked records. Returns whether all of them were decided and there are more."""
        context, started_at = GateContext(self._partitions, self._link_builder), self._clock()
        states = [record.state for record in parking.get_oldest(RETRY_RECORDS)]
        look_up = await self._look_up(states, context, (), is_retry=True)
        if parking.is_dropped:
            return False
        counts, committed = self._decide_and_commit(look_up.ready, parking.partition, context)
        self._report_when_done(committed, topic, parking.partition, counts, look_up, started_at)
        batches = [record.batch for record in parking.remove(look_up.ready)]
        for batch in batches:
            batch.begin_commit()
        _call_when_done(committed, partial(_end_commits, batches))
        return bool(parking) and not look_up.waiting

    def _build_states(self, batch: Batch, context: GateContext) -> list[RoutingState]:
        topics, now = self._get_topics(batch.topic), self._clock()
        states = []
        for record in batch.records:
            state = RoutingState(record, topics, batch.partition, now)
            check_record(state, context, self._record_failures)
            states.append(state)
        return states

    def _report_when_done(
        self, committed: Future[None], topic: str, partition: int, counts: BatchCounts, look_up: LookUp, started_at: float
    ) -> None:
        def report(_: Future[None]) -> None:
            if committed.exception() is None:
                seconds = self._clock() - started_at
                self._observe(counts.build_summary(topic, partition, len(look_up.waiting), seconds, look_up.cause))

        _call_when_done(committed, report)

    def _get_topics(self, topic: str) -> TopicSet:
        if topic not in self._topic_sets:
            self._topic_sets[topic] = build_topic_set(topic, self._topic_prefix)
        return self._topic_sets[topic]

    async def _look_up(
        self, states: list[RoutingState], context: GateContext, parked_user_ids: Collection[str], *, is_retry: bool = False
    ) -> LookUp:
        """Look up the policy and the profiles. During an outage parked records look for its end, so that no batch waits for it."""
        context.profiles, context.deliveries = {}, await self._delivery_look_up.load(states)
        sealed, cause = await self._opening.open(states, context)
        if not sealed:
            return await self._look_up_opened(states, context, parked_user_ids, is_retry=is_retry)
        waiting_ids = {id(state) for state in sealed}
        opened = [state for state in states if id(state) not in waiting_ids]
        user_ids = {*parked_user_ids, *(state.notification.user_id for state in sealed)}
        look_up = await self._look_up_opened(opened, context, user_ids, is_retry=is_retry)
        ready_ids = {id(state) for state in look_up.ready}
        return LookUp(look_up.ready, [state for state in states if id(state) not in ready_ids], cause)

    async def _look_up_opened(
        self, states: list[RoutingState], context: GateContext, parked_user_ids: Collection[str], *, is_retry: bool
    ) -> LookUp:
        try:
            context.policy = self._get_compiled_policy()
        except UnavailableError as error:
            return LookUp([], states, str(error))
        cause = ""
        if user_ids := prepare_states(states, context.policy):
            if is_retry or not self._is_profile_outage():
                await self._load_profiles(user_ids, context, is_retry=is_retry)
            cause = self._profiles_cause or describe_unknown(user_ids, context.profiles)
        if not cause and not parked_user_ids:
            return LookUp(states, [], "")
        ready, waiting = split_waiting(states, parked_user_ids, context.profiles)
        return LookUp(ready, waiting, cause)

    def _is_profile_outage(self) -> bool:
        return bool(self._profiles_cause) and (bool(self._parkings) or self._clock() < self._profiles_retry_at)

    async def _load_profiles(self, user_ids: list[str], context: GateContext, *, is_retry: bool) -> None:
        patience = None if is_retry else compute_patience(PROFILE_PATIENCE_SECONDS, len(user_ids))
        try:
            context.profiles = await run_within(self._profiles.get_many(user_ids), patience)
            self._profiles_cause = ""
        except (UnavailableError, TimeoutError) as error:
            self._profiles_cause = str(error) or "profiles could not be read in time"
            self._profiles_retry_at = self._clock() + PROFILE_RETRY_SECONDS

    def _get_compiled_policy(self) -> CompiledPolicy:
        policy, compiled = self._policies.get_current(), self._compiled_policy
        if compiled is None or compiled.policy is not policy:
            compiled = self._compiled_policy = CompiledPolicy(policy, compiled.templates if compiled else None)
        return compiled

    def _decide_and_commit(self, states: list[RoutingState], partition: int, context: GateContext) -> tuple[BatchCounts, Future[None]]:
        """From the outbox to the commit nothing is awaited: nobody else may read or write the rows in between."""
        # before the rows are read: it makes the tables drop the pending rows of a fenced generation
        outbox = self._committer.create_outbox(partition)
        context.rows = rows = self._read_rows(states, partition)
        counts = evaluate_batch(states, context, outbox, self._clock(), self._batch_failures)
        self._dead_letter_limit.record(len(states), counts.count_dead_letters())  # before anything of it is produced
        if not counts.has_outputs:
            return counts, _build_done_future()
        windows, keys, gathered = self._rate_windows, self._idempotency, self._digests
        claims = _select_changed((windows, rows.new_exact_windows), (keys, rows.new_claims), (gathered, rows.digests.new_claims))
        others = _select_changed((keys, rows.new_idempotency), (windows, rows.new_sliced_windows), (gathered, rows.digests.new_rows))
        return counts, self._committer.commit(partition, outbox, others, claims)

    def _read_rows(self, states: list[RoutingState], partition: int) -> StagedRows:
        """The rows that the states need, one look-up per table."""
        idempotency_keys, window_keys = collect_row_keys(states)
        idempotency = _read_table(self._idempotency, partition, idempotency_keys)
        digests = StagedDigests(partial(self._digests.get_many, partition), partial(self._digests.list_rows, partition))
        return StagedRows(idempotency, _read_table(self._rate_windows, partition, window_keys), digests)


def _end_commits(batches: list[ParkedBatch], committed: Future[None]) -> None:
    is_committed = committed.exception() is None
    for batch in batches:
        batch.end_commit(is_committed=is_committed)


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
