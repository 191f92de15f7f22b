"""Connects clients of the live view: where they begin, and what they may see."""

from collections.abc import Callable

from app.api.live.connections import CloseClient, LiveConnection, LiveConnections, SendFrame
from app.api.live.cursor import parse_cursor
from app.api.live.filters import RowFilter
from app.api.live.requests import LiveRequest
from app.api.live.sessions import LiveSessions
from app.api.live.validity import ValidityChecks
from app.api.principal import Holder

SESSION_BYTES = 16


class LiveService:
    """Opens connections; `make_session` returns a new id. `validity` runs as long as the gateway.

    `separates_projects`: whether those of the default project see its rows only.
    """

    def __init__(
        self,
        connections: LiveConnections,
        sessions: LiveSessions,
        make_session: Callable[[], str],
        validity: ValidityChecks,
        *,
        separates_projects: bool,
    ) -> None:
        self.connections, self.sessions, self._make_session, self.validity = connections, sessions, make_session, validity
        self._separates_projects = separates_projects

    async def open(self, holder: Holder, request: LiveRequest, send: SendFrame, close: CloseClient) -> LiveConnection:
        """Open a connection. Raises ValueError for what is no cursor, and UnavailableError."""
        principal = holder.principal
        cursor = parse_cursor(request.cursor) if request.cursor else None
        if cursor is None and request.session:
            cursor = await self.sessions.find_cursor(request.session, principal)
        row_filter = RowFilter(request.filter, principal.project if principal.project or self._separates_projects else None)
        session = self._make_session()
        return await self.connections.open(session, holder, row_filter, cursor, send, close, is_sampled=request.sampling)
