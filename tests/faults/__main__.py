"""Stops and kills Kafka and workers, truncates and recreates topics under load, and checks what follows: `make faults`.

python -m tests.faults [--rounds 10] [--notifications 200000] [--stop-seconds 60]

The exit code is 0 only if nothing is lost of what the logs still hold, everything removed is reported, nothing is read again without an
alarm, no held notification is released early, and all tables equal a replay of their changelogs.
"""

import argparse
import asyncio
import logging
import shutil
import signal
import sys
import tempfile
import uuid
from contextlib import ExitStack
from pathlib import Path

from dev.stack.stack import ServerUrls
from tests.conftest import create_temporary_database
from tests.faults.evidence import Evidence
from tests.faults.fault_run import run_rounds
from tests.faults.installation import open_installation
from tests.server_processes import KafkaBroker, create_session_dir, get_or_start_server, get_sessions_dir, start_server


def main() -> None:
    """Start servers, run the rounds, print the figures of each fault and the sums."""
    options = _parse_options()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # the producers of the load log each failed connection
    home = Path(tempfile.mkdtemp(prefix="herold-faults-"))
    with ExitStack() as servers:
        directory = servers.enter_context(create_session_dir(get_sessions_dir()))
        broker_home = directory / "home-broker"
        broker = KafkaBroker(broker_home, servers.enter_context(start_server("kafka", broker_home)))
        postgres_url, redis_url = (servers.enter_context(get_or_start_server(name, directory)) for name in ("postgres", "valkey"))
        collected = asyncio.run(_run(options, home, broker, postgres_url, redis_url))
    failures = sum(len(evidence.judge()) for evidence in collected)
    _print_sums(collected, failures)
    if failures:
        sys.exit(f"the logs and tables are in {home}")
    shutil.rmtree(home)


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=10, help="each has all six faults (default: %(default)s)")
    parser.add_argument("--notifications", type=int, default=200_000, help="in all rounds (default: %(default)s)")
    parser.add_argument("--stop-seconds", type=float, default=60.0, help="how long the broker is frozen (default: %(default)s)")
    return parser.parse_args()


async def _run(options: argparse.Namespace, home: Path, broker: KafkaBroker, postgres_url: str, redis_url: str) -> list[Evidence]:
    collected = []
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):  # also with a shell that ignores the first one in the background
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    async with create_temporary_database(postgres_url) as database_url:
        urls, prefix = ServerUrls(broker.url, database_url, redis_url), f"t-{uuid.uuid4().hex[:12]}."
        async with open_installation(home, urls, broker, prefix) as installation:
            async for evidence in run_rounds(installation, options.rounds, options.notifications, options.stop_seconds):
                collected.append(evidence)
                print(evidence.format(), flush=True)
                for failure in evidence.judge():
                    print(f"  FAILED: {failure}", flush=True)
    return collected


def _print_sums(collected: list[Evidence], failures: int) -> None:
    addresses, lost, unreported, reported = (
        sum(len(getattr(evidence, name)) for evidence in collected) for name in ("addresses", "lost", "unreported", "reported")
    )
    repeated = sum(evidence.repeated_requests for evidence in collected)
    print(
        f"{addresses} addresses: {lost} lost, {unreported} removed without a report, {reported} removed and reported, "
        f"{repeated} requests repeated; {failures} failures"
    )


if __name__ == "__main__":
    main()
