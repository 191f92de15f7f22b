"""Runs the sink and the load generators, each in a process of its own: they neither delay the bench nor count as Herold."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from dev.stack.stack_state import LOOPBACK
from tests.bench.live.messages import ArrivalCount, Arrivals, Load, LoadEvent, LoadResult
from tests.bench.live.send_log import LoadError

ROOT = Path(__file__).parents[3]
MAX_LINE_BYTES = 256 * 1024 * 1024
STOP_TIMEOUT = 10.0  # seconds
EXTRA_SECONDS = 30.0  # how much longer than its load a load generator may take

T = TypeVar("T")


class ChildProcess:
    """A module of this package in a process of its own."""

    def __init__(self, module: str, process: asyncio.subprocess.Process) -> None:
        self._module, self._process = module, process
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin, self._stdout = process.stdin, process.stdout

    async def write(self, line: bytes) -> None:
        """Write a line to its input."""
        self._stdin.write(line + b"\n")
        await self._stdin.drain()

    async def read(self, type_: type[T]) -> T:
        """Read a line of its output. Raises LoadError with the end of its errors if it has ended."""
        line = await self._stdout.readline()
        if line.endswith(b"\n"):
            return msgspec.json.decode(line, type=type_)
        assert self._process.stderr is not None
        errors = (await self._process.stderr.read()).decode(errors="replace").strip()
        raise LoadError(f"{self._module} ended with code {await self._process.wait()}: {errors[-2000:]}")

    async def stop(self) -> None:
        """Close its input, which ends it; kill it if it goes on."""
        self._stdin.close()
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def run_child(module: str) -> AsyncIterator[ChildProcess]:
    """Run a module while the context is open."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"tests.bench.live.{module}"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        limit=MAX_LINE_BYTES,
    )
    child = ChildProcess(module, process)
    try:
        yield child
    finally:
        await child.stop()


class Sink:
    """The sink's process."""

    def __init__(self, child: ChildProcess, port: int) -> None:
        self._child = child
        self.origin = f"http://{LOOPBACK}:{port}"

    async def wait_for(self, count: int, patience: float) -> None:
        """Wait until `count` notifications have arrived, or none has for `patience` seconds.

        Raises LoadError if the sink got a request that it cannot read.
        """
        loop = asyncio.get_running_loop()
        arrived, changed_at = -1, loop.time()
        while arrived < count and loop.time() < changed_at + patience:
            await self._child.write(b"count")
            report = await self._child.read(ArrivalCount)
            if report.error:
                raise LoadError(f"the sink got {report.error}")
            if report.count > arrived:
                arrived, changed_at = report.count, loop.time()
            await asyncio.sleep(0.05)

    async def take_arrivals(self) -> Arrivals:
        """Take what arrived since the last call."""
        await self._child.write(b"take")
        return await self._child.read(Arrivals)


@asynccontextmanager
async def run_sink() -> AsyncIterator[Sink]:
    """Run the sink while the context is open."""
    async with run_child("sink") as child:
        yield Sink(child, await child.read(int))


async def run_generator(load: Load, on_measuring: Callable[[], None], on_sent: Callable[[], None]) -> LoadResult:
    """Run a load in a process of its own. Raises LoadError."""
    seconds = load.warm_up_seconds + load.seconds + load.answer_timeout + EXTRA_SECONDS
    async with run_child("generator") as child:
        try:
            async with asyncio.timeout(seconds):
                await child.write(msgspec.json.encode(load))
                await child.read(LoadEvent)
                on_measuring()
                await child.read(LoadEvent)
                on_sent()
                return await child.read(LoadResult)
        except TimeoutError:
            raise LoadError(f"the load generator has not ended after {seconds:.0f} s") from None
