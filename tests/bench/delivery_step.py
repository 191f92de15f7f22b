"""Measures the delivery step without HTTP and Kafka: CPU microseconds per e-mail, with a client that responds at once.

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
from schemas.http import HttpRequest, HttpResponse, HttpResult
from schemas.ids import derive_delivery_id, make_id
from schemas.ports import Batch, Header
from tables.redis.client import RedisClient
from tables.redis.rate_limiter import RedisRateLimiter
from tests.bench.cpu_meter import measure_calibration
from tests.fakes import FakeRecord
from tests.memory_stores import MemoryHistory, MemoryProfileReader
from tests.settings_builders import build_concurrency_limits, build_retry_policy

BATCH_SIZE = 128
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
    def stage_row(self, partition: int, key: bytes, row: bytes | None) -> None: ...

    def is_full(self, partition: int) -> bool:
        return False

    def on_committed(self, partition: int, callback: Callable[[], None]) -> None:
        callback()

    def get_many(self, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return [None] * len(keys)


def build_batches(records: int) -> list[CountingBatchHandle]:
    """Build batches of distinct e-mails with text and HTML, about 900 bytes each."""
    now, handles = time.time(), []
    encode = msgspec.json.Encoder().encode
    for start in range(0, records, BATCH_SIZE):
        batch_records = []
        for number in range(start, min(start + BATCH_SIZE, records)):
            notification_id, user_id = make_id("ntf_", now, number), f"u-{number}"
            delivery_id = derive_delivery_id(notification_id, user_id, "email", "a@example.org")
            content = EmailContent("Your order is on its way", TEXT, f"<p>{TEXT}</p>")
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
    await deliverer.run(iterate_handles(handles))
    while CountingBatchHandle.acked < len(handles):
        await asyncio.sleep(0.001)


def main() -> None:
    """Measure, and print the figures or a profile."""
    records = int(next((word for word in sys.argv[1:] if word.isdigit()), 50_000))
    handles, outbox = build_batches(records), NullOutboxTable()
    provider = SendGrid("http://127.0.0.1:8025", "SG.key", "notifications@example.org", "Herold")
    deliverer = Deliverer(
        ProviderSet(CheckedProvider(provider, InstantHttpClient())),
        outbox,
        outbox,
        time.time,
        lambda *_: None,
        random,
        policy=build_retry_policy("email"),
        limits=build_concurrency_limits(),
        breaker=BreakerPolicy(OpenDelays(5.0, 300.0), OpenDelays(1.0, 60.0), OpenDelays(1.0, 60.0), max_retry_after=900.0),
        waiting=WaitingLimits(4000, 4_194_304),
        profiles=MemoryProfileReader(),
        evidence=MemoryHistory(),
        reconciliation=ReconciliationPolicy({"high": 20.0, "medium": 120.0, "low": 600.0}),
    )
    if "--rate" in sys.argv:
        limit_calls(deliverer)
    profile = cProfile.Profile() if "--profile" in sys.argv else None
    gc.collect()  # as a worker does at the end of its start
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    calibrations = [measure_calibration() for _ in range(5)]
    started_at = time.process_time()
    if profile:
        profile.runcall(asyncio.run, run_to_end(deliverer, handles))
    else:
        asyncio.run(run_to_end(deliverer, handles))
    cpu_seconds = time.process_time() - started_at
    calibrations += [measure_calibration() for _ in range(5)]
    assert CountingBatchHandle.acked == len(handles)
    if profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
    figures = {"delivery_step_us": round(cpu_seconds / records * 1e6, 1), "records": records}
    print(json.dumps({**figures, "calibration_ms": round(statistics.median(calibrations) * 1000, 2)}))


if __name__ == "__main__":
    main()
