"""Who may connect to the live view, and how far each client got: tickets and sessions as values in Redis."""

import re
from collections.abc import Callable, Iterable

import msgspec
from msgspec import Struct

from app.api.live.connections import LiveConnection
from app.api.live.cursor import format_cursor, parse_cursor
from app.api.principal import Holder, Principal
from schemas.errors import UnavailableError
from tables.redis.live_sessions import RedisLiveSessions

TICKET_BYTES = 32
_match_ticket = re.compile(f"[0-9a-f]{{{2 * TICKET_BYTES}}}", re.ASCII).fullmatch
_encode = msgspec.json.Encoder().encode
_decode_holder = msgspec.json.Decoder(Holder).decode


class SavedSession(Struct, frozen=True):
    """A connection as it was a moment ago; another principal cannot take it up."""

    principal: str
    cursor: str


_decode_session = msgspec.json.Decoder(SavedSession).decode


def is_ticket(text: str) -> bool:
    """Whether a text has the form of a ticket."""
    return _match_ticket(text) is not None


class LiveSessions:
    """Makes and redeems tickets; saves sessions. `read_random` returns a number of random bytes, as os.urandom does."""

    def __init__(self, store: RedisLiveSessions, read_random: Callable[[int], bytes]) -> None:
        self._store, self._read_random = store, read_random

    async def issue_ticket(self, holder: Holder) -> str:
        """A new ticket for one connection of this principal. Raises UnavailableError."""
        ticket = self._read_random(TICKET_BYTES).hex()
        await self._store.store_ticket(ticket, _encode(holder))
        return ticket

    async def redeem_ticket(self, ticket: str) -> Holder | None:
        """Who the ticket was made for; None if it is unknown, used or old. Raises UnavailableError."""
        value = await self._store.redeem_ticket(ticket)
        return None if value is None else _decode_holder(value)

    async def save(self, connections: Iterable[LiveConnection]) -> None:
        """Save where connections are. While Redis does not answer nothing is saved: a client has its own cursor."""
        values = {
            one.session: _encode(SavedSession(one.holder.principal.actor, format_cursor(one.subscription.cursor))) for one in connections
        }
        try:
            if values:
                await self._store.save_sessions(values)
        except UnavailableError:
            return

    async def find_cursor(self, session: str, principal: Principal) -> dict[int, int] | None:
        """How far a session of this principal got, at least; None if it is unknown. Raises UnavailableError."""
        value = await self._store.find_session(session)
        saved = None if value is None else _decode_session(value)
        return parse_cursor(saved.cursor) if saved is not None and saved.principal == principal.actor else None
