"""SMS that a carrier could not deliver for a cause that passes, on real workers: sent again twice, then left; others are not sent again."""

import asyncio
from collections import Counter

import pytest

from schemas.enums import Status
from tests import topic_reader
from tests.chaos.test_delivery import build_current_delivery, produce_deliveries
from tests.chaos.test_unanswered_calls import read_events
from tests.cluster import HeroldCluster, wait_until

COUNT = 10


@pytest.mark.slow
async def test_an_unreachable_telephone_is_tried_twice_more_and_an_unknown_number_is_not(cluster: HeroldCluster) -> None:
    unreachable = [build_current_delivery("sms", number, "+15005552103") for number in range(COUNT)]
    unknown = [build_current_delivery("sms", COUNT + number, "+15005552105") for number in range(COUNT)]
    cluster.env["HEROLD_RECORDER_RESEND_DELAYS"] = "1, 2"
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        workers = (cluster.start_worker(role) for role in ("sms", "scheduler", "recorder"))
        await asyncio.gather(cluster.start_gateway(), cluster.start_simulators(with_callbacks=True), *workers)
        await produce_deliveries(cluster, "low", [*unreachable, *unknown])
        ended = f"select count(*) = {2 * COUNT} from deliveries where status in ('FAILED', 'BOUNCED')"
        third = f"select count(*) = {COUNT} from deliveries where attempt = 2 and status = 'FAILED'"

        async def have_ended() -> bool:
            return bool(await cluster.fetch_value(third) and await cluster.fetch_value(ended))

        await wait_until(have_ended, 120, "all have ended", interval=0.2)
        events = await read_events(reader, cluster)
        resends = cluster.read_metric("recorder", "herold_resends_total")
    requests = Counter(entry["delivery_id"] for entry in cluster.fetch_request_log())
    assert requests == {**{one.id: 3 for one in unreachable}, **{one.id: 1 for one in unknown}}
    assert resends == 2 * COUNT
    for one in unreachable:
        waits = [(event.attempt, event.reason) for event in events[one.id] if event.status is Status.PENDING]
        assert waits == [(1, "undelivered"), (2, "undelivered")]
    assert await cluster.fetch_value("select count(*) from dead_letters") == 0
