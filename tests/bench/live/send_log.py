"""When each notification of a load was due, sent and confirmed."""

import time

from tests.bench.live.messages import LoadResult


class LoadError(Exception):
    """A notification was not accepted, or a connection broke: nothing that is measured then means anything."""


class SendLog:
    """The times of the notifications from `first_number` on."""

    def __init__(self, first_number: int) -> None:
        self._first_number = first_number
        self._due: list[float] = []
        self._sent: list[float] = []
        self._answered: list[float] = []
        self.warm_up_count = self.pending = 0
        self._error = ""

    def add(self, due: float) -> int:
        """Add the next notification; return its number."""
        self._due.append(due)
        self._sent.append(0.0)
        self._answered.append(0.0)
        self.pending += 1
        return self._first_number + len(self._due) - 1

    def on_sent(self, number: int) -> None:
        """Note that a notification is sent now."""
        self._sent[number - self._first_number] = time.monotonic()

    def on_answer(self, number: int) -> None:
        """Note that a notification is confirmed now."""
        self._answered[number - self._first_number] = time.monotonic()
        self.pending -= 1

    def fail(self, error: str) -> None:
        """Note an error; the first one counts."""
        self._error = self._error or error

    def has_pending(self) -> bool:
        """Whether a notification is not confirmed yet. Raises LoadError after an error."""
        if self._error:
            raise LoadError(self._error)
        return self.pending > 0

    def build_result(self) -> LoadResult:
        """The result of the load."""
        return LoadResult(self._due, self._sent, self._answered, self.warm_up_count)
