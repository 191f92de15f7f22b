"""The room for deliveries that wait for consent or for a paused account, beside that of those in flight: what is behind them is fetched."""

from collections import defaultdict
from collections.abc import Collection

from agents.delivery.in_flight import InFlight, WaitingShare
from schemas.delivery_policy import WaitingLimits
from schemas.enums import Priority


class WaitingRoom:
    """Each partition and priority has a share of its own. A delivery that finds it full takes the room of those in flight, as others do."""

    def __init__(self, limits: WaitingLimits) -> None:
        self._limits = limits
        self._shares: defaultdict[tuple[Priority, int], WaitingShare] = defaultdict(WaitingShare)

    def __len__(self) -> int:
        return sum(share.records for share in self._shares.values())

    def has_room(self, in_flight: InFlight) -> bool:
        """Whether a delivery can wait here."""
        share = self._shares[in_flight.batch.priority, in_flight.batch.partition]
        return share.records < self._limits.max_records and share.size < self._limits.max_bytes

    def admit(self, in_flight: InFlight) -> None:
        """Let a delivery wait here, if there is room; its `end_wait` gives the room back."""
        if in_flight.waiting_share is None and not in_flight.is_revoked and self.has_room(in_flight):
            in_flight.begin_wait(self._shares[in_flight.batch.priority, in_flight.batch.partition])

    def drop_partitions(self, partitions: Collection[int]) -> None:
        """Empty the shares of revoked partitions."""
        for key in [key for key in self._shares if key[1] in partitions]:
            del self._shares[key]
