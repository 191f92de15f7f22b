"""The real servers of one test session: each started when first asked for, gone when the session is, however it ends.

Every session has a folder of its own below one that all sessions of this user share. Three things keep it clean: the fixtures
stop what they started; a killed session closes the pipe that its servers read, and they stop; and the next session removes the
folders of dead ones, ending whatever still runs there by pid and start time.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from dev.stack.background import start_supervisor, stop_supervisor, wait_until_ready
from dev.stack.files import acquire_file_lock, try_acquire_file_lock
from dev.stack.process_registry import ProcessRegistry
from dev.stack.stack import URL_VARIABLES, resolve_server_urls
from dev.stack.stack_state import StackState
from dev.stack.unprivileged_data_dir import remove_data_dir

SESSION_LOCK = "session.lock"


def get_sessions_dir() -> Path:
    """Where the sessions of this user keep their folders."""
    return Path(tempfile.gettempdir()) / f"herold-tests-{os.geteuid()}"


@contextmanager
def create_session_dir(root: Path) -> Iterator[Path]:
    """A folder for one session, removed at its end; those of dead sessions are removed first."""
    root.mkdir(mode=0o711, exist_ok=True)
    with ExitStack() as held:
        with acquire_file_lock(root / "sweep.lock"):  # nobody takes a folder that is not locked yet for a dead one
            remove_dead_sessions(root)
            folder = Path(tempfile.mkdtemp(dir=root, prefix="session-"))
            folder.chmod(0o711)  # root's PostgreSQL is another user and must get in
            held.enter_context(try_acquire_file_lock(folder / SESSION_LOCK))
        try:
            yield folder
        finally:
            remove_session_dir(folder)


def remove_dead_sessions(root: Path) -> list[Path]:
    """Remove the folders of sessions that are dead; returns them."""
    dead = []
    for folder in root.glob("session-*"):
        with try_acquire_file_lock(folder / SESSION_LOCK) as free:
            if free:
                remove_session_dir(folder)
                dead.append(folder)
    return dead


def remove_session_dir(folder: Path) -> None:
    """End what runs in a session's folder and remove it."""
    for home in folder.glob("home-*"):
        if not stop_supervisor(home):
            raise RuntimeError(f"the servers in {home} do not stop; see {home / 'run.log'}")
        remove_data_dir(home)
    shutil.rmtree(folder)


@contextmanager
def get_or_start_server(name: str, folder: Path) -> Iterator[str]:
    """The URL of "kafka", "postgres" or "valkey": the one in the environment, or a server started for this session."""
    if given := os.environ.get(URL_VARIABLES[name]):
        yield given
        return
    with start_server(name, folder / f"home-{name}") as url:
        yield url


@contextmanager
def start_server(name: str, home: Path) -> Iterator[str]:
    """The URL of a server started in this home, whatever the environment names."""
    env = {variable: value for variable, value in os.environ.items() if variable not in URL_VARIABLES.values()}
    with start_supervisor(home, env, ["--only", name], until_eof=True) as child:
        wait_until_ready(home, child)
        yield resolve_server_urls(StackState(home), {}).to_env()[URL_VARIABLES[name]]
        assert child.stdin is not None
        child.stdin.close()
        child.wait()


@dataclass(frozen=True)
class KafkaBroker:
    """A Kafka broker that tests may freeze and kill: it comes back at the same address."""

    home: Path
    url: str

    def kill(self) -> None:
        """End it with -9."""
        self._find_process().kill()

    @asynccontextmanager
    async def freeze(self) -> AsyncIterator[None]:
        """It stands still inside this block."""
        process = self._find_process()
        process.suspend()
        try:
            while process.status() != psutil.STATUS_STOPPED:
                await asyncio.sleep(0)
            yield
        finally:
            process.resume()

    async def wait_until_available(self) -> None:
        """Until it answers and is in its cluster, which shuts out for a moment what stood still."""
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
