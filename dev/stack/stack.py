"""A run of the whole stack: starts the servers, prepares them (topics, migrations), then starts the services.

An external server that KAFKA_BOOTSTRAP_SERVERS, DATABASE_URL or REDIS_URL names replaces the embedded one.
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
from dev.stack.fork_client import ForkClient
from dev.stack.private_files import try_acquire_file_lock
from dev.stack.process_output import LogSink
from dev.stack.process_registry import ProcessRegistry, find_process_record, get_process_record, stop_orphans
from dev.stack.service import Service
from dev.stack.stack_state import StackState
from dev.stack.supervisor import StopRequested, Supervisor

URL_VARIABLES = {kafka.NAME: "KAFKA_BOOTSTRAP_SERVERS", postgres.NAME: "DATABASE_URL", valkey.NAME: "REDIS_URL"}
STACK_LOG_NAME = "herold"  # the name before the stack's own log lines


class AlreadyRunningError(Exception):
    """Another run uses the home directory."""


@dataclass(frozen=True)
class ServerUrls:
    """The addresses of the three servers."""

    kafka: str
    database: str
    redis: str

    def to_env(self) -> dict[str, str]:
        """The environment variables with these addresses."""
        return dict(zip(URL_VARIABLES.values(), (self.kafka, self.database, self.redis), strict=True))


PrepareHook = Callable[[ServerUrls], Awaitable[None]]


async def do_nothing(urls: ServerUrls) -> None:
    """Prepare nothing."""


def resolve_server_urls(state: StackState, env: Mapping[str, str]) -> ServerUrls:
    """The external servers of the environment, and for the others the embedded ones of this home."""
    password = state.get_secret("password")
    build_embedded_url = {
        kafka.NAME: lambda: kafka.build_url(state.get_port(kafka.NAME)),
        postgres.NAME: lambda: postgres.build_url(state.get_port(postgres.NAME), password),
        valkey.NAME: lambda: valkey.build_url(state.get_port(valkey.NAME), password),
    }
    return ServerUrls(*(env.get(variable) or build_embedded_url[name]() for name, variable in URL_VARIABLES.items()))


def list_embedded_servers(env: Mapping[str, str], only: Collection[str] = tuple(URL_VARIABLES)) -> list[str]:
    """The servers to start: those in `only` for which the environment names no external one."""
    return [name for name, variable in URL_VARIABLES.items() if name in only and not env.get(variable)]


@dataclass(frozen=True)
class Stack:
    """A locked home with its state and URLs; nothing runs before `start`."""

    state: StackState
    urls: ServerUrls
    supervisor: Supervisor
    registry: ProcessRegistry
    embedded_servers: Sequence[str]
    log: LogSink
    on_progress: kafka_jars.ProgressCallback
    use_c2: bool
    use_fsync: bool

    async def start(self, prepare: PrepareHook = do_nothing, stages: Sequence[Sequence[Service]] = ()) -> ServerUrls:
        """Start the servers, run `prepare`, start the services stage by stage; returns when all are ready.

        Raises ServiceStartError, StopRequested (Ctrl-C during the start), and the exceptions of `prepare`.
        """
        run_unless_stopped, clock = self.supervisor.run_unless_stopped, asyncio.get_running_loop().time
        started_at = clock()
        await self.supervisor.start(await run_unless_stopped(self._prepare_services()))
        self.log(STACK_LOG_NAME, f"servers ready after {clock() - started_at:.1f} s")
        await run_unless_stopped(_to_coroutine(prepare(self.urls)))
        for stage in stages:
            await self.supervisor.start(stage)
        self.registry.set_ready(True)
        return self.urls

    def update_process(self, service: Service, pid: int | None) -> None:
        """Record a process that the supervisor does not manage, or its exit (None). The next run stops it if this one is killed."""
        _update_process(self.registry, service, pid)

    async def wait(self) -> None:
        """Wait for Ctrl-C, SIGTERM or `supervisor.request_stop()`."""
        await self.supervisor.wait()

    def _report_progress(self, present: int, total: int) -> None:
        if self.supervisor.stop_requested:
            raise StopRequested  # in the thread of the download: stops it after the downloads in progress
        self.on_progress(present, total)

    async def _prepare_services(self) -> list[Service]:
        return await asyncio.gather(*(asyncio.to_thread(self._prepare_service, name) for name in self.embedded_servers))

    def _prepare_service(self, name: str) -> Service:
        home, state, password = self.state.home, self.state, self.state.get_secret("password")
        if name == kafka.NAME:
            java = kafka.prepare_java_runtime(self._report_progress, use_c2=self.use_c2)
            return kafka.prepare_service(home, state.get_port(kafka.NAME), state.get_port(kafka.CONTROLLER_PORT_NAME), java)
        if name == postgres.NAME:
            return postgres.prepare_service(home, state.get_port(name), password, use_fsync=self.use_fsync)
        return valkey.prepare_service(home, state.get_port(name), password)


@asynccontextmanager
async def open_stack(
    home: Path,
    env: Mapping[str, str],
    log: LogSink,
    *,
    on_progress: kafka_jars.ProgressCallback = lambda present, total: None,
    only: Collection[str] = tuple(URL_VARIABLES),
    use_c2: bool = False,
    use_fsync: bool = True,
    preload_modules: Sequence[str] = (),
) -> AsyncIterator[Stack]:
    """Lock the home, stop the orphans of a killed run and replace taken ports; on exit stop all processes in reverse order.

    `on_progress`: called with the progress of the jar download, in another thread. `use_c2`: run Kafka's JVM with the C2 compiler.
    `use_fsync`: PostgreSQL waits for the disk. `preload_modules`: what the fork server imports. Inside, SIGINT, SIGTERM and SIGHUP request
    a stop. Raises AlreadyRunningError.
    """
    state, registry = StackState(home), ProcessRegistry(home)
    state.create()
    with try_acquire_file_lock(home / "lock") as acquired:
        if not acquired:
            raise AlreadyRunningError(_describe_running_stack(home, registry))
        registry.register_supervisor(get_process_record(os.getpid()))
        _clean_up(state, registry, log)
        on_pid_change = partial(_update_process, registry)
        fork_client = ForkClient(preload_modules, log, on_pid_change)
        supervisor = Supervisor(log, on_pid_change, spawn=fork_client.spawn)
        urls, servers = resolve_server_urls(state, env), list_embedded_servers(env, only)
        stack = Stack(state, urls, supervisor, registry, servers, log, on_progress, use_c2, use_fsync)
        with supervisor.handle_signals():
            try:
                await fork_client.start()
                yield stack
            finally:
                log(STACK_LOG_NAME, "stopping")
                registry.set_ready(False)
                await supervisor.stop()
                await fork_client.stop()
                registry.clear()


def _describe_running_stack(home: Path, registry: ProcessRegistry) -> str:
    supervisor = registry.find_supervisor()
    pid_text = f" (pid {supervisor.pid})" if supervisor else ""
    return f"Herold already runs in {home}{pid_text}: stop that run, or set HEROLD_HOME to another directory for a second one"


def _clean_up(state: StackState, registry: ProcessRegistry, log: LogSink) -> None:
    unprivileged_data_dir.remove_stale_data_dirs(time.time())
    for name in stop_orphans(registry):
        log(STACK_LOG_NAME, f"stopped {name}, an orphan of a killed run")
    for name, (old, new) in state.replace_taken_ports().items():
        log(STACK_LOG_NAME, f"port {old} of {name} is used by another program: {name} now has {new}")


def _update_process(registry: ProcessRegistry, service: Service, pid: int | None) -> None:
    registry.update_process(service.name, None if pid is None else find_process_record(pid, service.stop_signal))


async def _to_coroutine(work: Awaitable[None]) -> None:
    await work
