"""How often a delivery whose address scripts its first requests has asked: afterwards it is served like any other."""

from collections import Counter

from dev.simulators.protocol import RequestLogEntry, ValidRequest
from dev.simulators.stubs import DEFAULT_STUB, Stub, match_number_stub, match_stub
from dev.simulators.webhook import PATH_PREFIX


class StubResolver:
    """Counts only addresses whose script says how many times."""

    def __init__(self) -> None:
        self._request_counts: Counter[str] = Counter()

    def resolve_stub(self, provider: str, request: ValidRequest) -> Stub:
        """The script in force for this request, which is counted."""
        script = request.stub
        if not script.times:
            return script
        target = request.targets[0]
        return script if self._increment_count(provider, target.delivery_id, target.address) <= script.times else DEFAULT_STUB

    def replay_entry(self, entry: RequestLogEntry) -> None:
        """Count a request of the ledger, so that a restart changes nothing."""
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
        return match_stub(entry.address.partition(PATH_PREFIX.decode())[2])
    return match_stub(entry.address)
