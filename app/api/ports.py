"""The ports of the gateway; Kafka, PostgreSQL and Redis implement them, and the tests have implementations in memory."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, Protocol

from schemas.enums import Priority
from schemas.history import FoundNotifications, NotificationFilter, NotificationHistory, NotificationKey
from schemas.idempotent_responses import KeyState, RecentNotification, StoredResponse
from schemas.user_counts import DailyCount
from schemas.user_rows import RemovedRows, UserRows
from schemas.worker_reports import WorkerReport


class ProducerRecord(NamedTuple):
    """A record for `notifications.<priority>` or `notifications.status`; `topic` includes the topic prefix."""

    topic: str
    partition: int
    key: bytes
    value: bytes


class Publisher(Protocol):
    """Writes records to Kafka."""

    async def publish(self, records: Sequence[ProducerRecord]) -> Sequence[bool]:
        """For each record, in order, whether all in-sync replicas have it. An unconfirmed record may still be written later."""
        ...


class RecentNotifications(Protocol):
    """The notifications accepted in the last minute. Without Redis nothing is stored or found; no method raises."""

    async def add_many(self, accepted: Sequence[RecentNotification]) -> None:
        """Store these; the gateway's responses wait for it."""
        ...

    async def get_priority(self, notification_id: str) -> Priority | None: ...


class HistoryReader(Protocol):
    """Reads what the recorder wrote. Raises UnavailableError if PostgreSQL does not answer."""

    async def get_notification_history(self, notification_id: str, user_id: str | None = None) -> NotificationHistory | None:
        """The history of a notification. Raises AmbiguousIdError without `user_id` if several users have one with this id."""
        ...

    async def list_by_user(
        self, user_id: str, limit: int, before: str | None, notification_type: str | None = None
    ) -> Sequence[NotificationHistory]:
        """The user's notifications, of a type or of all, with ids below `before`, newest first, at most `limit`, without attempts."""
        ...

    async def search(self, wanted: NotificationFilter, limit: int, below: NotificationKey | None) -> FoundNotifications:
        """At most `limit` notifications that match, with keys below `below`, newest first, without attempts."""
        ...

    async def list_user_counts(self, user_id: str, first: date, last: date) -> Sequence[DailyCount]:
        """What the user was sent on these days and those between them, the latest day first."""
        ...


class ReadMarks(Protocol):
    """Keeps when notifications were read. Raises UnavailableError if PostgreSQL does not answer."""

    async def mark(self, notification_id: str, user_id: str, read_at: float) -> float | None:
        """Keep the first time, in epoch seconds, and return it; None if there is no such notification that was routed."""
        ...


class WorkerAddresses(Protocol):
    """The running workers."""

    async def list_urls(self, role: str) -> Sequence[str]:
        """The web addresses of the workers of a role. Raises UnavailableError."""
        ...


class UserTables(Protocol):
    """The rows of a user in the workers' tables. Each method raises UnavailableError, which says who does not answer."""

    async def get_user_rows(self, role: str, user_id: str) -> UserRows:
        """The rows in the tables of a role."""
        ...

    async def remove_rows(self, role: str, user_id: str, table: str, name: str) -> RemovedRows:
        """Remove the rows whose keys begin with a name from a table; all of them for an empty name."""
        ...

    async def find_row(self, role: str, table: str, user_id: str, key: str) -> Mapping[str, Any] | None:
        """A row with decoded fields, its partition and its worker; None if there is none. Raises ValueError for an invalid key."""
        ...


class WorkerReports(Protocol):
    """What workers say of themselves. Each method raises UnavailableError, which says who does not answer."""

    async def list_urls(self, role: str) -> Sequence[str]:
        """The web addresses of the workers of a role."""
        ...

    async def read_report(self, url: str) -> WorkerReport:
        """The report of the worker at this address."""
        ...


class WindowResets(Protocol):
    """The audit log of emptied rate windows."""

    async def write(self, actor: str, action: str, user_id: str, details: Mapping[str, Any]) -> str:
        """Append an entry; returns its id. Raises UnavailableError."""
        ...


class IdempotentResponses(Protocol):
    """The first response to each Idempotency-Key, for 24 h. Without Redis every request counts as a first one; no method raises."""

    async def acquire_key(self, key: str, request_hash: str) -> KeyState: ...
    async def store_response(self, key: str, request_hash: str, token: str, response: StoredResponse) -> None: ...
    async def release_key(self, key: str, token: str) -> None: ...
