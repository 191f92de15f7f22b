"""What follows from a commit outside the history: what is sent again, reports to producers, and endpoints that are disabled.

It comes after the commit and before the acknowledgement, so a crash repeats it. Outputs come first, then the state that would prevent them.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import NamedTuple

import msgspec

from agents.recorder.endpoint_failures import MIN_FAILURES, EndpointFailures, build_notice, collect_failures
from agents.recorder.events import RecordedEvent
from agents.recorder.resends import Resender
from agents.recorder.retrying_writer import INITIAL_BACKOFF, MAX_BACKOFF
from agents.recorder.status_webhooks import build_report, is_final, is_wanted, list_tests, list_touched
from schemas.channels import ChannelName
from schemas.errors import UnavailableError
from schemas.ids import compute_partition
from schemas.ports import Clock, FlushedOutbox, Sleep
from schemas.status_webhooks import FailingEndpoint, StatusEndpoint
from schemas.store_ports import EndpointReports
from schemas.topics import get_deliveries_topic, get_notifications_topic

REFRESH_SECONDS = 3.0  # the endpoints for statuses are read again if they were read longer ago
NOTICE_TOPIC = get_notifications_topic("medium")

_encode = msgspec.json.Encoder().encode


class FollowUpSettings(NamedTuple):
    """`disable_after`: seconds of only failures after which an endpoint is disabled; 0: never."""

    disable_after: float
    channels_without_receipts: Collection[ChannelName]
    partitions: int
    topic_prefix: str


class FollowUps:
    """`clock` is monotonic; `on_disabled` gets each endpoint that was disabled, with its user's id in the profile cache to be evicted."""

    def __init__(
        self,
        store: EndpointReports,
        create_outbox: Callable[[], FlushedOutbox],
        sleep: Sleep,
        clock: Clock,
        settings: FollowUpSettings,
        on_disabled: Callable[[FailingEndpoint], Awaitable[None]],
        resender: Resender | None = None,
    ) -> None:
        self._store, self._create_outbox, self._sleep, self._clock = store, create_outbox, sleep, clock
        self._settings, self._on_disabled, self._resender = settings, on_disabled, resender
        self._endpoints: Sequence[StatusEndpoint] = ()
        self._read_at: float | None = None

    async def run(self, events: Sequence[RecordedEvent | None], on_retry: Callable[[str, float], None]) -> None:
        """Do all that follows from a commit; `on_retry` gets the cause and the delay while PostgreSQL or Kafka does not answer."""
        backoff = INITIAL_BACKOFF
        while True:
            try:
                if self._resender is not None:
                    await self._resender.run(events)
                await self._report(events)
                await self._disable(collect_failures(events))
            except UnavailableError as error:
                on_retry(str(error), backoff)
                await self._sleep(backoff)
                backoff = min(2 * backoff, MAX_BACKOFF)
            else:
                return

    async def _report(self, events: Sequence[RecordedEvent | None]) -> None:
        now = self._clock()
        if self._read_at is None or now - self._read_at > REFRESH_SECONDS:
            self._endpoints, self._read_at = await self._store.list_status_endpoints(), now
        if not self._endpoints or not (touched := list_touched(events)):
            return
        outbox, prefix, tests = self._create_outbox(), self._settings.topic_prefix, list_tests(events)
        for reported in await self._store.list_reported(touched):
            if reported.delivery_id in tests:
                reported = msgspec.structs.replace(reported, is_test=True)
            final = is_final(reported, self._settings.channels_without_receipts)
            topic, user_key = prefix + get_deliveries_topic("webhook", reported.priority), reported.user_id.encode()
            for endpoint in self._endpoints:
                if is_wanted(endpoint, reported, final):
                    outbox.add(topic, self._get_partition(reported.user_id), user_key, _encode(build_report(endpoint, reported, final)))
        await outbox.flush()

    async def _disable(self, failures: EndpointFailures) -> None:
        if not failures.failed:
            return
        for endpoint in await self._store.list_failing(failures.failed, failures.gone, self._settings.disable_after, MIN_FAILURES):
            if endpoint.user_id is not None and endpoint.has_rule:
                await self._send_notice(endpoint, endpoint.user_id)
            if await self._store.disable(endpoint):
                await self._on_disabled(endpoint)

    async def _send_notice(self, endpoint: FailingEndpoint, user_id: str) -> None:
        outbox = self._create_outbox()
        value = _encode(build_notice(endpoint, user_id))
        outbox.add(self._settings.topic_prefix + NOTICE_TOPIC, self._get_partition(user_id), user_id.encode(), value)
        await outbox.flush()

    def _get_partition(self, user_id: str) -> int:
        return compute_partition(user_id, self._settings.partitions)
