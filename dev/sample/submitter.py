"""Hands the sample in as producers do: plain Kafka records, and bulk requests over HTTP."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from app.api.responses import BulkResult, BulkSubmissionResponse
from dev.sample.submissions import (
    NumberedLine,
    ProducerRecord,
    RecordMetadata,
    SubmittedLine,
    build_bulk_item,
    build_record,
    resolve_notification_id,
)
from schemas.errors import HeroldError
from schemas.ids import NOTIFICATION_PREFIX, make_id
from schemas.ports import Clock, Sleep

BULK_SIZE = 200  # items of one request
MAX_TRIES = 20
RETRY_DELAY = 1.0  # seconds between tries, if the gateway asks for no other pause


class SubmissionError(HeroldError):
    """The gateway did not take the sample."""


class SampleProducer(Protocol):
    """Writes a record and says, once it is safe, where it is."""

    async def send(self, record: ProducerRecord) -> Awaitable[RecordMetadata]: ...


class BulkResponse(NamedTuple):
    """The gateway's answer; `retry_after` in seconds, 0 if it does not say."""

    status: int
    body: bytes
    retry_after: float = 0.0


class GatewayClient(Protocol):
    """Posts a bulk request."""

    async def post(self, body: bytes) -> BulkResponse: ...


class Submitter:
    """Hands lines in; `bits` gives 74 random bits for an id, `taken` is told how many more are in."""

    def __init__(
        self,
        clock: Clock,
        get_random_bits: Callable[[], int],
        sleep: Sleep,
        prefix: str,
        partitions: int,
        on_submitted: Callable[[int], None],
    ) -> None:
        self._clock, self._get_random_bits, self._sleep = clock, get_random_bits, sleep
        self._prefix, self._partitions, self._on_submitted = prefix, partitions, on_submitted

    async def submit_lines(self, lines: Sequence[NumberedLine], producer: SampleProducer, gateway: GatewayClient) -> list[SubmittedLine]:
        """Hand in every line, those for Kafka and those for HTTP side by side; in the order of the lines. Raises NotTaken."""
        to_kafka = [each for each in lines if each.source_line.via == "kafka"]
        to_gateway = [each for each in lines if each.source_line.via == "http"]
        parts = await asyncio.gather(self.produce_records(to_kafka, producer), self.post_items(to_gateway, gateway))
        found = {number: submitted for part in parts for number, submitted in part.items()}
        return [found[each.number] for each in lines]

    async def produce_records(self, lines: Sequence[NumberedLine], producer: SampleProducer) -> dict[int, SubmittedLine]:
        """The lines for Kafka, by number."""
        ids: dict[int, str] = {}
        sent: list[tuple[NumberedLine, float, Awaitable[RecordMetadata]]] = []
        for each in lines:
            at = self._clock()
            an_id = self._assign_id(each, ids, at)
            record = build_record(each.source_line, an_id, self._prefix, self._partitions)
            sent.append((each, at, await producer.send(record)))
        found = {}
        for each, at, placed in sent:
            place = await placed
            an_id = resolve_notification_id(each.source_line, ids[each.number], place)
            found[each.number] = SubmittedLine(each.line, at, an_id, each.source_line.priority)
            self._on_submitted(1)
        return found

    async def post_items(self, lines: Sequence[NumberedLine], gateway: GatewayClient) -> dict[int, SubmittedLine]:
        """The lines for HTTP, by number. Raises NotTaken."""
        ids: dict[int, str] = {}
        found = {}
        for first in range(0, len(lines), BULK_SIZE):
            part = lines[first : first + BULK_SIZE]
            at = self._clock()
            items = [build_bulk_item(each.source_line, self._assign_id(each, ids, at)) for each in part]
            for each, item in zip(part, await self._post_until_confirmed(items, gateway), strict=True):
                reason = item.errors[0].reason if item.errors else ""
                found[each.number] = SubmittedLine(each.line, at, item.id, item.priority, reason)
            self._on_submitted(len(part))
        return found

    def _assign_id(self, each: NumberedLine, ids: dict[int, str], at: float) -> str:
        """An id of ours, or the one of the line that is sent once more."""
        again = each.line.replay_of
        an_id = ids[each.number] = ids[again] if again else make_id(NOTIFICATION_PREFIX, at, self._get_random_bits())
        return an_id

    async def _post_until_confirmed(self, items: list[dict[str, object]], gateway: GatewayClient) -> list[BulkResult]:
        """The results of all items; what is not confirmed is sent again under its id."""
        results: dict[int, BulkResult] = {}
        for _ in range(MAX_TRIES):
            left = [index for index in range(len(items)) if index not in results]
            response = await gateway.post(msgspec.json.encode([items[index] for index in left]))
            if response.status in (202, 207):
                taken = msgspec.json.decode(response.body, type=BulkSubmissionResponse)
                results |= {left[item.index]: item for item in taken.results if item.status != "unavailable"}
            elif response.status != 503:
                raise SubmissionError(f"the gateway answered {response.status}: {response.body.decode('utf-8', 'replace')[:300]}")
            if len(results) == len(items):
                return [results[index] for index in range(len(items))]
            await self._sleep(response.retry_after or RETRY_DELAY)
        raise SubmissionError(
            f"the gateway could not confirm {len(items) - len(results)} notifications in {MAX_TRIES} tries: is Kafka running?"
        )
