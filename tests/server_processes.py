"""The real servers of a test session: each starts at its first use and stops at the end of the session, also if that is killed.

Each session has a directory below one that all sessions of the user share. The fixtures stop the servers at the end. If the session is
killed, its servers read the end of their input and stop. The next session removes the directories of dead sessions, and stops processes
that still run there, identified by pid and start time.

After all tests Kafka has the files of thousands of partitions. To close them in order and to remove them took two minutes at the end, so
that Kafka is killed, and `rm` removes them while the session is over already.
"""

import asyncio
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from dev.stack import kafka
from dev.stack.background import start_supervisor, stop_supervisor, wait_until_ready
from dev.stack.private_files import acquire_file_lock, try_acquire_file_lock
from dev.stack.process_registry import ProcessRegistry
from dev.stack.stack import URL_VARIABLES, resolve_server_urls
from dev.stack.stack_state import StackState
from dev.stack.unprivileged_data_dir import remove_data_dir

SESSION_LOCK = "session.lock"
SWEEP_LOCK = "sweep.lock"
REMOVED_PREFIX = "removed-"  # of directories whose files are being removed, or were when the machine stopped


def get_sessions_dir() -> Path:
    """Get the directory of all test sessions of this user."""
    return Path(tempfile.gettempdir()) / f"herold-tests-{os.geteuid()}"


@contextmanager
def create_session_dir(root: Path) -> Iterator[Path]:
    """Create the directory of a session and remove it at the end; directories of dead sessions are removed first."""
    root.mkdir(mode=0o711, exist_ok=True)
    with ExitStack() as locks:
        with acquire_file_lock(root / SWEEP_LOCK):  # a new directory that is not locked yet would look like that of a dead session
            remove_dead_sessions(root)
            directory = Path(tempfile.mkdtemp(dir=root, prefix="session-"))
            directory.chmod(0o711)  # if root runs the tests, PostgreSQL runs as another user, who needs access
            locks.enter_context(try_acquire_file_lock(directory / SESSION_LOCK))
        try:
            yield directory
        finally:
            with acquire_file_lock(root / SWEEP_LOCK):  # a sweep of another session would meet a directory that vanishes
                remove_session_dir(directory)


def remove_dead_sessions(root: Path) -> list[Path]:
    """Remove the directories of dead sessions and return their paths."""
    for directory in root.glob(f"{REMOVED_PREFIX}*"):
        start_removal(directory)
    removed = []
    for directory in root.glob("session-*"):
        with try_acquire_file_lock(directory / SESSION_LOCK) as acquired:
            if acquired:
                remove_session_dir(directory)
                removed.append(directory)
    return removed


def remove_session_dir(directory: Path) -> None:
    """Stop the servers of a session and remove its directory, its files soon after. Raises RuntimeError if they do not stop."""
    for home in directory.glob("home-*"):
        if not stop_supervisor(home):
            raise RuntimeError(f"the servers in {home} do not stop: see {home / 'run.log'}")
        remove_data_dir(home)
    start_removal(directory.rename(directory.with_name(REMOVED_PREFIX + directory.name)))


def start_removal(directory: Path) -> None:
    """Start a process that removes a directory, and that outlives this one."""
    command = ("sh", "-c", 'nice rm -rf "$1" < /dev/null > /dev/null 2>&1 &', "sh", str(directory))
    subprocess.run(command, start_new_session=True, check=True)


@contextmanager
def get_or_start_server(name: str, directory: Path) -> Iterator[str]:
    """Get the URL of "kafka", "postgres" or "valkey": that of the environment, or of a server started for this session."""
    if external_url := os.environ.get(URL_VARIABLES[name]):
        yield external_url
        return
    with start_server(name, directory / f"home-{name}", "--no-fsync") as url:
        yield url


@contextmanager
def start_server(name: str, home: Path, *options: str) -> Iterator[str]:
    """Start a server in this home, although the environment may have a URL, and stop it at the end; yields its URL.

    `options` are those of `python -m dev.stack`. The servers of a session have `--no-fsync`: to create and drop a database takes a tenth
    of the time, and a server that is killed loses nothing.
    """
    env = {variable: value for variable, value in os.environ.items() if variable not in URL_VARIABLES.values()}
    with start_supervisor(home, env, ["--only", name, *options], until_eof=True) as child:
        wait_until_ready(home, child)
        yield resolve_server_urls(StackState(home), {}).to_env()[URL_VARIABLES[name]]
        if name == kafka.NAME:
            kill_broker(home, child)
        assert child.stdin is not None
        child.stdin.close()
        child.wait()


def kill_broker(home: Path, supervisor: subprocess.Popen[bytes]) -> None:
    """Kill the broker and before it its supervisor, which would start it again."""
    record = ProcessRegistry(home).read().get(kafka.NAME)
    supervisor.kill()
    supervisor.wait()
    if record and (process := record.find_process()):
        process.kill()
        process.wait()


@dataclass(frozen=True)
class KafkaBroker:
    """A Kafka broker that tests can freeze and kill; the supervisor restarts it at the same address."""

    home: Path
    url: str

    def kill(self) -> None:
        """Kill the broker with SIGKILL."""
        self._find_process().kill()

    @asynccontextmanager
    async def freeze(self) -> AsyncIterator[None]:
        """Stop the broker with SIGSTOP while the context is open."""
        process = self._find_process()
        process.suspend()
        try:
            while process.status() != psutil.STATUS_STOPPED:
                await asyncio.sleep(0)
            yield
        finally:
            process.resume()

    async def wait_until_available(self) -> None:
        """Wait until the broker responds and is in its cluster: the controller fences a broker that was frozen."""
        async with asyncio.timeout(150):
            while not await self._is_available():
                await asyncio.sleep(0.1)

    async def _is_available(self) -> bool:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.url)
        try:
            await admin.start()
            return bool((await admin.describe_cluster())["brokers"])
        except KafkaError:
            return False
        finally:
            await admin.close()

    def _find_process(self) -> psutil.Process:
        process = ProcessRegistry(self.home).read()["kafka"].find_process()
        assert process is not None
        return process
