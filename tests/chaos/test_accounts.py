"""A provider that rejects, throttles or fails under load: no dead letter, few calls meanwhile, and all is sent when it heals."""

import asyncio
from collections import Counter

import pytest

from schemas.topics import DEAD_LETTER_TOPIC
from tests import topic_reader
from tests.chaos.test_credentials import read_log_events, wait_until_all_are_sent
from tests.chaos.test_delivery import build_current_delivery, produce_deliveries
from tests.cluster import HeroldCluster

COUNT, MAX_CALLS, SECONDS = 3000, 16, 12
PROBE_DELAY = 1.4  # seconds; a delay is at least three quarters of it
FAST = {
    "HEROLD_DELIVERY_MAX_CONCURRENT_CALLS": str(MAX_CALLS),
    "HEROLD_DELIVERY_RESERVED_CALLS_HIGH": "0",
    **{f"HEROLD_DELIVERY_ACCOUNT_PROBE_DELAY{end}": str(PROBE_DELAY) for end in ("", "_MAX")},
    **{f"HEROLD_BREAKER_OPEN_DELAY{end}": str(PROBE_DELAY) for end in ("", "_MAX")},
}
OPENED = {401: "delivery.account_paused", 429: "delivery.breaker_opened", 503: "delivery.breaker_opened"}


@pytest.mark.slow
@pytest.mark.parametrize(("status", "fields"), [(401, {}), (429, {"retry_after": "6"}), (429, {"retry_after": "tomorrow"}), (503, {})])
async def test_a_provider_that_is_sick_for_a_while_costs_no_delivery(cluster: HeroldCluster, status: int, fields: dict[str, str]) -> None:
    mails = [build_current_delivery("email", number, f"n{number}@example.org") for number in range(COUNT)]
    cluster.env.update(FAST)
    async with asyncio.timeout(280), topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        await asyncio.gather(cluster.start_simulators(), cluster.start_worker("email"), cluster.start_worker("scheduler"))
        cluster.switch_fault_on("sendgrid", status=status, seconds=SECONDS, **fields)
        await produce_deliveries(cluster, "medium", mails)
        await wait_until_all_are_sent(reader, cluster, {mail.id for mail in mails})
    requests = list(cluster.fetch_request_log())
    accepted = Counter(entry["delivery_id"] for entry in requests if entry["status"] == 202)
    failed = [entry for entry in requests if entry["status"] != 202]
    assert accepted == Counter(mail.id for mail in mails)
    assert await cluster.count_records(DEAD_LETTER_TOPIC) == 0
    assert {entry["status"] for entry in failed} == {status}
    # those in flight when it opens, also after the first ones have failed, and then at most one call in a second
    calls = {entry["at"] for entry in failed}  # the recipients of a call have one time
    assert len(calls) <= 2 * MAX_CALLS + SECONDS
    opened, closed = read_log_events(cluster, "email", OPENED[status]), read_log_events(cluster, "email", "delivery.breaker_closed")
    assert len(opened) == 1
    assert len(closed) == (status != 401)
    assert cluster.read_metric("email", "herold_paused_accounts") == 0
