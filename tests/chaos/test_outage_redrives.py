"""An outage that outlasts the retries of some deliveries: when the provider answers again, they are redriven by rule, and sent once."""

import asyncio
from collections import Counter

import pytest

from app.workers.outage_redrives import RULE
from schemas.enums import Reason
from schemas.redrives import REDRIVEN
from tests.chaos.test_delivery import build_current_delivery, produce_deliveries
from tests.cluster import HeroldCluster, wait_until

COUNT, DEAD = 60, 3
CALLS = 2  # a first one and a retry
IMPATIENT = {  # after a 503 evidence is searched for at once, and the breaker lets one call through every second
    "HEROLD_RETRIES_EMAIL_DELAYS": "0.2",
    "HEROLD_DELIVERY_MAX_DELIVERIES_PER_CALL": "1",
    "HEROLD_DELIVERY_UNANSWERED_GRACE_MEDIUM": "0.2",
    "HEROLD_BREAKER_OPEN_DELAY": "1",
    "HEROLD_BREAKER_OPEN_DELAY_MAX": "1",
}


@pytest.mark.slow
async def test_what_died_in_an_outage_is_sent_after_it_without_an_operator(cluster: HeroldCluster) -> None:
    mails = [build_current_delivery("email", number, f"n{number}@example.org") for number in range(COUNT)]
    cluster.env.update(IMPATIENT)

    async def count(query: str) -> int:
        return int(await cluster.fetch_value(f"select count(*) from {query}"))

    async def have_died() -> bool:
        return await count("dead_letters") >= DEAD

    async def are_sent() -> bool:
        is_done = await count(f"redrives where created_by = '{RULE}' and state = 'done'") == 1
        return is_done and await count("deliveries where status = 'SENT'") == COUNT

    async with asyncio.timeout(280):
        workers = (cluster.start_worker(role) for role in ("email", "scheduler", "recorder"))
        await asyncio.gather(cluster.start_simulators(), *workers)
        cluster.switch_fault_on("sendgrid", status=503, seconds=600)
        await produce_deliveries(cluster, "medium", mails)
        await wait_until(have_died, 120, f"{DEAD} deliveries have died", interval=0.3)
        cluster.switch_faults_off()
        await wait_until(are_sent, 120, "all are SENT", interval=0.3)
    requests = list(cluster.fetch_request_log())
    assert Counter(entry["delivery_id"] for entry in requests if entry["status"] == 202) == {mail.id: 1 for mail in mails}
    dead = await count("dead_letters")
    assert DEAD <= dead < COUNT
    assert await count(f"dead_letters where state = 'redriven' and reason = '{Reason.RETRIES_EXHAUSTED}'") == dead
    assert await count("redrives") == 1
    assert await count(f"redrive_items where result = '{REDRIVEN}'") == dead
    calls = Counter(entry["delivery_id"] for entry in requests if entry["status"] == 503)
    assert max(calls.values()) == CALLS
