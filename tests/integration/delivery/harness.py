"""The delivery worker with its real HTTP client and clock, against the providers' simulators on a port of their own."""

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
from schemas.delivery_policy import ConcurrencyLimits, RetryPolicy
from schemas.enums import Channel
from schemas.outcome import Provider
from tests.unit.agents.delivery.harness import DeliveryHarness

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FAST_RETRIES = RetryPolicy(delays=(0.01, 0.02), max_delay=0.05)
SHORT_TIMEOUTS = HttpLimits(max_connections=64, connect_timeout=1.0, request_timeout=0.3, tick_seconds=0.05)
LONG_TIMEOUTS = replace(SHORT_TIMEOUTS, request_timeout=600.0)
DEFAULT_CALL_LIMITS = ConcurrencyLimits()


class RunningSimulators(NamedTuple):
    """The simulators' URL and what they were asked."""

    url: str
    request_log: RequestLog

    def read_entries(self) -> list[RequestLogEntry]:
        """Every request so far."""
        return list(map(self.request_log._decode, self.request_log.read_entries(0, 100_000).splitlines()))


@asynccontextmanager
async def run_simulators(folder: Path) -> AsyncIterator[RunningSimulators]:
    """The providers' stand-ins, within this event loop."""
    loop, ledger = asyncio.get_running_loop(), RequestLog(folder / "requests.jsonl")
    server = await loop.create_server(SimulatorServer(ledger, time.time, loop).create_protocol, "127.0.0.1", 0)
    try:
        yield RunningSimulators(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", ledger)
    finally:
        server.close()
        ledger.close()


class LiveDeliveryHarness(DeliveryHarness):
    """The world with real time: it commits whatever is put, and knows when every batch was acknowledged."""

    def __init__(self, provider: Provider, http: PooledHttpClient, calls: ConcurrencyLimits) -> None:
        super().__init__(provider, http, policy=FAST_RETRIES, limits=calls)
        self.deliverer._clock = time.time
        self._batch_ended = asyncio.Event()

    def call_later(self, seconds: float, callback: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(seconds, callback)

    def on_batch_end(self, batch: DeliveryBatchSummary) -> None:
        super().on_batch_end(batch)
        self._batch_ended.set()

    async def wait_for_batches(self, batches: int) -> None:
        """Wait until so many batches have ended, and commit them."""
        async with asyncio.timeout(60):
            while len(self.observed_batches) < batches:
                self._batch_ended.clear()
                await self._batch_ended.wait()
        self.commit()


@asynccontextmanager
async def open_harness(
    channel: Channel, url: str, limits: HttpLimits = SHORT_TIMEOUTS, calls: ConcurrencyLimits = DEFAULT_CALL_LIMITS
) -> AsyncIterator[LiveDeliveryHarness]:
    """The worker of a channel, sending to the simulators."""
    http = PooledHttpClient(limits)
    try:
        yield LiveDeliveryHarness(build_provider(channel, url), http, calls)
    finally:
        await http.close()


def build_provider(channel: Channel, url: str) -> Provider:
    """The channel's provider, with the simulators in its vendor's place."""
    providers: dict[Channel, Provider] = {
        "email": SendGrid(url, "SG.key", "shop@example.org"),
        "sms": Twilio(url, "AC17", "SK17", "secret", "+15005550006", "https://herold.example.org/callbacks/twilio"),
        "push": Fcm(url, "herold", lambda: "token"),
        "webhook": Webhook(SECRET, allow_http=True),
    }
    return providers[channel]
