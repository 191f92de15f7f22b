"""Two e-mail workers share one account's calls per second, with Redis and without."""

import asyncio
from collections.abc import Sequence

from schemas.enums import Priority
from schemas.topics import DEAD_LETTER_TOPIC
from tests.chaos.test_credentials import read_log_events
from tests.chaos.test_delivery import build_current_delivery, produce_deliveries
from tests.cluster import HeroldCluster
from tests.tcp_proxy import run_proxy

RATE, BURST = 80, 24
RATED = {
    "HEROLD_PROVIDERS_SENDGRID_MAX_CALLS_PER_SECOND": str(RATE),
    "HEROLD_PROVIDERS_SENDGRID_CALL_BURST": str(BURST),
    "HEROLD_DELIVERY_MAX_DELIVERIES_PER_CALL": "1",  # an entry of the request log is a call then
}
WORKERS = ("email", "email-2")


async def start(cluster: HeroldCluster, **env: str) -> None:
    cluster.env.update(RATED, **env)
    await cluster.start_simulators()
    await asyncio.gather(*(cluster.start_worker("email", name) for name in WORKERS))


async def produce(cluster: HeroldCluster, priority: Priority, numbers: range) -> set[str]:
    mails = [build_current_delivery("email", number, f"n{number}@example.org") for number in numbers]
    await produce_deliveries(cluster, priority, mails)
    return {mail.id for mail in mails}


def find_excess(times: Sequence[float], burst: int) -> float:
    """By how many calls the fullest window exceeds what rate and burst allow in it."""
    return max(
        last - first + 1 - burst - (times[last] - times[first]) * RATE for first in range(len(times)) for last in range(first, len(times))
    )


async def test_two_workers_never_call_an_account_more_often_than_its_rate_and_high_goes_first(cluster: HeroldCluster) -> None:
    async with asyncio.timeout(280):
        await start(cluster)
        low = await produce(cluster, "low", range(320))
        await cluster.wait_for_requests(60)
        high = await produce(cluster, "high", range(1000, 1010))
        await cluster.wait_for_requests(330)
        sent = [cluster.read_metric(name, "herold_delivery_attempts_total") for name in WORKERS]
    requests = list(cluster.fetch_request_log())
    assert find_excess([entry["at"] for entry in requests], BURST) <= 1
    assert sorted(entry["delivery_id"] for entry in requests) == sorted(low | high)
    assert {entry["status"] for entry in requests} == {202}
    last_high = max(position for position, entry in enumerate(requests) if entry["delivery_id"] in high)
    assert last_high < 250  # of 330: high did not wait for what was there before
    assert min(sent) > 0
    assert await cluster.count_records(DEAD_LETTER_TOPIC) == 0


async def test_without_redis_each_worker_has_the_share_of_its_partitions(cluster: HeroldCluster) -> None:
    async with asyncio.timeout(280), run_proxy(cluster.urls.redis) as proxy:
        await start(cluster, REDIS_URL=proxy.url)
        await produce(cluster, "low", range(300))
        await cluster.wait_for_requests(60)
        await proxy.disable()
        await cluster.wait_for_requests(300)
    times = [entry["at"] for entry in cluster.fetch_request_log()]
    # when Redis goes, each worker begins its own count with one permit
    assert find_excess(times, BURST + len(WORKERS)) <= 1
    for name in WORKERS:
        assert len(read_log_events(cluster, name, "limits.redis_unavailable")) == 1
