"""A Deliverer with the real HTTP client and clock, connected to simulators in the same event loop."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from agents.delivery import DeliveryBatchSummary
from agents.providers.fcm import Fcm
from agents.providers.http import HttpLimits, PooledHttpClient
from agents.providers.sendgrid import SendGrid
from agents.providers.twilio import Twilio
from agents.providers.webhook import Webhook
from dev.simulators.protocol import RequestLogEntry
from dev.simulators.request_log import RequestLog
from dev.simulators.server import SimulatorServer
from dev.simulators.token_server import TokenServer
from schemas.channels import ChannelName
from schemas.delivery_policy import ConcurrencyLimits, RetryPolicy, RetrySchedule
from schemas.outcome import Provider
from tests.fakes import FixedToken
from tests.settings_builders import build_concurrency_limits, build_http_limits
from tests.unit.agents.delivery.harness import DeliveryHarness

ACCOUNT_SID = "AC" + "0" * 30 + "17"
SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FAST_RETRIES = RetryPolicy(RetrySchedule((0.01, 0.02)), max_retry_after=0.05)
LONG_TIMEOUTS = build_http_limits(max_connections=64, connect_timeout=600.0, request_timeout=600.0, tick_seconds=0.05)
SHORT_TIMEOUTS = replace(LONG_TIMEOUTS, request_timeout=2.0)  # for a host that hangs; a busy machine takes a second for a response
DEFAULT_CALL_LIMITS = build_concurrency_limits()


class RunningSimulators(NamedTuple):
    """The URL of the simulators and their request log."""

    url: str
    request_log: RequestLog

    def read_entries(self) -> list[RequestLogEntry]:
        """All requests received so far."""
        return list(map(self.request_log._decode, self.request_log.read_entries(0, 100_000).splitlines()))


@asynccontextmanager
async def run_simulators(directory: Path, token_server: TokenServer | None = None, port: int = 0) -> AsyncIterator[RunningSimulators]:
    """Run the simulators in this event loop."""
    loop, request_log = asyncio.get_running_loop(), RequestLog(directory / "requests.jsonl")
    server = await loop.create_server(SimulatorServer(request_log, time.time, loop, token_server).create_protocol, "127.0.0.1", port)
    try:
        yield RunningSimulators(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", request_log)
    finally:
        server.close()
        request_log.close()


class LiveDeliveryHarness(DeliveryHarness):
    """A DeliveryHarness with the real clock and real timers."""

    def __init__(self, provider: Provider, http: PooledHttpClient, calls: ConcurrencyLimits) -> None:
        super().__init__(provider, http, policy=FAST_RETRIES, limits=calls)
        self.http = http
        self._batch_finished = asyncio.Event()

    def get_time(self) -> float:
        return time.time()

    def call_later(self, seconds: float, callback: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(seconds, callback)

    def on_batch_end(self, batch: DeliveryBatchSummary) -> None:
        super().on_batch_end(batch)
        self._batch_finished.set()

    def advance_clock(self, seconds: float) -> None:
        """Do nothing: the clock is real."""

    async def run_retries(self) -> None:
        """Release the entry of each batch that finished with a retry, until a batch finishes without one."""
        batches = 1
        await self.wait_for_batches(batches)
        while len(self.scheduled) == batches:
            await asyncio.sleep(max(0.0, self.scheduled[-1].due_at - time.time()))
            await self.run_retry()
            batches += 1
            await self.wait_for_batches(batches)

    async def wait_for_batches(self, batches: int) -> None:
        """Wait until this number of batches has finished, and commit them."""
        async with asyncio.timeout(60):
            while len(self.observed_batches) < batches:
                self._batch_finished.clear()
                await self._batch_finished.wait()
        self.commit()


@asynccontextmanager
async def open_harness(
    channel: ChannelName,
    url: str,
    limits: HttpLimits = LONG_TIMEOUTS,
    calls: ConcurrencyLimits = DEFAULT_CALL_LIMITS,
    allow: str = "127.0.0.1",
    provider: Provider | None = None,
) -> AsyncIterator[LiveDeliveryHarness]:
    """Open a harness that sends to the simulators; `allow` lists the addresses that webhooks reach although they are not public."""
    provider = provider or build_provider(channel, url, allow)
    http = PooledHttpClient(limits, allow_address=provider.allow_address)
    try:
        yield LiveDeliveryHarness(provider, http, calls)
    finally:
        await http.close()


def build_provider(channel: ChannelName, url: str, allow: str) -> Provider:
    """The channel's provider with the URL of the simulators."""
    providers: dict[ChannelName, Provider] = {
        "email": SendGrid(url, "SG.key", "shop@example.org"),
        "sms": Twilio(url, ACCOUNT_SID, "SK17", "secret", "+15005550006", "https://herold.example.org/callbacks/twilio"),
        "push": Fcm(url, "herold", FixedToken()),
        "webhook": Webhook(SECRET, allow_http=True, allow=allow),
    }
    return providers[channel]
