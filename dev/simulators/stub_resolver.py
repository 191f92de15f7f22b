"""Resolves the stub of a request; a limited stub applies to the first `times` requests of each delivery."""

from collections import Counter

from dev.simulators.protocol import RequestLogEntry, ValidRequest
from dev.simulators.stubs import DEFAULT_STUB, Stub, match_number_stub, match_stub
from dev.simulators.webhook import WEBHOOK_PREFIX


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

    def replay_entry(self, entry: RequestLogEntry) -> None:
        """Count a logged request, so that the counts survive a restart."""
        if _match_entry_stub(entry).times:
            self._increment_count(entry.provider, entry.delivery_id, entry.address)

    def _increment_count(self, provider: str, delivery_id: str, address: str) -> int:
        key = f"{provider} {delivery_id or address}"
        self._request_counts[key] += 1
        return self._request_counts[key]


def _match_entry_stub(entry: RequestLogEntry) -> Stub:
    if entry.provider == "twilio":
        return match_number_stub(entry.address)
    if entry.provider == "webhook":
        return match_stub(entry.address.partition(WEBHOOK_PREFIX.decode())[2])
    return match_stub(entry.address)
