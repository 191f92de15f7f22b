"""What Redis remembers for the gateway: answers to Idempotency-Keys, and what was accepted a moment ago."""

from typing import NamedTuple

from schemas.enums import Priority


class RecentNotification(NamedTuple):
    """A notification accepted a moment ago, which history may not know yet."""

    id: str
    priority: Priority


class StoredResponse(NamedTuple):
    """An answer to a submission: HTTP status, JSON body, and whether a repeated request gets the same."""

    status_code: int
    body: bytes
    cacheable: bool = True


class KeyAcquired(NamedTuple):
    """This is the first request with its key, or nobody can know; `token` ends it."""

    token: str


class KeyInProgress(NamedTuple):
    """The first request with this key has no answer yet."""


class KeyConflict(NamedTuple):
    """The key belongs to another request."""


KeyState = KeyAcquired | KeyInProgress | KeyConflict | StoredResponse
