"""Hands the sample in as producers do: plain Kafka records, and bulk requests over HTTP."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from app.api.bodies import BulkTaken, Item
from app.demo.submitted import Numbered, Outgoing, Place, Submitted, id_in, item_of, record_of
from schemas.errors import HeroldError
from schemas.ids import NOTIFICATION, new_id
from schemas.ports import Clock, Pause

BULK = 200  # items of one request
TRIES = 20
PATIENCE = 1.0  # seconds between tries, if the gateway asks for no other pause


class NotTaken(HeroldError):
    """The gateway did not take the sample."""


class Producer(Protocol):
    """Writes a record and says, once it is safe, where it is."""

    async def send(self, record: Outgoing) -> Awaitable[Place]: ...


class Response(NamedTuple):
    """The gateway's answer; `retry_after` in seconds, 0 if it does not say."""

    status: int
    body: bytes
    retry_after: float = 0.0


class Gateway(Protocol):
    """Posts a bulk request."""

    async def post(self, body: bytes) -> Response: ...


class Submitter:
    """Hands lines in; `bits` gives 74 random bits for an id, `taken` is told how many more are in."""

    def __init__(
        self, clock: Clock, bits: Callable[[], int], pause: Pause, prefix: str, partitions: int, taken: Callable[[int], None]
    ) -> None:
        self._clock, self._bits, self._pause = clock, bits, pause
        self._prefix, self._partitions, self._taken = prefix, partitions, taken

    async def all(self, lines: Sequence[Numbered], producer: Producer, gateway: Gateway) -> list[Submitted]:
        """Hand in every line, those for Kafka and those for HTTP side by side; in the order of the lines. Raises NotTaken."""
        to_kafka = [each for each in lines if each.whole.via == "kafka"]
        to_gateway = [each for each in lines if each.whole.via == "http"]
        parts = await asyncio.gather(self.produce(to_kafka, producer), self.post(to_gateway, gateway))
        found = {number: submitted for part in parts for number, submitted in part.items()}
        return [found[each.number] for each in lines]

    async def produce(self, lines: Sequence[Numbered], producer: Producer) -> dict[int, Submitted]:
        """The lines for Kafka, by number."""
        ids: dict[int, str] = {}
        sent: list[tuple[Numbered, float, Awaitable[Place]]] = []
        for each in lines:
            at = self._clock()
            an_id = self._id(each, ids, at)
            record = record_of(each.whole, an_id, self._prefix, self._partitions)
            sent.append((each, at, await producer.send(record)))
        found = {}
        for each, at, placed in sent:
            place = await placed
            an_id = id_in(each.whole, ids[each.number], place)
            found[each.number] = Submitted(each.line, at, an_id, each.whole.lane)
            self._taken(1)
        return found

    async def post(self, lines: Sequence[Numbered], gateway: Gateway) -> dict[int, Submitted]:
        """The lines for HTTP, by number. Raises NotTaken."""
        ids: dict[int, str] = {}
        found = {}
        for first in range(0, len(lines), BULK):
            part = lines[first : first + BULK]
            at = self._clock()
            items = [item_of(each.whole, self._id(each, ids, at)) for each in part]
            for each, item in zip(part, await self._posted(items, gateway), strict=True):
                reason = item.errors[0].reason if item.errors else ""
                found[each.number] = Submitted(each.line, at, item.id, item.lane, reason)
            self._taken(len(part))
        return found

    def _id(self, each: Numbered, ids: dict[int, str], at: float) -> str:
        """An id of ours, or the one of the line that is sent once more."""
        again = each.line.again
        an_id = ids[each.number] = ids[again] if again else new_id(NOTIFICATION, at, self._bits())
        return an_id

    async def _posted(self, items: list[dict[str, object]], gateway: Gateway) -> list[Item]:
        """The results of all items; what is not confirmed is sent again under its id."""
        results: dict[int, Item] = {}
        for _ in range(TRIES):
            left = [index for index in range(len(items)) if index not in results]
            response = await gateway.post(msgspec.json.encode([items[index] for index in left]))
            if response.status in (202, 207):
                taken = msgspec.json.decode(response.body, type=BulkTaken)
                results |= {left[item.index]: item for item in taken.results if item.status != "unavailable"}
            elif response.status != 503:
                raise NotTaken(f"the gateway answered {response.status}: {response.body.decode('utf-8', 'replace')[:300]}")
            if len(results) == len(items):
                return [results[index] for index in range(len(items))]
            await self._pause(response.retry_after or PATIENCE)
        raise NotTaken(f"the gateway could not confirm {len(items) - len(results)} notifications in {TRIES} tries: is Kafka running?")
