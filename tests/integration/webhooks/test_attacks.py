"""The same attacks at registration and at connect: no internal server is reached by any URL, name or redirect."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from agents.providers.http import AiohttpClient, PooledHttpClient
from agents.providers.http.resolver import Addresses, Resolver
from agents.providers.webhook import Webhook
from schemas.addresses import InvalidAddress, normalize_url
from schemas.enums import Outcome, Reason, Status
from schemas.http import HttpRequest, HttpResult, NotAllowed, NotSent
from tables.postgres.database import Database
from tests.attack_urls import ATTACKS, PORT, Attack, build_addresses
from tests.delivery_builders import NOW, build_delivery
from tests.integration.delivery.harness import LONG_TIMEOUTS, SECRET, open_harness
from tests.integration.webhooks.endpoints import PATH, insert_user, open_endpoint_client

BuildClient = Callable[[Attack, Webhook], PooledHttpClient | AiohttpClient]
SHORT_CONNECTS = replace(LONG_TIMEOUTS, connect_timeout=10.0)
UNUSED_URL = "http://127.0.0.1:9"  # of the other providers


class InternalServer:
    """A server on the loopback addresses that must not be reached; `answer` is what it would say."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.answer)
        await writer.drain()
        writer.close()


@pytest.fixture
async def internal() -> AsyncIterator[tuple[InternalServer, int]]:
    server = InternalServer()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = int(listener.sockets[0].getsockname()[1])
    yield server, port
    listener.close()
    await listener.wait_closed()


@pytest.fixture(params=[PooledHttpClient, AiohttpClient])
def build_client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> BuildClient:
    """A function that builds a client for which the host of an attack has the attack's addresses."""

    def build(attack: Attack, provider: Webhook) -> PooledHttpClient | AiohttpClient:
        resolver = Resolver(time.monotonic, lambda host, port: build_addresses(attack.addresses, port))
        for module in ("client", "aiohttp_client"):
            monkeypatch.setattr(f"agents.providers.http.{module}.Resolver", lambda clock: resolver)
        client: PooledHttpClient | AiohttpClient = request.param(SHORT_CONNECTS, allow_address=provider.allow_address)
        return client

    return build


async def call(attack: Attack, url: str, build_client: BuildClient) -> HttpResult | str:
    """What the provider and the client make of a delivery to the URL; a text if no request is made."""
    provider = Webhook(SECRET, allow_http=True)
    client = build_client(attack, provider)
    try:
        request = provider.build_request(build_delivery("webhook", address=url), 0, NOW)
        if not isinstance(request, HttpRequest):
            return str(request.detail)
        result: asyncio.Future[HttpResult] = asyncio.get_running_loop().create_future()
        client.send(request, result.set_result)
        return await result
    finally:
        await client.close()


@pytest.mark.parametrize("attack", ATTACKS, ids=[f"{attack.url} {' '.join(attack.addresses)}" for attack in ATTACKS])
async def test_no_url_reaches_an_internal_server_at_connect(
    attack: Attack, internal: tuple[InternalServer, int], build_client: BuildClient
) -> None:
    server, port = internal
    url = attack.url.replace(PORT, str(port))
    normal = normalize_url(url)
    for text in {url, normal} if not isinstance(normal, InvalidAddress) else {url}:
        result = await call(attack, text, build_client)
        assert isinstance(result, NotAllowed | NotSent | str), "a byte of the request may have been sent"
    assert server.connections == 0


async def test_no_url_of_the_list_can_be_registered(database_copy: Database, database_copy_url: str) -> None:
    await insert_user(database_copy)
    current = ATTACKS[0]

    def resolve(host: str, port: int) -> Addresses:
        return build_addresses(current.addresses, port)

    async with open_endpoint_client(database_copy_url, resolve, HEROLD_PROVIDERS_WEBHOOK_PORTS="") as client:
        for current in ATTACKS:
            response = await client.post(PATH, json={"url": current.url.replace(PORT, "9"), "user_id": "u-1"})
            assert response.status_code == 422, (current, response.text)
            assert response.json()["errors"][0]["path"] == "$.url", current
    assert not await database_copy.fetch("select from webhook_endpoints")


async def test_a_name_that_was_public_at_registration_is_denied_at_connect_if_it_is_not_any_more(
    database_copy: Database, database_copy_url: str, internal: tuple[InternalServer, int]
) -> None:
    server, port = internal
    answers = [("93.184.215.14",), ("127.0.0.1",)]

    def resolve(host: str, port: int) -> Addresses:
        return build_addresses(answers.pop(0), port)

    await insert_user(database_copy)
    url = f"http://rebind.example.org:{port}/"
    async with open_endpoint_client(database_copy_url, resolve, HEROLD_PROVIDERS_WEBHOOK_PORTS="") as client:
        assert (await client.post(PATH, json={"url": url, "user_id": "u-1"})).status_code == 201
    async with open_harness("webhook", UNUSED_URL, allow="") as harness:
        harness.http._resolver = Resolver(time.monotonic, resolve)
        await harness.run_batches(harness.build_batch(build_delivery("webhook", address=url, expires_at=time.time() + 60)))
        await harness.wait_for_batches(1)
    [event] = harness.status_events
    assert (event.status, event.reason, event.outcome) == (Status.FAILED, Reason.ADDRESS_NOT_ALLOWED, Outcome.REJECTED_RECIPIENT)
    assert (server.connections, answers) == (0, [])


async def test_a_redirect_to_an_internal_server_is_not_followed(internal: tuple[InternalServer, int]) -> None:
    server, port = internal
    server.answer = f"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:{port}/internal\r\nContent-Length: 0\r\n\r\n".encode()
    async with open_harness("webhook", UNUSED_URL, allow="127.0.0.1") as harness:
        url = f"http://127.0.0.1:{port}/hook"
        await harness.run_batches(harness.build_batch(build_delivery("webhook", address=url, expires_at=time.time() + 60)))
        await harness.wait_for_batches(1)
    assert [request.split(b"\r\n")[0] for request in server.requests] == [b"POST /hook HTTP/1.1"]
    assert {event.status for event in harness.status_events} == {Status.FAILED}
