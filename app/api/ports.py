"""What the gateway needs of the world; Kafka, PostgreSQL and Redis implement it, and tests have it in memory."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from schemas.enums import Priority
from schemas.history import NotificationHistory
from schemas.idempotent_responses import KeyState, RecentNotification, StoredResponse


class ProducerRecord(NamedTuple):
    """A record on its way to `notifications.<priority>`."""

    topic: str
    partition: int
    key: bytes
    value: bytes


class Publisher(Protocol):
    """Writes to Kafka."""

    async def publish(self, records: Sequence[ProducerRecord]) -> Sequence[bool]:
        """For each record, in order, whether all in-sync replicas have it; one that is not confirmed in time may arrive later."""
        ...

    def get_error(self) -> str:
        """What keeps records from being confirmed at the moment; empty if nothing is known to."""
        ...


class RecentNotifications(Protocol):
    """Remembers for a minute what was accepted; forgets it all when Redis is away, and never raises."""

    async def add_many(self, accepted: Sequence[RecentNotification]) -> None: ...
    async def get_priority(self, notification_id: str) -> Priority | None: ...


class HistoryReader(Protocol):
    """Reads what the recorder wrote. Raises Unavailable if PostgreSQL does not answer."""

    async def get_notification_history(self, notification_id: str) -> NotificationHistory | None: ...
    async def list_by_user(self, user_id: str, limit: int, before: str | None) -> Sequence[NotificationHistory]:
        """The user's notifications with ids below `before`, newest first, at most `limit`; their attempts are left out."""
        ...


class IdempotentResponses(Protocol):
    """The first answer to each Idempotency-Key, for 24 h; when Redis is away every request is a first one, and nothing raises."""

    async def acquire_key(self, key: str, request_hash: str) -> KeyState: ...
    async def store_response(self, key: str, request_hash: str, token: str, response: StoredResponse) -> None: ...
    async def release_key(self, key: str, token: str) -> None: ...
