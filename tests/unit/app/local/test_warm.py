import asyncio
import os
from pathlib import Path

import psutil
import pytest

from app.local.kafka import Java
from app.local.processes import recorded
from app.local.supervisor import Supervisor
from app.local.warm import publish, record, warm
from tests.unit.app.local.children import STUBBORN, Ear, child


def java(folder: Path, verdict: int) -> Java:
    """A Java whose trial of a cache ends with this code."""
    binary = folder / "java"
    binary.write_text(f"#!/bin/sh\nexit {verdict}\n")
    binary.chmod(0o700)
    return Java(binary, (), folder)


async def test_a_cache_that_exists_is_not_recorded_again(tmp_path: Path) -> None:
    ear, made = Ear(), java(tmp_path, 1)
    made.archive.write_text("recorded")
    await warm(made, ear.say)
    assert (made.archive.read_text(), ear.heard) == ("recorded", [])


@pytest.mark.parametrize(("verdict", "usable"), [(0, True), (1, False)])
def test_only_a_cache_that_java_accepts_is_put_in_place(tmp_path: Path, verdict: int, usable: bool) -> None:
    ear, made, new = Ear(), java(tmp_path, verdict), tmp_path / "new"
    new.write_text("recorded")
    publish(new, made, ear.say)
    assert (made.archive.exists(), new.exists(), len(ear.heard)) == (usable, False, 1)


async def test_a_recording_that_is_cancelled_while_the_broker_writes_ends_it_at_once() -> None:
    ear = Ear()

    async def ready() -> None:
        assert "up" in ear.lines("kafka-warm")

    supervisor = Supervisor(ear.say)
    writes = STUBBORN.replace("signal.SIG_IGN", "lambda *_: print('writes')")
    recording = asyncio.create_task(record(child("kafka-warm", writes, ready=ready, stop_timeout=600.0), supervisor))
    await ear.until("kafka-warm", "writes")
    broker = recorded(supervisor.pids()["kafka-warm"])
    recording.cancel()
    with pytest.raises(asyncio.CancelledError):
        await recording
    assert broker.process() is None


async def test_a_cancelled_recording_leaves_no_file_and_no_process(tmp_path: Path) -> None:
    """A Java that formats the folder, and then never gets ready."""
    made = java(tmp_path, 0)
    made.binary.write_text("""#!/bin/sh
case "$*" in *StorageTool*) exit 0;; esac
for word; do case $word in -XX:AOTCacheOutput=*) touch "${word#*=}" "${word#*=}.config";; esac; done
exec sleep 1000
""")
    ear, pids = Ear(), asyncio.Queue[int | None]()
    recording = asyncio.create_task(warm(made, ear.say, lambda service, pid: pids.put_nowait(pid)))
    pid = await pids.get()
    assert pid is not None
    while not any(name.endswith(".config") for name in os.listdir(tmp_path)):
        await asyncio.sleep(0)
    recording.cancel()
    with pytest.raises(asyncio.CancelledError):
        await recording
    assert sorted(os.listdir(tmp_path)) == ["java"]
    assert not psutil.pid_exists(pid)
    assert await pids.get() is None
