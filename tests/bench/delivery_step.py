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
from schemas.ids import delivery_id, new_id
from schemas.policies import CallLimits, RetryPolicy
from schemas.ports import Answer, Answered, Batch, Header, Prepared

BATCH = 128
TEXT = "Dear Alex,\n\nyour order 17 has left our house and should reach you tomorrow.\n\nWith kind regards\nThe Example Shop\n" * 2
ACCEPTED = Answered(202, {b"x-message-id": b"14c5d75ce93.dfd.64b469.filter0001"}, b"")


class Stored(NamedTuple):
    """A record as the consumer gives it."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes
    headers: tuple[Header, ...] = ()


class Held:
    """A batch that counts its acknowledgements."""

    acked = 0

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def ack(self) -> None:
        Held.acked += 1

    def let_go(self) -> None:
        raise AssertionError("it has an end here")


class Instant:
    """An HTTP client that accepts everything before `send` returns."""

    def send(self, prepared: Prepared, on_answer: Callable[[Answer], None]) -> None:
        on_answer(ACCEPTED)


class Nothing:
    """An outbox and a table that keep nothing."""

    name = "attempts"

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> None: ...
    def put(self, partition: int, key: bytes, row: bytes | None) -> None: ...

    crowded = False

    def when_committed(self, done: Callable[[], None]) -> None:
        done()

    def get_many(self, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return [None] * len(keys)


def batches(records: int) -> list[Held]:
    """Batches of distinct e-mails with text and HTML, about 900 bytes each."""
    now, made = time.time(), []
    encode = msgspec.json.Encoder().encode
    for start in range(0, records, BATCH):
        stored = []
        for number in range(start, min(start + BATCH, records)):
            notification, user = new_id("ntf_", now, number), f"u-{number}"
            an_id = delivery_id(notification, user, "email", "a@example.org")
            content = EmailContent("Your order is on its way", TEXT, f"<p>{TEXT}</p>")
            delivery = Delivery(an_id, notification, user, "email", f"{user}@example.org", content, now, now + 3600)
            stored.append(Stored(number, int(now * 1000), user.encode(), encode(delivery)))
        made.append(Held(Batch("deliveries.email.low", 0, stored)))
    return made


def calibration() -> float:
    """CPU seconds of a fixed piece of work, as in the bench of the whole pipeline."""
    began, found = time.thread_time(), {}
    for number in range(4000):
        found[str(number)] = (number, [number])
    json.loads(json.dumps(found))
    return time.thread_time() - began


async def given(held: list[Held]) -> AsyncIterator[Held]:
    """The batches as an agent gets them."""
    for one in held:
        yield one


def main() -> None:
    """Measure, and print the figures or a profile."""
    records = int(next((word for word in sys.argv[1:] if word.isdigit()), 50_000))
    held, nothing = batches(records), Nothing()
    provider = SendGrid("http://127.0.0.1:8025", "SG.key", "notifications@example.org", "Herold")
    deliverer = Deliverer(provider, Instant(), nothing, nothing, time.time, lambda *_: None, policy=RetryPolicy(), limits=CallLimits())
    profile = cProfile.Profile() if "--profile" in sys.argv else None
    gc.collect()  # as a worker does when it is ready
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    before = [calibration() for _ in range(5)]
    began = time.process_time()
    if profile:
        profile.runcall(asyncio.run, deliverer.run(given(held)))
    else:
        asyncio.run(deliverer.run(given(held)))
    spent = time.process_time() - began
    after = [calibration() for _ in range(5)]
    assert Held.acked == len(held)
    if profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
    figures = {"delivery_step_us": round(spent / records * 1e6, 1), "records": records}
    print(json.dumps({**figures, "calibration_ms": round(statistics.median(before + after) * 1000, 2)}))


if __name__ == "__main__":
    main()
