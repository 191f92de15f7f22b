"""A delivery worker that hangs past its session while calls are in flight: the history and the metric have each call once."""

import asyncio
import signal
from collections import Counter

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from schemas.topics import STATUS_TOPIC
from tests import topic_reader
from tests.chaos.test_delivery import build_current_delivery, has_no_lag, produce_deliveries
from tests.cluster import HeroldCluster, wait_until

COUNT = 400
MAX_CALLS = 64


async def wait_until_dropped(cluster: HeroldCluster, role: str) -> None:
    """Wait until the group of a role has no member."""
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.urls.kafka)
    await admin.start()

    async def has_no_member() -> bool:
        (response,) = await admin.describe_consumer_groups([cluster.prefix + role])
        ((_, _, _, _, _, members, *_),) = response.groups
        return not members

    try:
        await wait_until(has_no_member, 60, f"the group of {role} has no member", interval=0.1)
    finally:
        await admin.close()


async def count_logged_calls(cluster: HeroldCluster) -> Counter[str]:
    """Count the attempts of each delivery in the history."""
    connection = await asyncpg.connect(cluster.urls.database)
    try:
        rows = await connection.fetch("select delivery_id, count(*) from delivery_logs where outcome <> '' group by delivery_id")
    finally:
        await connection.close()
    return Counter({f"dlv_{delivery_id.hex}": count for delivery_id, count in rows})


@pytest.mark.slow
@pytest.mark.parametrize("has_successor", [False, True])
async def test_each_call_of_a_worker_that_hangs_past_its_session_is_reported_once(cluster: HeroldCluster, has_successor: bool) -> None:
    mails = [build_current_delivery("email", number, f"slow@s{number}.example.org") for number in range(COUNT)]
    cluster.env.update(HEROLD_DELIVERY_MAX_CONCURRENT_CALLS=str(MAX_CALLS), HEROLD_DELIVERY_RESERVED_CALLS_HIGH="0")
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        await asyncio.gather(cluster.start_simulators(), cluster.start_worker("email"), cluster.start_worker("recorder"))
        await produce_deliveries(cluster, "low", mails)
        await cluster.wait_for_requests(MAX_CALLS // 2)
        cluster.processes["email"].send_signal(signal.SIGSTOP)
        try:
            if has_successor:  # it is ready when it has the partitions, and calls again for what the first worker has not recorded
                await cluster.start_worker("email", "email-2")
            else:
                await wait_until_dropped(cluster, "email")
        finally:
            cluster.processes["email"].send_signal(signal.SIGCONT)
        await wait_until(lambda: has_no_lag(reader, cluster, "low"), 150, "all deliveries are committed", interval=0.1)
        status_topics = [cluster.prefix + STATUS_TOPIC]

        async def is_recorded() -> bool:
            return await reader.compute_lag(f"{cluster.prefix}recorder", status_topics) == 0

        await wait_until(is_recorded, 60, "all events are recorded", interval=0.1)
        names = ["email", "email-2"] if has_successor else ["email"]
        counted = sum([await asyncio.to_thread(cluster.read_metric, name, "herold_delivery_attempts_total") for name in names])
    requests = Counter(entry["delivery_id"] for entry in cluster.fetch_request_log())
    assert set(requests) == {mail.id for mail in mails}
    assert requests.total() > COUNT or not has_successor, "the successor repeated no call"
    assert await count_logged_calls(cluster) == requests
    assert counted == requests.total()
