"""`python -m dev.simulators --host 127.0.0.1 --port 8025 --request-log FILE`: simulates the providers until SIGTERM or Ctrl-C."""

import argparse
import asyncio
import gc
import os
import signal
import time
from pathlib import Path

import uvloop

from dev.simulators.callbacks.dispatcher import CallbackDispatcher, CallbackOptions
from dev.simulators.request_log import RequestLog
from dev.simulators.server import SimulatorServer
from dev.simulators.token_server import TOKEN_LIFETIME, TokenServer

MASTER_SECRET_VARIABLE = "HEROLD_PROVIDERS_WEBHOOK_MASTER_SECRET"  # as the webhook workers have it; not an option, which `ps` shows
AUTH_TOKEN_VARIABLE = "HEROLD_PROVIDERS_TWILIO_AUTH_TOKEN"  # of the gateway, too
LISTEN_BACKLOG = 1024  # connections; a delivery worker opens several hundred at once


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="dev.simulators", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8025, help="port to listen on, 0 for any free one (default: %(default)s)")
    parser.add_argument("--request-log", type=Path, required=True, help="file that every request is appended to; it is replayed at start")
    parser.add_argument("--service-account", type=Path, help="file with the service account to which FCM's access tokens are issued")
    parser.add_argument("--token-lifetime", type=float, default=TOKEN_LIFETIME, help="seconds that these are valid (default: %(default)s)")
    parser.add_argument(
        "--callbacks-url", default="", help="Herold's URL with /v1/callbacks; without it nothing is reported about messages"
    )
    parser.add_argument("--inbox", action="store_true", help="show accepted messages at /inbox; with --callbacks-url they always are")
    parser.add_argument("--callback-delay", type=float, default=0.5, help="seconds until all is reported (default: %(default)s)")
    parser.add_argument("--signing-key", type=Path, help="file with the private key that signs SendGrid's events, as PEM")
    return parser.parse_args()


async def serve(options: argparse.Namespace) -> None:
    """Listen, print the address, and serve until SIGINT or SIGTERM. Raises OSError if the request log cannot be written."""
    loop = asyncio.get_running_loop()
    request_log = RequestLog(options.request_log)
    token_server = TokenServer(options.service_account, time.time, options.token_lifetime) if options.service_account else None
    callbacks = _build_callbacks(options, loop)
    simulators = SimulatorServer(
        request_log, time.time, loop, token_server, os.environ.get(MASTER_SECRET_VARIABLE, ""), callbacks, has_inbox=options.inbox
    )
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_number, _stop, simulators.failure)
    server = await loop.create_server(simulators.create_protocol, options.host, options.port, backlog=LISTEN_BACKLOG)
    # objects that exist now live until the end: the collector need not scan them again
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    address = server.sockets[0].getsockname()
    print(f"simulators listen on http://{address[0]}:{address[1]}", flush=True)
    try:
        await simulators.failure
    finally:
        server.close()
        request_log.close()
        if callbacks:
            await callbacks.close()


def _build_callbacks(options: argparse.Namespace, loop: asyncio.AbstractEventLoop) -> CallbackDispatcher | None:
    if not options.callbacks_url:
        return None
    key = options.signing_key.read_bytes() if options.signing_key else b""
    token, url = os.environ.get(AUTH_TOKEN_VARIABLE, ""), options.callbacks_url.rstrip("/")
    return CallbackDispatcher(loop, time.time, CallbackOptions(url, key, token, options.callback_delay))


def _stop(failure: asyncio.Future[None]) -> None:
    if not failure.done():
        failure.set_result(None)


def main() -> None:
    """Run the command."""
    uvloop.run(serve(parse_arguments()))


if __name__ == "__main__":
    main()
