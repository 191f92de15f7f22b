"""Runs `python -m app.api` as a process, without the servers that it connects to."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile

from dev.stack.stack_state import pick_free_port
from tests.integration.api.gateway_client import UNREACHABLE, UNUSED_DATA_DIR

WAIT = 60.0  # seconds, after which a test fails


@contextmanager
def run_gateway(**variables: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """The process and its port; the variables override its environment."""
    port = pick_free_port(set())
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HEROLD_")},
        "KAFKA_BOOTSTRAP_SERVERS": UNREACHABLE,
        "DATABASE_URL": f"postgresql://{UNREACHABLE}/none",
        "REDIS_URL": f"redis://{UNREACHABLE}",
        "HEROLD_GATEWAY_PORT": str(port),
        "HEROLD_WORKER_DATA_DIR": str(UNUSED_DATA_DIR),  # the default one may have the rules of a local stack
        **variables,
    }
    with TemporaryFile("w+b") as log:  # a pipe that nobody reads would stop the gateway once it is full
        process = subprocess.Popen([sys.executable, "-m", "app.api"], env=env, stderr=log)
        process.stderr = log
        try:
            yield process, port
        finally:
            process.kill()
            process.wait(WAIT)


def read_start_error(process: "subprocess.Popen[bytes]") -> str:
    """What a gateway that cannot start has written to its standard error; it must exit with an error."""
    assert process.wait(WAIT) != 0
    assert process.stderr is not None
    process.stderr.seek(0)
    return process.stderr.read().decode()


def wait_until_listening(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Wait until the gateway accepts connections."""
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.02)
    raise AssertionError(f"the gateway exited with {process.returncode}")
