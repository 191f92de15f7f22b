"""`python -m app.api`: serves the gateway until SIGTERM or SIGINT."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

import uvicorn

from app.api.gateway import build_server_certificate, create_app, load_gateway_settings
from app.api.http_protocol import build_protocol_class
from app.api.middleware import AsgiApp
from app.api.process_group import ProcessGroup, bind_sockets
from app.api.shared_metrics import SharedMetrics, SharedSlots
from app.api.socket_protocol import build_socket_protocol_class
from app.settings import GatewaySection
from app.telemetry import configure_logging
from schemas.errors import SettingError

MAX_SOCKET_MESSAGE = 65_536  # bytes; of what a client of the live view sends
GRACEFUL_SHUTDOWN_SECONDS = 10  # seconds that requests in flight may take after SIGTERM
TICK_SECONDS = 1.0  # between two dates in the headers of responses
START_FAILED = 3  # the exit code of `uvicorn` too


def main() -> None:
    """Serve the API at `gateway.host` and `gateway.port`. Exits with one line that names the key if a setting is missing or wrong."""
    try:
        settings = load_gateway_settings()
    except SettingError as error:
        raise SystemExit(f"error: {error}") from None
    gateway = settings.gateway
    if gateway.processes == 1:
        serve(create_app, gateway)
        return
    configure_logging(settings.service.log_level)
    try:
        sockets = bind_sockets(gateway.host, gateway.port, gateway.processes)
    except OSError as error:
        raise SystemExit(f"error: gateway.port {gateway.port} on {gateway.host} cannot be used: {error.strerror}") from None
    ProcessGroup(sockets, partial(serve_process, SharedSlots(gateway.processes), gateway)).run()


def serve_process(slots: SharedSlots, gateway: GatewaySection, number: int, listener: socket.socket) -> None:
    """Serve in one of several processes. Raises SystemExit if it does not start."""
    metrics = SharedMetrics(slots, number)

    serve(partial(create_app, metrics), gateway, listener, metrics.write_snapshot)


def serve(
    app_factory: Callable[[], AsgiApp],
    gateway: GatewaySection,
    listener: socket.socket | None = None,
    on_second: Callable[[], object] = lambda: None,
) -> None:
    """Serve an app until a signal; `on_second` is called once a second. Raises SystemExit if it does not start."""
    certificate = build_server_certificate(gateway)

    async def notify() -> None:
        on_second()
        if certificate:
            certificate.reload_if_changed()

    config = uvicorn.Config(
        app_factory,
        factory=True,
        host=gateway.host,
        port=gateway.port,
        loop="uvloop",
        http=build_protocol_class(gateway),
        ws=build_socket_protocol_class(gateway),
        ws_max_size=MAX_SOCKET_MESSAGE,
        ws_per_message_deflate=False,  # it keeps buffers of 50 kB for each client
        ws_ping_interval=None,  # the live view has pings of its own, with the cursor
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(gateway.trusted_proxies),
        forwarded_allow_ips=gateway.trusted_proxies,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
        callback_notify=notify,
        timeout_notify=0,  # once a second
        ssl_context_factory=(lambda config, build_default: certificate.context) if certificate else None,
    )
    server = GatewayServer(config, gateway.header_timeout)
    with suppress(KeyboardInterrupt):  # uvicorn repeats the signal after its shutdown
        server.run([listener] if listener else None)
    if not server.started:
        raise SystemExit(START_FAILED)


class GatewayServer(uvicorn.Server):
    """uvicorn's server, whose clients have `handshake_timeout` seconds for a handshake of TLS instead of a minute.

    A signal ends it at once: uvicorn looks ten times a second whether there was one.
    """

    def __init__(self, config: uvicorn.Config, handshake_timeout: float) -> None:
        super().__init__(config)
        self._handshake_timeout = handshake_timeout
        self._end_wait: Callable[[], object] = lambda: None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note the signal; called between two instructions of any code."""
        super().handle_exit(sig, frame)
        self._end_wait()

    async def main_loop(self) -> None:
        """Serve until a signal."""
        is_ending = asyncio.Event()
        self._end_wait = partial(asyncio.get_running_loop().call_soon_threadsafe, is_ending.set)
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await is_ending.wait()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        if self.config.is_ssl:
            loop: Any = asyncio.get_running_loop()  # uvicorn has no option for what it leaves to the event loop's default
            loop.create_server = partial(loop.create_server, ssl_handshake_timeout=self._handshake_timeout)
        await super().startup(sockets)


if __name__ == "__main__":
    main()
