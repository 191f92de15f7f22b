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

from app import database, topics
from app.local.processes import Processes
from app.local.stack import Urls
from app.local.state import State
from app.up import environment
from tests import kafka_log

HOST = "127.0.0.1"
PARTITIONS = 4


class Stand:
    """One installation; its roles run until `close`, or until they are stopped or killed by name."""

    def __init__(self, home: Path, urls: Urls, prefix: str, **settings: str) -> None:
        """`home` may be shared with other stands; `settings` are environment variables of every process."""
        self.prefix, self.urls, self.state = prefix, urls, State(home)
        self.home, self._processes = home, Processes(home)
        self.state.make()
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.data = home / f"{prefix}data"
        own = {"HEROLD_HEROLD_TOPIC_PREFIX": prefix, "HEROLD_HEROLD_DATA_DIR": str(self.data), "HEROLD_HEROLD_LOG_LEVEL": "warning"}
        own["HEROLD_KAFKA_SESSION_TIMEOUT"] = "15"  # a process that a bench freezes must not lose its partitions meanwhile
        self.env = {**os.environ, **environment(self.state, urls, {}), **own, **settings}

    async def prepare(self) -> None:
        """Topics; schema, partitions and rules in the database."""
        await topics.apply(self.urls.kafka, self.prefix, PARTITIONS, 1, 1)
        await database.upgrade(self.urls.database, time.time())

    def port(self, name: str) -> int:
        """The port of a process of this stand."""
        return self.state.port(name if name in ("twins", "gateway") else f"{self.prefix}{name}.web")

    def url(self, name: str, path: str) -> str:
        """A place on a process's web server."""
        return f"http://{HOST}:{self.port(name)}{path}"

    def log(self, name: str) -> Path:
        """Where a process writes its output."""
        return self.home / f"{self.prefix}{name}.log"

    def start(self, name: str, argv: tuple[str, ...], **env: str) -> None:
        """Start a process under this name."""
        with self.log(name).open("ab") as output:
            self.running[name] = subprocess.Popen(argv, env={**self.env, **env}, stdout=output, stderr=output, start_new_session=True)

    async def worker(self, role: str, name: str = "", **env: str) -> None:
        """Start a worker of a role and wait until it is ready; a name tells it, and the folder of its tables, apart from others."""
        name = name or role
        argv = (faust(), "--quiet", "-A", f"app.main:{role}", "worker", "-l", "info")
        self.start(name, argv, HEROLD_STREAMING_WEB_PORT=str(self.port(name)), HEROLD_HEROLD_WORKER=name, **env)
        await self.until_ready(name, "/ready")

    async def twins(self, name: str = "twins") -> None:
        """Start the twins; under another name they are providers on another host."""
        ledger = self.home / f"{self.prefix}{name}.ledger"
        self.start(name, (sys.executable, "-m", "twins", "--host", HOST, "--port", str(self.port(name)), "--ledger", str(ledger)))
        await self.until_ready(name, "/healthz")

    async def gateway(self) -> None:
        """Start the gateway."""
        self.start("gateway", (sys.executable, "-m", "app.api"))
        await self.until_ready("gateway", "/readyz")

    async def until_ready(self, name: str, path: str, seconds: float = 120.0) -> None:
        """Wait until the process answers 200. Raises RuntimeError with the end of its output if it does not."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.running[name].poll() is None:
            try:
                await asyncio.to_thread(read, self.url(name, path))
                return
            except OSError:
                await asyncio.sleep(0.02)
        raise RuntimeError(f"{name} is not ready:\n" + self.log(name).read_text()[-3000:])

    def pids(self, *names: str) -> dict[str, int]:
        """The pids of these processes and servers, by name."""
        servers = self._processes.read()
        return {name: self.running[name].pid if name in self.running else servers[name].pid for name in names}

    def metric(self, name: str, wanted: str) -> float:
        """The sum of a worker's samples whose line begins so."""
        page = read(self.url(name, "/metrics")).decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(wanted))

    async def until_metric(self, name: str, wanted: str, least: float, seconds: float = 300.0) -> None:
        """Wait until a worker has counted so much. Raises TimeoutError."""

        async def counted() -> bool:
            return await asyncio.to_thread(self.metric, name, wanted) >= least

        await until(counted, seconds, f"{wanted} of {name} at {least}", every=0.1)

    def ledger(self, name: str = "twins") -> dict[str, Any]:
        """The counts of twins."""
        return dict(json.loads(read(self.url(name, "/ledger"))))

    async def until_asked(self, least: int, name: str = "twins", seconds: float = 150.0) -> None:
        """Wait until twins have seen so many requests. Raises TimeoutError."""

        async def asked() -> bool:
            return int((await asyncio.to_thread(self.ledger, name))["requests"]) >= least

        await until(asked, seconds, f"{least} requests of {name}", every=0.01)

    def entries(self, after: int = 0, name: str = "twins") -> Iterator[dict[str, Any]]:
        """The requests in the ledger of twins behind number `after`."""
        return ledger_entries(self.url(name, ""), after)

    async def written(self, topic: str) -> int:
        """How many records a topic of this stand holds."""
        async with kafka_log.reader(self.urls.kafka) as log:
            return sum((await log.ends([self.prefix + topic])).values())

    async def fetch(self, query: str) -> Any:
        """The value of a query on the stand's database."""
        connection = await asyncpg.connect(self.urls.database)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """The process stands still inside this block (for less than its session), so that work piles up before it."""
        self.running[name].send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.running[name].send_signal(signal.SIGCONT)

    def kill(self, name: str) -> None:
        """End a process with -9; it is gone when this returns."""
        process = self.running.pop(name)
        process.kill()
        process.wait()

    async def stop(self, name: str) -> int:
        """End a process in order; its exit code."""
        process = self.running.pop(name)
        process.terminate()
        return await asyncio.to_thread(process.wait, 60)

    async def close(self) -> None:
        """End whatever still runs, in order."""
        await asyncio.gather(*(self.stop(name) for name in list(self.running)))


def faust() -> str:
    """The Faust CLI of this environment."""
    return str(Path(sys.executable).with_name("faust"))


async def until(condition: Callable[[], Awaitable[bool]], seconds: float, what: str, every: float = 0.02) -> None:
    """Wait until a condition holds. Raises TimeoutError, which says what was waited for."""
    deadline = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds:.0f} s still not: {what}")
        await asyncio.sleep(every)


def ledger_entries(twins: str, after: int = 0) -> Iterator[dict[str, Any]]:
    """The requests in the ledger of the twins at this URL behind number `after`."""
    while lines := read(f"{twins}/ledger/entries?after={after}&limit=10000").splitlines():
        yield from map(json.loads, lines)
        after = json.loads(lines[-1])["seq"]


def read(url: str, data: bytes | None = None, headers: Mapping[str, str] | None = None) -> bytes:
    """The body of an answer."""
    request = urllib.request.Request(url, data=data, headers=dict(headers or {}))
    with urllib.request.urlopen(request, timeout=10) as answer:
        return bytes(answer.read())
