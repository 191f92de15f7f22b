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

from app.local.files import locked, try_locked
from app.local.launch import await_ready, bring_down, launch
from app.local.processes import Processes
from app.local.refuge import forget
from app.local.stack import VARIABLES, urls_of
from app.local.state import State

SESSION = "session.lock"


def sessions_folder() -> Path:
    """Where the sessions of this user keep their folders."""
    return Path(tempfile.gettempdir()) / f"herold-tests-{os.geteuid()}"


@contextmanager
def session_folder(root: Path) -> Iterator[Path]:
    """A folder for one session, removed at its end; those of dead sessions are removed first."""
    root.mkdir(mode=0o711, exist_ok=True)
    with ExitStack() as held:
        with locked(root / "sweep.lock"):  # nobody takes a folder that is not locked yet for a dead one
            sweep(root)
            folder = Path(tempfile.mkdtemp(dir=root, prefix="session-"))
            folder.chmod(0o711)  # root's PostgreSQL is another user and must get in
            held.enter_context(try_locked(folder / SESSION))
        try:
            yield folder
        finally:
            remove(folder)


def sweep(root: Path) -> list[Path]:
    """Remove the folders of sessions that are dead; returns them."""
    dead = []
    for folder in root.glob("session-*"):
        with try_locked(folder / SESSION) as free:
            if free:
                remove(folder)
                dead.append(folder)
    return dead


def remove(folder: Path) -> None:
    """End what runs in a session's folder and remove it."""
    for home in folder.glob("home-*"):
        if not bring_down(home):
            raise RuntimeError(f"the servers in {home} do not stop; see {home / 'run.log'}")
        forget(home)
    shutil.rmtree(folder)


@contextmanager
def server(name: str, folder: Path) -> Iterator[str]:
    """The URL of "kafka", "postgres" or "valkey": the one in the environment, or a server started for this session."""
    if given := os.environ.get(VARIABLES[name]):
        yield given
        return
    with own_server(name, folder / f"home-{name}") as url:
        yield url


@contextmanager
def own_server(name: str, home: Path) -> Iterator[str]:
    """The URL of a server started in this home, whatever the environment names."""
    env = {variable: value for variable, value in os.environ.items() if variable not in VARIABLES.values()}
    with launch(home, env, ["--only", name], until_eof=True) as child:
        await_ready(home, child)
        yield urls_of(State(home), {}).env()[VARIABLES[name]]
        assert child.stdin is not None
        child.stdin.close()
        child.wait()


@dataclass(frozen=True)
class Broker:
    """A Kafka broker that tests may freeze and kill: it comes back at the same address."""

    home: Path
    url: str

    def kill(self) -> None:
        """End it with -9."""
        self._process().kill()

    @asynccontextmanager
    async def frozen(self) -> AsyncIterator[None]:
        """It stands still inside this block."""
        process = self._process()
        process.suspend()
        try:
            while process.status() != psutil.STATUS_STOPPED:
                await asyncio.sleep(0)
            yield
        finally:
            process.resume()

    async def until_back(self) -> None:
        """Until it answers and is in its cluster, which shuts out for a moment what stood still."""
        async with asyncio.timeout(150):
            while not await self._is_back():
                await asyncio.sleep(0.1)

    async def _is_back(self) -> bool:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.url)
        try:
            await admin.start()
            return bool((await admin.describe_cluster())["brokers"])
        except KafkaError:
            return False
        finally:
            await admin.close()

    def _process(self) -> psutil.Process:
        process = Processes(self.home).read()["kafka"].process()
        assert process is not None
        return process
