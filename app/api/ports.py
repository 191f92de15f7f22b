"""What the gateway needs of the world; Kafka, PostgreSQL and Redis implement it, and tests have it in memory."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from schemas.history import Story
from schemas.replies import Begun, Fresh, Reply
from schemas.words import Lane


class Outgoing(NamedTuple):
    """A record on its way to `notifications.<lane>`."""

    topic: str
    partition: int
    key: bytes
    value: bytes


class Publisher(Protocol):
    """Writes to Kafka."""

    async def publish(self, records: Sequence[Outgoing]) -> Sequence[bool]:
        """For each record, in order, whether all in-sync replicas have it; one that is not confirmed in time may arrive later."""
        ...

    def trouble(self) -> str:
        """What keeps records from being confirmed at the moment; empty if nothing is known to."""
        ...


class Recent(Protocol):
    """Remembers for a minute what was accepted; forgets it all when Redis is away, and never raises."""

    async def remember(self, accepted: Sequence[Fresh]) -> None: ...
    async def lane_of(self, notification_id: str) -> Lane | None: ...


class History(Protocol):
    """Reads what the recorder wrote. Raises Unavailable if PostgreSQL does not answer."""

    async def story(self, notification_id: str) -> Story | None: ...
    async def of_user(self, user_id: str, limit: int, before: str | None) -> Sequence[Story]:
        """The user's notifications with ids below `before`, newest first, at most `limit`; their attempts are left out."""
        ...


class Replies(Protocol):
    """The first answer to each Idempotency-Key, for 24 h; when Redis is away every request is a first one, and nothing raises."""

    async def begin(self, key: str, request_hash: str) -> Begun: ...
    async def end(self, key: str, request_hash: str, token: str, reply: Reply) -> None: ...
    async def forget(self, key: str, token: str) -> None: ...
