"""What the delivery step costs without HTTP and Kafka: CPU microseconds per e-mail, with a client that answers at once.

Prints one JSON object; `calibration_ms` is the time of the fixed piece of work that all benches share, so that figures compare.
Run: python tests/bench/delivery_step.py [records] [--profile]
"""

import asyncio
import cProfile
import gc
import json
import pstats
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple

import msgspec

from agents.delivery import Deliverer
from agents.providers.sendgrid import SendGrid
from schemas.content import EmailContent
from schemas.delivery import Delivery
from schemas.delivery_policy import ConcurrencyLimits, RetryPolicy
from schemas.ids import derive_delivery_id, make_id
from schemas.ports import Batch, Header, HttpRequest, HttpResponse, HttpResult

BATCH_SIZE = 128
TEXT = "Dear Alex,\n\nyour order 17 has left our house and should reach you tomorrow.\n\nWith kind regards\nThe Example Shop\n" * 2
ACCEPTED = HttpResponse(202, {b"x-message-id": b"14c5d75ce93.dfd.64b469.filter0001"}, b"")


class FakeRecord(NamedTuple):
    """A record as the consumer gives it."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes
    headers: tuple[Header, ...] = ()


class CountingBatchHandle:
    """A batch that counts its acknowledgements."""

    acked = 0

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def ack(self) -> None:
        CountingBatchHandle.acked += 1

    def release(self) -> None:
        raise AssertionError("it has an end here")


class InstantHttpClient:
    """An HTTP client that accepts everything before `send` returns."""

    def send(self, request: HttpRequest, on_result: Callable[[HttpResult], None]) -> None:
        on_result(ACCEPTED)


class NullOutboxTable:
    """An outbox and a table that keep nothing."""

    name = "attempts"

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None: ...
    def stage_row(self, partition: int, key: bytes, row: bytes | None) -> None: ...

    is_full = False

    def on_committed(self, callback: Callable[[], None]) -> None:
        callback()

    def get_many(self, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return [None] * len(keys)


def build_batches(records: int) -> list[CountingBatchHandle]:
    """Batches of distinct e-mails with text and HTML, about 900 bytes each."""
    now, made = time.time(), []
    encode = msgspec.json.Encoder().encode
    for start in range(0, records, BATCH_SIZE):
        stored = []
        for number in range(start, min(start + BATCH_SIZE, records)):
            notification, user = make_id("ntf_", now, number), f"u-{number}"
            an_id = derive_delivery_id(notification, user, "email", "a@example.org")
            content = EmailContent("Your order is on its way", TEXT, f"<p>{TEXT}</p>")
            delivery = Delivery(an_id, notification, user, "email", f"{user}@example.org", content, now, now + 3600)
            stored.append(FakeRecord(number, int(now * 1000), user.encode(), encode(delivery)))
        made.append(CountingBatchHandle(Batch("deliveries.email.low", 0, stored)))
    return made


def measure_calibration() -> float:
    """CPU seconds of a fixed piece of work, as in the bench of the whole pipeline."""
    began, found = time.thread_time(), {}
    for number in range(4000):
        found[str(number)] = (number, [number])
    json.loads(json.dumps(found))
    return time.thread_time() - began


async def iterate_batches(held: list[CountingBatchHandle]) -> AsyncIterator[CountingBatchHandle]:
    """The batches as an agent gets them."""
    for one in held:
        yield one


def main() -> None:
    """Measure, and print the figures or a profile."""
    records = int(next((word for word in sys.argv[1:] if word.isdigit()), 50_000))
    held, nothing = build_batches(records), NullOutboxTable()
    provider = SendGrid("http://127.0.0.1:8025", "SG.key", "notifications@example.org", "Herold")
    deliverer = Deliverer(
        provider, InstantHttpClient(), nothing, nothing, time.time, lambda *_: None, policy=RetryPolicy(), limits=ConcurrencyLimits()
    )
    profile = cProfile.Profile() if "--profile" in sys.argv else None
    gc.collect()  # as a worker does when it is ready
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    before = [measure_calibration() for _ in range(5)]
    began = time.process_time()
    if profile:
        profile.runcall(asyncio.run, deliverer.run(iterate_batches(held)))
    else:
        asyncio.run(deliverer.run(iterate_batches(held)))
    spent = time.process_time() - began
    after = [measure_calibration() for _ in range(5)]
    assert CountingBatchHandle.acked == len(held)
    if profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
    figures = {"delivery_step_us": round(spent / records * 1e6, 1), "records": records}
    print(json.dumps({**figures, "calibration_ms": round(statistics.median(before + after) * 1000, 2)}))


if __name__ == "__main__":
    main()
