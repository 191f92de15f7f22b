"""Counters of the request log, in memory: requests, duplicates, and the latency of deliveries."""

from collections import Counter
from typing import Any

from dev.simulators.protocol import RequestLogEntry
from schemas.ids import DELIVERY_PREFIX

# one bucket per millisecond, the resolution of a UUIDv7; one more for higher latencies
_BUCKETS = 60_000
_UUID7_TIME = slice(len(DELIVERY_PREFIX), len(DELIVERY_PREFIX) + 12)  # the milliseconds of a delivery id, in hexadecimal


class RequestCounts:
    """Counts entries. A further acceptance of a delivery is a duplicate; only the first one counts for the latency."""

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
        delivery_id = entry.delivery_id
        if not delivery_id:
            self.unidentified += 1
        elif delivery_id in self._accepted:
            self.duplicates += 1
        else:
            self._accepted.add(delivery_id)
            if delivery_id.startswith(DELIVERY_PREFIX):
                self._record_latency(delivery_id, entry.at)

    def _record_latency(self, delivery_id: str, at: float) -> None:
        try:
            latency = int(at * 1000) - int(delivery_id[_UUID7_TIME], 16)
        except ValueError:
            return
        if latency > self._max_latency:
            self._max_latency = latency
        self._latency_histogram[0 if latency < 0 else latency if latency < _BUCKETS else _BUCKETS] += 1

    def build_report(self) -> dict[str, Any]:
        """Build the counts of `GET /requests/counts`.

        Latencies are in milliseconds, from the time in the delivery id to the first acceptance.
        """
        return {
            "requests": self.requests,
            "accepted": len(self._accepted),
            "duplicates": self.duplicates,
            "unidentified": self.unidentified,
            "by_provider": dict(sorted(self._providers.items())),
            "by_status": {str(status): count for status, count in sorted(self._statuses.items())},
            "latency_ms": {**self._compute_percentiles(50, 99), "max": self._max_latency},
        }

    def _compute_percentiles(self, *percents: int) -> dict[str, int]:
        """Compute percentiles by nearest rank."""
        total = sum(self._latency_histogram)
        percentiles: dict[str, int] = {}
        cumulative = 0
        for latency, count in enumerate(self._latency_histogram):
            cumulative += count
            for percent in percents:
                if cumulative * 100 >= total * percent:
                    percentiles.setdefault(f"p{percent}", latency)
            if len(percentiles) == len(percents):
                break
        return percentiles
