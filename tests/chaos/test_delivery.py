"""Delivery workers killed in mid-batch, beside hosts that hang and under a backlog; the twins' ledger is the judge."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from schemas.delivery import Delivery
from schemas.ids import partition_of
from schemas.status import Status
from schemas.topics import STATUS, deliveries
from schemas.words import Channel, Lane, StatusName
from tables import attempts
from tests import kafka_log
from tests.deliveries import a_delivery
from tests.stand import PARTITIONS, Stand, until

CALLS = 64
GROUP = 256  # records and rows of a group of results

encode = msgspec.json.Encoder().encode


def fresh(channel: Channel, number: int, address: str) -> Delivery:
    now = time.time()
    return a_delivery(channel, number, address=address, created_at=now, expires_at=now + 600)


async def put(stand: Stand, lane: Lane, given: Iterable[Delivery]) -> None:
    """Write deliveries as the router does: each on its user's partition."""
    async with AIOKafkaProducer(bootstrap_servers=stand.urls.kafka) as producer:
        sent = [
            await producer.send(
                stand.prefix + deliveries(one.channel, lane),
                encode(one),
                key=one.user_id.encode(),
                partition=partition_of(one.user_id, PARTITIONS),
            )
            for one in given
        ]
        await asyncio.gather(*sent)


async def ended(log: kafka_log.Log, stand: Stand) -> dict[str, set[StatusName]]:
    """The statuses that each delivery was said to have."""
    found: dict[str, set[StatusName]] = {}
    async for record in log.records([stand.prefix + STATUS]):
        event = msgspec.json.decode(record.value, type=Status)
        found.setdefault(event.delivery_id, set()).add(event.status)
    return found


async def proven(log: kafka_log.Log, stand: Stand) -> set[str]:
    """The deliveries that have a row in the table of attempts."""
    return {f"dlv_{record.key.hex()}" async for record in log.records([f"{stand.prefix}email-{attempts.NAME}-changelog"])}


@pytest.mark.slow
async def test_a_worker_killed_in_mid_batch_loses_nothing_and_repeats_only_what_no_row_proves(stand: Stand) -> None:
    mails = [fresh("email", number, f"n{number}@example.org") for number in range(6000)]
    stand.env.update(HEROLD_DELIVERY_CALLS=str(CALLS), HEROLD_DELIVERY_CALLS_HIGH="16", HEROLD_DELIVERY_LINGER_RECORDS=str(GROUP))
    async with asyncio.timeout(300), kafka_log.reader(stand.urls.kafka) as log:
        await asyncio.gather(stand.twins(), stand.worker("email"))
        await put(stand, "low", mails)
        await stand.until_asked(1500)
        stand.kill("email")
        asked_before = stand.ledger()["requests"]
        rows = await proven(log, stand)
        assert 0 < len(rows) < asked_before < len(mails), "the kill did not come in mid-batch"
        await stand.worker("email")
        await until(lambda: all_acknowledged(log, stand, "low"), 150, "all deliveries acknowledged", every=0.1)
        statuses = await ended(log, stand)
    asked = Counter(entry["delivery"] for entry in stand.entries())
    doubled = {an_id: calls for an_id, calls in asked.items() if calls > 1}
    print(f"killed at {asked_before} requests and {len(rows)} rows: {len(doubled)} asked for again")
    assert set(asked) == {mail.id for mail in mails}
    assert not rows & set(doubled)
    assert sum(asked.values()) - len(mails) <= CALLS + GROUP
    assert statuses == {mail.id: {StatusName.SENT} for mail in mails}


async def all_acknowledged(log: kafka_log.Log, stand: Stand, lane: Lane) -> bool:
    return await log.left(f"{stand.prefix}email", [stand.prefix + deliveries("email", lane)]) == 0


@pytest.mark.slow
async def test_a_host_that_hangs_holds_up_no_other(stand: Stand) -> None:
    stand.env.update(HEROLD_DELIVERY_READ_TIMEOUT="600", HEROLD_DELIVERY_CALLS_PER_HOST="50")
    hanging = [fresh("webhook", number, stand.url("hanging", f"/hooks/hang/{number}")) for number in range(300)]
    others = [fresh("webhook", number, stand.url("twins", f"/hooks/shop/{number}")) for number in range(300, 600)]
    async with asyncio.timeout(300), kafka_log.reader(stand.urls.kafka) as log:
        await asyncio.gather(stand.twins(), stand.twins("hanging"), stand.worker("webhook"))
        await put(stand, "low", [one for pair in zip(hanging, others, strict=True) for one in pair])
        await stand.until_asked(50, "hanging")
        await until(lambda: said(log, stand, len(others)), 150, "the other host's deliveries")
        statuses = await ended(log, stand)
    stand.kill("webhook")  # it would wait for the calls that hang
    assert statuses == {one.id: {StatusName.DELIVERED} for one in others}
    assert stand.ledger("hanging")["requests"] == 50


async def said(log: kafka_log.Log, stand: Stand, least: int) -> bool:
    return sum((await log.ends([stand.prefix + STATUS])).values()) >= least


@pytest.mark.slow
async def test_the_high_lane_passes_a_low_backlog(stand: Stand) -> None:
    stand.env.update(HEROLD_DELIVERY_CALLS="16", HEROLD_DELIVERY_CALLS_HIGH="4")
    low = [fresh("email", number, f"slow@s{number}.example.org") for number in range(2000)]
    high = [fresh("email", number, f"n{number}@example.org") for number in range(2000, 2040)]
    async with asyncio.timeout(300):
        await asyncio.gather(stand.twins(), stand.worker("email"))
        await put(stand, "low", low)
        await stand.until_asked(12)
        await put(stand, "high", high)
        wanted = {one.id for one in high}
        await until(lambda: asyncio.to_thread(all_asked, stand, wanted), 150, "the high lane's calls")
    asked = {entry["delivery"] for entry in stand.entries()}
    stand.kill("email")  # it would wait for the slow ones in flight
    # 12 calls of a second each leave the backlog all but whole; without its share the high lane would come last
    assert len(asked - wanted) < len(low) // 2


def all_asked(stand: Stand, wanted: set[str]) -> bool:
    return wanted <= {entry["delivery"] for entry in stand.entries()}
