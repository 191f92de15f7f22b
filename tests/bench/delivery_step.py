"""Measures the delivery step without HTTP and Kafka: CPU microseconds per e-mail, with a client that responds at once.

`delivery_step_us` is that of a call for each; the others are those of calls for up to 500, of e-mails with one content and with different
ones. They are measured in turns, and the least of each counts.

Prints one JSON object; `calibration_ms` is the calibration of all benchmarks (cpu_meter.py).
Run: python -m tests.bench.delivery_step [records] [--profile] [--rate]; with --rate the calls of the account have a limit that is not
reached, counted in the Redis of REDIS_URL.
"""

import asyncio
import cProfile
import gc
import json
import os
import pstats
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from random import random

import msgspec

from agents.delivery import Deliverer
from agents.delivery.call_rates import CallRates
from agents.delivery.provider_errors import CheckedProvider
from agents.delivery.provider_set import ProviderSet
from agents.providers.sendgrid import SendGrid
from schemas.content import EmailContent
from schemas.delivery import Delivery
from schemas.delivery_policy import BreakerPolicy, CallRate, OpenDelays, ReconciliationPolicy, WaitingLimits
from schemas.http import HttpClient, HttpRequest, HttpResponse, HttpResult
from schemas.ids import derive_delivery_id, make_id
from schemas.ports import Batch, Header
from tables.redis.client import RedisClient
from tables.redis.rate_limiter import RedisRateLimiter
from tests.bench.cpu_meter import measure_calibration
from tests.fakes import FakeRecord
from tests.memory_stores import MemoryHistory, MemoryProfileReader
from tests.settings_builders import build_concurrency_limits, build_retry_policy

BATCH_SIZE = 128
TURNS = 5  # of each case
TEXT = "Dear Alex,\n\nyour order 17 has left our house and should reach you tomorrow.\n\nWith kind regards\nThe Example Shop\n" * 2
ACCEPTED = HttpResponse(202, {b"x-message-id": b"14c5d75ce93.dfd.64b469.filter0001"}, b"")


class CountingBatchHandle:
    """A batch handle that counts the acknowledgements of all handles."""

    acked = 0

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def ack(self) -> None:
        CountingBatchHandle.acked += 1

    def set_unfinished(self, records: int, size: int) -> None: ...

    def release(self) -> None:
        raise AssertionError("no batch is released in this benchmark")


class InstantHttpClient:
    """An HTTP client that returns a 202 before `send` returns."""

    def send(self, request: HttpRequest, on_result: Callable[[HttpResult], None]) -> None:
        on_result(ACCEPTED)


class NullOutboxTable:
    """An outbox and a table that store nothing."""

    name = "attempts"

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None: ...
    def stage_claim(self, partition: int, key: bytes, row: bytes) -> None: ...
    def stage_row(self, partition: int, key: bytes, row: bytes | None) -> None: ...

    def is_full(self, partition: int) -> bool:
        return False

    def on_committed(self, partition: int, callback: Callable[[], None]) -> None:
        callback()

    def get_many(self, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return [None] * len(keys)


def build_batches(records: int, *, is_same: bool) -> list[CountingBatchHandle]:
    """Build batches of e-mails with text and HTML, about 900 bytes each, with the same content or with different ones."""
    now, handles = time.time(), []
    encode = msgspec.json.Encoder().encode
    for start in range(0, records, BATCH_SIZE):
        batch_records = []
        for number in range(start, min(start + BATCH_SIZE, records)):
            notification_id, user_id = make_id("ntf_", now, number), f"u-{number}"
            delivery_id = derive_delivery_id(notification_id, user_id, "email", "a@example.org")
            text = TEXT if is_same else f"{number:07} {TEXT}"
            content = EmailContent("Your order is on its way", text, f"<p>{text}</p>")
            delivery = Delivery(delivery_id, notification_id, user_id, "email", f"{user_id}@example.org", content, now, now + 3600)
            batch_records.append(FakeRecord(number, int(now * 1000), user_id.encode(), encode(delivery)))
        handles.append(CountingBatchHandle(Batch("deliveries.email.low", 0, batch_records)))
    return handles


async def iterate_handles(handles: list[CountingBatchHandle]) -> AsyncIterator[CountingBatchHandle]:
    """Yield the batch handles, as a stream does."""
    for handle in handles:
        yield handle


def limit_calls(deliverer: Deliverer) -> None:
    """Limit the calls of the account to a million per second, more than are made."""
    client = RedisClient(os.environ["REDIS_URL"], time.monotonic, f"bench.{os.getpid()}.", 1.0)
    rate = CallRate(1e6, 500_000)
    deliverer.limit_rates(
        CallRates(RedisRateLimiter(client), lambda _: rate, time.monotonic, lambda *args: asyncio.get_running_loop().call_later(*args))
    )


async def run_to_end(deliverer: Deliverer, handles: list[CountingBatchHandle]) -> None:
    """Deliver all, and wait for what waits for permits."""
    acked = CountingBatchHandle.acked
    await deliverer.run(iterate_handles(handles))
    while CountingBatchHandle.acked - acked < len(handles):
        await asyncio.sleep(0.001)


def build_deliverer(max_per_call: int, client: HttpClient | None = None, url: str = "http://127.0.0.1:8025") -> Deliverer:
    """Build the deliverer of an e-mail worker."""
    outbox = NullOutboxTable()
    provider = SendGrid(url, "SG.key", "notifications@example.org", "Herold")
    return Deliverer(
        ProviderSet(CheckedProvider(provider, client or InstantHttpClient())),
        outbox,
        outbox,
        time.time,
        lambda *_: None,
        random,
        policy=build_retry_policy("email"),
        limits=build_concurrency_limits(max_per_call=max_per_call),
        breaker=BreakerPolicy(OpenDelays(5.0, 300.0), OpenDelays(1.0, 60.0), OpenDelays(1.0, 60.0), max_retry_after=900.0),
        waiting=WaitingLimits(4000, 4_194_304),
        profiles=MemoryProfileReader(),
        evidence=MemoryHistory(),
        reconciliation=ReconciliationPolicy({"high": 20.0, "medium": 120.0, "low": 600.0}),
    )


def measure(records: int, max_per_call: int, *, is_same: bool, profile: cProfile.Profile | None = None) -> float:
    """CPU microseconds per e-mail."""
    handles, deliverer = build_batches(records, is_same=is_same), build_deliverer(max_per_call)
    if "--rate" in sys.argv:
        limit_calls(deliverer)
    gc.collect()
    acked, started_at = CountingBatchHandle.acked, time.process_time()
    if profile:
        profile.runcall(asyncio.run, run_to_end(deliverer, handles))
    else:
        asyncio.run(run_to_end(deliverer, handles))
    cpu_seconds = time.process_time() - started_at
    assert CountingBatchHandle.acked - acked == len(handles)
    return cpu_seconds / records * 1e6


CASES = {
    "delivery_step_us": partial(measure, max_per_call=1, is_same=False),
    "different_contents_us": partial(measure, max_per_call=500, is_same=False),
    "same_content_us": partial(measure, max_per_call=500, is_same=True),
}


def main() -> None:
    """Measure, and print the figures or a profile."""
    records = int(next((word for word in sys.argv[1:] if word.isdigit()), 50_000))
    gc.collect()  # as a worker does at the end of its start
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    if "--profile" in sys.argv:
        profile = cProfile.Profile()
        CASES[next((word for word in sys.argv[1:] if word in CASES), "delivery_step_us")](records, profile=profile)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return
    calibrations, figures = [], dict.fromkeys(CASES, float("inf"))
    for _ in range(TURNS):
        calibrations += [measure_calibration() for _ in range(3)]
        for name, run in CASES.items():
            figures[name] = min(figures[name], run(records))
    shown = {name: round(value, 1) for name, value in figures.items()}
    print(json.dumps({**shown, "records": records, "calibration_ms": round(statistics.median(calibrations) * 1000, 2)}))


if __name__ == "__main__":
    main()
