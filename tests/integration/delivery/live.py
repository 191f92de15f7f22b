"""The delivery worker with its real HTTP client and clock, against the providers' twins on a port of their own."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from agents.delivery import EndedBatch
from agents.providers.fcm import Fcm
from agents.providers.http import Limits, PoolClient
from agents.providers.sendgrid import SendGrid
from agents.providers.twilio import Twilio
from agents.providers.webhook import Webhook
from schemas.outcome import Provider
from schemas.policies import CallLimits, RetryPolicy
from schemas.words import Channel
from tests.unit.agents.delivery.world import World
from twins.ledger import Ledger
from twins.server import Twins
from twins.values import Entry

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SOON = RetryPolicy(pauses=(0.01, 0.02), longest=0.05)
SHORT = Limits(connections=64, connect_timeout=1.0, read_timeout=0.3, tick=0.05)
PATIENT = replace(SHORT, read_timeout=600.0)
MANY = CallLimits()


class Provided(NamedTuple):
    """The twins' URL and what they were asked."""

    url: str
    ledger: Ledger

    def entries(self) -> list[Entry]:
        """Every request so far."""
        return list(map(self.ledger._decode, self.ledger.entries(0, 100_000).splitlines()))


@asynccontextmanager
async def twins(folder: Path) -> AsyncIterator[Provided]:
    """The providers' stand-ins, within this event loop."""
    loop, ledger = asyncio.get_running_loop(), Ledger(folder / "ledger.jsonl")
    server = await loop.create_server(Twins(ledger, time.time, loop).connection, "127.0.0.1", 0)
    try:
        yield Provided(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", ledger)
    finally:
        server.close()
        ledger.close()


class Live(World):
    """The world with real time: it commits whatever is put, and knows when every batch was acknowledged."""

    def __init__(self, provider: Provider, http: PoolClient, calls: CallLimits) -> None:
        super().__init__(provider, http, policy=SOON, limits=calls)
        self.deliverer._clock = time.time
        self._batch_ended = asyncio.Event()

    def later(self, seconds: float, do: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(seconds, do)

    def ended(self, batch: EndedBatch) -> None:
        super().ended(batch)
        self._batch_ended.set()

    async def until_ended(self, batches: int) -> None:
        """Wait until so many batches have ended, and commit them."""
        async with asyncio.timeout(60):
            while len(self.batches_seen) < batches:
                self._batch_ended.clear()
                await self._batch_ended.wait()
        self.commit()


@asynccontextmanager
async def live(channel: Channel, url: str, limits: Limits = SHORT, calls: CallLimits = MANY) -> AsyncIterator[Live]:
    """The worker of a channel, sending to the twins."""
    http = PoolClient(limits)
    try:
        yield Live(provider_at(channel, url), http, calls)
    finally:
        await http.close()


def provider_at(channel: Channel, url: str) -> Provider:
    """The channel's provider, with the twins in its vendor's place."""
    providers: dict[Channel, Provider] = {
        "email": SendGrid(url, "SG.key", "shop@example.org"),
        "sms": Twilio(url, "AC17", "SK17", "secret", "+15005550006", "https://herold.example.org/callbacks/twilio"),
        "push": Fcm(url, "herold", lambda: "token"),
        "webhook": Webhook(SECRET, allow_http=True),
    }
    return providers[channel]
