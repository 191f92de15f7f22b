"""HTTP clients, a gateway in which records linger, and Kafka, in virtual time."""

import heapq
from collections.abc import Callable
from itertools import count
from math import inf
from typing import NamedTuple

from app.api.services.adaptive_linger import AdaptiveLinger

PRODUCE_TIME = 0.003  # seconds until Kafka confirms
MIN_INTERVAL = 0.004  # seconds between two writes
REQUEST_TIME = 0.0001  # seconds of the gateway's CPU for a request


class Figures(NamedTuple):
    """Requests that are answered in a second, writes in a second, and how long the requests waited."""

    requests: float
    writes: float
    waits: list[float]


class LingerSimulation:
    """Events in the order of their times. Writes that the linger does not ask for come every `other_write_interval` seconds."""

    def __init__(self, linger: AdaptiveLinger, *, records: int = 1, other_write_interval: float = inf) -> None:
        self._linger, self._records, self._other_write_interval = linger, records, other_write_interval
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._waiting: list[tuple[float, Callable[[], None]]] = []  # since when, and what its response causes
        self._now = self._busy_until = 0.0
        self._written_at, self._write_at = -inf, inf
        self._writes, self._waits = 0, list[float]()
        if other_write_interval < inf:
            self._call_at(other_write_interval, self._write_for_others)

    def add_client(self, think: Callable[[], float]) -> None:
        """Add a client that sends a request `think()` seconds after the response to its last one."""

        def send() -> None:
            self._post(lambda: self._call_at(self._now + think(), send))

        self._call_at(self._now + think(), send)

    def add_schedule(self, gap: Callable[[], float]) -> None:
        """Add requests at distances of `gap()` seconds, whether they are answered or not."""

        def send() -> None:
            self._post(lambda: None)
            self._call_at(self._now + gap(), send)

        self._call_at(self._now + gap(), send)

    def run(self, seconds: float) -> Figures:
        """Let the time pass; the figures are of this time."""
        end, self._writes, self._waits = self._now + seconds, 0, []
        while self._events[0][0] <= end:
            self._now, _, action = heapq.heappop(self._events)
            action()
        self._now = end
        return Figures(len(self._waits) / seconds, self._writes / seconds, sorted(self._waits))

    def _call_at(self, at: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._events, (at, next(self._numbers), action))

    def _post(self, on_response: Callable[[], None]) -> None:
        self._busy_until = max(self._busy_until, self._now) + REQUEST_TIME

        def add() -> None:
            self._waiting.append((self._now, on_response))
            self._linger.record_request(self._records, self._now)
            self._schedule_write()

        self._call_at(self._busy_until, add)

    def _schedule_write(self) -> None:
        write_at = self._write_at = max(self._linger.due_at, self._written_at + MIN_INTERVAL, self._now)

        def write_if_due() -> None:
            if self._write_at == write_at and self._waiting:
                self._write()

        self._call_at(write_at, write_if_due)

    def _write_for_others(self) -> None:
        self._call_at(self._now + self._other_write_interval, self._write_for_others)
        self._write()

    def _write(self) -> None:
        self._linger.record_write(self._now)
        written, self._waiting, self._written_at = self._waiting, [], self._now
        self._writes += bool(written)

        def respond() -> None:
            for since, on_response in written:
                self._waits.append(self._now - since)
                on_response()

        self._call_at(self._now + PRODUCE_TIME, respond)
