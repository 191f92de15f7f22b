"""The delivery worker of one channel: records in; calls, status events, rows and acknowledgements out. One event loop, no locks."""

import asyncio
from collections.abc import Collection
from functools import partial
from typing import Any

import msgspec

from agents.brake import Brake, sentence_of
from agents.delivery.calls import Calls
from agents.delivery.decide import EXPIRED, Dead, Decision, RetryAt, decide
from agents.delivery.decode import Readable, Unreadable, decoded
from agents.delivery.observer import UNOBSERVED, EndedBatch, Observer
from agents.delivery.record import content_of, letter_of, letter_of_unreadable, row_of, status_of
from agents.delivery.sending import OpenBatch, Sending
from schemas.deadletter import DeadLetter, headers_of
from schemas.outcome import Attempted, Provider
from schemas.policies import CallLimits, RetryPolicy
from schemas.ports import Answer, Clock, HeldBatch, HeldBatches, HttpClient, Later, Prepared, SharedOutbox, Table
from schemas.topics import DEAD_LETTERS, STATUS, lane_of
from schemas.words import Lane, Outcome, Reason
from tables.attempts import already_done, pack

_encode = msgspec.json.Encoder().encode


class Deliverer:
    """One for the three lanes of a channel, in which the calls in flight are bounded together.

    A batch is acknowledged when its last record has ended and its outputs and rows are safe. An exception in a callback ends every `run`.
    """

    def __init__(
        self,
        provider: Provider,
        http: HttpClient,
        attempts: Table,
        outbox: SharedOutbox,
        clock: Clock,
        later: Later,
        *,
        policy: RetryPolicy,
        limits: CallLimits,
        topic_prefix: str = "",
        observer: Observer = UNOBSERVED,
    ) -> None:
        self._provider, self._http, self._attempts, self._outbox = provider, http, attempts, outbox
        self._clock, self._later, self._policy, self._observer = clock, later, policy, observer
        self._status_topic, self._dead_topic = topic_prefix + STATUS, topic_prefix + DEAD_LETTERS
        self._calls = Calls(limits)
        self._brake = Brake()
        self._under_way: dict[str, Sending] = {}
        self._runs: set[asyncio.Task[Any]] = set()
        self._failure: BaseException | None = None
        self._pumping = False
        self._stopping: asyncio.Future[None] | None = None

    @property
    def calls_in_flight(self) -> int:
        """Calls of the provider that have no answer yet."""
        return self._calls.busy

    async def run(self, batches: HeldBatches) -> None:
        """Work on the batches of one lane until there are no more. Raises what a callback raised: its batch stays unacknowledged."""
        task = asyncio.current_task()
        assert task is not None
        if self._failure is not None:
            raise self._failure
        self._runs.add(task)
        try:
            async for held in batches:
                self._take(held)
        except asyncio.CancelledError:
            if self._failure is None:
                raise
            raise self._failure from None
        finally:
            self._runs.discard(task)

    async def stop(self) -> None:
        """Start no more calls and wait for those in flight; what still waits stays unacknowledged."""
        self._stopping = asyncio.get_running_loop().create_future()
        if self._calls.busy:
            await self._stopping

    def lost(self, partitions: Collection[int]) -> None:
        """Forget what waits of revoked partitions; calls in flight end, and their outcome is kept in case the record is given again."""
        for sending in list(self._under_way.values()):
            if sending.of.held.batch.partition not in partitions:
                continue
            if not sending.calling and (sending.lost or not sending.ended):
                del self._under_way[sending.delivery.id]
            sending.lost = True

    # -- a batch comes in

    def _take(self, held: HeldBatch) -> None:
        batch, now = held.batch, self._clock()
        of = OpenBatch(held, lane_of(batch.topic), now, self._settle)
        if not of.left:
            self._settle(of)
        readables: list[Readable] = []
        for record in batch.records:
            item = decoded(record, self._provider.channel)
            if isinstance(item, Unreadable):
                self._bury(letter_of_unreadable(batch, item), batch.partition, of.lane)
                of.end("unreadable")
            else:
                readables.append(item)
        rows = self._attempts.get_many(batch.partition, [readable.key for readable in readables])
        for readable, row in zip(readables, rows, strict=True):
            if already_done(row, readable.delivery, now):
                self._proven(readable.delivery.id)
                of.end("skipped")
            else:
                self._admit(Sending(readable, of, self._provider.account(readable.delivery)))
        self._pump()

    def _admit(self, sending: Sending) -> None:
        """Let a record wait for its call, unless its delivery is under way already."""
        other, of = self._under_way.get(sending.delivery.id), sending.of
        if other is not None and other.is_record(sending) and (other.ended or other.calling or not other.lost):
            self._readmit(other, of)
        elif other is not None and not other.is_record(sending) and other.covers(sending):
            of.end("skipped")
        else:
            self._under_way[sending.delivery.id] = sending
            of.sendings.append(sending)
            self._calls.wait(sending)

    def _proven(self, delivery_id: str) -> None:
        """A row is there: what was kept of a call that ended after a loss is not needed any more."""
        other = self._under_way.get(delivery_id)
        if other is not None and other.ended and other.lost:
            del self._under_way[delivery_id]

    def _readmit(self, sending: Sending, of: OpenBatch) -> None:
        """The record of a delivery under way was given again after a rebalance: it goes on, or is recorded again, for the new batch."""
        sending.of, sending.lost = of, False
        of.sendings.append(sending)
        if sending.ended and sending.decision is not None:
            self._record(sending, sending.last, sending.decision, self._clock())

    # -- prepare, attempt

    def _pump(self) -> None:
        """Start calls while there is room; an answer that comes before `send` returns is pumped by the loop that is already running."""
        if self._pumping or self._stopping is not None:
            return
        self._pumping = True
        try:
            while not self._outbox.crowded and (sending := self._calls.take()) is not None:
                self._begin(sending)
        finally:
            self._pumping = False
        if self._outbox.crowded:
            self._outbox.when_committed(self._pump)

    def _begin(self, sending: Sending) -> None:
        delivery, now = sending.delivery, self._clock()
        if sending.lost:
            self._calls.free(sending)
        elif now >= delivery.expires_at:
            self._calls.free(sending)
            self._record(sending, None, EXPIRED, now)
        else:
            prepared = self._prepared(sending, now)
            sending.tries += 1
            if isinstance(prepared, Attempted):
                self._calls.free(sending)
                self._conclude(sending, prepared, now)
            else:
                sending.calling, sending.called_at = True, now
                self._http.send(prepared, partial(self._answered, sending))

    def _prepared(self, sending: Sending, now: float) -> Prepared | Attempted:
        try:
            prepared = self._provider.prepare(sending.delivery, sending.attempt, now)
        except Exception as error:
            return Attempted(Outcome.REJECTED_PERMANENT, Reason.UNEXPECTED, detail=self._brake.pull(error))
        if self._brake.in_a_row:
            self._brake.release()
        return prepared

    def _attempted(self, answer: Answer, now: float) -> Attempted:
        try:
            return self._provider.attempted(answer, now)
        except Exception as error:  # it was sent: to stop here, or to try again, would tell the user twice
            return Attempted(Outcome.UNKNOWN, Reason.UNEXPECTED, detail=sentence_of(error))

    def _answered(self, sending: Sending, answer: Answer) -> None:
        try:
            sending.calling, now = False, self._clock()
            self._calls.free(sending)
            self._conclude(sending, self._attempted(answer, now), now)
            self._pump()
            if self._stopping is not None and not self._calls.busy and not self._stopping.done():
                self._stopping.set_result(None)
        except Exception as error:
            self._fail(error)

    # -- decide, record

    def _conclude(self, sending: Sending, attempted: Attempted, now: float) -> None:
        decision = decide(self._policy, attempted, sending.tries, now, sending.delivery.expires_at)
        self._record(sending, attempted, decision, now)
        if isinstance(decision, RetryAt):
            sending.attempt += 1
            sending.possible_duplicate |= attempted.outcome is Outcome.UNKNOWN
            self._later(decision.at - now, partial(self._again, sending))

    def _again(self, sending: Sending) -> None:
        try:
            self._calls.wait(sending)
            self._pump()
        except Exception as error:
            self._fail(error)

    def _record(self, sending: Sending, attempted: Attempted | None, decision: Decision, now: float) -> None:
        """Hand over what the attempt leaves behind; at the end also the row, which proves the rest."""
        partition, lane = sending.of.held.batch.partition, sending.of.lane
        event = status_of(sending, attempted, decision, self._provider.name, now)
        self._outbox.add(self._status_topic, partition, event.user_id.encode(), _encode(event))
        self._observer.attempted(lane, event)
        if isinstance(decision, RetryAt):
            return
        if isinstance(decision, Dead):
            self._bury(letter_of(sending, attempted, decision.reason), partition, lane)
        self._outbox.put(partition, sending.key, pack(row_of(event, decision)))
        sending.last, sending.decision, sending.ended = attempted, decision, True
        sending.of.end(attempted.outcome if attempted else "expired")

    def _bury(self, letter: DeadLetter, partition: int, lane: Lane) -> None:
        key = letter.user_id.encode() or letter.key
        self._outbox.add(self._dead_topic, partition, key, content_of(letter), headers_of(letter))
        self._observer.dead(lane, letter.reason, letter.notification_id, letter.delivery_id)

    # -- a batch goes out

    def _settle(self, of: OpenBatch) -> None:
        batch = of.held.batch
        self._observer.ended(EndedBatch(of.lane, batch.partition, len(batch), of.counts, self._clock() - of.began))
        self._outbox.when_committed(partial(self._safe, of))

    def _safe(self, of: OpenBatch) -> None:
        for sending in of.sendings:
            if self._under_way.get(sending.delivery.id) is sending:
                del self._under_way[sending.delivery.id]
        of.sendings.clear()  # they name their batch: a circle, which the collector would find much later
        of.held.ack()

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error
        for task in self._runs:
            task.cancel()
