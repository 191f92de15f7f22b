"""Keeps the webhook endpoints that deliveries name, read ahead of each batch; the last known ones survive an outage of PostgreSQL."""

import asyncio
import math
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from typing import NamedTuple

from schemas.errors import UnavailableError
from schemas.patience import wait_for_task
from schemas.ports import BatchHandle, BatchHandles, Clock, Record
from schemas.store_ports import SigningEndpointReader
from schemas.webhook_endpoints import DELETED, SigningEndpoint

MAX_ENDPOINTS = 50_000  # that are kept; those that were named last
PATIENCE = 0.3  # seconds that a batch waits for endpoints that are not known yet
COOLDOWN = 1.0  # seconds in which no batch waits after the store did not answer

_find_ids = re.compile(rb'"endpoint_id"\s*:\s*"(whe_[0-9a-f]{32})"').findall


class CachedEndpoint(NamedTuple):
    """An endpoint, or DELETED, and when its reading began (seconds of a monotonic clock)."""

    endpoint: SigningEndpoint
    read_at: float


class EndpointCache:
    """Reads endpoints by batch. What was read more than `max_age` seconds ago is read again first; from half of that on, beside the batch.

    So while deliveries come often, no batch waits, and after a quiet time none is called with an old secret or state.

    `clock` is monotonic; `on_unavailable` gets the cause when the store does not answer, for the first time in a row.
    """

    def __init__(
        self, store: SigningEndpointReader, clock: Clock, max_age: float, on_unavailable: Callable[[str], None], size: int = MAX_ENDPOINTS
    ) -> None:
        self._store, self._clock, self._max_age, self._size = store, clock, max_age, size
        self._on_unavailable, self._is_unavailable = on_unavailable, False
        self._endpoints: OrderedDict[str, CachedEndpoint] = OrderedDict()
        self._reading: set[str] = set()
        self._waiting: set[BatchHandle] = set()  # those of no revoked partition
        self._tasks: set[asyncio.Task[None]] = set()
        self._wait_again_at = 0.0

    def find(self, endpoint_id: str) -> SigningEndpoint | None:
        """The endpoint, DELETED if there is none, None if that is not known."""
        cached = self._endpoints.get(endpoint_id)
        return None if cached is None else cached.endpoint

    async def read_ahead(self, handles: BatchHandles) -> AsyncIterator[BatchHandle]:
        """The batches, each after the endpoints that it names are known, or after PATIENCE. One revoked meanwhile does not come."""
        async for handle in handles:
            self._waiting.add(handle)
            await self.prepare(handle.batch.records)
            if handle in self._waiting:
                self._waiting.remove(handle)
                yield handle

    def drop_partitions(self, partitions: Collection[int]) -> None:
        """Forget the batches of revoked partitions whose endpoints are being read; they are read again."""
        self._waiting = {handle for handle in self._waiting if handle.batch.partition not in partitions}

    async def prepare(self, records: Iterable[Record]) -> None:
        """Wait until the endpoints that are named are known, at most for PATIENCE; then the last known ones are used."""
        needed, ageing, now = list[str](), list[str](), self._clock()
        for endpoint_id in _collect_ids(records):
            cached = self._endpoints.get(endpoint_id)
            age = math.inf if cached is None else now - cached.read_at
            if cached is not None:
                self._endpoints.move_to_end(endpoint_id)
            if age > self._max_age:
                needed.append(endpoint_id)
            elif age > self._max_age / 2 and endpoint_id not in self._reading:
                ageing.append(endpoint_id)
        if ageing:
            self._start_reading(ageing)
        if needed:
            await self._wait_for(self._start_reading(needed), now)

    async def _wait_for(self, task: asyncio.Task[None], now: float) -> None:
        if now >= self._wait_again_at:
            await wait_for_task(task, PATIENCE)
        if not task.done():
            self._wait_again_at = self._clock() + COOLDOWN

    async def stop(self) -> None:
        """End the readings."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start_reading(self, ids: list[str]) -> asyncio.Task[None]:
        self._reading.update(ids)
        task = asyncio.get_running_loop().create_task(self._read(ids), name="webhook-endpoints")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _read(self, ids: list[str]) -> None:
        began_at = self._clock()
        try:
            found = await self._store.get_many(ids)
        except UnavailableError as error:
            self._wait_again_at = self._clock() + COOLDOWN
            if not self._is_unavailable:
                self._is_unavailable = True
                self._on_unavailable(str(error))
            return
        finally:
            self._reading.difference_update(ids)
        self._is_unavailable = False
        for endpoint_id in ids:
            self._put(endpoint_id, CachedEndpoint(found.get(endpoint_id, DELETED), began_at))

    def _put(self, endpoint_id: str, cached: CachedEndpoint) -> None:
        known = self._endpoints.get(endpoint_id)
        if known is not None and known.read_at > cached.read_at:
            return  # a slow reading brings no old secret or state back
        self._endpoints[endpoint_id] = cached
        self._endpoints.move_to_end(endpoint_id)
        while len(self._endpoints) > self._size:
            self._endpoints.popitem(last=False)


def _collect_ids(records: Iterable[Record]) -> dict[str, None]:
    """The endpoints that the deliveries in these records name; a payload with the same words only costs a look-up."""
    ids: dict[str, None] = {}
    for record in records:
        if record.value and b'"endpoint_id"' in record.value:
            ids.update(dict.fromkeys(text.decode() for text in _find_ids(record.value)))
    return ids
