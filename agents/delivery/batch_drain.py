"""Lets a rebalance or stop go on without batches that would take too long, but not before the calls in them have ended."""

from collections import defaultdict
from collections.abc import Callable, Collection, Set

from agents.delivery.in_flight import InFlight, InFlightBatch, InFlightRegistry
from schemas.ports import SharedOutbox


class BatchDrain:
    """Releases batches of which deliveries wait. Whoever has the partition next reads them again, and sends what is not recorded.

    So no further call begins in such a batch, and it is released when its calls have ended and their results are committed.
    """

    def __init__(self, registry: InFlightRegistry, outbox: SharedOutbox, get_delayed: Callable[[], Collection[InFlight]]) -> None:
        """`get_delayed`: the deliveries whose consent cannot be checked."""
        self._registry, self._outbox, self._get_delayed = registry, outbox, get_delayed
        self.is_active = False  # from the beginning of a rebalance or stop until its end
        self.is_due = False  # something has begun to wait that the drain is not to wait for
        self.paused_accounts: Collection[str] = ()
        self.list_ordered: Callable[[], Collection[InFlight]] = tuple  # those that wait for their turn

    def begin(self) -> None:
        """A rebalance or stop begins."""
        self.is_active = True
        self.release_waiting()

    def request(self) -> None:
        """A delivery begins to wait; during a drain, its batch is to be released after this step."""
        self.is_due = self.is_active

    def release_waiting(self) -> None:
        """Release the batches of deliveries that wait for an open breaker, for unknown consent, or for their turn."""
        self.is_due, delayed, accounts = False, {*self._get_delayed(), *self.list_ordered()}, self.paused_accounts
        self._release(lambda in_flight: in_flight.account in accounts or in_flight in delayed)

    def end(self) -> None:
        """The partitions are revoked."""
        self.is_active = self.is_due = False

    def release_accounts(self, accounts: Set[str]) -> None:
        """Release the batches of deliveries that wait for these accounts."""
        self._release(lambda in_flight: in_flight.account in accounts)

    def release_all(self) -> None:
        """Release all unfinished batches: no call begins any more."""
        self._release(lambda _: True, with_calls_only=True)

    def end_call(self, in_flight: InFlight) -> None:
        """The result of a call, or that there is none, is in the outbox."""
        batch = in_flight.batch
        if batch.calls is not None and in_flight in batch.calls:
            batch.calls.remove(in_flight)
            if not batch.calls:
                self._outbox.on_committed(batch.partition, batch.handle.release)

    def _release(self, is_waiting: Callable[[InFlight], bool], *, with_calls_only: bool = False) -> None:
        calls: defaultdict[InFlightBatch, set[InFlight]] = defaultdict(set)
        waiting: dict[InFlightBatch, None] = {}
        for in_flight in self._registry.list_unfinished():
            if in_flight.is_calling or in_flight.awaits_intent:
                calls[in_flight.batch].add(in_flight)
            elif is_waiting(in_flight):
                waiting[in_flight.batch] = None
        for batch in {**waiting, **dict.fromkeys(calls)} if with_calls_only else waiting:
            if batch.calls is None:
                batch.calls = calls[batch]
                if not batch.calls:
                    self._release_recorded(batch)

    def _release_recorded(self, batch: InFlightBatch) -> None:
        """Release a batch without calls: at once if nothing of it can be uncommitted, as when Kafka cannot be reached."""
        if batch.is_untouched:
            batch.handle.release()
        else:
            self._outbox.on_committed(batch.partition, batch.handle.release)
