"""`python -m app.api`: serves the gateway until SIGTERM or SIGINT."""

import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import uvicorn

from app.api.gateway import create_app, load_gateway_settings
from app.api.http_protocol import build_protocol_class
from app.api.middleware import AsgiApp
from app.api.process_group import ProcessGroup, bind_sockets
from app.api.shared_metrics import SharedMetrics, SharedSlots
from app.settings import GatewaySection
from app.telemetry import configure_logging
from schemas.errors import SettingError

GRACEFUL_SHUTDOWN_SECONDS = 10  # seconds that requests in flight may take after SIGTERM
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

    async def write_snapshot() -> None:
        metrics.write_snapshot()

    serve(partial(create_app, metrics), gateway, listener, callback_notify=write_snapshot, timeout_notify=0)  # once a second


def serve(app_factory: Callable[[], AsgiApp], gateway: GatewaySection, listener: socket.socket | None = None, **options: Any) -> None:
    """Serve an app until a signal, with further options of uvicorn. Raises SystemExit if it does not start."""
    config = uvicorn.Config(
        app_factory,
        factory=True,
        host=gateway.host,
        port=gateway.port,
        loop="uvloop",
        http=build_protocol_class(gateway),
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # nothing reads the client's address
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
        **options,
    )
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):  # uvicorn repeats the signal after its shutdown
        server.run([listener] if listener else None)
    if not server.started:
        raise SystemExit(START_FAILED)


if __name__ == "__main__":
    main()
