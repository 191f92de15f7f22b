"""Reads batches of a delivery worker: decodes the records, skips what is done, and acknowledges a batch when all of it has ended."""

from collections.abc import Callable, Collection
from functools import partial

from agents.delivery.attempt_recorder import AttemptRecorder
from agents.delivery.attempt_records import restore_retry
from agents.delivery.bounce_guard import BounceGuard
from agents.delivery.decode import DecodedDelivery, DecodeFailure, decode_delivery
from agents.delivery.endpoint_order import EndpointOrder
from agents.delivery.in_flight import InFlight, InFlightBatch, InFlightRegistry
from agents.delivery.observer import DeliveryBatchSummary, Observer
from agents.delivery.opening import DeliveryOpening
from agents.delivery.provider_set import ProviderSet
from agents.delivery.retry_decision import Done
from schemas.enums import Reason, Status
from schemas.ports import BatchHandle, Clock, SharedOutbox, Table
from schemas.topics import parse_priority
from tables.attempts import Interrupted, find_interrupted, is_already_done

_ERASED, _CANCELLED = Done(Status.FAILED, Reason.ERASED), Done(Status.FAILED, Reason.CANCELLED)


class BatchReader:
    """A batch is acknowledged when its last record has finished and its outputs and rows are committed."""

    def __init__(
        self,
        providers: ProviderSet,
        attempts: Table,
        outbox: SharedOutbox,
        registry: InFlightRegistry,
        recorder: AttemptRecorder,
        clock: Clock,
        observer: Observer,
        on_interrupted: Callable[[InFlight], None],
        bounce_guard: BounceGuard | None = None,
        opening: DeliveryOpening | None = None,
    ) -> None:
        """`on_interrupted`: called with a delivery whose call was about to be made when a worker ended."""
        self._providers, self._attempts, self._outbox, self._registry = providers, attempts, outbox, registry
        self._recorder, self._clock, self._observer, self._on_interrupted = recorder, clock, observer, on_interrupted
        self._bounce_guard, self._opening = bounce_guard, opening
        self.order: EndpointOrder | None = None

    def read(self, handle: BatchHandle) -> list[InFlight]:
        """The deliveries of a batch that are to be sent; none yet of one that needs newer keys, which is read again with them."""
        batch = handle.batch
        in_flight_batch = InFlightBatch(handle, parse_priority(batch.topic), self._clock(), self._finish_batch)
        if not in_flight_batch.remaining:
            self._finish_batch(in_flight_batch)
        decoded_deliveries = self._decode(in_flight_batch)
        if decoded_deliveries is None:
            return []
        rows = self._attempts.get_many(batch.partition, [decoded.row_key for decoded in decoded_deliveries])
        new: list[InFlight] = []
        choose, register = self._providers.choose, self._registry.register
        for decoded, row in zip(decoded_deliveries, rows, strict=True):
            done, interrupted = row is not None and is_already_done(row, decoded.delivery), None
            if row is not None and done and (interrupted := find_interrupted(row, decoded.delivery)) is None:
                self._registry.discard_recorded(decoded.delivery.id)
                if decoded.delivery.is_ordered and self.order is not None:
                    self.order.restore(batch.partition, in_flight_batch.priority, decoded, row)
                in_flight_batch.finish_record(decoded.record, "skipped")
                continue
            provider = choose(decoded.delivery) if interrupted is None else self._providers.get(interrupted.provider)
            in_flight = InFlight(decoded, in_flight_batch, provider)
            registered = register(in_flight)
            if registered is in_flight:
                is_rare = interrupted is not None or decoded.is_erased or in_flight.order_key
                if not is_rare or self._is_to_be_sent(in_flight, interrupted, decoded):
                    new.append(in_flight)
            elif registered is None:
                if in_flight.order_key and self.order is not None and (existing := self._registry.find(in_flight.id)) is not None:
                    self.order.keep_turn(in_flight, existing)
                in_flight_batch.finish_record(decoded.record, "skipped")
            else:
                if registered.order_key and self.order is not None:
                    self.order.resume(registered)
                if registered.is_finished:
                    self._recorder.finish(registered)
        return self._hold(new, self._bounce_guard) if self._bounce_guard and self._bounce_guard.stopped else new

    def drop_partitions(self, partitions: Collection[int]) -> None:
        """Forget what waits in revoked partitions, for its turn or for keys."""
        if self._opening is not None:
            self._opening.drop_partitions(partitions)
        if self.order is not None:
            self.order.drop_partitions(partitions)

    def _is_to_be_sent(self, in_flight: InFlight, interrupted: Interrupted | None, decoded: DecodedDelivery) -> bool:
        """Whether a delivery of which little is usual goes on: one of an ordered endpoint may wait for its turn, others end here."""
        order = self.order if in_flight.order_key else None
        if decoded.is_erased or in_flight.delivery.is_cancelled:
            self._recorder.record(in_flight, None, _ERASED if decoded.is_erased else _CANCELLED, self._clock())
            return False
        if interrupted is not None:
            self._resume(in_flight, interrupted, decoded, order)
            return False
        if order is None:
            return True
        if in_flight.delivery.unanswered is None:
            return order.admit(in_flight)
        order.resume(in_flight)
        return True

    def _resume(self, in_flight: InFlight, interrupted: Interrupted, decoded: DecodedDelivery, order: EndpointOrder | None) -> None:
        """Go on with what a worker had begun when it ended. A retry is handed over again; the scheduler has it, had it, or takes it now."""
        row, now = interrupted.row, self._clock()
        if interrupted.retry is None:
            if order is not None:
                order.resume(in_flight)
            in_flight.attempt, in_flight.called_at = row.attempt, row.attempted_at
            self._on_interrupted(in_flight)
            return
        order_key, in_flight.order_key = in_flight.order_key, b""  # its line is corrected by the row below
        result, retry = restore_retry(in_flight, row, interrupted.retry)
        self._recorder.record(in_flight, result, retry, now)
        in_flight.order_key = order_key
        if order is not None:
            order.restore(in_flight.batch.partition, in_flight.batch.priority, decoded, in_flight.row)

    def _hold(self, new: list[InFlight], guard: BounceGuard) -> list[InFlight]:
        """Let the deliveries of stopped categories wait in the scheduler; returns the others."""
        passed, now = [], self._clock()
        for in_flight in new:
            is_search = in_flight.delivery.unanswered is not None  # which sends nothing
            decision = None if is_search else guard.find_hold(in_flight.delivery, in_flight.batch.priority, now)
            if decision is None:
                passed.append(in_flight)
            else:
                self._recorder.record(in_flight, None, decision, now)
        return passed

    def _decode(self, in_flight_batch: InFlightBatch) -> list[DecodedDelivery] | None:
        batch, channel = in_flight_batch.handle.batch, self._providers.channel
        decoded_deliveries: list[DecodedDelivery] = []
        failures: list[DecodeFailure] = []
        for record in batch.records:
            decoded = decode_delivery(record, channel)
            if isinstance(decoded, DecodedDelivery) and decoded.delivery.sealed:
                decoded = self._open(decoded)
            if isinstance(decoded, DecodeFailure):
                failures.append(decoded)
            else:
                decoded_deliveries.append(decoded)
        if self._opening is not None and self._opening.outdated:
            return None
        self._recorder.dead_letter_limit.record(len(batch), len(failures))  # before anything of it is produced
        for failure in failures:
            self._recorder.write_decode_failure(batch, failure, in_flight_batch.priority)
            if failure.delivery is not None and failure.delivery.is_ordered and self.order is not None:
                self.order.remove(batch.partition, failure.delivery)
            in_flight_batch.finish_record(failure.record, "decode_failed")
        batch.drop_records()
        return decoded_deliveries

    def _open(self, decoded: DecodedDelivery) -> DecodedDelivery | DecodeFailure:
        if self._opening is None:
            error = "it is sealed, and the settings of encryption have no keys"
            return DecodeFailure(decoded.record, Reason.SEAL_BROKEN, error, decoded.delivery)
        return self._opening.open(decoded)

    def _finish_batch(self, in_flight_batch: InFlightBatch) -> None:
        batch, seconds = in_flight_batch.handle.batch, self._clock() - in_flight_batch.started_at
        self._observer.on_batch_end(
            DeliveryBatchSummary(in_flight_batch.priority, batch.partition, len(batch), in_flight_batch.outcome_counts, seconds)
        )
        self._outbox.on_committed(batch.partition, partial(self._acknowledge, in_flight_batch))

    def _acknowledge(self, in_flight_batch: InFlightBatch) -> None:
        self._registry.remove_batch(in_flight_batch)
        in_flight_batch.handle.ack()
