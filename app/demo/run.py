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

from app.demo.account import Account, Fate, account, surprises
from app.demo.ledger import Comparison, Promised, compare, strangers
from app.demo.sample import FILE, Line, load
from app.demo.shown import Shown
from app.demo.submit import Submitter
from app.demo.submitted import Submitted, numbered
from app.demo.watch import Watch, lost
from app.demo.world import HttpGateway, Positions, TwinsLedger, kafka_producer
from app.settings import Settings
from schemas.errors import Unavailable
from schemas.words import Channel, State, StatusName
from tables.postgres.fates import Fates, FateStore
from tables.postgres.pool import Database

HTTP_TIMEOUT = 30.0
GOOD = frozenset({StatusName.SENT, StatusName.DELIVERED})


@dataclass(frozen=True)
class SampleSettings:
    """Where the running stack is; `receipts` are seconds per channel, `timeout` is how long the sample may take, in seconds."""

    kafka: str
    database_url: str
    api_url: str
    api_key: str = field(repr=False)
    twins_url: str
    receipts: Mapping[Channel, int]
    partitions: int = 4
    prefix: str = ""
    timeout: float = 120.0
    file: Path = FILE


class Result(Struct, frozen=True):
    """What became of the sample: `ok` says that every line is accounted for and that the ledger agrees with history."""

    account: Account
    comparison: Comparison
    surprises: dict[str, tuple[int, int]]
    examples: dict[str, str]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every line is final and nothing contradicts it."""
        return self.account.whole and self.comparison.agrees

    def json(self) -> str:
        """One line for machines."""
        return msgspec.json.encode(
            {
                "submitted": self.account.submitted,
                "final": self.account.final(),
                "in_flight": self.account.in_flight,
                "lost": self.account.lost,
                "duplicates": self.comparison.duplicates,
                "seconds": round(self.seconds, 2),
            }
        ).decode()


def sample_settings(settings: Settings) -> SampleSettings:
    """The sample's part of the settings."""
    receipts: Mapping[Channel, int] = msgspec.structs.asdict(settings.receipts)  # type: ignore[assignment]  # its fields are the channels
    return SampleSettings(
        kafka=settings.kafka.bootstrap_servers,
        database_url=settings.postgres.url,
        api_url=f"http://{settings.gateway.host}:{settings.gateway.port}",
        api_key=settings.gateway.api_key,
        twins_url=settings.twins.url.rstrip("/"),
        receipts=receipts,
        partitions=settings.herold.partitions,
        prefix=settings.herold.topic_prefix,
    )


async def run(settings: SampleSettings, shown: Shown) -> Result:
    """Run the sample against a running stack and show how it goes. Raises Unavailable, submit.NotTaken, sample.SampleBroken."""
    lines = load(format(time.time_ns() // 1_000_000, "x"), settings.twins_url, settings.file)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=HTTP_TIMEOUT))
        database = Database(settings.database_url, size=2)
        stack.push_async_callback(database.close)
        trip = Trip(settings, TwinsLedger(client, settings.twins_url), FateStore(database), shown)
        stack.enter_context(shown.progress(len(lines)))
        return await trip.of(lines, HttpGateway(client, settings.api_url, settings.api_key))


class Trip:
    """One run of the sample through the running stack."""

    def __init__(self, settings: SampleSettings, ledger: TwinsLedger, store: FateStore, shown: Shown) -> None:
        self._settings, self._ledger, self._store, self._shown = settings, ledger, store, shown
        self._positions = Positions(settings.kafka, settings.prefix, settings.partitions)

    async def of(self, lines: Sequence[Line], gateway: HttpGateway) -> Result:
        """Hand the lines in and follow them to their end."""
        before, began = await self._ledger.last(), time.time()
        submitted = await self._submitted(lines, gateway)
        unread = partial(self._positions.unread, "router", await self._positions.ends("router"))
        watch = Watch(submitted, self._store, unread, self._settings.receipts, time.time, asyncio.sleep)
        in_time = await watch.until_final(began + self._settings.timeout, self._shown)
        ended = time.time()
        missing = 0 if in_time else await self._lost(watch)
        accounted = account(watch.fates, missing)
        comparison = await self._compared(submitted, watch.recorded, before)
        expected = [line.expect for line in lines]
        return Result(accounted, comparison, surprises(accounted, expected), examples(submitted, watch.fates), ended - began)

    async def _lost(self, watch: Watch) -> int:
        try:
            return lost(watch, await self._positions.under_way())
        except Unavailable:
            return 0  # nobody knows what is still to be read: then it is under way

    async def _submitted(self, lines: Sequence[Line], gateway: HttpGateway) -> list[Submitted]:
        settings = self._settings
        bits = partial(secrets.randbits, 74)
        submitter = Submitter(time.time, bits, asyncio.sleep, settings.prefix, settings.partitions, self._shown.taken)
        async with kafka_producer(settings.kafka) as producer:
            return await submitter.all(numbered(lines), producer, gateway)

    async def _compared(self, submitted: Sequence[Submitted], recorded: Fates, before: int) -> Comparison:
        entries, known = await self._ledger.after(before), promised(submitted, recorded)
        others = strangers(known, entries)
        return compare(known, entries, others - await self._store.recorded(others) if others else ())


def promised(submitted: Sequence[Submitted], recorded: Fates) -> dict[str, Promised]:
    """Every delivery of the sample by its id: those that the router listed, and any other of its notifications that has a row."""
    sources = {each.id: each for each in reversed(submitted) if each.id and not each.line.again}
    found: dict[str, Promised] = {}
    for notification_id, decided in recorded.notifications.items():
        source = sources[notification_id]
        assert source.lane is not None
        for planned in decided.planned:
            current = recorded.deliveries.get(planned.id)
            found[planned.id] = Promised(current.status if current else StatusName.PENDING, source.lane, source.at)
    for delivery_id, current in recorded.deliveries.items():
        source = sources[current.notification_id]
        assert source.lane is not None
        found.setdefault(delivery_id, Promised(current.status, source.lane, source.at, planned=False))
    return found


def examples(submitted: Sequence[Submitted], fates: Sequence[Fate]) -> dict[str, str]:
    """The id of the first line of each fate, and of the first delivery of each status; what was routed is shown by one that went well."""
    found: dict[str, str] = {}
    for each, fate in zip(submitted, fates, strict=True):
        spoilt = fate.state == State.ROUTED and not GOOD.issuperset(fate.statuses)
        for word in (*([] if spoilt else [fate.state]), *fate.statuses) if each.id and fate.state else ():
            found.setdefault(word, each.id)
    return found
