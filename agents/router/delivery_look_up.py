"""Looks up what became of the deliveries of escalations, one query for a batch; without an answer their gate holds them for a while."""

from collections.abc import Iterable, Mapping

from agents.router.routing_state import RoutingState
from agents.router.verdict import PASS
from schemas.errors import UnavailableError
from schemas.history import NotificationKey, RecordedDeliveries
from schemas.patience import run_within
from schemas.ports import Clock
from schemas.store_ports import DeliveryStatusReader

PATIENCE_SECONDS = 0.4  # that a batch waits for the answer
RETRY_SECONDS = 5.0  # after a failed look-up, no batch waits for another one

_NOTHING: Mapping[NotificationKey, RecordedDeliveries] = {}


class DeliveryLookUp:
    """Asks for the deliveries of the escalations in a batch; most batches have none."""

    def __init__(self, reader: DeliveryStatusReader, clock: Clock) -> None:
        self._reader, self._clock = reader, clock
        self._retry_at = 0.0

    async def load(self, states: Iterable[RoutingState]) -> Mapping[NotificationKey, RecordedDeliveries]:
        """What is recorded of those that go on to their next channel; nothing if it cannot be read in time."""
        keys = [(state.id, state.notification.user_id) for state in states if state.routed_channels and state.verdict is PASS]
        if not keys or self._clock() < self._retry_at:
            return _NOTHING
        try:
            return await run_within(self._reader.get_many(keys), PATIENCE_SECONDS)
        except (UnavailableError, TimeoutError):
            self._retry_at = self._clock() + RETRY_SECONDS
            return _NOTHING
