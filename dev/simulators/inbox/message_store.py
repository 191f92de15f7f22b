"""Keeps the last accepted requests in memory, within a number and a size."""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from dev.simulators.protocol import ServerRequest

MAX_MESSAGES = 300
MAX_BYTES = 8 * 1024 * 1024  # of all bodies


class StoredMessage(NamedTuple):
    """An accepted request: a number that counts from 1, its provider, the time in epoch seconds, the status of the response.

    `recipient`: which of its `recipients` the message is for.
    """

    number: int
    provider: str
    at: float
    status: int
    request: ServerRequest
    recipient: int = 0
    recipients: int = 1


class MessageStore:
    """The last `max_messages` requests, fewer if their bodies have more than `max_bytes` together."""

    def __init__(self, max_messages: int = MAX_MESSAGES, max_bytes: int = MAX_BYTES) -> None:
        self._max_messages, self._max_bytes = max_messages, max_bytes
        self._messages: deque[tuple[int, str, float, int, ServerRequest, int, int]] = deque()  # plain tuples: making others takes longer
        self._size = self._count = 0

    def append(self, provider: str, at: float, status: int, request: ServerRequest, recipients: int = 1) -> None:
        """Keep a message for each recipient of a request, and drop the oldest ones if there is no room."""
        for recipient in range(recipients):
            self._count += 1
            self._messages.append((self._count, provider, at, status, request, recipient, recipients))
            self._size += len(request.body) // recipients
        while len(self._messages) > self._max_messages or self._size > self._max_bytes:
            *_, dropped, _, recipients = self._messages.popleft()
            self._size -= len(dropped.body) // recipients

    def list_newest(self) -> Iterator[StoredMessage]:
        """The messages, the newest first."""
        return map(StoredMessage._make, reversed(self._messages))

    def find(self, number: int) -> StoredMessage | None:
        """The message with this number, if it is still kept."""
        return next((message for message in self.list_newest() if message.number == number), None)

    def clear(self) -> None:
        """Drop all."""
        self._messages.clear()
        self._size = 0
