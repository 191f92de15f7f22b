"""Tickets and sessions of the live view, so that any gateway can take a client up."""

import hashlib
from collections.abc import Mapping
from typing import cast

from redis.asyncio import Redis

from tables.redis.client import RedisClient
from tables.redis.keys import LIVE_SESSION, LIVE_SESSION_TTL, LIVE_TICKET, LIVE_TICKET_TTL


class RedisLiveSessions:
    """Values by ticket and by session. Each method raises UnavailableError without Redis."""

    def __init__(self, client: RedisClient) -> None:
        self._client, self._prefix = client, client.prefix

    async def store_ticket(self, ticket: str, value: bytes) -> None:
        """Keep a value for one use of the ticket, which itself is not stored."""
        await self._client.execute(lambda redis: redis.set(self._build_ticket_key(ticket), value, ex=LIVE_TICKET_TTL))

    async def redeem_ticket(self, ticket: str) -> bytes | None:
        """The value of a ticket, which is used up with it; None for an unknown, used or old one."""
        return cast(bytes | None, await self._client.execute(lambda redis: redis.getdel(self._build_ticket_key(ticket))))

    async def save_sessions(self, values: Mapping[str, bytes]) -> None:
        """Write the values of sessions, in one request."""

        async def write(redis: Redis) -> None:
            async with redis.pipeline(transaction=False) as pipeline:
                for session, value in values.items():
                    pipeline.set(LIVE_SESSION.build_key(self._prefix, session), value, ex=LIVE_SESSION_TTL)
                await pipeline.execute()

        await self._client.execute(write)

    async def find_session(self, session: str) -> bytes | None:
        """The value of a session; None if there is none, or no longer."""
        key = LIVE_SESSION.build_key(self._prefix, session)
        return cast(bytes | None, await self._client.execute(lambda redis: redis.get(key)))

    def _build_ticket_key(self, ticket: str) -> str:
        return LIVE_TICKET.build_key(self._prefix, hashlib.sha256(ticket.encode()).hexdigest())
