"""Whether those who watch still may: a connection of the live view outlives the check of its handshake by hours."""

import logging
from collections.abc import Awaitable, Callable, Sequence

from app.api.access import has_permission
from app.api.live.connections import TRY_AGAIN, LiveConnection, LiveConnections
from app.api.principal import Holder, Reauthenticator, reauthenticate
from app.telemetry import log_event
from schemas.errors import UnavailableError
from schemas.permissions import Permission
from schemas.ports import Clock

VALIDITY_INTERVAL = 30.0  # seconds between two checks of all connections
UNAUTHORIZED, FORBIDDEN = 4401, 4403  # codes of closing; those from 4000 are ours, as in HTTP
ENDED = "the credential is not valid any more: log in again, or use another API key"
NO_PERMISSION = "the permission live:read was taken away"
UNKNOWN = "PostgreSQL does not answer, and nobody knows whether the credential still is valid: connect again later"


class ValidityChecks:
    """Closes the connections whose principal may not watch any more.

    While PostgreSQL does not answer a connection goes on for `outage_limit` seconds; `clock` is monotonic.
    """

    def __init__(
        self, connections: LiveConnections, reauthenticators: Sequence[Reauthenticator], clock: Clock, outage_limit: float
    ) -> None:
        self._connections, self._reauthenticators = connections, reauthenticators
        self._clock, self._outage_limit = clock, outage_limit

    async def check_forever(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Check from time to time, until cancelled."""
        while True:
            await sleep(VALIDITY_INTERVAL)
            try:
                await self.check()
            except Exception as error:  # the next check must come in any case
                log_event("gateway.live_check_failed", logging.ERROR, error=type(error).__name__)

    async def check(self) -> None:
        """Ask once for each principal, and close what is not valid; what nobody knows now, the next check asks again."""
        by_holder: dict[Holder, list[LiveConnection]] = {}
        for connection in self._connections.connections:
            by_holder.setdefault(connection.holder, []).append(connection)
        is_unavailable = False
        for holder, held in by_holder.items():
            if not is_unavailable:
                try:
                    denial = await self._find_denial(holder)
                except UnavailableError:
                    is_unavailable = True
            if is_unavailable:
                self._close_unknown(held)
            else:
                self._apply(denial, held)

    async def _find_denial(self, holder: Holder) -> tuple[int, str] | None:
        """The code and the reason with which to close; None for who may watch. Raises UnavailableError."""
        principal = await reauthenticate(self._reauthenticators, holder)
        if principal is None:
            return UNAUTHORIZED, ENDED
        return None if has_permission(principal, Permission.LIVE_READ) else (FORBIDDEN, NO_PERMISSION)

    def _apply(self, denial: tuple[int, str] | None, held: Sequence[LiveConnection]) -> None:
        now = self._clock()
        for connection in held:
            if denial is not None:
                self._connections.close(connection, *denial)
            else:
                connection.valid_at = now

    def _close_unknown(self, held: Sequence[LiveConnection]) -> None:
        now = self._clock()
        for connection in held:
            if now - connection.valid_at > self._outage_limit:
                self._connections.close(connection, TRY_AGAIN, UNKNOWN)
