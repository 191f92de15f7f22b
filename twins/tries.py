"""How often a delivery whose address scripts its first requests has asked: afterwards it is served like any other."""

from collections import Counter

from twins.hooks import PREFIX
from twins.scripts import PLAIN, Script, script_of, script_of_number
from twins.values import Asked, Entry


class Tries:
    """Counts only addresses whose script says how many times."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def current(self, provider: str, asked: Asked) -> Script:
        """The script in force for this request, which is counted."""
        script = asked.script
        if not script.times:
            return script
        target = asked.targets[0]
        return script if self._count(provider, target.delivery, target.address) <= script.times else PLAIN

    def replay(self, entry: Entry) -> None:
        """Count a request of the ledger, so that a restart changes nothing."""
        if _script_of_entry(entry).times:
            self._count(entry.provider, entry.delivery, entry.address)

    def _count(self, provider: str, delivery: str, address: str) -> int:
        key = f"{provider} {delivery or address}"
        self._counts[key] += 1
        return self._counts[key]


def _script_of_entry(entry: Entry) -> Script:
    if entry.provider == "twilio":
        return script_of_number(entry.address)
    if entry.provider == "webhook":
        return script_of(entry.address.partition(PREFIX.decode())[2])
    return script_of(entry.address)
