"""Failover on real workers: mail leaves by the account that works, and a channel that fails is followed by the next one at once."""

import asyncio
import json
import time
from collections import Counter

import pytest

from app.admin.policy import apply_document, parse_document
from schemas.enums import Status
from schemas.ids import NOTIFICATION_PREFIX, make_id
from schemas.topics import DEAD_LETTER_TOPIC
from schemas.users import ChangeOrigin
from tests import topic_reader
from tests.chaos.test_delivery import build_current_delivery, produce_deliveries
from tests.chaos.test_unanswered_calls import read_events, wait_for_ends
from tests.cluster import HeroldCluster, wait_until
from tests.integration.workers.test_escalation import produce

ACCOUNTS = {
    "HEROLD_ACCOUNTS_EMAIL": "sendgrid=50, sendgrid-backup=50",
    "HEROLD_PROVIDERS_SENDGRID_BACKUP_FROM_NAME": "Backup",
    "HEROLD_DELIVERY_ACCOUNT_PROBE_DELAY": "0.2",
    "HEROLD_DELIVERY_ACCOUNT_PROBE_DELAY_MAX": "0.4",
    "HEROLD_DELIVERY_ACCOUNT_HALF_LIFE": "2",
    "HEROLD_RECEIPT_TIMEOUTS_EMAIL": "3600",  # so that receipts are compared, too
}
COUNT = 40
DOCUMENT = """
rules:
  - type: alarm.raised
    category: transactional
    priority: high
    channels: [email, sms]
    strategy: escalate
    escalate_after: 3000
    escalate_unless: sent
    template: alarm
templates:
  alarm:
    email: {default: {subject: Alarm, text: Alarm}}
    sms: {default: {text: Alarm}}
"""


def read_weight(cluster: HeroldCluster, account: str) -> float:
    return cluster.read_metric("email", f'herold_account_weight{{account="{account}",channel="email"}}')


@pytest.fixture
async def two_accounts(cluster: HeroldCluster) -> HeroldCluster:
    """An e-mail worker with two accounts at two simulators, so that one of them can be revoked."""
    await asyncio.gather(cluster.start_simulators(), cluster.start_simulators("backup"))
    cluster.env.update(ACCOUNTS, HEROLD_PROVIDERS_SENDGRID_BACKUP_URL=cluster.build_url("backup", ""))
    await asyncio.gather(cluster.start_worker("email"), cluster.start_worker("scheduler"))
    return cluster


@pytest.mark.slow
async def test_all_mail_leaves_by_the_other_account_while_one_is_revoked(two_accounts: HeroldCluster) -> None:
    cluster = two_accounts
    mails = [build_current_delivery("email", number, f"n{number}@example.org") for number in range(900)]
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        await produce_deliveries(cluster, "medium", mails[:300])
        await wait_for_ends(reader, cluster, 300)
        shared = cluster.fetch_request_counts("backup")["accepted"]
        assert 100 < shared < 200, "both have the same weight"

        cluster.change_credentials("sendgrid", "revoke")
        await produce_deliveries(cluster, "medium", mails[300:600])
        events = await wait_for_ends(reader, cluster, 600)
        assert cluster.fetch_request_counts("backup")["accepted"] == shared + 300
        assert (read_weight(cluster, "sendgrid"), read_weight(cluster, "sendgrid-backup")) == (0.0, 1.0)
        assert {events[one.id][-1].provider for one in mails[300:600]} == {"sendgrid-backup"}

        cluster.change_credentials("sendgrid", "restore")
        await wait_until_open(cluster)
        await produce_deliveries(cluster, "medium", mails[600:])
        events = await wait_for_ends(reader, cluster, 900)
        requests = Counter(entry["delivery_id"] for name in ("simulators", "backup") for entry in read_accepted(cluster, name))
    providers = Counter(events[one.id][-1].provider for one in mails[600:])
    assert 100 < providers["sendgrid"] < 200, "the weight is back"
    assert {one.id: requests[one.id] for one in mails} == {one.id: 1 for one in mails}
    assert {events[one.id][-1].status for one in mails} == {Status.SENT}
    assert await cluster.count_records(DEAD_LETTER_TOPIC) == 0


def read_accepted(cluster: HeroldCluster, name: str) -> list[dict[str, object]]:
    return [entry for entry in cluster.fetch_request_log(name=name) if entry["status"] == 202]


async def wait_until_open(cluster: HeroldCluster) -> None:
    """Send one mail after the other until a probe has opened the account and it has its weight."""
    number = 10_000

    async def has_weight() -> bool:
        nonlocal number
        number += 1
        await produce_deliveries(cluster, "high", [build_current_delivery("email", number, f"n{number}@example.org")])
        return read_weight(cluster, "sendgrid") > 0.45

    await wait_until(has_weight, 60, "the account has its weight again", interval=0.2)


@pytest.mark.slow
async def test_a_channel_that_fails_is_followed_by_the_next_one_at_once_and_once(cluster: HeroldCluster) -> None:
    await apply_document(cluster.urls.database, parse_document(DOCUMENT.encode()), ChangeOrigin("cli", "test"), dry_run=False)
    roles = ("router", "scheduler", "recorder", "email", "sms")
    await asyncio.gather(cluster.start_simulators(), *(cluster.start_worker(role) for role in roles))
    values, failing = [], set[str]()
    for number in range(COUNT):
        notification_id = make_id(NOTIFICATION_PREFIX, time.time(), number)
        word = "bounce" if number % 2 else "slow"
        failing |= {notification_id} if number % 2 else set()
        to = {"email": f"{word}+{number}@example.org", "sms": f"+49170{number:07}"}
        values.append((f"u-{number}", json.dumps({"id": notification_id, "user_id": f"u-{number}", "type": "alarm.raised", "to": to})))
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        await produce(cluster, "notifications.medium", [(user_id, value.encode()) for user_id, value in values])
        await cluster.wait_for_requests(COUNT // 2)
        cluster.kill_process("email")
        await cluster.start_worker("email")

        async def have_followed() -> bool:
            return await cluster.count_records("deliveries.sms.high") >= len(failing)

        await wait_until(have_followed, 120, "all that failed have their next channel", interval=0.2)
        await wait_for_ends(reader, cluster, COUNT + len(failing))
        events = await read_events(reader, cluster)
    texts = [found[-1] for found in events.values() if found[-1].channel == "sms"]
    assert Counter(event.notification_id for event in texts) == Counter(failing), "each once, although a worker was killed"
    assert {event.status for event in texts} == {Status.SENT}
    sent = {found[-1].notification_id for found in events.values() if found[-1].channel == "email" and found[-1].status is Status.SENT}
    assert len(sent) == COUNT - len(failing)
    assert await cluster.count_records("deliveries.sms.high") == len(failing)
