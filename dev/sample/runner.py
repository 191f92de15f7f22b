"""Runs the sample: warm up, submit it at a steady rate, poll until it is final, compare request log and history, reconcile."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial

import httpx

from dev.sample.broadcast import BroadcastProgress, run_broadcast
from dev.sample.cancellation import cancel_lines
from dev.sample.clients import ConsumerLagReader, HttpGatewayClient, RequestLogClient, open_kafka_producer
from dev.sample.guests import list_reachable_users
from dev.sample.held_submissions import select_quiet_user
from dev.sample.notification_results import NotificationResultReader, NotificationResults
from dev.sample.reconciliation import LineResult, find_mismatches, reconcile
from dev.sample.request_log_comparison import (
    SENT_STATUSES,
    RequestLogComparison,
    SampleDelivery,
    compare_request_log,
    find_foreign_deliveries,
)
from dev.sample.result import SampleResult
from dev.sample.result_poller import POLL_INTERVAL, ProgressDisplay, ResultPoller, count_lost
from dev.sample.sample_file import SampleLine, load_sample
from dev.sample.schedule import SUBMISSION_RATE, SubmissionSchedule
from dev.sample.settings import SampleSettings
from dev.sample.submissions import SubmittedLine, number_lines
from dev.sample.submitter import Submitter
from dev.sample.warm_up import WARM_UP_TIMEOUT, select_warm_up_lines
from schemas.broadcasts import BROADCAST_PREFIX
from schemas.enums import State, Status
from schemas.errors import UnavailableError
from schemas.ids import make_id
from tables.postgres.database import Database

HTTP_TIMEOUT = 30.0  # seconds
DATABASE_CONNECTIONS = 2
RECORD_POLLS = 25  # of the history, for what a provider has accepted
ID_RANDOM_BITS = 74  # of a UUIDv7
RELEASED = "released"  # an example of what was held until its time
ESCALATED = "escalated"  # an example of what went on to the next channel


async def run_sample(settings: SampleSettings, display: ProgressDisplay) -> SampleResult:
    """Run the sample against a running stack. Raises UnavailableError, SubmissionError and SampleFileError."""
    run_id, quiet_user = format(time.time_ns() // 1_000_000, "x"), select_quiet_user(time.time())
    lines = load_sample(run_id, settings.simulators_url, quiet_user)
    warm_up_lines = select_warm_up_lines(load_sample(f"warm-up-{run_id}", settings.simulators_url, quiet_user))
    async with AsyncExitStack() as stack:
        # no proxy of the environment: the servers are on this host
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=HTTP_TIMEOUT, trust_env=False))
        database = Database(settings.database_url, max_size=DATABASE_CONNECTIONS)
        stack.push_async_callback(database.close)
        run = SampleRun(settings, RequestLogClient(client, settings.simulators_url), NotificationResultReader(database), display)
        gateway = HttpGatewayClient(client, settings.api_url, settings.api_key)
        stack.enter_context(display.show_progress(len(lines)))
        await run.warm_up(warm_up_lines, gateway)
        return await run.run(lines, gateway)


class SampleRun:
    """One run of the sample."""

    def __init__(
        self, settings: SampleSettings, request_log: RequestLogClient, history_reader: NotificationResultReader, display: ProgressDisplay
    ) -> None:
        self._settings, self._request_log, self._history_reader, self._display = settings, request_log, history_reader, display
        self._consumer_lag = ConsumerLagReader(settings.kafka, settings.topic_prefix, settings.partitions)

    async def warm_up(self, lines: Sequence[SampleLine], gateway: HttpGatewayClient) -> None:
        """Submit the lines and wait until all are final or WARM_UP_TIMEOUT has passed; they are neither shown nor counted."""
        poller = await self._build_poller(await self._submit(lines, gateway, lambda _: None))
        await poller.poll_until_final(time.time() + WARM_UP_TIMEOUT, lambda _: None)

    async def run(self, lines: Sequence[SampleLine], gateway: HttpGatewayClient) -> SampleResult:
        """Submit the lines and poll until all are final or the time of the run is over."""
        last_seq, started_at = await self._request_log.fetch_last_seq(), time.time()
        broadcast = asyncio.create_task(start_run_broadcast(gateway, started_at))
        try:
            submitted = await self._submit(lines, gateway, self._display.add_submitted)
            return await self._finish(submitted, gateway, last_seq, started_at, broadcast)
        finally:
            broadcast.cancel()

    async def _finish(
        self,
        submitted: Sequence[SubmittedLine],
        gateway: HttpGatewayClient,
        last_seq: int,
        started_at: float,
        broadcast: Awaitable[BroadcastProgress],
    ) -> SampleResult:
        """Wait until all are final, and compare."""
        poller = await self._build_poller(submitted)
        all_final, _, progress = await asyncio.gather(
            poller.poll_until_final(started_at + self._settings.run_timeout, self._display.set_final),
            cancel_lines(submitted, gateway, asyncio.sleep),
            broadcast,
        )
        seconds = time.time() - started_at
        reconciliation = reconcile(poller.results, 0 if all_final else await self._count_lost(poller))
        return SampleResult(
            reconciliation,
            await self._compare_request_log(submitted, poller.history, last_seq),
            find_mismatches(submitted, poller.results),
            pick_examples(submitted, poller.results),
            seconds,
            progress,
        )

    async def _build_poller(self, submitted: Sequence[SubmittedLine]) -> ResultPoller:
        fetch_router_lag = partial(self._consumer_lag.fetch_lag, "router", await self._consumer_lag.fetch_end_offsets("router"))
        return ResultPoller(submitted, self._history_reader, fetch_router_lag, self._settings.receipt_timeouts, time.time, asyncio.sleep)

    async def _submit(
        self, lines: Sequence[SampleLine], gateway: HttpGatewayClient, on_submitted: Callable[[int], None]
    ) -> list[SubmittedLine]:
        settings = self._settings
        get_random_bits = partial(secrets.randbits, ID_RANDOM_BITS)
        schedule = SubmissionSchedule(SUBMISSION_RATE, time.monotonic, asyncio.sleep)
        submitter = Submitter(
            time.time, get_random_bits, asyncio.sleep, settings.topic_prefix, settings.partitions, schedule.wait_until_due, on_submitted
        )
        async with open_kafka_producer(settings.kafka) as producer:
            return await submitter.submit_lines(number_lines(lines), producer, gateway)

    async def _count_lost(self, poller: ResultPoller) -> int:
        try:
            return count_lost(poller, await self._consumer_lag.fetch_total_lag())
        except UnavailableError:
            return 0  # without the lag a line counts as in flight, not as lost

    async def _compare_request_log(
        self, submitted: Sequence[SubmittedLine], history: NotificationResults, after_seq: int
    ) -> RequestLogComparison:
        entries, deliveries = await self._request_log.fetch_requests_after(after_seq), collect_deliveries(submitted, history)
        unknown = find_foreign_deliveries(deliveries, entries)
        for _ in range(RECORD_POLLS):  # a digest may have been sent just now
            unknown -= await self._history_reader.find_recorded_deliveries(unknown)
            if not unknown:
                break
            await asyncio.sleep(POLL_INTERVAL)
        return compare_request_log(deliveries, entries, unknown)


async def start_run_broadcast(gateway: HttpGatewayClient, at: float) -> BroadcastProgress:
    """The broadcast of a run, with an id of its own."""
    broadcast_id = make_id(BROADCAST_PREFIX, at, secrets.randbits(ID_RANDOM_BITS))
    return await run_broadcast(gateway, broadcast_id, list_reachable_users(), asyncio.sleep)


def collect_deliveries(submitted: Sequence[SubmittedLine], history: NotificationResults) -> dict[str, SampleDelivery]:
    """Collect the deliveries of the sample by id: those that the router planned, and others of its notifications that have a row."""
    lines = {line.notification_id: line for line in reversed(submitted) if line.notification_id and not line.line.replay_of}
    deliveries: dict[str, SampleDelivery] = {}
    for notification_id, decided in history.notifications.items():
        line = lines[notification_id]
        assert line.priority is not None
        for planned in decided.deliveries:
            result, is_timed = history.deliveries.get(planned.id), planned is decided.deliveries[0] or not line.line.escalates
            status = result.status if result else Status.PENDING
            deliveries[planned.id] = SampleDelivery(status, line.priority, line.due_at, timed=is_timed)
    for delivery_id, result in history.deliveries.items():
        line = lines[result.notification_id]
        assert line.priority is not None
        deliveries.setdefault(delivery_id, SampleDelivery(result.status, line.priority, line.due_at, planned=False))
    return deliveries


def pick_examples(submitted: Sequence[SubmittedLine], results: Sequence[LineResult]) -> dict[str, str]:
    """Pick the first notification id of each result, alone and with the type, and of each delivery status.

    The example of `routed` is the first whose deliveries were all sent; `released`, the first of these that was held; `escalated`, the
    first that went on to the next channel.
    """
    examples: dict[str, str] = {}
    for line, result in zip(submitted, results, strict=True):
        if not line.notification_id or not result.state:
            continue
        has_failed = result.state == State.ROUTED and not SENT_STATUSES.issuperset(result.statuses)
        states = list_example_words(line, result) if not has_failed else [ESCALATED] if line.line.escalates else []
        for word in (*states, *result.statuses):
            examples.setdefault(word, line.notification_id)
    return examples


def list_example_words(line: SubmittedLine, result: LineResult) -> list[str]:
    """The words that a line whose deliveries did not fail is an example of."""
    type_ = (line.line.notification or {}).get("type")
    words = [result.state, *([f"{result.state} {type_}"] if type_ else [])]
    return [*words, RELEASED] if line.line.send_after and result.state == State.ROUTED else words
