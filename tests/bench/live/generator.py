"""The load generator: sends single notifications, over HTTP or Kafka, in a closed loop or on a schedule that does not wait for answers.

Run: python -m tests.bench.live.generator. It reads a load from its input and prints two events and the result, one JSON object per line.
"""

import asyncio
import gc
import sys
import time

import msgspec
import uvloop

from tests.bench.live.http_sender import HttpSender
from tests.bench.live.kafka_sender import KafkaSender
from tests.bench.live.messages import Load, LoadEvent, LoadResult, write_message
from tests.bench.live.send_log import LoadError, SendLog

MIN_SLEEP = 0.001  # seconds, the resolution of uvloop's timers: a shorter sleep would be none, and a loop of those takes a whole core
CHECK_INTERVAL = 0.05  # seconds


async def run_load(load: Load) -> LoadResult:
    """Send the notifications. Raises LoadError, also if they are not all confirmed."""
    gc.freeze()
    gc.disable()  # the memory is bounded by the count
    log = SendLog(load.first_number)
    sender = HttpSender(load, log) if load.gateway else KafkaSender(load, log)
    await sender.start()
    try:
        if isinstance(sender, HttpSender) and load.clients:
            await run_closed_loop(load, sender, log)
        else:
            await run_schedule(load, sender, log)
        write_message(LoadEvent("sent"))
        deadline = time.monotonic() + load.answer_timeout
        while log.has_pending():
            if time.monotonic() > deadline:
                raise LoadError(f"{log.pending} notifications are not confirmed after {load.answer_timeout:.0f} s")
            await asyncio.sleep(CHECK_INTERVAL)
    finally:
        await sender.close()
    return log.build_result()


async def run_closed_loop(load: Load, sender: HttpSender, log: SendLog) -> None:
    """Keep one notification in flight for each client."""
    write_message(LoadEvent("measuring"))
    end = time.monotonic() + load.seconds

    def add_next() -> int | None:
        now = time.monotonic()
        return log.add(now) if now < end else None

    sender.start_closed_loop(add_next)
    while time.monotonic() < end:
        log.has_pending()
        await asyncio.sleep(CHECK_INTERVAL)


async def run_schedule(load: Load, sender: HttpSender | KafkaSender, log: SendLog) -> None:
    """Send each notification when it is due, whether the ones before are answered or not."""
    log.warm_up_count = round(load.rate * load.warm_up_seconds)
    count, started_at = log.warm_up_count + round(load.rate * load.seconds), time.monotonic()
    for index in range(count):
        due = started_at + index / load.rate
        await _sleep_until(due)
        if index == log.warm_up_count:
            write_message(LoadEvent("measuring"))
        log.has_pending()
        await sender.send(log.add(due))
    await _sleep_until(started_at + count / load.rate)


async def _sleep_until(due: float) -> None:
    delay = due - time.monotonic()
    if delay > 0:
        await asyncio.sleep(max(delay, MIN_SLEEP))


if __name__ == "__main__":
    write_message(uvloop.run(run_load(msgspec.json.decode(sys.stdin.readline(), type=Load))))
