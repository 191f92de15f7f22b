"""What the ledger adds up to, kept in memory: counts, duplicates, and how long deliveries took to arrive."""

from collections import Counter
from typing import Any

from dev.simulators.protocol import RequestLogEntry
from schemas.ids import DELIVERY_PREFIX

# one bucket per millisecond, the resolution of a UUIDv7; the last one takes what is later
_BUCKETS = 60_000


class RequestCounts:
    """Adds entries up; a delivery accepted a second time is a duplicate, and only its first acceptance counts for latency."""

    def __init__(self) -> None:
        self.requests = self.duplicates = self.unidentified = 0
        self._accepted: set[str] = set()
        self._providers: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self._latency_histogram = [0] * (_BUCKETS + 1)
        self._max_latency = 0

    def add_entry(self, entry: RequestLogEntry) -> None:
        """Count one entry."""
        self.requests += 1
        self._providers[entry.provider] += 1
        self._statuses[entry.status] += 1
        if not 200 <= entry.status < 300:
            return
        delivery = entry.delivery_id
        if not delivery:
            self.unidentified += 1
        elif delivery in self._accepted:
            self.duplicates += 1
        else:
            self._accepted.add(delivery)
            if delivery.startswith(DELIVERY_PREFIX):
                self._record_latency(delivery, entry.at)

    def _record_latency(self, delivery_id: str, at: float) -> None:
        try:
            late = int(at * 1000) - int(delivery_id[4:16], 16)
        except ValueError:
            return
        if late > self._max_latency:
            self._max_latency = late
        self._latency_histogram[0 if late < 0 else late if late < _BUCKETS else _BUCKETS] += 1

    def build_report(self) -> dict[str, Any]:
        """The counts of `GET /requests/counts`; latencies in milliseconds from the time in the delivery's id to the first acceptance."""
        return {
            "requests": self.requests,
            "accepted": len(self._accepted),
            "duplicates": self.duplicates,
            "unidentified": self.unidentified,
            "by_provider": dict(sorted(self._providers.items())),
            "by_status": {str(status): count for status, count in sorted(self._statuses.items())},
            "latency_ms": {**self._compute_percentiles(50, 99), "max": self._max_latency},
        }

    def _compute_percentiles(self, *wanted: int) -> dict[str, int]:
        total = sum(self._latency_histogram)
        found: dict[str, int] = {}
        seen = 0
        for late, count in enumerate(self._latency_histogram):
            seen += count
            for percent in wanted:
                if seen * 100 >= total * percent:
                    found.setdefault(f"p{percent}", late)
            if len(found) == len(wanted):
                break
        return found
