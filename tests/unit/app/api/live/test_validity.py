"""Open connections of the live view whose principal is not valid any more."""

import asyncio

import msgspec
import pytest

from app.api.live.validity import VALIDITY_INTERVAL
from app.api.principal import Principal
from schemas.permissions import Role, select_permissions
from tests.unit.app.api.live.sockets import OUTAGE_LIMIT, VIEWER, LiveGateway


async def test_a_valid_connection_stays_and_its_principal_is_asked_for_once() -> None:
    gateway = LiveGateway()
    sockets = [gateway.open_socket() for _ in range(3)]
    for socket in sockets:
        await socket.subscribe()
    await gateway.validity.check()
    assert gateway.asked == 1
    assert len(gateway.connections.connections) == 3
    for socket in sockets:
        await socket.leave()


@pytest.mark.parametrize(
    ("principal", "code"),
    [
        (None, 4401),
        (msgspec.structs.replace(VIEWER, permissions=select_permissions(Role.SERVICE)), 4403),
    ],
)
async def test_who_may_not_watch_any_more_is_closed_with_a_reason(principal: Principal | None, code: int) -> None:
    gateway = LiveGateway()
    socket = gateway.open_socket()
    await socket.subscribe()
    gateway.principal = principal
    await gateway.validity.check()
    closed = await socket.receive()
    assert (closed["type"], closed["code"]) == ("websocket.close", code)
    assert closed["reason"]
    assert not gateway.connections.connections
    socket.send({})  # a client that does not heed the close
    await asyncio.wait_for(socket.task, 5)
    assert not gateway.connections.connections


async def test_while_nobody_knows_a_connection_goes_on_for_some_time() -> None:
    gateway = LiveGateway()
    socket = gateway.open_socket()
    await socket.subscribe()
    gateway.is_down, gateway.now = True, OUTAGE_LIMIT
    await gateway.validity.check()
    assert len(gateway.connections.connections) == 1
    gateway.is_down = False
    await gateway.validity.check()
    gateway.is_down, gateway.now = True, 2 * OUTAGE_LIMIT
    await gateway.validity.check()
    assert len(gateway.connections.connections) == 1
    gateway.now += 1
    await gateway.validity.check()
    assert (await socket.receive())["code"] == 1013
    await socket.leave()


async def test_the_checks_go_on_after_one_that_fails() -> None:
    gateway, slept = LiveGateway(), []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise asyncio.CancelledError

    async def fail() -> None:
        raise ValueError

    gateway.validity.check = fail  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        await gateway.validity.check_forever(sleep)
    assert slept == [VALIDITY_INTERVAL] * 3
