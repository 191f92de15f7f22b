"""Resolves the stub of a request, which may depend on the requests before it."""

from collections import Counter

from dev.simulators.protocol import RequestLogEntry, ValidRequest
from dev.simulators.stubs import DEFAULT_STUB, Stub


class StubResolver:
    """Counts the requests whose stub is limited: by delivery for the first `times`, by address for all `after` the first ones."""

    def __init__(self) -> None:
        self._request_counts: Counter[str] = Counter()

    def resolve_stub(self, provider: str, request: ValidRequest) -> Stub:
        """Count the request and return its stub: that of its address, or an acceptance outside the limit."""
        stub = request.stub
        if not stub.times and not stub.after:
            return stub
        target = request.targets[0]
        count = self._increment_count(provider, stub, target.delivery_id, target.address)
        if count > stub.after if stub.after else count <= stub.times:
            return stub
        return DEFAULT_STUB._replace(script=stub.script)

    def replay_entry(self, entry: RequestLogEntry, stub: Stub) -> None:
        """Count a logged request whose address selects `stub`, so that the counts survive a restart."""
        if stub.times or stub.after:
            self._increment_count(entry.provider, stub, entry.delivery_id, entry.address)

    def _increment_count(self, provider: str, stub: Stub, delivery_id: str, address: str) -> int:
        key = f"{provider} {address if stub.after else delivery_id or address}"
        self._request_counts[key] += 1
        return self._request_counts[key]
