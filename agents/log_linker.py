"""Links the entries of the audit log and of consent to their chains, and signs the heads; one process at a time does it."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from agents.polling import poll_forever
from schemas.checkpoints import LinkedLog
from schemas.ports import Sleep

MAX_ENTRIES: Final = 1000  # linked in one transaction


class LinkDelay(NamedTuple):
    """PostgreSQL does not answer, so entries wait to be linked: the cause, and the seconds until the next try."""

    cause: str
    seconds: float


class LogChains(Protocol):
    """The chains that are extended."""

    async def link(self, limit: int) -> Sequence[LinkedLog]:
        """Link at most `limit` entries of each log; nothing while another process does it. Raises UnavailableError."""
        ...


class LogLinker:
    """Links what waits, every `interval` seconds, and at once while more waits than one transaction takes."""

    def __init__(self, chains: LogChains, sleep: Sleep, interval: float, observe: Callable[[LinkedLog | LinkDelay], None]) -> None:
        self._chains, self._sleep, self._interval, self._observe = chains, sleep, interval, observe

    async def run_forever(self) -> None:
        """Link until cancelled."""
        await poll_forever(self.link_once, self._sleep, lambda cause, seconds: self._observe(LinkDelay(cause, seconds)))

    async def link_once(self) -> float:
        """Link what one transaction takes; returns the seconds until the next one. Raises UnavailableError."""
        linked = await self._chains.link(MAX_ENTRIES)
        for one in linked:
            if one.linked or one.checkpoint:
                self._observe(one)
        return 0.0 if any(one.has_more for one in linked) else self._interval
