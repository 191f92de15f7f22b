"""Calls for several e-mails on real workers: one is bad, the worker is killed in mid-call, answers are lost, receipts come for each."""

import asyncio
import json
import time
from collections import Counter

import pytest

from schemas.enums import Outcome, Status
from tests import topic_reader
from tests.chaos.test_delivery import build_current_delivery, has_no_lag, produce_deliveries, read_attempt_rows, read_statuses
from tests.chaos.test_unanswered_calls import wait_for_ends
from tests.cluster import HeroldCluster, wait_until

PER_CALL = 50
FULL_CALLS = 4
MAX_GROUP_RECORDS = 256  # outputs and rows that the worker commits together
MAX_CALLS = 64


def limit_calls(cluster: HeroldCluster) -> None:
    cluster.env.update(
        HEROLD_DELIVERY_MAX_DELIVERIES_PER_CALL=str(PER_CALL),
        HEROLD_DELIVERY_MAX_CONCURRENT_CALLS=str(MAX_CALLS),
        HEROLD_DELIVERY_RESERVED_CALLS_HIGH="16",
        HEROLD_DELIVERY_LINGER_MAX_RECORDS=str(MAX_GROUP_RECORDS),
    )


@pytest.mark.slow
async def test_a_worker_killed_in_mid_call_loses_nothing_and_repeats_no_more_than_its_calls(cluster: HeroldCluster) -> None:
    # the last ones take a second for each call, so that the worker is in the middle of some when it is killed
    addresses = [f"{'slow' if number >= 3000 else 'fast'}@n{number}.example.org" for number in range(6000)]
    mails = [build_current_delivery("email", number, address) for number, address in enumerate(addresses)]
    limit_calls(cluster)
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        await asyncio.gather(cluster.start_simulators(), cluster.start_worker("email"))
        await produce_deliveries(cluster, "low", mails)
        await cluster.wait_for_requests(3300)
        cluster.kill_process("email")
        requests_before = cluster.fetch_request_counts()["requests"]
        rows = await read_attempt_rows(reader, cluster)
        assert 0 < len(rows) < requests_before < len(mails), "the worker was not killed during a batch"
        await cluster.start_worker("email")
        await wait_until(lambda: has_no_lag(reader, cluster, "low"), 150, "all deliveries are committed", interval=0.1)
        statuses = await read_statuses(reader, cluster)
        await cluster.wait_for_metric("email", "herold_batch_calls_total", 1)
    requests = Counter(entry["delivery_id"] for entry in cluster.fetch_request_log())
    repeated = {delivery_id for delivery_id, count in requests.items() if count > 1}
    print(f"killed at {requests_before} requests and {len(rows)} rows: {len(repeated)} requests repeated")
    assert set(requests) == {mail.id for mail in mails}
    assert repeated, "the worker was not killed in mid-call"
    assert not rows & repeated
    assert requests.total() - len(mails) <= MAX_CALLS + FULL_CALLS * PER_CALL + MAX_GROUP_RECORDS
    assert statuses == {mail.id: {Status.SENT} for mail in mails}


@pytest.mark.slow
async def test_bad_recipients_are_rejected_alone_and_the_others_are_sent_exactly_once(cluster: HeroldCluster) -> None:
    bad = {37, 38, 512, 1499}
    mails = [
        build_current_delivery("email", number, f"{'bounce' if number in bad else 'n'}+{number}@example.org") for number in range(1500)
    ]
    limit_calls(cluster)
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        await produce_deliveries(cluster, "low", mails)
        await asyncio.gather(cluster.start_simulators(), cluster.start_worker("email"))
        events = await wait_for_ends(reader, cluster, len(mails))
        calls = cluster.read_metric("email", "herold_batch_calls_total")
    accepted = Counter(entry["delivery_id"] for entry in cluster.fetch_request_log() if entry["status"] == 202)
    assert accepted == {one.id: 1 for number, one in enumerate(mails) if number not in bad}
    assert {events[mails[number].id][-1].outcome for number in bad} == {Outcome.REJECTED_RECIPIENT}
    assert all(len(found) == 1 for found in events.values()), "one attempt each"
    assert 0 < calls < len(mails) / 5


@pytest.mark.slow
async def test_of_calls_without_an_answer_each_delivery_is_found_by_its_own_receipt(cluster: HeroldCluster) -> None:
    count = 60
    mails = [build_current_delivery("email", number, f"drop+{number}@example.org") for number in range(count)]
    limit_calls(cluster)
    cluster.env["HEROLD_DELIVERY_UNANSWERED_GRACE_LOW"] = "6"
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        await produce_deliveries(cluster, "low", mails)
        workers = (cluster.start_worker(role) for role in ("email", "scheduler", "recorder"))
        await asyncio.gather(cluster.start_gateway(), cluster.start_simulators(with_callbacks=True), *workers)
        events = await wait_for_ends(reader, cluster, count)
        calls = cluster.read_metric("email", "herold_batched_deliveries_total")
    requests = Counter(entry["delivery_id"] for entry in cluster.fetch_request_log())
    assert requests == {one.id: 1 for one in mails}, "none is sent again that a receipt tells of"
    assert {(events[one.id][-1].status, events[one.id][-1].reason) for one in mails} == {(Status.DELIVERED, "found_by_receipt")}
    assert calls > count / 4


@pytest.mark.slow
async def test_receipts_find_the_deliveries_of_a_call_for_several(cluster: HeroldCluster) -> None:
    count = 100
    words = {0: "bounced", 1: "complained"}
    mails = [build_current_delivery("email", number, f"{words.get(number % 10, 'n')}+{number}@example.org") for number in range(count)]
    limit_calls(cluster)
    async with asyncio.timeout(300):
        await produce_deliveries(cluster, "low", mails)
        workers = (cluster.start_worker(role) for role in ("email", "recorder"))
        await asyncio.gather(cluster.start_gateway(), cluster.start_simulators(with_callbacks=True), *workers)
        expected = {"BOUNCED": count // 10, "UNSUBSCRIBED": count // 10, "DELIVERED": count * 8 // 10}

        async def are_reported() -> bool:
            return await count_statuses(cluster) == expected

        await wait_until(are_reported, 120, "each delivery has its own receipt", interval=0.2)
        ids = await cluster.fetch_value("select count(distinct provider_message_id) from deliveries")
    assert ids < count / 2, "they were in calls for several"


async def count_statuses(cluster: HeroldCluster) -> dict[str, int]:
    counts = "select status, count(*) as n from deliveries group by status"
    found: dict[str, int] = json.loads(
        await cluster.fetch_value(f"select coalesce(json_object_agg(status, n), '{{}}')::text from ({counts}) c")
    )
    return found


@pytest.mark.slow
async def test_a_provider_that_throttles_and_fails_gets_each_e_mail_once(cluster: HeroldCluster) -> None:
    mails = [build_current_delivery("email", number, f"n{number}@example.org") for number in range(3000)]
    limit_calls(cluster)
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        await asyncio.gather(cluster.start_simulators(), cluster.start_worker("email"), cluster.start_worker("scheduler"))
        cluster.switch_fault_on("sendgrid", status=429, seconds=5)
        await produce_deliveries(cluster, "low", mails)
        began_at = time.time()
        events = await wait_for_ends(reader, cluster, len(mails))
        print(f"all are sent after {time.time() - began_at:.1f} s")
    accepted = Counter(entry["delivery_id"] for entry in cluster.fetch_request_log() if entry["status"] == 202)
    assert accepted == {one.id: 1 for one in mails}
    assert {found[-1].status for found in events.values()} == {Status.SENT}
    assert any(event.outcome is Outcome.THROTTLED for found in events.values() for event in found)
