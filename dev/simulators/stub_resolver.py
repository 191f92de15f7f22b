"""Resolves the stub of a request; a limited stub applies to the first `times` requests of each delivery."""

from collections import Counter

from dev.simulators.protocol import RequestLogEntry, ValidRequest
from dev.simulators.stubs import DEFAULT_STUB, Stub


class StubResolver:
    """Counts the requests of each delivery whose stub is limited."""

    def __init__(self) -> None:
        self._request_counts: Counter[str] = Counter()

    def resolve_stub(self, provider: str, request: ValidRequest) -> Stub:
        """Count the request and return its stub: that of its address, or the default once the limit is exceeded."""
        stub = request.stub
        if not stub.times:
            return stub
        target = request.targets[0]
        return stub if self._increment_count(provider, target.delivery_id, target.address) <= stub.times else DEFAULT_STUB

    def replay_entry(self, entry: RequestLogEntry, stub: Stub) -> None:
        """Count a logged request whose address selects `stub`, so that the counts survive a restart."""
        if stub.times:
            self._increment_count(entry.provider, entry.delivery_id, entry.address)

    def _increment_count(self, provider: str, delivery_id: str, address: str) -> int:
        key = f"{provider} {delivery_id or address}"
        self._request_counts[key] += 1
        return self._request_counts[key]
