"""What the gateway needs of the world; Kafka, PostgreSQL and Redis implement it, and tests have it in memory."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from schemas.status import Accepted, Status
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


class Fresh(NamedTuple):
    """A notification accepted a moment ago, which history may not know yet."""

    id: str
    lane: Lane


class Recent(Protocol):
    """Remembers for a minute what was accepted; forgets it all when Redis is away, and never raises."""

    async def remember(self, accepted: Sequence[Fresh]) -> None: ...
    async def lane_of(self, notification_id: str) -> Lane | None: ...


class Story(NamedTuple):
    """All that history has of a notification: the router's event, the winning status of each delivery that has one, and every attempt.

    `accepted` is None while only attempts have been recorded. Attempts are oldest first.
    """

    accepted: Accepted | None
    current: Sequence[Status]
    attempts: Sequence[Status]


class History(Protocol):
    """Reads what the recorder wrote. Raises Unavailable if PostgreSQL does not answer."""

    async def story(self, notification_id: str) -> Story | None: ...
    async def of_user(self, user_id: str, limit: int, before: str | None) -> Sequence[Story]:
        """The user's notifications with ids below `before`, newest first, at most `limit`; their attempts are left out."""
        ...


class Reply(NamedTuple):
    """An answer to a submission: HTTP status, JSON body, whether a repeated request gets the same, and what the log says of it."""

    status: int
    body: bytes
    keep: bool = True
    noted: Mapping[str, str | int] = {}


class Started(NamedTuple):
    """This is the first request with its key, or nobody can know; `token` ends it."""

    token: str


class Running(NamedTuple):
    """The first request with this key has no answer yet."""


class Other(NamedTuple):
    """The key belongs to another request."""


class Replies(Protocol):
    """The first answer to each Idempotency-Key, for 24 h; when Redis is away every request is a first one, and nothing raises."""

    async def begin(self, key: str, request_hash: str) -> Started | Running | Other | Reply: ...
    async def end(self, key: str, request_hash: str, token: str, reply: Reply) -> None: ...
    async def forget(self, key: str, token: str) -> None: ...
