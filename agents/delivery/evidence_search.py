"""Searches the history for what became of calls without an answer: one query for all that wait for it."""

import asyncio
from collections.abc import Callable, Mapping

from agents.delivery.in_flight import InFlight
from schemas.errors import UnavailableError
from schemas.history import RecordedStatus
from schemas.store_ports import EvidenceReader

MAX_DELIVERIES = 500  # of one query


class EvidenceSearch:
    """`on_found` gets the deliveries of a query with the statuses, and the cause if the history could not be read; `on_error` any error."""

    def __init__(
        self,
        reader: EvidenceReader,
        on_found: Callable[[list[InFlight], Mapping[str, RecordedStatus], str], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        self._reader, self._on_found, self._on_error = reader, on_found, on_error
        self._waiting: list[InFlight] = []
        self._task: asyncio.Task[None] | None = None
        self._is_stopped = False

    def add(self, in_flight: InFlight) -> None:
        """Search for a delivery, with all others that are added before the next query."""
        self._waiting.append(in_flight)
        if self._task is None and not self._is_stopped:
            self._task = asyncio.get_running_loop().create_task(self._search_all(), name="evidence-search")

    def stop(self) -> None:
        """Search no more."""
        self._is_stopped = True
        if self._task is not None:
            self._task.cancel()

    async def _search_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MAX_DELIVERIES], self._waiting[MAX_DELIVERIES:]
                cause, statuses = "", dict[str, RecordedStatus]()
                try:
                    statuses.update(await self._reader.get_statuses([in_flight.id for in_flight in batch]))
                except UnavailableError as error:
                    cause = f"the history could not be read: {error}"
                self._on_found([in_flight for in_flight in batch if not in_flight.is_revoked], statuses, cause)
        except Exception as error:
            self._on_error(error)
        finally:
            self._task = None
