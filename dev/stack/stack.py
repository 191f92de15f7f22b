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

from dev.stack import kafka, kafka_jars, postgres, unprivileged_data_dir, valkey
from dev.stack.files import try_acquire_file_lock
from dev.stack.fork_client import ForkClient
from dev.stack.process_output import LogSink
from dev.stack.process_registry import ProcessRegistry, get_process_record, stop_orphans
from dev.stack.service import Service
from dev.stack.stack_state import StackState
from dev.stack.supervisor import StopRequested, Supervisor

URL_VARIABLES = {kafka.NAME: "KAFKA_BOOTSTRAP_SERVERS", postgres.NAME: "DATABASE_URL", valkey.NAME: "REDIS_URL"}
STACK_LOG_NAME = "herold"  # in whose name the stack itself speaks


class AlreadyRunningError(Exception):
    """Another run holds the home folder."""


@dataclass(frozen=True)
class ServerUrls:
    """Where the three servers are."""

    kafka: str
    database: str
    redis: str

    def to_env(self) -> dict[str, str]:
        """The environment of a process that uses them."""
        return dict(zip(URL_VARIABLES.values(), (self.kafka, self.database, self.redis), strict=True))


PrepareHook = Callable[[ServerUrls], Awaitable[None]]


async def do_nothing(urls: ServerUrls) -> None:
    """Prepare nothing."""


def resolve_server_urls(state: StackState, env: Mapping[str, str]) -> ServerUrls:
    """The servers given in the environment, and for the others the embedded ones of this home."""
    password = state.get_secret("password")
    own = {
        kafka.NAME: lambda: kafka.build_url(state.get_port(kafka.NAME)),
        postgres.NAME: lambda: postgres.build_url(state.get_port(postgres.NAME), password),
        valkey.NAME: lambda: valkey.build_url(state.get_port(valkey.NAME), password),
    }
    return ServerUrls(*(env.get(variable) or own[name]() for name, variable in URL_VARIABLES.items()))


def list_embedded_servers(env: Mapping[str, str], only: Collection[str] = tuple(URL_VARIABLES)) -> list[str]:
    """The servers to start: those of `only` that the environment does not give."""
    return [name for name, variable in URL_VARIABLES.items() if name in only and not env.get(variable)]


@dataclass(frozen=True)
class Stack:
    """An open home: its state and URLs are known, nothing runs yet until `start`."""

    state: StackState
    urls: ServerUrls
    supervisor: Supervisor
    registry: ProcessRegistry
    embedded_servers: Sequence[str]
    log: LogSink
    on_progress: kafka_jars.ProgressCallback
    use_c2: bool

    async def start(self, prepare: PrepareHook = do_nothing, stages: Sequence[Sequence[Service]] = ()) -> ServerUrls:
        """Start the servers, run `prepare`, start the services stage by stage; returns when all are ready.

        Raises service.StartFailed, supervisor.StopRequested (Ctrl-C meanwhile), and what `prepare` raises.
        """
        unless_stopped, clock = self.supervisor.run_unless_stopped, asyncio.get_running_loop().time
        began = clock()
        await self.supervisor.start(await unless_stopped(self._prepare_services()))
        self.log(STACK_LOG_NAME, f"servers ready after {clock() - began:.1f} s")
        await unless_stopped(_to_coroutine(prepare(self.urls)))
        for stage in stages:
            await self.supervisor.start(stage)
        self.registry.set_ready(True)
        return self.urls

    def update_process(self, service: Service, pid: int | None) -> None:
        """Write down a process that the supervisor does not know, or (None) its end: the next run ends it if this one is killed."""
        _update_process(self.registry, service, pid)

    async def wait(self) -> None:
        """Wait for Ctrl-C, SIGTERM or `supervisor.request_stop()`."""
        await self.supervisor.wait()

    def _report_progress(self, present: int, wanted: int) -> None:
        if self.supervisor.stop_requested:
            raise StopRequested  # in the download's thread: ends it after the jars that are on their way
        self.on_progress(present, wanted)

    async def _prepare_services(self) -> list[Service]:
        return await asyncio.gather(*(asyncio.to_thread(self._prepare_service, name) for name in self.embedded_servers))

    def _prepare_service(self, name: str) -> Service:
        home, state, password = self.state.home, self.state, self.state.get_secret("password")
        if name == kafka.NAME:
            java = kafka.prepare_java_runtime(self._report_progress, use_c2=self.use_c2)
            return kafka.prepare_service(home, state.get_port(kafka.NAME), state.get_port(kafka.CONTROLLER_PORT_NAME), java)
        prepare = postgres.prepare_service if name == postgres.NAME else valkey.prepare_service
        return prepare(home, state.get_port(name), password)


@asynccontextmanager
async def open_stack(
    home: Path,
    env: Mapping[str, str],
    log: LogSink,
    *,
    on_progress: kafka_jars.ProgressCallback = lambda present, wanted: None,
    only: Collection[str] = tuple(URL_VARIABLES),
    use_c2: bool = False,
    preload_modules: Sequence[str] = (),
) -> AsyncIterator[Stack]:
    """Hold the home, end what a killed run left, settle the ports; at the end stop everything in reverse.

    `progress` is told of downloaded jars, from another thread. `optimised` runs Kafka's JVM with C2. `imports` are the modules
    that services share (nursery). Inside, SIGINT, SIGTERM and SIGHUP are requests to stop. Raises AlreadyRunning.
    """
    state, processes = StackState(home), ProcessRegistry(home)
    state.create()
    with try_acquire_file_lock(home / "lock") as held:
        if not held:
            raise AlreadyRunningError(_describe_running_stack(home, processes))
        processes.register_supervisor(get_process_record(os.getpid()))
        _clean_up(state, processes, log)
        note = partial(_update_process, processes)
        forks = ForkClient(preload_modules, log, note)
        supervisor = Supervisor(log, note, spawn=forks.spawn)
        stack = Stack(
            state, resolve_server_urls(state, env), supervisor, processes, list_embedded_servers(env, only), log, on_progress, use_c2
        )
        with supervisor.handle_signals():
            try:
                await forks.start()
                yield stack
            finally:
                log(STACK_LOG_NAME, "stopping")
                processes.set_ready(False)
                await supervisor.stop()
                await forks.stop()
                processes.clear()


def _describe_running_stack(home: Path, registry: ProcessRegistry) -> str:
    supervisor = registry.find_supervisor()
    who = f" (pid {supervisor.pid})" if supervisor else ""
    return f"Herold already runs in {home}{who}: stop that run, or set HEROLD_HOME to another directory for a second one"


def _clean_up(state: StackState, registry: ProcessRegistry, log: LogSink) -> None:
    unprivileged_data_dir.remove_stale_data_dirs(time.time())
    for name in stop_orphans(registry):
        log(STACK_LOG_NAME, f"ended {name}, left by a run that was killed")
    for name, (old, new) in state.replace_taken_ports().items():
        log(STACK_LOG_NAME, f"port {old} of {name} is used by another program: {name} now has {new}")


def _update_process(registry: ProcessRegistry, service: Service, pid: int | None) -> None:
    registry.update_process(service.name, None if pid is None else get_process_record(pid, service.stop_signal))


async def _to_coroutine(work: Awaitable[None]) -> None:
    await work
