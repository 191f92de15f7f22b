"""Test keys on a running installation: what they send reaches the account of the simulators, or nobody."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from dev.stack.stack import ServerUrls
from tests.cluster import HeroldCluster, wait_until
from tests.integration.access.keys import PATH

COUNT = 25
LIVE, TESTS = "simulators", "test-simulators"  # two hosts: what is live at one, the account of tests at the other


@pytest.fixture
async def cluster(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str, prefix: str) -> AsyncIterator[HeroldCluster]:
    """An installation with an account of tests for e-mails and none for SMS."""
    urls = ServerUrls(kafka_url, database_url, redis_url)
    cluster = HeroldCluster(tmp_path / "cluster", urls, prefix, HEROLD_TEST_ACCOUNTS_EMAIL="sendgrid-tests", HEROLD_TEST_ACCOUNTS_SMS="")
    cluster.env["HEROLD_PROVIDERS_SENDGRID_TESTS_URL"] = cluster.build_url(TESTS, "")
    try:
        await cluster.create_schema()
        workers = map(cluster.start_worker, ("router", "email", "sms", "recorder"))
        await asyncio.gather(*map(cluster.start_simulators, (LIVE, TESTS)), cluster.start_gateway(), *workers)
        yield cluster
    finally:
        await cluster.close()


def build_submissions(channel: str, address: str, prefix: str, **fields: Any) -> list[dict[str, Any]]:
    """Notifications to as many users."""
    data = {"code": "482193", "minutes": 5}
    users = [f"{prefix}-{number}" for number in range(COUNT)]
    fields = {"type": "account.otp", "data": data, "channels": [channel], "to": {channel: address}, **fields}
    return [{"user_id": user, **fields} for user in users]


@pytest.mark.slow
async def test_a_test_key_never_reaches_a_live_account(cluster: HeroldCluster) -> None:
    headers = {"x-api-key": cluster.state.get_secret("api_key")}
    async with httpx.AsyncClient(base_url=cluster.build_url("gateway", ""), headers=headers, timeout=60.0) as client:
        created = await client.post(PATH, json={"name": "ci", "role": "service", "is_test": True})
        test_headers = {"x-api-key": created.json()["key"]}
        for submissions, sender in (
            (build_submissions("email", "test@example.org", "t"), test_headers),
            (build_submissions("email", "claims@example.org", "c", is_test=False), test_headers),
            (build_submissions("sms", "+436601234567", "s"), test_headers),
            (build_submissions("email", "live@example.org", "t"), headers),
            (build_submissions("email", "marked@example.org", "m", is_test=True), headers),
        ):
            response = await client.post("/v1/notifications/bulk", json=submissions, headers=sender)
            assert response.status_code == 202, response.text

        async def are_ended() -> bool:
            return bool(await cluster.fetch_value("select count(*) from deliveries where status <> 'PENDING'") == 5 * COUNT)

        await wait_until(are_ended, 120.0, "all deliveries are recorded")
    live = [str(entry) for entry in cluster.fetch_request_log(name=LIVE)]
    tests = [str(entry) for entry in cluster.fetch_request_log(name=TESTS)]
    assert len(live) == COUNT
    assert all("live@example.org" in entry for entry in live)
    assert len(tests) == 3 * COUNT
    assert not any("live@example.org" in entry for entry in tests)
    query = "select count(*) from deliveries where status = 'FAILED' and reason = 'no_test_account' and channel = 'sms'"
    assert await cluster.fetch_value(query) == COUNT
