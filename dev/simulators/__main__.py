"""`python -m dev.simulators --host 127.0.0.1 --port 8025 --request-log FILE`: the providers' stand-ins, until SIGTERM or Ctrl-C."""

import argparse
import asyncio
import gc
import signal
import time
from pathlib import Path

import uvloop

from dev.simulators.request_log import RequestLog
from dev.simulators.server import SimulatorServer


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="dev.simulators", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8025, help="port to listen on, 0 for any free one (default: %(default)s)")
    parser.add_argument("--request-log", type=Path, required=True, help="file that every request is entered in; it is read back at start")
    return parser.parse_args()


async def serve(host: str, port: int, log_path: Path) -> None:
    """Listen, say where, and serve until told to stop. Raises OSError if the ledger cannot be written."""
    loop = asyncio.get_running_loop()
    ledger = RequestLog(log_path)
    simulators = SimulatorServer(ledger, time.time, loop)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop, simulators.failure)
    server = await loop.create_server(simulators.create_protocol, host, port, backlog=1024)
    # what is here now stays: the collector need not look at it again
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    bound = server.sockets[0].getsockname()
    print(f"simulators listen on http://{bound[0]}:{bound[1]}", flush=True)
    try:
        await simulators.failure
    finally:
        server.close()
        ledger.close()


def _stop(ended: asyncio.Future[None]) -> None:
    if not ended.done():
        ended.set_result(None)


def main() -> None:
    """Run the command."""
    given = parse_arguments()
    uvloop.run(serve(given.host, given.port, given.request_log))


if __name__ == "__main__":
    main()
