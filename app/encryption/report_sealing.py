"""Seals the addresses in what providers report, before it is written to Kafka (docs/decisions/0054)."""

from collections.abc import Sequence

from msgspec.structs import replace

from schemas.blind_index import BlindIndex
from schemas.errors import UnavailableError
from schemas.events import EngagementEvent, ProviderEvent
from schemas.sealed_columns import seal_suppressed
from schemas.user_keys import SealerReader


class ReportSealing:
    """A report does not say whose address it is, so the address has a key of its own, whose id is the token of the address."""

    def __init__(self, sealers: SealerReader, index: BlindIndex) -> None:
        self._sealers, self._index = sealers, index

    async def seal(self, events: Sequence[ProviderEvent]) -> Sequence[ProviderEvent]:
        """The events with tokens in the place of addresses, and the addresses sealed. Raises UnavailableError without keys."""
        await self._sealers.refresh()
        found = [(position, event) for position, event in enumerate(events) if not isinstance(event, EngagementEvent) and event.address]
        tokens = {position: self._index.compute(event.channel, event.address) for position, event in found}
        wanted = [token for token in tokens.values() if self._sealers.seals(token)]
        if not wanted:
            return events
        sealers, sealed = await self._sealers.get_many(wanted), [*events]
        for position, event in found:
            token = tokens[position]
            if (sealer := sealers.get(token)) is not None and sealer.can_seal:
                sealed[position] = replace(event, address=token, sealed=seal_suppressed(token, event.address, sealer))
            elif self._sealers.seals(token):  # else the projects were read meanwhile, and none seals
                raise UnavailableError("the key of an address could not be read")
        return sealed
