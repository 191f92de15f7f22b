"""The sample from end to end: hand it in, watch it to its end, compare ledger and history, account for every line."""

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import msgspec
from msgspec import Struct

from app.settings import Settings
from dev.sample.clients import ConsumerLagReader, HttpGatewayClient, RequestLogClient, open_kafka_producer
from dev.sample.console_report import ConsoleReport
from dev.sample.reconciliation import LineResult, Reconciliation, find_mismatches, reconcile
from dev.sample.request_log_comparison import RequestLogComparison, SampleDelivery, compare_request_log, find_foreign_deliveries
from dev.sample.result_poller import ResultPoller, count_lost
from dev.sample.sample_file import SAMPLE_FILE, SampleLine, load_sample
from dev.sample.submissions import SubmittedLine, number_lines
from dev.sample.submitter import Submitter
from schemas.enums import Channel, State, Status
from schemas.errors import UnavailableError
from tables.postgres.database import Database
from tables.postgres.notification_results import NotificationResultReader, NotificationResults

HTTP_TIMEOUT = 30.0
SUCCESS_STATUSES = frozenset({Status.SENT, Status.DELIVERED})


@dataclass(frozen=True)
class SampleSettings:
    """Where the running stack is; `receipts` are seconds per channel, `timeout` is how long the sample may take, in seconds."""

    kafka: str
    database_url: str
    api_url: str
    api_key: str = field(repr=False)
    simulators_url: str
    receipt_timeouts: Mapping[Channel, int]
    partitions: int = 4
    topic_prefix: str = ""
    timeout: float = 120.0
    file: Path = SAMPLE_FILE


class SampleResult(Struct, frozen=True):
    """What became of the sample: `ok` says that every line is accounted for and that the ledger agrees with history."""

    reconciliation: Reconciliation
    comparison: RequestLogComparison
    mismatches: dict[str, tuple[int, int]]
    examples: dict[str, str]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every line is final and nothing contradicts it."""
        return self.reconciliation.complete and self.comparison.consistent

    def to_json(self) -> str:
        """One line for machines."""
        return msgspec.json.encode(
            {
                "submitted": self.reconciliation.submitted_count,
                "final": self.reconciliation.build_final_counts(),
                "in_flight": self.reconciliation.in_flight_count,
                "lost": self.reconciliation.lost_count,
                "duplicates": self.comparison.duplicate_count,
                "seconds": round(self.seconds, 2),
            }
        ).decode()


def build_sample_settings(settings: Settings) -> SampleSettings:
    """The sample's part of the settings."""
    receipts: Mapping[Channel, int] = msgspec.structs.asdict(settings.receipt_timeouts)  # type: ignore[assignment]  # its fields are the channels
    return SampleSettings(
        kafka=settings.kafka.bootstrap_servers,
        database_url=settings.postgres.url,
        api_url=f"http://{settings.gateway.host}:{settings.gateway.port}",
        api_key=settings.gateway.api_key,
        simulators_url=settings.simulators.url.rstrip("/"),
        receipt_timeouts=receipts,
        partitions=settings.kafka.topic_partitions,
        topic_prefix=settings.kafka.topic_prefix,
    )


async def run_sample(settings: SampleSettings, display: ConsoleReport) -> SampleResult:
    """Run the sample against a running stack and show how it goes. Raises Unavailable, submit.NotTaken, sample.SampleBroken."""
    lines = load_sample(format(time.time_ns() // 1_000_000, "x"), settings.simulators_url, settings.file)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=HTTP_TIMEOUT))
        database = Database(settings.database_url, size=2)
        stack.push_async_callback(database.close)
        trip = SampleRun(settings, RequestLogClient(client, settings.simulators_url), NotificationResultReader(database), display)
        stack.enter_context(display.show_progress(len(lines)))
        return await trip.run(lines, HttpGatewayClient(client, settings.api_url, settings.api_key))


class SampleRun:
    """One run of the sample through the running stack."""

    def __init__(
        self, settings: SampleSettings, request_log: RequestLogClient, history_reader: NotificationResultReader, display: ConsoleReport
    ) -> None:
        self._settings, self._request_log, self._history_reader, self._display = settings, request_log, history_reader, display
        self._consumer_lag = ConsumerLagReader(settings.kafka, settings.topic_prefix, settings.partitions)

    async def run(self, lines: Sequence[SampleLine], gateway: HttpGatewayClient) -> SampleResult:
        """Hand the lines in and follow them to their end."""
        before, began = await self._request_log.fetch_last_seq(), time.time()
        submitted = await self._submit(lines, gateway)
        unread = partial(self._consumer_lag.fetch_lag, "router", await self._consumer_lag.fetch_end_offsets("router"))
        watch = ResultPoller(submitted, self._history_reader, unread, self._settings.receipt_timeouts, time.time, asyncio.sleep)
        in_time = await watch.poll_until_final(began + self._settings.timeout, self._display)
        ended = time.time()
        missing = 0 if in_time else await self._count_lost(watch)
        accounted = reconcile(watch.results, missing)
        comparison = await self._compare_request_log(submitted, watch.history, before)
        expected = [line.expected for line in lines]
        return SampleResult(
            accounted, comparison, find_mismatches(accounted, expected), pick_examples(submitted, watch.results), ended - began
        )

    async def _count_lost(self, poller: ResultPoller) -> int:
        try:
            return count_lost(poller, await self._consumer_lag.fetch_total_lag())
        except UnavailableError:
            return 0  # nobody knows what is still to be read: then it is under way

    async def _submit(self, lines: Sequence[SampleLine], gateway: HttpGatewayClient) -> list[SubmittedLine]:
        settings = self._settings
        bits = partial(secrets.randbits, 74)
        submitter = Submitter(time.time, bits, asyncio.sleep, settings.topic_prefix, settings.partitions, self._display.add_submitted)
        async with open_kafka_producer(settings.kafka) as producer:
            return await submitter.submit_lines(number_lines(lines), producer, gateway)

    async def _compare_request_log(
        self, submitted: Sequence[SubmittedLine], recorded: NotificationResults, after_seq: int
    ) -> RequestLogComparison:
        entries, known = await self._request_log.fetch_requests_after(after_seq), collect_deliveries(submitted, recorded)
        others = find_foreign_deliveries(known, entries)
        return compare_request_log(known, entries, others - await self._history_reader.find_recorded_deliveries(others) if others else ())


def collect_deliveries(submitted: Sequence[SubmittedLine], recorded: NotificationResults) -> dict[str, SampleDelivery]:
    """Every delivery of the sample by its id: those that the router listed, and any other of its notifications that has a row."""
    sources = {each.notification_id: each for each in reversed(submitted) if each.notification_id and not each.line.replay_of}
    found: dict[str, SampleDelivery] = {}
    for notification_id, decided in recorded.notifications.items():
        source = sources[notification_id]
        assert source.priority is not None
        for planned in decided.deliveries:
            current = recorded.deliveries.get(planned.id)
            found[planned.id] = SampleDelivery(current.status if current else Status.PENDING, source.priority, source.submitted_at)
    for delivery_id, current in recorded.deliveries.items():
        source = sources[current.notification_id]
        assert source.priority is not None
        found.setdefault(delivery_id, SampleDelivery(current.status, source.priority, source.submitted_at, planned=False))
    return found


def pick_examples(submitted: Sequence[SubmittedLine], results: Sequence[LineResult]) -> dict[str, str]:
    """The id of the first line of each fate, and of the first delivery of each status; what was routed is shown by one that went well."""
    found: dict[str, str] = {}
    for each, fate in zip(submitted, results, strict=True):
        spoilt = fate.state == State.ROUTED and not SUCCESS_STATUSES.issuperset(fate.statuses)
        for word in (*([] if spoilt else [fate.state]), *fate.statuses) if each.notification_id and fate.state else ():
            found.setdefault(word, each.notification_id)
    return found
