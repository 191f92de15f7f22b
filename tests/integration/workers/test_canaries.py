"""A whole installation that seals gets canary values by every path, and shows none of them where nobody needs it.

What is searched: the topics, the tables of workers on disk, the database, Redis, the logs of all processes (level debug), their metrics and
arguments, and every error that a client gets. The values are searched as texts, in URLs, in JSON, hexadecimal and base64.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import NamedTuple

import httpx
import pytest
import pytest_asyncio

from dev.stack.stack import ServerUrls
from tests.canary_places import find_values, list_spellings, read_places, read_processes
from tests.cluster import HeroldCluster, wait_until
from tests.conftest import create_temporary_database
from tests.integration.auth.oidc_provider import run_provider
from tests.integration.workers import canary_traffic as traffic
from tests.integration.workers.canary_traffic import CANARIES

ROLES = ("router", "scheduler", "email", "sms", "push", "webhook", "recorder")

# where a value has to be, and why
WRITTEN = {"notifications.high"}  # what a producer writes to Kafka itself is there as it was written
ALLOWED = {
    "an address of a record": WRITTEN,
    "an address that is none": WRITTEN,
    "a content of a record": WRITTEN,
    "a record that is none": WRITTEN,
    "a field of another type": WRITTEN,
    "an address of an account": {"accounts"},  # who operates Herold logs in with it
    "a path of a webhook": {"webhook_endpoints"},  # an endpoint is shown to who manages it
}
pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


class Visited(NamedTuple):
    """The installation after the traffic: what it has written by place, what clients got by request, and the secrets that came about."""

    places: dict[str, bytes]
    errors: dict[str, bytes]
    secrets: dict[str, str]
    settings: dict[str, str]
    sent: bytes


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def visited(tmp_path_factory: pytest.TempPathFactory, kafka_url: str, postgres_url: str, redis_url: str) -> AsyncIterator[Visited]:
    async with create_temporary_database(postgres_url) as database_url:
        urls, prefix = ServerUrls(kafka_url, database_url, redis_url), f"t-{uuid.uuid4().hex[:12]}-"
        with run_provider() as provider:
            oidc = {"ISSUER": provider.issuer, "CLIENT_ID": "herold", "CLIENT_SECRET": CANARIES["a client's secret"]}
            oidc |= {"ROLE_CLAIM": "groups", "ROLES": "support=operator"}
            settings = {f"HEROLD_AUTH_OIDC_{name}": value for name, value in oidc.items()}
            settings |= {"HEROLD_ENCRYPTION_ENABLED": "true", "HEROLD_SERVICE_LOG_LEVEL": "debug"}
            cluster = HeroldCluster(tmp_path_factory.mktemp("cluster"), urls, prefix, **settings)
            try:
                await cluster.create_schema()
                await cluster.start_simulators(with_callbacks=True)
                await asyncio.gather(cluster.start_gateway(), *map(cluster.start_worker, ROLES))
                yield await visit(cluster, provider)
            finally:
                await cluster.close()


async def visit(cluster: HeroldCluster, provider: traffic.OidcProvider) -> Visited:
    """Send everything, wait for its end, and read all places."""
    api_key = cluster.env["HEROLD_GATEWAY_API_KEY"]
    bearer = {"authorization": f"Bearer {api_key}"}
    async with (
        httpx.AsyncClient(base_url=cluster.build_url("gateway", ""), headers=bearer, timeout=60) as client,
        httpx.AsyncClient(base_url=cluster.build_url("gateway", ""), timeout=60) as stranger,
    ):
        answers = await traffic.send_requests(cluster, client)
        assert "\n".join(answer.text for answer in answers if answer.status_code >= 300) == ""
        await traffic.produce_records(cluster)
        broken = await traffic.send_broken_requests(cluster, client)
        assert [str(answer.url) for answer in broken if not 400 <= answer.status_code < 500] == []
        assert (await traffic.send_inbound_text(cluster, stranger)).status_code < 300
        secrets = await traffic.log_in(cluster, client) | await traffic.make_key(cluster, client)
        secrets |= await traffic.log_in_at_provider(stranger, provider)
        await wait_until_done(cluster, client)
    errors = {f"{answer.request.method} {answer.request.url.path}": answer.content for answer in broken}
    places = {**await read_places(cluster), **read_processes(cluster)}
    return Visited(places, errors, secrets, traffic.list_settings(cluster.env), traffic.read_inbox(cluster).encode())


async def wait_until_done(cluster: HeroldCluster, client: httpx.AsyncClient) -> None:
    """Wait until all that was sent has ended, but what is held, and the dead letters are in the database."""

    async def is_done() -> bool:
        found = (await client.get("/v1/notifications", params={"user_id": traffic.USER, "limit": 100})).raise_for_status().json()["items"]
        states = [one["state"] for one in found]
        dead = (await client.get("/v1/dead-letters")).raise_for_status().json()["items"]
        statuses = [one["status"] for item in found for one in item.get("deliveries", [])]
        return len(found) >= 13 and len(dead) >= 4 and "PENDING" not in statuses and "held" in states

    await wait_until(is_done, 120, "everything has ended", interval=0.3)


async def test_the_values_have_been_where_they_belong(visited: Visited) -> None:
    assert len(set(CANARIES.values())) >= 20
    sent = (
        "a stored address",
        "a token of a device",
        "an explicit address",
        "an address of a record",
        "a content",
        "a content of a record",
    )
    shown = find_values(CANARIES, {"the providers": visited.sent})
    assert [name for name in (*sent, "a code", "a path of a webhook") if name not in shown] == []
    assert {"notifications.high", "due", "dead_letters"} <= {place.rpartition("/")[2] for place in visited.places} | {"due"}


async def test_no_place_shows_a_value(visited: Visited) -> None:
    found = find_values(CANARIES, visited.places)
    allowed = {name: ALLOWED.get(name, set()) for name in CANARIES}
    assert {name: places - allowed[name] for name, places in found.items() if places - allowed[name]} == {}


async def test_no_place_shows_a_secret(visited: Visited) -> None:
    assert len(visited.secrets) >= 9
    assert len(visited.settings) >= 12
    assert find_values(visited.secrets | visited.settings, visited.places) == {}


async def test_no_error_shows_a_value(visited: Visited) -> None:
    assert find_values(CANARIES | visited.settings, visited.errors) == {}


async def test_a_value_is_found_however_it_is_spelled() -> None:
    spelled = {"text": b"x+43664x", "url": b"%2B43664", "hex": b"2b3433363634", "base64": b"eCs0MzY2NHg=", "none": b"+4366"}
    assert find_values({"number": "+43664"}, spelled) == {"number": {"text", "url", "hex", "base64"}}
    assert len(list_spellings("+43664")) >= 6
