"""One Herold under a prefix on real servers: topics, tables, and roles as processes by name; for tests and benches."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from app.admin import database, topics
from dev.stack.herold_services import build_environment
from dev.stack.process_registry import ProcessRegistry
from dev.stack.stack import ServerUrls
from dev.stack.stack_state import StackState
from tests import topic_reader

HOST = "127.0.0.1"
PARTITIONS = 4


class HeroldCluster:
    """One installation; its roles run until `close`, or until they are stopped or killed by name."""

    def __init__(self, home: Path, urls: ServerUrls, prefix: str, **settings: str) -> None:
        """`home` may be shared with other stands; `settings` are environment variables of every process."""
        self.prefix, self.urls, self.state = prefix, urls, StackState(home)
        self.home, self._server_processes = home, ProcessRegistry(home)
        self.state.create()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.data_dir = home / f"{prefix}data"
        own = {"HEROLD_KAFKA_TOPIC_PREFIX": prefix, "HEROLD_WORKER_DATA_DIR": str(self.data_dir), "HEROLD_SERVICE_LOG_LEVEL": "warning"}
        own["HEROLD_KAFKA_SESSION_TIMEOUT"] = "15"  # a process that a bench freezes must not lose its partitions meanwhile
        self.env = {**os.environ, **build_environment(self.state, urls, {}), **own, **settings}

    async def create_schema(self) -> None:
        """Topics; schema, partitions and rules in the database."""
        await topics.apply_topics(self.urls.kafka, self.prefix, PARTITIONS, 1, 1)
        await database.upgrade_database(self.urls.database, time.time())

    def get_port(self, name: str) -> int:
        """The port of a process of this stand."""
        return self.state.get_port(name if name in ("simulators", "gateway") else f"{self.prefix}{name}.web")

    def build_url(self, name: str, path: str) -> str:
        """A place on a process's web server."""
        return f"http://{HOST}:{self.get_port(name)}{path}"

    def get_log_path(self, name: str) -> Path:
        """Where a process writes its output."""
        return self.home / f"{self.prefix}{name}.log"

    def start_process(self, name: str, argv: tuple[str, ...], **env: str) -> None:
        """Start a process under this name."""
        with self.get_log_path(name).open("ab") as output:
            self.processes[name] = subprocess.Popen(argv, env={**self.env, **env}, stdout=output, stderr=output, start_new_session=True)

    async def start_worker(self, role: str, name: str = "", **env: str) -> None:
        """Start a worker of a role and wait until it is ready; a name tells it, and the folder of its tables, apart from others."""
        name = name or role
        argv = (get_faust_path(), "--quiet", "-A", f"app.main:{role}", "worker", "-l", "info")
        self.start_process(name, argv, HEROLD_WORKER_WEB_PORT=str(self.get_port(name)), HEROLD_WORKER_INSTANCE_ID=name, **env)
        await self.wait_until_ready(name, "/ready")

    async def start_simulators(self, name: str = "simulators") -> None:
        """Start the simulators; under another name they are providers on another host."""
        ledger = self.home / f"{self.prefix}{name}.requests.jsonl"
        self.start_process(
            name, (sys.executable, "-m", "dev.simulators", "--host", HOST, "--port", str(self.get_port(name)), "--request-log", str(ledger))
        )
        await self.wait_until_ready(name, "/healthz")

    async def start_gateway(self) -> None:
        """Start the gateway."""
        self.start_process("gateway", (sys.executable, "-m", "app.api"))
        await self.wait_until_ready("gateway", "/readyz")

    async def wait_until_ready(self, name: str, path: str, seconds: float = 120.0) -> None:
        """Wait until the process answers 200. Raises RuntimeError with the end of its output if it does not."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.processes[name].poll() is None:
            try:
                await asyncio.to_thread(fetch_url, self.build_url(name, path))
                return
            except OSError:
                await asyncio.sleep(0.02)
        raise RuntimeError(f"{name} is not ready:\n" + self.get_log_path(name).read_text()[-3000:])

    def get_pids(self, *names: str) -> dict[str, int]:
        """The pids of these processes and servers, by name."""
        servers = self._server_processes.read()
        return {name: self.processes[name].pid if name in self.processes else servers[name].pid for name in names}

    def read_metric(self, name: str, sample_prefix: str) -> float:
        """The sum of a worker's samples whose line begins so."""
        page = fetch_url(self.build_url(name, "/metrics")).decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(sample_prefix))

    async def wait_for_metric(self, name: str, sample_prefix: str, least: float, seconds: float = 300.0) -> None:
        """Wait until a worker has counted so much. Raises TimeoutError."""

        async def counted() -> bool:
            return await asyncio.to_thread(self.read_metric, name, sample_prefix) >= least

        await wait_until(counted, seconds, f"{sample_prefix} of {name} at {least}", interval=0.1)

    def fetch_request_counts(self, name: str = "simulators") -> dict[str, Any]:
        """The counts of simulators."""
        return dict(json.loads(fetch_url(self.build_url(name, "/requests/counts"))))

    async def wait_for_requests(self, least: int, name: str = "simulators", seconds: float = 150.0) -> None:
        """Wait until simulators have seen so many requests. Raises TimeoutError."""

        async def asked() -> bool:
            return int((await asyncio.to_thread(self.fetch_request_counts, name))["requests"]) >= least

        await wait_until(asked, seconds, f"{least} requests of {name}", interval=0.01)

    def fetch_request_log(self, after: int = 0, name: str = "simulators") -> Iterator[dict[str, Any]]:
        """The requests in the ledger of simulators behind number `after`."""
        return fetch_request_log(self.build_url(name, ""), after)

    async def count_records(self, topic: str) -> int:
        """How many records a topic of this stand holds."""
        async with topic_reader.open_topic_reader(self.urls.kafka) as log:
            return sum((await log.get_end_offsets([self.prefix + topic])).values())

    async def fetch_value(self, query: str) -> Any:
        """The value of a query on the stand's database."""
        connection = await asyncpg.connect(self.urls.database)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    @contextmanager
    def freeze(self, name: str) -> Iterator[None]:
        """The process stands still inside this block (for less than its session), so that work piles up before it."""
        self.processes[name].send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.processes[name].send_signal(signal.SIGCONT)

    def kill_process(self, name: str) -> None:
        """End a process with -9; it is gone when this returns."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    async def stop_process(self, name: str) -> int:
        """End a process in order; its exit code."""
        process = self.processes.pop(name)
        process.terminate()
        return await asyncio.to_thread(process.wait, 60)

    async def close(self) -> None:
        """End whatever still runs, in order."""
        await asyncio.gather(*(self.stop_process(name) for name in list(self.processes)))


def get_faust_path() -> str:
    """The Faust CLI of this environment."""
    return str(Path(sys.executable).with_name("faust"))


async def wait_until(condition: Callable[[], Awaitable[bool]], seconds: float, description: str, interval: float = 0.02) -> None:
    """Wait until a condition holds. Raises TimeoutError, which says what was waited for."""
    deadline = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds:.0f} s still not: {description}")
        await asyncio.sleep(interval)


def fetch_request_log(url: str, after: int = 0) -> Iterator[dict[str, Any]]:
    """The requests in the ledger of the simulators at this URL behind number `after`."""
    while lines := fetch_url(f"{url}/requests?after={after}&limit=10000").splitlines():
        yield from map(json.loads, lines)
        after = json.loads(lines[-1])["seq"]


def fetch_url(url: str, data: bytes | None = None, headers: Mapping[str, str] | None = None) -> bytes:
    """The body of an answer."""
    request = urllib.request.Request(url, data=data, headers=dict(headers or {}))
    with urllib.request.urlopen(request, timeout=10) as answer:
        return bytes(answer.read())
