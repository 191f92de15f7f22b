"""Submits the sample as producers do: plain Kafka records, and bulk requests over HTTP."""

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

BULK_SIZE = 10  # items of one request; few, because the first waits until the last is due
MAX_TRIES = 20  # requests for the items of one bulk request
MAX_ERROR_CHARACTERS = 300  # of a response in an error message
RETRY_DELAY = 1.0  # seconds between tries, if the response has no Retry-After


class SubmissionError(HeroldError):
    """The gateway rejected a bulk request, or did not confirm its items after MAX_TRIES requests."""


class SampleProducer(Protocol):
    """Sends a record; the awaitable returns its position when the broker has acknowledged it."""

    async def send(self, record: ProducerRecord) -> Awaitable[RecordMetadata]: ...


class GatewayResponse(NamedTuple):
    """The gateway's response; `retry_after` in seconds, 0 without the header."""

    status: int
    body: bytes
    retry_after: float = 0.0


def describe_response(response: GatewayResponse) -> str:
    """The status and the beginning of the body, for an error message."""
    body = response.body.decode("utf-8", "replace")[:MAX_ERROR_CHARACTERS]
    return f"the gateway responded with {response.status}: {body}"


class GatewayClient(Protocol):
    """Posts a bulk request."""

    async def post(self, body: bytes) -> GatewayResponse: ...


class Submitter:
    """Submits each line when it is due.

    `get_random_bits` returns 74 random bits for an id, `wait_until_due` waits for a line by its number, and `on_submitted` gets the
    number of confirmed lines.
    """

    def __init__(
        self,
        clock: Clock,
        get_random_bits: Callable[[], int],
        sleep: Sleep,
        prefix: str,
        partitions: int,
        wait_until_due: Callable[[int], Awaitable[None]],
        on_submitted: Callable[[int], None],
    ) -> None:
        self._clock, self._get_random_bits, self._sleep = clock, get_random_bits, sleep
        self._prefix, self._partitions = prefix, partitions
        self._wait_until_due, self._on_submitted = wait_until_due, on_submitted

    async def submit_lines(self, lines: Sequence[NumberedLine], producer: SampleProducer, gateway: GatewayClient) -> list[SubmittedLine]:
        """Submit all lines, over Kafka and HTTP concurrently; return them in the order of `lines`. Raises SubmissionError."""
        kafka_lines = [line for line in lines if line.source_line.via == "kafka"]
        http_lines = [line for line in lines if line.source_line.via == "http"]
        produced, posted = await asyncio.gather(self.produce_records(kafka_lines, producer), self.post_items(http_lines, gateway))
        submitted = {**produced, **posted}
        return [submitted[line.number] for line in lines]

    async def produce_records(self, lines: Sequence[NumberedLine], producer: SampleProducer) -> dict[int, SubmittedLine]:
        """Produce the records of lines; return the submitted lines by number."""
        ids: dict[int, str] = {}
        sent: list[tuple[NumberedLine, float, Awaitable[RecordMetadata]]] = []
        for line in lines:
            await self._wait_until_due(line.number)
            submitted_at = self._clock()
            notification_id = self._assign_id(line, ids, submitted_at)
            record = build_record(line.source_line, notification_id, submitted_at, self._prefix, self._partitions)
            sent.append((line, submitted_at, await producer.send(record)))
        submitted = {}
        for line, submitted_at, metadata in sent:
            notification_id = resolve_notification_id(line.source_line, ids[line.number], await metadata)
            submitted[line.number] = SubmittedLine(line.line, submitted_at, notification_id, line.source_line.priority)
            self._on_submitted(1)
        return submitted

    async def post_items(self, lines: Sequence[NumberedLine], gateway: GatewayClient) -> dict[int, SubmittedLine]:
        """Post the items of lines in bulk requests; return the submitted lines by number. Raises SubmissionError."""
        ids: dict[int, str] = {}
        submitted = {}
        for start in range(0, len(lines), BULK_SIZE):
            chunk = lines[start : start + BULK_SIZE]
            await self._wait_until_due(chunk[-1].number)
            submitted_at = self._clock()
            items = [build_bulk_item(line.source_line, self._assign_id(line, ids, submitted_at), submitted_at) for line in chunk]
            for line, result in zip(chunk, await self._post_until_confirmed(items, gateway), strict=True):
                reason = result.errors[0].reason if result.errors else ""
                submitted[line.number] = SubmittedLine(line.line, submitted_at, result.id, result.priority, reason)
            self._on_submitted(len(chunk))
        return submitted

    def _assign_id(self, line: NumberedLine, ids: dict[int, str], at: float) -> str:
        """Generate an id; a replay gets the id of its original line."""
        original = line.line.replay_of
        notification_id = ids[line.number] = ids[original] if original else make_id(NOTIFICATION_PREFIX, at, self._get_random_bits())
        return notification_id

    async def _post_until_confirmed(self, items: list[dict[str, object]], gateway: GatewayClient) -> list[BulkResult]:
        """Post the items, and again with the same ids those that are unavailable; return the results of all items."""
        results: dict[int, BulkResult] = {}
        for _ in range(MAX_TRIES):
            pending = [index for index in range(len(items)) if index not in results]
            response = await gateway.post(msgspec.json.encode([items[index] for index in pending]))
            if response.status in (202, 207):
                bulk_response = msgspec.json.decode(response.body, type=BulkSubmissionResponse)
                results |= {pending[result.index]: result for result in bulk_response.results if result.status != "unavailable"}
            elif response.status != 503:
                raise SubmissionError(f"POST /v1/notifications/bulk: {describe_response(response)}")
            if len(results) == len(items):
                return [results[index] for index in range(len(items))]
            await self._sleep(response.retry_after or RETRY_DELAY)
        raise SubmissionError(
            f"the gateway did not confirm {len(items) - len(results)} notifications in {MAX_TRIES} tries: check that Kafka is available"
        )
