"""Registered endpoints on real workers: a ping, a notification with its report, an endpoint that goes away, and ones that are ordered."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from app.admin.policy import apply_document, parse_document
from dev.stack.stack import ServerUrls
from schemas.users import ChangeOrigin
from tests.cluster import HeroldCluster, wait_until

pytestmark = pytest.mark.slow

PATH = "/v1/webhook-endpoints"
DOCUMENT = b"rules: [{type: partner.order, category: transactional, priority: high, channels: [webhook]}]"
WAIT = 120.0  # seconds, after which a test fails


class Receiver:
    """Endpoints on the loopback address: what each path got, with the headers, and the status that it answers with."""

    def __init__(self) -> None:
        self.received: dict[str, list[tuple[dict[str, str], bytes]]] = {}
        self.statuses: dict[str, int] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            line, *lines = head.decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines if one)}
            body = await reader.readexactly(int(headers["content-length"]))
            path = line.split(" ")[1]
            self.received.setdefault(path, []).append((headers, body))
            writer.write(f"HTTP/1.1 {self.statuses.get(path, 204)} Answer\r\nContent-Length: 0\r\n\r\n".encode())

    def decode(self, path: str) -> list[dict[str, Any]]:
        """The payloads that a path got."""
        return [json.loads(body) for _, body in self.received.get(path, [])]


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    receiver = Receiver()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await receiver.serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield receiver, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


@pytest.fixture
async def cluster(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str, prefix: str) -> AsyncIterator[HeroldCluster]:
    cluster = HeroldCluster(tmp_path / "cluster", ServerUrls(kafka_url, database_url, redis_url), prefix)
    try:
        await cluster.create_schema()
        await apply_document(database_url, parse_document(DOCUMENT), ChangeOrigin("cli", "test"), dry_run=False)
        await asyncio.gather(cluster.start_gateway(), *(cluster.start_worker(role) for role in ("router", "webhook", "recorder")))
        yield cluster
    finally:
        await cluster.close()


@pytest.fixture
async def client(cluster: HeroldCluster) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"x-api-key": cluster.env["HEROLD_GATEWAY_API_KEY"]}
    async with httpx.AsyncClient(base_url=cluster.build_url("gateway", ""), headers=headers, timeout=60.0) as client:
        yield client


async def register(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    response = await client.post(PATH, json=fields)
    assert response.status_code == 201, response.text
    return dict(response.json())


async def send(client: httpx.AsyncClient, user_id: str = "u-partner", order: float | None = None) -> str:
    data = {"order": time.time() if order is None else order}
    body = {"user_id": user_id, "type": "partner.order", "channels": ["webhook"], "data": data, "priority": "high"}
    response = await client.post("/v1/notifications", json=body)
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


async def wait_for_payloads(receiver: Receiver, path: str, count: int) -> list[dict[str, Any]]:
    async def have_come() -> bool:
        return len(receiver.decode(path)) >= count

    await wait_until(have_come, WAIT, f"{path} has {count} webhooks")
    return receiver.decode(path)


async def test_from_registration_to_a_report_and_to_the_end_of_an_endpoint(
    cluster: HeroldCluster, client: httpx.AsyncClient, receiver: tuple[Receiver, str], database_url: str
) -> None:
    endpoints, url = receiver
    assert (await client.put("/v1/users/u-partner", json={})).status_code == 201
    statuses = await register(client, url=f"{url}/statuses", kind="status", types=["partner.*"])
    created = await register(client, url=f"{url}/orders", user_id="u-partner", types=["partner.*"])
    ping = (await client.post(f"{PATH}/{created['id']}/ping", json={"data": {"from": "test"}})).json()
    assert (ping["status"], ping["code"]) == ("DELIVERED", 204)
    assert (await client.get(f"{PATH}/{created['id']}/pings/{ping['delivery_id']}")).json() == ping
    [(headers, body)] = endpoints.received["/orders"]
    assert headers["webhook-id"] == ping["delivery_id"]
    assert Verifier(created["secret"]).verify(body, headers)["type"] == "herold.ping"

    notification_id = await send(client)
    [report] = await wait_for_payloads(endpoints, "/statuses", 1)
    assert report["type"] == "herold.delivery_status"
    data = report["data"]
    assert (data["notification_id"], data["status"], data["notification_type"], data["is_final"]) == (
        notification_id,
        "DELIVERED",
        "partner.order",
        True,
    )
    assert endpoints.decode("/orders")[1]["type"] == "partner.order"
    Verifier(statuses["secret"]).verify(endpoints.received["/statuses"][0][1], endpoints.received["/statuses"][0][0])

    endpoints.statuses["/orders"] = 410
    await send(client)

    async def is_disabled() -> bool:
        return not (await client.get(f"{PATH}/{created['id']}")).json()["is_enabled"]

    await wait_until(is_disabled, WAIT, "the endpoint is disabled")
    found = (await client.get(f"{PATH}/{created['id']}")).json()
    statistics = (await client.get(f"{PATH}/{created['id']}/statistics")).json()
    assert (found["disabled_reason"], statistics["succeeded"], statistics["failed"], statistics["last_code"]) == ("gone", 2, 1, 410)
    attempts = (await client.get(f"{PATH}/{created['id']}/attempts")).json()["items"]
    assert [(one["code"], one["type"]) for one in attempts] == [(410, "partner.order"), (204, "partner.order"), (204, "")]
    assert [one["notification_id"] for one in attempts[1:]] == [notification_id, None], "a ping is of no notification"
    assert cluster.read_metric("recorder", 'herold_webhook_endpoints_disabled_total{reason="gone"}') == 1
    rejected_id = await send(client)

    async def is_rejected() -> bool:
        response = await client.get(f"/v1/notifications/{rejected_id}")
        return response.status_code == 200 and response.json()["state"] == "rejected"

    await wait_until(is_rejected, WAIT, "the notification is rejected")
    [second] = [one for one in await wait_for_payloads(endpoints, "/statuses", 2) if one["data"]["status"] == "FAILED"]
    assert second["data"]["reason"] == "endpoint_gone"
    assert len(endpoints.decode("/orders")) == 3
    connection = await asyncpg.connect(database_url)
    sent = await connection.fetchval("select sum(sent) from user_counts")
    await connection.close()
    assert sent == 1, "neither a ping nor a report is a message to a user"


async def test_an_ordered_endpoint_gets_a_user_s_webhooks_in_order_although_the_first_fails_and_the_worker_is_killed(
    cluster: HeroldCluster, client: httpx.AsyncClient, receiver: tuple[Receiver, str]
) -> None:
    endpoints, url = receiver
    retries = {
        "HEROLD_RETRIES_WEBHOOK_DELAYS": ", ".join(["1"] * 60),  # the endpoint fails for longer on a busy machine
        "HEROLD_RETRIES_WEBHOOK_JITTER": "1, 1",
        "HEROLD_DELIVERY_ORDERED_WINDOW": "3",
    }
    cluster.kill_process("webhook")
    await asyncio.gather(cluster.start_worker("webhook", **retries), cluster.start_worker("scheduler"))
    for user_id in ("u-slow", "u-quick"):
        assert (await client.put(f"/v1/users/{user_id}", json={})).status_code == 201
        await register(client, url=f"{url}/{user_id}", user_id=user_id, ordered=True)
    endpoints.statuses["/u-slow"] = 500
    ids = [await send(client, "u-slow", order) for order in range(6)]
    await wait_for_payloads(endpoints, "/u-slow", 1)
    cluster.kill_process("webhook")
    await cluster.start_worker("webhook", **retries)
    await send(client, "u-quick", 17)
    await wait_for_payloads(endpoints, "/u-slow", 2)
    assert [one["data"]["order"] for one in await wait_for_payloads(endpoints, "/u-quick", 1)] == [17]
    assert {one["data"]["order"] for one in endpoints.decode("/u-slow")} == {0}
    endpoints.statuses["/u-slow"] = 204

    async def are_delivered() -> bool:
        found = [(await client.get(f"/v1/notifications/{one}")) for one in ids]
        return all(one.status_code == 200 and one.json()["deliveries"][0]["status"] == "DELIVERED" for one in found)

    await wait_until(are_delivered, WAIT, "all six are delivered")
    orders = [one["data"]["order"] for one in endpoints.decode("/u-slow")]
    assert list(dict.fromkeys(orders)) == [0, 1, 2, 3, 4, 5]
    assert orders == sorted(orders), "none is called again after a later one"


async def test_what_waits_behind_a_webhook_that_is_retried_is_counted(
    cluster: HeroldCluster, client: httpx.AsyncClient, receiver: tuple[Receiver, str]
) -> None:
    endpoints, url = receiver
    cluster.kill_process("webhook")
    await asyncio.gather(cluster.start_worker("webhook", HEROLD_RETRIES_WEBHOOK_DELAYS="3600"), cluster.start_worker("scheduler"))
    assert (await client.put("/v1/users/u-slow", json={})).status_code == 201
    await register(client, url=f"{url}/u-slow", user_id="u-slow", ordered=True)
    endpoints.statuses["/u-slow"] = 500
    for order in range(4):
        await send(client, "u-slow", order)
    await cluster.wait_for_metric("webhook", 'herold_ordered_deliveries_waiting{place="scheduler"}', 3)
    assert cluster.read_metric("webhook", "herold_ordered_deliveries_waiting") == 3, "none waits in the worker: the first has left it"

    async def count_waiting() -> list[int]:
        roles = {one["role"]: one["workers"] for one in (await client.get("/v1/workers")).json()["roles"]}
        return [worker["ordered_waiting"] for worker in roles["webhook"]]

    async def is_shown() -> bool:
        return 3 in await count_waiting()

    await wait_until(is_shown, WAIT, "the workers say that three wait")
