"""The records of one HTTP request on their way to Kafka, and the time until which their confirmations are awaited."""

import asyncio
from collections import deque
from collections.abc import Callable


class PublishRequest:
    """The records of one request: whether each is confirmed, and a future that is done when all have a result."""

    __slots__ = ("completed", "confirmed", "remaining")

    def __init__(self, size: int) -> None:
        self.confirmed = [False] * size
        self.remaining = size
        self.completed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def record_result(self, position: int, confirmed: bool) -> None:
        self.confirmed[position] = confirmed
        self.remaining -= 1
        if not self.remaining and not self.completed.done():
            self.completed.set_result(None)


class RequestDeadlines:
    """Ends each request that is not completed `timeout` seconds after it was added; one timer serves all of them.

    `on_timeout` is called for each such request. A timer per request costs as much as its validation.
    """

    def __init__(self, timeout: float, on_timeout: Callable[[], None]) -> None:
        self._timeout, self._on_timeout = timeout, on_timeout
        self._requests: deque[tuple[float, PublishRequest]] = deque()  # with the loop's time of their deadlines, in order
        self._timer: asyncio.TimerHandle | None = None

    def add(self, request: PublishRequest) -> None:
        """Limit the time of a request from now."""
        self._drop_completed()
        loop = asyncio.get_running_loop()
        self._requests.append((loop.time() + self._timeout, request))
        if self._timer is None:
            self._timer = loop.call_later(self._timeout, self._end_late_requests)

    def get_longest_wait(self) -> float:
        """How long the oldest request that is not completed has waited, in seconds."""
        self._drop_completed()
        return asyncio.get_running_loop().time() - self._requests[0][0] + self._timeout if self._requests else 0.0

    def end_all(self) -> None:
        """End all requests that are not completed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._requests:
            _, request = self._requests.popleft()
            if not request.completed.done():
                request.completed.set_result(None)

    def _end_late_requests(self) -> None:
        loop = asyncio.get_running_loop()
        while self._requests and self._requests[0][0] <= loop.time():
            _, request = self._requests.popleft()
            if not request.completed.done():
                request.completed.set_result(None)
                self._on_timeout()
        self._drop_completed()
        self._timer = loop.call_at(self._requests[0][0], self._end_late_requests) if self._requests else None

    def _drop_completed(self) -> None:
        while self._requests and self._requests[0][1].completed.done():
            self._requests.popleft()
