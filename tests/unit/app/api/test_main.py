"""The gateway's server: one tick a second, and a signal does not wait for it."""

import asyncio
import signal

import pytest
import uvicorn

from app.api import __main__ as gateway_main
from app.api.__main__ import GatewayServer


async def respond(scope: object, receive: object, send: object) -> None:
    """An app that is never called."""


def build_server() -> GatewayServer:
    return GatewayServer(uvicorn.Config(respond, log_config=None), handshake_timeout=1.0)


async def test_a_signal_ends_the_wait_for_the_next_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_main, "TICK_SECONDS", 3600.0)
    server = build_server()
    serving = asyncio.ensure_future(server.main_loop())
    await asyncio.sleep(0)  # it waits
    server.handle_exit(signal.SIGTERM, None)
    async with asyncio.timeout(60):
        await serving


async def test_a_signal_before_the_server_waits_is_not_lost() -> None:
    server = build_server()
    server.handle_exit(signal.SIGTERM, None)
    async with asyncio.timeout(60):
        await server.main_loop()


async def test_each_tick_calls_what_is_to_be_called_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_main, "TICK_SECONDS", 0.001)
    server, ticked = build_server(), asyncio.Event()

    async def notify() -> None:
        ticked.set()

    server.config.callback_notify, server.config.timeout_notify = notify, 0
    serving = asyncio.ensure_future(server.main_loop())
    async with asyncio.timeout(60):
        for _ in range(2):
            ticked.clear()
            await ticked.wait()
    assert server.server_state.default_headers[0][0] == b"date"
    server.handle_exit(signal.SIGTERM, None)
    await serving
