"""Credentials that are revoked and restored while deliveries wait in Kafka: nothing is lost, nothing becomes a dead letter."""

import asyncio
import json
from collections import Counter

import pytest

from schemas.enums import Status
from schemas.topics import DEAD_LETTER_TOPIC
from tests import topic_reader
from tests.chaos.test_delivery import build_current_delivery, produce_deliveries, read_statuses
from tests.cluster import HeroldCluster, wait_until

FAST_PROBES = {"HEROLD_DELIVERY_ACCOUNT_PROBE_DELAY": "0.2", "HEROLD_DELIVERY_ACCOUNT_PROBE_DELAY_MAX": "0.4"}
MAX_CALLS = 16
DRAIN_TIMEOUT_MESSAGE = "batches were not acknowledged within"


def read_log_events(cluster: HeroldCluster, name: str, event: str) -> list[dict[str, object]]:
    """Read the log lines of a worker with this event."""
    lines = [line for line in cluster.get_log_path(name).read_text().splitlines() if f'"{event}"' in line]
    return [json.loads(line) for line in lines]


async def wait_until_all_are_sent(reader: topic_reader.TopicReader, cluster: HeroldCluster, ids: set[str]) -> None:
    async def are_sent() -> bool:
        statuses = await read_statuses(reader, cluster)
        return {delivery_id for delivery_id, found in statuses.items() if Status.SENT in found} == ids

    await wait_until(are_sent, 150, "all deliveries are SENT", interval=0.3)


@pytest.mark.slow
async def test_deliveries_wait_while_a_key_is_revoked_and_are_all_sent_once_after_it(cluster: HeroldCluster) -> None:
    mails = [build_current_delivery("email", number, f"n{number}@example.org") for number in range(3000)]
    texts = [build_current_delivery("sms", number, f"+49170{number:07}") for number in range(100)]
    cluster.env.update(FAST_PROBES, HEROLD_DELIVERY_MAX_CONCURRENT_CALLS=str(MAX_CALLS), HEROLD_DELIVERY_RESERVED_CALLS_HIGH="0")
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        await asyncio.gather(cluster.start_simulators(), cluster.start_worker("email"), cluster.start_worker("sms"))
        cluster.change_credentials("sendgrid", "revoke")
        await produce_deliveries(cluster, "medium", [*mails, *texts])
        await cluster.wait_for_metric("email", "herold_paused_accounts", 1)
        await wait_until_all_are_sent(reader, cluster, {text.id for text in texts})  # another account goes on
        rejected = cluster.fetch_request_counts()["by_status"]["401"]
        await cluster.start_worker("email", "email-2")  # a rebalance
        await cluster.wait_for_metric("email-2", "herold_paused_accounts", 1)
        for name in ("email", "email-2"):
            assert await cluster.stop_process(name) == 0
            assert DRAIN_TIMEOUT_MESSAGE not in cluster.get_log_path(name).read_text(), "it waited for deliveries of the paused account"
        await cluster.start_worker("email")  # replays what was not acknowledged
        await cluster.wait_for_metric("email", "herold_paused_accounts", 1)
        cluster.change_credentials("sendgrid", "restore")
        await wait_until_all_are_sent(reader, cluster, {delivery.id for delivery in (*mails, *texts)})
        assert cluster.read_metric("email", "herold_paused_accounts") == 0
        accepted = Counter(entry["delivery_id"] for entry in cluster.fetch_request_log() if entry["status"] == 202)
    assert accepted == Counter(mail.id for mail in mails)
    assert rejected < MAX_CALLS + 60, "the account was not paused"
    assert await cluster.count_records(DEAD_LETTER_TOPIC) == 0
    pauses, resumptions = (read_log_events(cluster, "email", f"delivery.account_{word}") for word in ("paused", "resumed"))
    assert (len(pauses), len(resumptions)) == (2, 1)  # of two processes; the first one was stopped during its pause
