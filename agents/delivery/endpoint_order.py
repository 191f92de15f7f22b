"""Calls ordered webhook endpoints for one delivery of a user after the other (docs/decisions/0068).

What waits behind a delivery that this worker calls for waits here; what waits longer waits in the scheduler, where it can be cancelled and
comes back by itself when the one before it has expired. The table says in which order. The rows of a line and its other outputs are
committed together, but for a crash between two topics, after which the records are read again: `restore` then corrects the line.
"""

from collections.abc import Callable, Collection
from typing import NamedTuple

from agents.delivery.attempt_recorder import AttemptRecorder
from agents.delivery.batch_drain import BatchDrain
from agents.delivery.decode import DecodedDelivery
from agents.delivery.in_flight import InFlight
from agents.delivery.ordered_line import LOST_AFTER, OrderedLine
from agents.delivery.retry_decision import EXPIRED, DeadLetterDecision, RetryAt
from agents.delivery.waiting_room import WaitingRoom
from schemas.delivery import Delivery
from schemas.enums import Priority, Reason
from schemas.ports import Clock, SharedOutbox, Table
from tables import attempts, endpoint_order
from tables.endpoint_order import OrderedEntry, Place

MIN_WAIT = 1.0  # seconds until what waits in the scheduler comes back, if the one before it expires at once
CALL_BACK_STEP = 0.001  # seconds between those that are called back: at the same millisecond the scheduler would release them by their ids

Line = OrderedLine[InFlight]


class OrderedEndpoints(NamedTuple):
    """The table, how many of the first deliveries of a line may be in the worker, and how many a line may have."""

    table: Table
    window: int
    max_entries: int


class EndpointOrder:
    """The lines of the worker's partitions. One is kept while any of its deliveries is here; else the table has what there is of it."""

    def __init__(
        self,
        ordered: OrderedEndpoints,
        outbox: SharedOutbox,
        recorder: AttemptRecorder,
        waiting_room: WaitingRoom,
        drain: BatchDrain,
        clock: Clock,
        go: Callable[[InFlight], None],
    ) -> None:
        """`go` gets a delivery that waited, and may be called for now."""
        self._table, self._window, self._max_entries = ordered
        self._outbox, self._recorder, self._waiting_room, self._drain = outbox, recorder, waiting_room, drain
        self._clock, self._go = clock, go
        self._lines: dict[tuple[int, bytes], Line] = {}
        self._leaving: InFlight | None = None
        recorder.on_ordered_finished, drain.list_ordered = self._on_finished, self.list_waiting

    def admit(self, in_flight: InFlight) -> bool:
        """Take a delivery into its line; whether it may be called for now. It is recorded here if it cannot wait in the worker."""
        partition, key, now = in_flight.batch.partition, in_flight.order_key, self._clock()
        if now >= in_flight.delivery.expires_at:
            self._recorder.record(in_flight, None, EXPIRED, now)
            return False
        line = self._get_line(partition, key)
        is_moved = line.drop_lost(now)
        arrival = line.arrive(_build_entry(in_flight), in_flight, window=self._window, max_entries=self._max_entries)
        if arrival == "waits":
            self._waiting_room.admit(in_flight)
            self._drain.request()
            if in_flight.waiting_share is None:  # there is no room
                arrival = "leaves"
        if arrival == "leaves":
            self._leave(line, in_flight, now)
        elif arrival == "full":
            self._recorder.record(in_flight, None, DeadLetterDecision(Reason.ENDPOINT_QUEUE_FULL), now)
        elif arrival == "goes":
            line.take_next()
        if is_moved or arrival == "leaves":
            self._advance(partition, key, line, now, has_ended=is_moved)
        return arrival == "goes"

    def resume(self, in_flight: InFlight) -> None:
        """Take a delivery into its line whose call is under way, or has no answer: it does not wait for its turn. Or one that has finished,
        and whose record is read again.
        """
        partition, key = in_flight.batch.partition, in_flight.order_key
        if in_flight.is_finished:
            self._restore(partition, key, _build_entry(in_flight), in_flight.row)
            return
        line = self._get_line(partition, key)
        line.resume(_build_entry(in_flight), in_flight)
        self._save(partition, key, line, self._clock())

    def keep_turn(self, in_flight: InFlight, existing: InFlight) -> None:
        """Keep the turn of a delivery, of which an older record is read before the one that is under way since a rebalance."""
        partition, key, entry = in_flight.batch.partition, in_flight.order_key, _build_entry(in_flight)
        if existing.redrive_count != in_flight.redrive_count:
            return
        if existing.is_finished:
            self._restore(partition, key, entry, existing.row)
            return
        line = self._get_line(partition, key)
        line.entries.setdefault(entry.key, entry)
        self._save(partition, key, line, self._clock())

    def restore(self, partition: int, priority: Priority, decoded: DecodedDelivery, attempt_row: bytes) -> None:
        """Correct the line by a record that is read again although its attempt has a row: a crash may have come between the two tables."""
        delivery = decoded.delivery
        if attempts.decode_row(attempt_row).redrive_count == delivery.redrive_count:
            entry = OrderedEntry(decoded.row_key, priority, delivery.expires_at)
            self._restore(partition, _get_key(delivery), entry, attempt_row)

    def remove(self, partition: int, delivery: Delivery) -> None:
        """Let a delivery that cannot be read hold up no other."""
        key, row_key = _get_key(delivery), attempts.encode_key(delivery.id)
        line = self._get_line(partition, key)
        has_ended = row_key in line.entries and row_key not in line.here
        if has_ended:
            line.end(row_key)
        self._advance(partition, key, line, self._clock(), has_ended=has_ended)

    def count_waiting(self) -> int:
        """How many deliveries wait here for their turn."""
        return sum(len(line.here) - (line.going in line.here) for line in self._lines.values())

    def list_waiting(self) -> list[InFlight]:
        """The deliveries that wait here for their turn."""
        return [one for line in self._lines.values() for key, one in line.here.items() if key != line.going]

    def drop_partitions(self, partitions: Collection[int]) -> None:
        """Forget the lines of revoked partitions; whoever has them next reads the rows and the records."""
        self._lines = {place: line for place, line in self._lines.items() if place[0] not in partitions}

    def _on_finished(self, in_flight: InFlight) -> None:
        """A delivery has ended, or leaves for the scheduler."""
        if in_flight.is_revoked:
            return
        partition, key, row_key = in_flight.batch.partition, in_flight.order_key, in_flight.row_key
        line = self._get_line(partition, key)
        if row_key not in line.entries:
            self._drop_idle(partition, key, line)
            return
        has_ended = attempts.has_ended(in_flight.row)
        if has_ended:
            line.end(row_key)
        else:
            line.leave(row_key, Place.WAITING if in_flight is self._leaving else Place.RETRYING)
        if in_flight is not self._leaving:
            self._advance(partition, key, line, self._clock(), has_ended=has_ended)

    def _advance(self, partition: int, key: bytes, line: Line, now: float, *, has_ended: bool) -> None:
        """Let the line move on after one has ended or left: who must leave, who is called back, its row, and who goes next."""
        has_ended = line.drop_lost(now) or has_ended
        for _, displaced in line.list_displaced():
            self._leave(line, displaced, now)
        if has_ended:
            user_id = key.partition(b"\0")[0].decode()
            for number, entry in enumerate(line.call_back(self._window)):
                self._recorder.call_back(partition, entry.priority, user_id, entry.delivery_id, now + number * CALL_BACK_STEP)
        following = line.take_next()
        self._save(partition, key, line, now)
        if following is not None:
            following.end_wait()
            self._go(following)

    def _leave(self, line: Line, in_flight: InFlight, now: float) -> None:
        """Let a delivery wait for its turn in the scheduler, until the first one has expired at most."""
        in_flight.end_wait()
        first, expires_at = line.first, in_flight.delivery.expires_at
        at = min(expires_at, first.expires_at + LOST_AFTER) if first is not None else expires_at
        self._leaving = in_flight
        self._recorder.record(in_flight, None, RetryAt(max(at, now + MIN_WAIT), Reason.ENDPOINT_ORDER), now)
        self._leaving = None

    def _get_line(self, partition: int, key: bytes) -> Line:
        line = self._lines.get((partition, key))
        if line is None:
            (row,) = self._outbox.get_rows(self._table, partition, [key])
            line = self._lines[partition, key] = OrderedLine(endpoint_order.decode_row(row).entries if row else ())
        return line

    def _restore(self, partition: int, key: bytes, entry: OrderedEntry, attempt_row: bytes) -> None:
        line, has_ended = self._get_line(partition, key), attempts.has_ended(attempt_row)
        if entry.key in line.here or has_ended is not (entry.key in line.entries):
            self._drop_idle(partition, key, line)
            return
        if has_ended:
            line.end(entry.key)
        else:  # in the scheduler: what waits for its turn has made no attempt
            entry.place = Place.WAITING if attempts.decode_row(attempt_row).outcome is None else Place.RETRYING
            line.entries[entry.key] = entry
        self._advance(partition, key, line, self._clock(), has_ended=True)

    def _save(self, partition: int, key: bytes, line: Line, now: float) -> None:
        if line.needs_row:
            self._outbox.stage_row_of(self._table, partition, key, endpoint_order.encode_row(line.entries.values(), now))
            line.has_row = bool(line.entries)
        self._drop_idle(partition, key, line)

    def _drop_idle(self, partition: int, key: bytes, line: Line) -> None:
        if not line.here:
            self._lines.pop((partition, key), None)


def _build_entry(in_flight: InFlight) -> OrderedEntry:
    return OrderedEntry(in_flight.row_key, in_flight.batch.priority, in_flight.delivery.expires_at)


def _get_key(delivery: Delivery) -> bytes:
    return endpoint_order.encode_key(delivery.user_id, delivery.endpoint_id)
