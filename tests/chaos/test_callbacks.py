"""Callbacks on a bad day: 46 times, reversed, 25 hours late, before our own write, of an unknown delivery, forged, and replayed."""

import asyncio
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from dev.stack.herold_services import SIGNING_KEY_FILE
from dev.stack.stack import ServerUrls
from schemas.ids import DELIVERY_PREFIX, make_id
from tests.cluster import HeroldCluster, wait_until

EACH = 10  # recipients of each kind
EXPECTED: Mapping[str, str] = {
    "opened.repeated-46": "DELIVERED",
    "bounced.repeated-46.reversed": "BOUNCED",
    "complained.reversed": "UNSUBSCRIBED",
    "clicked.stale-25.reversed": "DELIVERED",
    "dropped.early.repeated": "BOUNCED",
    "opened.early": "DELIVERED",
    "bounced.forged": "SENT",
    "silent": "SENT",
}
"""What a recipient's simulated provider does, and the status in which its delivery ends."""

ENGAGED_KINDS = sum(kind.startswith(("opened", "clicked")) for kind in EXPECTED)

STATUSES_SQL = """
    select split_part(n.user_id, '/', 1) as kind, d.id, d.status, d.sent_at, d.delivered_at, d.opened_at, d.clicked_at
    from deliveries d join notifications n on n.id = d.notification_id and n.user_id = d.user_id
"""
REPORTS_SQL = "select count(*), count(distinct (delivery_id, status, detail)) from delivery_logs where outcome = ''"


class SignedPosts:
    """Posts events to the gateway as SendGrid does, with the key of the installation."""

    def __init__(self, cluster: HeroldCluster) -> None:
        key = load_pem_private_key((cluster.home / SIGNING_KEY_FILE).read_bytes(), None)
        assert isinstance(key, EllipticCurvePrivateKey)
        self._key, self._url = key, cluster.build_url("gateway", "/v1/callbacks/sendgrid")

    async def post(self, *events: dict[str, Any], changed: bytes = b"") -> int:
        """The status of the answer; `changed` bytes follow what is signed."""
        body = msgspec.json.encode(events)
        signature = b64encode(self._key.sign(b"1" + body, ECDSA(SHA256()))).decode()
        names = "X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp"
        async with httpx.AsyncClient(timeout=60) as client:
            response = await client.post(self._url, content=body + changed, headers=dict(zip(names, (signature, "1"), strict=True)))
        return response.status_code


def build_event(delivery_id: str, event: str = "delivered", key: str = "e-1") -> dict[str, Any]:
    return {"event": event, "sg_event_id": key, "timestamp": 1_760_000_000, "delivery_id": delivery_id, "email": "nobody@example.org"}


async def submit(cluster: HeroldCluster) -> None:
    """A message to each recipient."""
    kinds = [(kind, number) for kind in EXPECTED for number in range(EACH)]
    bodies = [
        {
            "user_id": f"{kind}/{number}",
            "type": "account.otp",
            "data": {"code": "482193", "minutes": 5},
            "to": {"email": f"{kind}+{number}@example.org"},
            "channels": ["email"],
            "priority": "high",
        }
        for kind, number in kinds
    ]
    async with httpx.AsyncClient(headers={"X-API-Key": cluster.env["HEROLD_GATEWAY_API_KEY"]}, timeout=60) as client:
        response = await client.post(cluster.build_url("gateway", "/v1/notifications/bulk"), json=bodies)
    assert (response.status_code, response.json()["accepted"]) == (202, len(bodies))


async def fetch(urls: ServerUrls, sql: str) -> list[Any]:
    connection = await asyncpg.connect(urls.database)
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()


async def fetch_statuses(urls: ServerUrls) -> Counter[tuple[str, str]]:
    return Counter((row["kind"], row["status"]) for row in await fetch(urls, STATUSES_SQL))


async def start(cluster: HeroldCluster) -> None:
    workers = map(cluster.start_worker, ("router", "email", "recorder"))
    await asyncio.gather(cluster.start_simulators(with_callbacks=True), cluster.start_gateway(), *workers)


@pytest.mark.slow
async def test_callbacks_on_a_bad_day_end_in_the_right_statuses(cluster: HeroldCluster, server_urls: ServerUrls) -> None:
    await start(cluster)
    await submit(cluster)
    expected = Counter(dict.fromkeys(EXPECTED.items(), EACH))

    async def has_ended() -> bool:
        is_engaged = "opened_at is not null and (n.user_id like 'opened%' or clicked_at is not null)"
        engaged = await fetch(server_urls, f"{STATUSES_SQL} where {is_engaged}")
        return await fetch_statuses(server_urls) == expected and len(engaged) == ENGAGED_KINDS * EACH

    await wait_until(has_ended, 90, "each delivery has its status", interval=0.2)
    ((reports, distinct),) = await fetch(server_urls, REPORTS_SQL)
    assert reports == distinct, "each report is in the log once"
    assert await fetch(server_urls, "select from waiting_reports") == []
    await check_forged(cluster)
    await check_consent_and_times(server_urls)
    await check_replays(cluster, server_urls, expected)


async def check_forged(cluster: HeroldCluster) -> None:
    """What is forged is refused and counted; the simulators sign it with another key."""
    sample = 'herold_callbacks_total{provider="sendgrid",result='
    page = (await httpx_get(cluster, "/metrics")).splitlines()
    counts = {line[len(sample) :].split('"')[1]: float(line.rsplit(" ", 1)[1]) for line in page if line.startswith(sample)}
    assert counts["forged"] > 0
    assert set(counts) == {"accepted", "forged"}
    assert await SignedPosts(cluster).post(build_event(make_id(DELIVERY_PREFIX, 1_760_000_000, 1)), changed=b" ") == 403


async def httpx_get(cluster: HeroldCluster, path: str) -> str:
    async with httpx.AsyncClient(headers={"X-API-Key": cluster.env["HEROLD_GATEWAY_API_KEY"]}, timeout=60) as client:
        return (await client.get(cluster.build_url("gateway", path))).text


async def check_consent_and_times(urls: ServerUrls) -> None:
    """Whoever bounced or complained is suppressed once; openings and clicks have their times."""
    rows = await fetch(
        urls, "select split_part(address, '+', 1) as kind, reason, count(*) from suppressions where undone_at is null group by 1, 2"
    )
    found = {(row["kind"], row["reason"]): row["count"] for row in rows if row["kind"] in EXPECTED}
    assert found == {
        ("bounced.repeated-46.reversed", "hard_bounce"): EACH,
        ("dropped.early.repeated", "hard_bounce"): EACH,
        ("complained.reversed", "complaint"): EACH,
    }
    for row in await fetch(urls, STATUSES_SQL):
        assert (row["opened_at"] is not None) == (row["kind"].partition(".")[0] in ("opened", "clicked")), row["kind"]
        assert (row["clicked_at"] is not None) == row["kind"].startswith("clicked"), row["kind"]


async def check_replays(cluster: HeroldCluster, urls: ServerUrls, expected: Counter[tuple[str, str]]) -> None:
    """A replay and a late report change nothing; one of an unknown delivery waits, once."""
    posts, unknown = SignedPosts(cluster), make_id(DELIVERY_PREFIX, 1_760_000_000, 1)
    bounced = [row["id"].hex for row in await fetch(urls, STATUSES_SQL) if row["status"] == "BOUNCED"]
    late = [build_event(f"{DELIVERY_PREFIX}{one}", "delivered", f"late-{one}") for one in bounced]
    for _ in range(3):
        assert await posts.post(*late, build_event(unknown)) == 204
    assert await posts.post(build_event(f"{DELIVERY_PREFIX}{bounced[0]}", "processed", "last")) == 204

    async def are_recorded() -> bool:
        rows = await fetch(urls, "select count(*) from provider_events where event_key like 'late-%' or event_key in ('last', 'e-1')")
        return bool(rows[0][0] == len(late) + 2)

    await wait_until(are_recorded, 60, "the late reports are recorded", interval=0.1)
    assert await fetch_statuses(urls) == expected, "no status regresses"
    waiting = await fetch(urls, "select delivery_id, event_key from waiting_reports")
    assert [(row["delivery_id"].hex, row["event_key"]) for row in waiting] == [(unknown[4:], "e-1")]
