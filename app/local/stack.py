"""The whole stack in one run: servers first, then whatever the caller prepares (topics, migrations), then its services.

Each of KAFKA_BOOTSTRAP_SERVERS, DATABASE_URL and REDIS_URL that is set is used instead of the embedded server.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.local import jars, kafka, postgres, refuge, valkey
from app.local.files import try_locked
from app.local.forks import Forks
from app.local.log import Say
from app.local.processes import Processes, end_orphans, recorded
from app.local.service import Service
from app.local.state import State
from app.local.supervisor import StopRequested, Supervisor

VARIABLES = {kafka.NAME: "KAFKA_BOOTSTRAP_SERVERS", postgres.NAME: "DATABASE_URL", valkey.NAME: "REDIS_URL"}
HEROLD = "herold"  # in whose name the stack itself speaks


class AlreadyRunning(Exception):
    """Another run holds the home folder."""


@dataclass(frozen=True)
class Urls:
    """Where the three servers are."""

    kafka: str
    database: str
    redis: str

    def env(self) -> dict[str, str]:
        """The environment of a process that uses them."""
        return dict(zip(VARIABLES.values(), (self.kafka, self.database, self.redis), strict=True))


Prepare = Callable[[Urls], Awaitable[None]]


async def nothing(urls: Urls) -> None:
    """Prepare nothing."""


def urls_of(state: State, env: Mapping[str, str]) -> Urls:
    """The servers given in the environment, and for the others the embedded ones of this home."""
    password = state.secret("password")
    own = {
        kafka.NAME: lambda: kafka.url(state.port(kafka.NAME)),
        postgres.NAME: lambda: postgres.url(state.port(postgres.NAME), password),
        valkey.NAME: lambda: valkey.url(state.port(valkey.NAME), password),
    }
    return Urls(*(env.get(variable) or own[name]() for name, variable in VARIABLES.items()))


def embedded(env: Mapping[str, str], only: Collection[str] = tuple(VARIABLES)) -> list[str]:
    """The servers to start: those of `only` that the environment does not give."""
    return [name for name, variable in VARIABLES.items() if name in only and not env.get(variable)]


@dataclass(frozen=True)
class Stack:
    """An open home: its state and URLs are known, nothing runs yet until `start`."""

    state: State
    urls: Urls
    supervisor: Supervisor
    processes: Processes
    servers: Sequence[str]
    say: Say
    progress: jars.Progress
    optimised: bool

    async def start(self, prepare: Prepare = nothing, stages: Sequence[Sequence[Service]] = ()) -> Urls:
        """Start the servers, run `prepare`, start the services stage by stage; returns when all are ready.

        Raises service.StartFailed, supervisor.StopRequested (Ctrl-C meanwhile), and what `prepare` raises.
        """
        unless_stopped, clock = self.supervisor.unless_stopped, asyncio.get_running_loop().time
        began = clock()
        await self.supervisor.start(await unless_stopped(self._prepare_servers()))
        self.say(HEROLD, f"servers ready after {clock() - began:.1f} s")
        await unless_stopped(_awaited(prepare(self.urls)))
        for stage in stages:
            await self.supervisor.start(stage)
        self.processes.note_ready(True)
        return self.urls

    def note(self, service: Service, pid: int | None) -> None:
        """Write down a process that the supervisor does not know, or (None) its end: the next run ends it if this one is killed."""
        _note(self.processes, service, pid)

    async def wait(self) -> None:
        """Wait for Ctrl-C, SIGTERM or `supervisor.request_stop()`."""
        await self.supervisor.wait()

    def _report_jars(self, present: int, wanted: int) -> None:
        if self.supervisor.stop_requested:
            raise StopRequested  # in the download's thread: ends it after the jars that are on their way
        self.progress(present, wanted)

    async def _prepare_servers(self) -> list[Service]:
        return await asyncio.gather(*(asyncio.to_thread(self._prepare_server, name) for name in self.servers))

    def _prepare_server(self, name: str) -> Service:
        home, state, password = self.state.home, self.state, self.state.secret("password")
        if name == kafka.NAME:
            java = kafka.find_java(self._report_jars, optimised=self.optimised)
            return kafka.prepare(home, state.port(kafka.NAME), state.port(kafka.CONTROLLER), java)
        prepare = postgres.prepare if name == postgres.NAME else valkey.prepare
        return prepare(home, state.port(name), password)


@asynccontextmanager
async def opened(
    home: Path,
    env: Mapping[str, str],
    say: Say,
    *,
    progress: jars.Progress = lambda present, wanted: None,
    only: Collection[str] = tuple(VARIABLES),
    optimised: bool = False,
    imports: Sequence[str] = (),
) -> AsyncIterator[Stack]:
    """Hold the home, end what a killed run left, settle the ports; at the end stop everything in reverse.

    `progress` is told of downloaded jars, from another thread. `optimised` runs Kafka's JVM with C2. `imports` are the modules
    that services share (nursery). Inside, SIGINT, SIGTERM and SIGHUP are requests to stop. Raises AlreadyRunning.
    """
    state, processes = State(home), Processes(home)
    state.make()
    with try_locked(home / "lock") as held:
        if not held:
            raise AlreadyRunning(_who_runs(home, processes))
        processes.begin(recorded(os.getpid()))
        _tidy(state, processes, say)
        note = partial(_note, processes)
        forks = Forks(imports, say, note)
        supervisor = Supervisor(say, note, spawn=forks.spawn)
        stack = Stack(state, urls_of(state, env), supervisor, processes, embedded(env, only), say, progress, optimised)
        with supervisor.signals():
            try:
                await forks.open()
                yield stack
            finally:
                say(HEROLD, "stopping")
                processes.note_ready(False)
                await supervisor.stop()
                await forks.close()
                processes.clear()


def _who_runs(home: Path, processes: Processes) -> str:
    supervisor = processes.supervisor()
    who = f" (pid {supervisor.pid})" if supervisor else ""
    return f"Herold already runs in {home}{who}: stop that run, or set HEROLD_HOME to another folder for a second one"


def _tidy(state: State, processes: Processes, say: Say) -> None:
    refuge.remove_abandoned(time.time())
    for name in end_orphans(processes):
        say(HEROLD, f"ended {name}, left by a run that was killed")
    for name, (old, new) in state.replace_taken_ports().items():
        say(HEROLD, f"port {old} of {name} is used by another program: {name} now has {new}")


def _note(processes: Processes, service: Service, pid: int | None) -> None:
    processes.note(service.name, None if pid is None else recorded(pid, service.stop_signal))


async def _awaited(work: Awaitable[None]) -> None:
    await work
