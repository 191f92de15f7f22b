"""Who may open a WebSocket, and how often."""

import json
from typing import Any

import msgspec
import pytest

from app.api.limit_checks import LimitChecks
from app.api.principal import Holder, Principal
from app.api.services.request_limits import RequestLimits
from schemas.permissions import ROLE_PERMISSIONS, Role
from tables.process_rate_limiter import ProcessRateLimiter
from tests.event_builders import build_status_event
from tests.unit.app.api.live.sockets import VIEWER, LiveGateway
from tests.unit.app.api.services.test_request_limits import build_section


def build_limits(**section: Any) -> LimitChecks:
    """Limits by a clock that stands still."""
    return LimitChecks(RequestLimits(build_section(**section), ProcessRateLimiter(lambda: 0.0), lambda: 0.0), lambda: 0.0)


async def connect(gateway: LiveGateway, ticket: str = "") -> dict[str, Any]:
    """The answer to a handshake."""
    socket = gateway.open_socket(ticket)
    answer = await socket.receive()
    await socket.leave()
    return answer


async def test_a_viewer_gets_a_frame() -> None:
    socket = LiveGateway().open_socket()
    assert (await socket.subscribe())["type"] == "subscribed"
    await socket.leave()


@pytest.mark.parametrize(("project", "seen"), [("", "u-1"), ("acme", "u-2"), ("umbrella", "u-3")])
async def test_a_viewer_of_a_project_sees_its_rows_only_with_its_ids(project: str, seen: str) -> None:
    gateway = LiveGateway(msgspec.structs.replace(VIEWER, project=project))
    socket = gateway.open_socket()
    await socket.subscribe()
    users = "u-1", "@acme/u-2", "@umbrella/u-3"
    gateway.publish(*(build_status_event(number, user_id=user_id) for number, user_id in enumerate(users)))
    frame = json.loads((await socket.receive())["text"])
    assert [row["user_id"] for row in frame["rows"]] == [seen]
    await socket.leave()


@pytest.mark.parametrize(
    ("principal", "status"),
    [
        (None, 401),
        (Principal("key", "ab12cd34", "shop", Role.SERVICE, ROLE_PERMISSIONS[Role.SERVICE]), 403),
    ],
)
async def test_others_are_refused_as_over_http(principal: Principal | None, status: int) -> None:
    gateway = LiveGateway(principal)
    socket = gateway.open_socket()
    start, body = await socket.receive(), await socket.receive()
    await socket.task
    assert (start["type"], start["status"]) == ("websocket.http.response.start", status)
    headers = dict(start["headers"])
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert json.loads(body["body"])["request_id"] == headers[b"x-request-id"].decode()


async def test_a_handshake_counts_as_a_request_of_the_key() -> None:
    gateway = LiveGateway(limits=build_limits(key_per_second=0.1, key_burst=2))
    answers = [await connect(gateway) for _ in range(3)]
    assert [answer["type"] for answer in answers[:2]] == ["websocket.accept"] * 2
    assert answers[2]["status"] == 429
    assert dict(answers[2]["headers"])[b"retry-after"] == b"10"


async def test_a_handshake_counts_as_a_request_of_the_address() -> None:
    gateway = LiveGateway(limits=build_limits(ip_per_second=0.1, ip_burst=1))
    assert [(await connect(gateway)).get("status") for _ in range(2)] == [None, 429]


async def test_handshakes_with_wrong_credentials_are_429_after_a_while() -> None:
    gateway = LiveGateway(None, build_limits(rejected_per_second=0.01, rejected_burst=3))
    statuses = [(await connect(gateway))["status"] for _ in range(8)]
    assert (statuses[0], statuses[-1]) == (401, 429)


async def test_a_stranger_behind_the_same_address_keeps_no_ticket_out() -> None:
    gateway = LiveGateway(None, build_limits(rejected_per_second=0.01, rejected_burst=3))
    for _ in range(8):
        await connect(gateway)
    ticket = await gateway.sessions.issue_ticket(Holder(VIEWER, b""))
    assert [(await connect(gateway, one)).get("status") for one in ("x" * 64, ticket, ticket)] == [429, None, 401]


async def test_a_refused_address_looks_up_no_more_tickets_than_it_may_send_wrong_credentials() -> None:
    gateway = LiveGateway(None, build_limits(rejected_per_second=0.01, rejected_burst=3))
    for _ in range(8):
        await connect(gateway)
    statuses = [(await connect(gateway, f"{number:064x}"))["status"] for number in range(8)]
    assert statuses == [401] * 3 + [429] * 5
    ticket = await gateway.sessions.issue_ticket(Holder(VIEWER, b""))
    assert (await connect(gateway, ticket))["status"] == 429
    assert await gateway.sessions.redeem_ticket(ticket) is not None, "it was not looked up"


async def test_a_ticket_counts_as_a_request_of_the_address() -> None:
    gateway = LiveGateway(limits=build_limits(ip_per_second=0.1, ip_burst=1))
    assert [(await connect(gateway, "0" * 64)).get("status") for _ in range(2)] == [401, 429]


async def test_each_message_counts() -> None:
    gateway = LiveGateway(limits=build_limits(key_per_second=0.1, key_burst=2))
    socket = gateway.open_socket()
    await socket.subscribe()
    socket.send({})
    assert "subscribed" in (await socket.receive())["text"]
    socket.send({})
    closed = await socket.receive()
    await socket.task
    assert (closed["type"], closed["code"]) == ("websocket.close", 1013)
    assert not gateway.connections.connections
