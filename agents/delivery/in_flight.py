"""The deliveries in flight in this worker, their batches, and the detection of duplicates and of records read again after a rebalance."""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple
from zlib import compress, decompress

import msgspec
from msgspec.structs import replace

from agents.delivery.decode import DecodedDelivery
from agents.delivery.provider_errors import CheckedProvider
from schemas.delivery import Delivery
from schemas.enums import Priority
from schemas.ports import BatchHandle, Header, Record, compute_record_size
from schemas.record_source import RecordSource, encode_source
from schemas.sealed_records import NO_CONTENT, open_delivery
from tables.attempts import is_already_done
from tables.endpoint_order import encode_key as encode_order_key

COMPRESSION_LEVEL = 1  # an e-mail of 20 kB with HTML takes 60 us, and an eighth of its size
_decode = msgspec.json.Decoder(Delivery).decode


class WaitingShare:
    """The deliveries of a partition and priority that wait beside those in flight: records and compressed bytes."""

    __slots__ = ("records", "size")

    def __init__(self) -> None:
        self.records = self.size = 0

    def add(self, records: int, size: int) -> None:
        """Count deliveries that come; negative for those that go."""
        self.records += records
        self.size += size


class KeptRecord(NamedTuple):
    """A record while its delivery waits, with the compressed value, and after it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes
    headers: Sequence[Header]


class InFlightBatch:
    """A batch with unfinished records; `on_finished` is called once, when the last record has finished.

    Whenever the unfinished records have halved, the consumer is told: a batch that waits for one slow call takes the room of one record.
    Those that wait in the waiting room take none.
    `calls`: set when a drain lets the batch go: the deliveries with calls, which it still waits for. No further call begins then.
    """

    __slots__ = (
        "_report_at",
        "calls",
        "deliveries",
        "handle",
        "on_finished",
        "outcome_counts",
        "partition",
        "priority",
        "remaining",
        "remaining_bytes",
        "started_at",
        "waiting",
        "waiting_bytes",
    )

    def __init__(self, handle: BatchHandle, priority: Priority, started_at: float, on_finished: Callable[["InFlightBatch"], None]) -> None:
        self.handle, self.priority, self.started_at, self.on_finished = handle, priority, started_at, on_finished
        self.partition = handle.batch.partition
        self.remaining, self.remaining_bytes = len(handle.batch), handle.batch.size
        self.waiting = self.waiting_bytes = 0
        self._report_at = self.remaining // 2
        self.outcome_counts: dict[str, int] = {}
        self.deliveries: list[InFlight] = []
        self.calls: set[InFlight] | None = None

    @property
    def is_untouched(self) -> bool:
        """Whether no record has finished, and no row says that a call is to be made."""
        return not self.outcome_counts and not any(in_flight.delivery.at_most_once for in_flight in self.deliveries)

    def finish_record(self, record: Record, result: str) -> None:
        """Count one more finished record by its outcome, or by `skipped`, `decode_failed` or the reason why no call was made."""
        self.outcome_counts[result] = self.outcome_counts.get(result, 0) + 1
        self.remaining -= 1
        self.remaining_bytes -= compute_record_size(record)
        if not self.remaining:
            self.on_finished(self)
        elif self.remaining - self.waiting <= self._report_at:
            self._report()

    def add_waiting(self, records: int, size: int) -> None:
        """Count records and bytes that begin to wait in the waiting room; negative for those that end it."""
        self.waiting += records
        self.waiting_bytes += size
        self._report()

    def _report(self) -> None:
        unfinished = self.remaining - self.waiting
        self._report_at = unfinished // 2
        self.handle.set_unfinished(unfinished, self.remaining_bytes - self.waiting_bytes)


class InFlight:
    """One delivery from its record to its end. `provider` is the one that is called, `account` its account.

    `attempt` numbers the attempts of all workers, `counted_attempts` are those that the retry schedule counts, so not those at which the
    account was at fault. `failed_at` is how often the account had recovered when it last rejected an attempt, -1 for never, and
    `probe_number` is set if the call is a probe. `is_calling` is true during a call, `is_finished` after the end, or when the next attempt
    is scheduled, `is_revoked` while the partition is revoked. `row` and `result` are kept after the end: if the same record is read again
    because its row was not committed, the row is staged again, without a second call or event. `result` is the outcome, or the reason why
    no call was made. `record` and `delivery` are dropped at the end, because the batch may wait long for its other records.
    `call_mark`: after a call for several was rejected, only deliveries with the same mark go in one call.
    `sent_again` is set if the next call is the one that follows a call without any answer.
    `has_intent`: the row that says that the call is to be made is durable, if the delivery needs one; `awaits_intent`: it is to be.
    `sealer` is set if the record is sealed. `order_key` is the key of its line, if its endpoint is ordered.
    `waiting_share` is set while the delivery is in the waiting room: the record is compressed then, and the delivery without its content.
    """

    record: Record
    delivery: Delivery

    __slots__ = (
        "account",
        "attempt",
        "awaits_intent",
        "batch",
        "call_mark",
        "called_at",
        "consent_checked_at",
        "counted_attempts",
        "delivery",
        "failed_at",
        "has_intent",
        "id",
        "is_calling",
        "is_finished",
        "is_revoked",
        "offset",
        "order_key",
        "possible_duplicate",
        "probe_number",
        "provider",
        "record",
        "redrive_count",
        "result",
        "row",
        "row_key",
        "sealer",
        "sent_again",
        "waiting_share",
    )

    def __init__(self, decoded: DecodedDelivery, batch: InFlightBatch, provider: CheckedProvider) -> None:
        record, delivery = self.record, self.delivery = decoded.record, decoded.delivery
        self.id, self.row_key, self.offset, self.redrive_count = delivery.id, decoded.row_key, record.offset, delivery.redrive_count
        self.batch, self.provider, self.account = batch, provider, provider.get_account(delivery)
        self.attempt, self.counted_attempts, self.called_at = delivery.attempt, delivery.counted_attempts, 0.0
        self.failed_at, self.probe_number = -1, 0
        self.possible_duplicate = delivery.possible_duplicate
        self.is_calling = self.is_finished = self.is_revoked = self.has_intent = self.awaits_intent = self.sent_again = False
        self.row, self.result, self.consent_checked_at = b"", "", 0.0
        self.waiting_share: WaitingShare | None = None
        self.sealer = decoded.sealer
        self.call_mark: object = None
        self.order_key = encode_order_key(delivery.user_id, delivery.endpoint_id) if delivery.is_ordered else b""

    def set_provider(self, provider: CheckedProvider) -> None:
        """Go to another account, which has not rejected an attempt of this delivery."""
        self.provider, self.account, self.failed_at = provider, provider.get_account(self.delivery), -1

    def add_source(self) -> Delivery:
        """The delivery with the place of its record."""
        return replace(self.delivery, source=encode_source(RecordSource(self.batch.priority, self.batch.partition, self.offset)))

    def is_same_record(self, other: "InFlight") -> bool:
        """Whether both have the same topic, partition and offset."""
        batch, other_batch = self.batch.handle.batch, other.batch.handle.batch
        same_partition = batch.topic == other_batch.topic and batch.partition == other_batch.partition
        return same_partition and self.offset == other.offset

    def finish(self) -> None:
        """Count the record as finished, and drop it with its content, which are large."""
        record, self.is_finished = self.record, True
        del self.record, self.delivery
        self.batch.finish_record(record, self.result)

    def restore(self, reread: "InFlight") -> None:
        """Take the batch and the content of the same record, which was read again, also if it could not be opened any more."""
        self._leave_share()
        self.batch, self.record, self.delivery, self.is_revoked = reread.batch, reread.record, reread.delivery, False
        if reread.sealer is None and self.sealer is not None:
            self.delivery = open_delivery(reread.delivery, self.sealer)

    def begin_wait(self, share: WaitingShare) -> None:
        """Wait in the waiting room: compress the record, and drop the content."""
        record = self.record
        self.batch.add_waiting(1, compute_record_size(record))
        packed = compress(record.value or b"", COMPRESSION_LEVEL)
        self.record = KeptRecord(record.offset, record.timestamp, record.key, packed, record.headers)
        self.delivery = replace(self.delivery, content=NO_CONTENT)
        self.waiting_share = share
        share.add(1, len(packed))

    def end_wait(self) -> None:
        """Leave the waiting room, if the delivery is there, with its record and content as they were."""
        if self.waiting_share is None or self.is_revoked:
            return
        self._leave_share()
        packed = self.record
        value = decompress(packed.value or b"")
        self.record = KeptRecord(packed.offset, packed.timestamp, packed.key, value, packed.headers)
        delivery = _decode(value)
        self.delivery = delivery if self.sealer is None else open_delivery(delivery, self.sealer)
        self.batch.add_waiting(-1, -compute_record_size(self.record))

    def _leave_share(self) -> None:
        if self.waiting_share is not None:
            self.waiting_share.add(-1, -len(self.record.value or b""))
            self.waiting_share = None

    def supersedes(self, other: "InFlight") -> bool:
        """Whether the other one is not to be called for: this one is as far or farther, has ended, or goes on itself.

        A later attempt that arrives while an earlier one is not finished was scheduled before a crash. The earlier one, whose record is
        unacknowledged, schedules it again if it needs to. That is not certain of one whose partition was revoked.
        """
        if self.is_finished:
            return is_already_done(self.row, other.delivery)
        if self.redrive_count != other.redrive_count:
            return self.redrive_count > other.redrive_count
        return self.attempt >= other.attempt or not self.is_revoked


class InFlightRegistry:
    """The deliveries in flight by id; one that has finished stays until its batch is acknowledged."""

    def __init__(self) -> None:
        self._deliveries: dict[str, InFlight] = {}

    def __len__(self) -> int:
        return len(self._deliveries)

    def find(self, delivery_id: str) -> InFlight | None:
        """The delivery with this id, if there is one."""
        return self._deliveries.get(delivery_id)

    def register(self, in_flight: InFlight) -> InFlight | None:
        """Add a delivery to its batch and return the one to work on.

        That is `in_flight` itself if it is new; the existing one, moved to the new batch, if the same record was read again after a
        rebalance; None if another record of this delivery is in flight already.
        """
        existing = self._deliveries.get(in_flight.id)
        if existing is not None:
            if not existing.is_same_record(in_flight):
                if existing.supersedes(in_flight):
                    return None
            elif existing.is_finished or existing.is_calling or not existing.is_revoked:
                existing.restore(in_flight)
                in_flight.batch.deliveries.append(existing)
                return existing
        self._deliveries[in_flight.id] = in_flight
        in_flight.batch.deliveries.append(in_flight)
        return in_flight

    def list_unfinished(self) -> list[InFlight]:
        """Those of partitions that are not revoked which have not finished."""
        return [in_flight for in_flight in self._deliveries.values() if not (in_flight.is_finished or in_flight.is_revoked)]

    def discard_recorded(self, delivery_id: str) -> None:
        """Remove a finished delivery of a revoked partition, because its row was found."""
        existing = self._deliveries.get(delivery_id)
        if existing is not None and existing.is_finished and existing.is_revoked:
            del self._deliveries[delivery_id]

    def revoke_partitions(self, partitions: Collection[int]) -> None:
        """Remove waiting deliveries of these partitions; the results of calls in flight are kept in case their records are read again."""
        for in_flight in list(self._deliveries.values()):
            if in_flight.batch.partition not in partitions:
                continue
            if not in_flight.is_calling and (in_flight.is_revoked or not in_flight.is_finished):
                del self._deliveries[in_flight.id]
            in_flight.is_revoked = True

    def remove_batch(self, batch: InFlightBatch) -> None:
        """Remove the deliveries of a batch that is committed."""
        for in_flight in batch.deliveries:
            if self._deliveries.get(in_flight.id) is in_flight:
                del self._deliveries[in_flight.id]
        batch.deliveries.clear()  # breaks the reference cycle, which otherwise the garbage collector would have to find
