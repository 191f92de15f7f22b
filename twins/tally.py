"""What the ledger adds up to, kept in memory: counts, duplicates, and how long deliveries took to arrive."""

from collections import Counter
from typing import Any

from schemas.ids import DELIVERY
from twins.values import Entry

# one bucket per millisecond, the resolution of a UUIDv7; the last one takes what is later
_BUCKETS = 60_000


class Tally:
    """Adds entries up; a delivery accepted a second time is a duplicate, and only its first acceptance counts for latency."""

    def __init__(self) -> None:
        self.requests = self.duplicates = self.unidentified = 0
        self._accepted: set[str] = set()
        self._providers: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self._latencies = [0] * (_BUCKETS + 1)
        self._latest = 0

    def add(self, entry: Entry) -> None:
        """Count one entry."""
        self.requests += 1
        self._providers[entry.provider] += 1
        self._statuses[entry.status] += 1
        if not 200 <= entry.status < 300:
            return
        delivery = entry.delivery
        if not delivery:
            self.unidentified += 1
        elif delivery in self._accepted:
            self.duplicates += 1
        else:
            self._accepted.add(delivery)
            if delivery.startswith(DELIVERY):
                self._time(delivery, entry.at)

    def _time(self, delivery: str, at: float) -> None:
        try:
            late = int(at * 1000) - int(delivery[4:16], 16)
        except ValueError:
            return
        if late > self._latest:
            self._latest = late
        self._latencies[0 if late < 0 else late if late < _BUCKETS else _BUCKETS] += 1

    def report(self) -> dict[str, Any]:
        """The counts as `GET /ledger` shows them; latencies in milliseconds from the time in the delivery's id to the first acceptance."""
        return {
            "requests": self.requests,
            "accepted": len(self._accepted),
            "duplicates": self.duplicates,
            "unidentified": self.unidentified,
            "by_provider": dict(sorted(self._providers.items())),
            "by_status": {str(status): count for status, count in sorted(self._statuses.items())},
            "latency_ms": {**self._percentiles(50, 99), "max": self._latest},
        }

    def _percentiles(self, *wanted: int) -> dict[str, int]:
        total = sum(self._latencies)
        found: dict[str, int] = {}
        seen = 0
        for late, count in enumerate(self._latencies):
            seen += count
            for percent in wanted:
                if seen * 100 >= total * percent:
                    found.setdefault(f"p{percent}", late)
            if len(found) == len(wanted):
                break
        return found
