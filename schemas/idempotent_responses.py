"""The gateway's values in Redis: responses by Idempotency-Key, and recently accepted notifications."""

from typing import NamedTuple

from schemas.enums import Priority


class RecentNotification(NamedTuple):
    """A recently accepted notification that may not be in the history yet."""

    id: str
    priority: Priority


class StoredResponse(NamedTuple):
    """The response to a submission; a repeated request gets it again if it is `cacheable`."""

    status_code: int
    body: bytes
    cacheable: bool = True


class KeyAcquired(NamedTuple):
    """No other request with the key is known. `token` identifies this request when it stores its response."""

    token: str


class KeyInProgress(NamedTuple):
    """The first request with the key has no response yet."""


class KeyConflict(NamedTuple):
    """The key was used with a different request."""


KeyState = KeyAcquired | KeyInProgress | KeyConflict | StoredResponse
