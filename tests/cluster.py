"""An installation of Herold under a prefix on real servers: topics, database, and processes by name; for tests and benchmarks."""

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
from dev.stack.herold_services import build_callback_options, build_environment, build_simulators_command
from dev.stack.process_registry import ProcessRegistry
from dev.stack.stack import ServerUrls
from dev.stack.stack_state import LOOPBACK, StackState
from tests import topic_reader
from tests.settings_builders import DEFAULT_SETTINGS, build_kafka_section

PARTITIONS = 4
REQUEST_LOG_PAGE = 10_000  # entries


class HeroldCluster:
    """One installation. Its processes run until `close`, or until they are stopped or killed by name."""

    def __init__(self, home: Path, urls: ServerUrls, prefix: str, **settings: str) -> None:
        """`home` can be shared with other clusters; `settings` are environment variables of every process."""
        self.prefix, self.urls, self.state = prefix, urls, StackState(home)
        self.home, self._server_processes = home, ProcessRegistry(home)
        self.state.create()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.data_dir = home / f"{prefix}data"
        defaults = {
            "HEROLD_KAFKA_TOPIC_PREFIX": prefix,
            "HEROLD_WORKER_DATA_DIR": str(self.data_dir),
            "HEROLD_SERVICE_LOG_LEVEL": "warning",
            "HEROLD_KAFKA_SESSION_TIMEOUT": "15",  # seconds; a process that a benchmark freezes must keep its partitions
            # seconds; on a busy machine an answer may take longer than by default, when it counts as an outage
            "HEROLD_REDIS_SOCKET_TIMEOUT": "10",
            "HEROLD_GATEWAY_PRODUCE_TIMEOUT": "60",
        }
        self.env = {**os.environ, **build_environment(self.state, urls, {}), **defaults, **settings}

    async def create_schema(self) -> None:
        """Create the topics, and the schema, partitions and rules in the database."""
        upgrade = database.upgrade_database(self.urls.database, time.time(), DEFAULT_SETTINGS.simulators.url)
        await asyncio.gather(self.create_topics(), upgrade)

    async def create_topics(self) -> None:
        """Create the topics only, for roles that use no database."""
        await topics.apply_topics(build_kafka_section(self.urls.kafka, self.prefix, topic_partitions=PARTITIONS))

    def get_port(self, name: str) -> int:
        """Get the port of a process."""
        return self.state.get_port(name if name in ("simulators", "gateway") else f"{self.prefix}{name}.web")

    def build_url(self, name: str, path: str) -> str:
        """Build a URL of a process's web server."""
        return f"http://{LOOPBACK}:{self.get_port(name)}{path}"

    def get_log_path(self, name: str) -> Path:
        """Get the file of a process's output."""
        return self.home / f"{self.prefix}{name}.log"

    def start_process(self, name: str, argv: tuple[str, ...], **env: str) -> None:
        """Start a process under this name."""
        with self.get_log_path(name).open("ab") as output:
            self.processes[name] = subprocess.Popen(argv, env={**self.env, **env}, stdout=output, stderr=output, start_new_session=True)

    async def start_worker(self, role: str, name: str = "", **env: str) -> None:
        """Start a worker of a role and wait until it is ready; the name of a further worker of the role must be unique."""
        name = name or role
        argv = (get_faust_path(), "--quiet", "-A", f"app.main:{role}", "worker", "-l", "info")
        self.start_process(name, argv, HEROLD_WORKER_WEB_PORT=str(self.get_port(name)), HEROLD_WORKER_INSTANCE_ID=name, **env)
        await self.wait_until_ready(name, "/ready")

    async def start_simulators(self, name: str = "simulators", *, with_callbacks: bool = False, with_inbox: bool = False) -> None:
        """Start simulators; under another name they simulate providers on another host. With callbacks they report to the gateway.

        With an inbox or callbacks they keep what arrives.
        """
        request_log = self.home / f"{self.prefix}{name}.requests.jsonl"
        options = (*(build_callback_options(self.state) if with_callbacks else ()), *(["--inbox"] if with_inbox else ()))
        self.start_process(name, (*build_simulators_command(self.get_port(name), request_log, self.env), *options))
        await self.wait_until_ready(name, "/healthz")

    async def start_gateway(self) -> None:
        """Start the gateway."""
        self.start_process("gateway", (sys.executable, "-m", "app.api"))
        await self.wait_until_ready("gateway", "/readyz")

    async def wait_until_ready(self, name: str, path: str, seconds: float = 120.0) -> None:
        """Wait until the process responds with 200. Raises RuntimeError with the end of its output."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.processes[name].poll() is None:
            try:
                await asyncio.to_thread(fetch_url, self.build_url(name, path))
                return
            except OSError:
                await asyncio.sleep(0.02)
        raise RuntimeError(f"{name} is not ready:\n" + self.get_log_path(name).read_text()[-3000:])

    def get_pids(self, *names: str) -> dict[str, int]:
        """Get the pids of processes and servers by name."""
        servers = self._server_processes.read()
        return {name: self.processes[name].pid if name in self.processes else servers[name].pid for name in names}

    def read_metric(self, name: str, sample_prefix: str) -> float:
        """Sum the samples of a worker's metrics whose lines start with `sample_prefix`."""
        page = fetch_url(self.build_url(name, "/metrics")).decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(sample_prefix))

    async def wait_for_metric(self, name: str, sample_prefix: str, minimum: float, seconds: float = 300.0) -> None:
        """Wait until a metric of a worker is at least `minimum`. Raises TimeoutError."""

        async def has_reached_minimum() -> bool:
            return await asyncio.to_thread(self.read_metric, name, sample_prefix) >= minimum

        await wait_until(has_reached_minimum, seconds, f"{sample_prefix} of {name} is {minimum}", interval=0.1)

    def fetch_request_counts(self, name: str = "simulators") -> dict[str, Any]:
        """Fetch the counts of simulators."""
        return dict(json.loads(fetch_url(self.build_url(name, "/requests/counts"))))

    def fetch_callback_counts(self, name: str = "simulators") -> dict[str, Any]:
        """Fetch how many callbacks of simulators had which result."""
        return dict(json.loads(fetch_url(self.build_url(name, "/callbacks/counts"))))

    async def wait_for_requests(self, minimum: int, name: str = "simulators", seconds: float = 150.0) -> None:
        """Wait until simulators have logged at least `minimum` requests. Raises TimeoutError."""

        async def has_reached_minimum() -> bool:
            return int((await asyncio.to_thread(self.fetch_request_counts, name))["requests"]) >= minimum

        await wait_until(has_reached_minimum, seconds, f"{name} has {minimum} requests", interval=0.01)

    def change_credentials(self, provider: str, action: str) -> None:
        """`revoke` or `restore` the credentials of a simulated provider."""
        fetch_url(self.build_url("simulators", f"/credentials/{action}?provider={provider}"), data=b"")

    def switch_fault_on(self, provider: str, **fault: object) -> None:
        """Switch a fault of a simulated provider on; `fault` has the fields of dev.simulators.fault_rules.FaultRequest."""
        fetch_url(self.build_url("simulators", "/faults"), data=json.dumps({"provider": provider, **fault}).encode())

    def switch_faults_off(self) -> None:
        """Switch all faults of the simulated providers off."""
        fetch_url(self.build_url("simulators", "/faults"), method="DELETE")

    def fetch_request_log(self, after: int = 0, name: str = "simulators") -> Iterator[dict[str, Any]]:
        """Fetch the entries of a request log whose `seq` exceeds `after`."""
        return fetch_request_log(self.build_url(name, ""), after)

    async def count_records(self, topic: str) -> int:
        """Count the records of a topic, by its end offsets."""
        async with topic_reader.open_topic_reader(self.urls.kafka) as reader:
            return sum((await reader.get_end_offsets([self.prefix + topic])).values())

    async def execute(self, query: str, *arguments: object) -> None:
        """Execute a statement in the database."""
        connection = await asyncpg.connect(self.urls.database)
        try:
            await connection.execute(query, *arguments)
        finally:
            await connection.close()

    async def fetch_value(self, query: str) -> Any:
        """Fetch the single value of a query."""
        connection = await asyncpg.connect(self.urls.database)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    @contextmanager
    def freeze(self, name: str) -> Iterator[None]:
        """Stop the process with SIGSTOP while the context is open, so that a backlog builds up; shorter than the session timeout."""
        self.processes[name].send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.processes[name].send_signal(signal.SIGCONT)

    def kill_process(self, name: str) -> None:
        """Kill a process with SIGKILL and wait for its end."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    async def stop_process(self, name: str) -> int:
        """Stop a process with SIGTERM; return its exit code."""
        process = self.processes.pop(name)
        process.terminate()
        return await asyncio.to_thread(process.wait, 60)

    async def close(self) -> None:
        """Stop all processes that still run."""
        await asyncio.gather(*(self.stop_process(name) for name in list(self.processes)))


def get_faust_path() -> str:
    """Get the path of the Faust CLI in this environment."""
    return str(Path(sys.executable).with_name("faust"))


async def wait_until(condition: Callable[[], Awaitable[bool]], seconds: float, description: str, interval: float = 0.02) -> None:
    """Wait until a condition is true. Raises TimeoutError with the description."""
    deadline = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not true after {seconds:.0f} s: {description}")
        await asyncio.sleep(interval)


def fetch_request_log(url: str, after: int = 0) -> Iterator[dict[str, Any]]:
    """Fetch the entries of the request log at this URL whose `seq` exceeds `after`."""
    while lines := fetch_url(f"{url}/requests?after={after}&limit={REQUEST_LOG_PAGE}").splitlines():
        yield from map(json.loads, lines)
        after = json.loads(lines[-1])["seq"]


def fetch_url(url: str, data: bytes | None = None, headers: Mapping[str, str] | None = None, method: str | None = None) -> bytes:
    """Fetch the body of a response. Raises OSError for an error status and without a connection."""
    request = urllib.request.Request(url, data=data, headers=dict(headers or {}), method=method)
    with urllib.request.urlopen(request, timeout=60) as response:
        return bytes(response.read())
