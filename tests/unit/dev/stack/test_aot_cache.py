import asyncio
import os
from pathlib import Path

import psutil
import pytest

from dev.stack.aot_cache import create_aot_cache, install_cache, run_training
from dev.stack.kafka import JavaRuntime
from dev.stack.process_registry import get_process_record
from dev.stack.supervisor import Supervisor
from tests.unit.dev.stack.child_processes import IGNORE_SIGTERM, LogRecorder, build_service


def build_java(folder: Path, exit_code: int) -> JavaRuntime:
    """A Java whose trial of a cache ends with this code."""
    binary = folder / "java"
    binary.write_text(f"#!/bin/sh\nexit {exit_code}\n")
    binary.chmod(0o700)
    return JavaRuntime(binary, (), folder)


async def test_a_cache_that_exists_is_not_created_again(tmp_path: Path) -> None:
    ear, made = LogRecorder(), build_java(tmp_path, 1)
    made.aot_cache_path.write_text("recorded")
    await create_aot_cache(made, ear.log)
    assert (made.aot_cache_path.read_text(), ear.entries) == ("recorded", [])


@pytest.mark.parametrize(("verdict", "usable"), [(0, True), (1, False)])
def test_only_a_cache_that_java_accepts_is_put_in_place(tmp_path: Path, verdict: int, usable: bool) -> None:
    ear, made, new = LogRecorder(), build_java(tmp_path, verdict), tmp_path / "new"
    new.write_text("recorded")
    install_cache(new, made, ear.log)
    assert (made.aot_cache_path.exists(), new.exists(), len(ear.entries)) == (usable, False, 1)


async def test_a_cancelled_training_run_kills_the_broker_at_once() -> None:
    ear = LogRecorder()

    async def ready() -> None:
        assert "up" in ear.get_lines("kafka-aot-cache")

    supervisor = Supervisor(ear.log)
    writes = IGNORE_SIGTERM.replace("signal.SIG_IGN", "lambda *_: print('writes')")
    recording = asyncio.create_task(
        run_training(build_service("kafka-aot-cache", writes, readiness_check=ready, stop_timeout=600.0), supervisor)
    )
    await ear.wait_for("kafka-aot-cache", "writes")
    broker = get_process_record(supervisor.get_pids()["kafka-aot-cache"])
    recording.cancel()
    with pytest.raises(asyncio.CancelledError):
        await recording
    assert broker.find_process() is None


async def test_a_cancelled_training_run_leaves_no_file_and_no_process(tmp_path: Path) -> None:
    """A Java that formats the folder, and then never gets ready."""
    made = build_java(tmp_path, 0)
    made.binary.write_text("""#!/bin/sh
case "$*" in *StorageTool*) exit 0;; esac
for word; do case $word in -XX:AOTCacheOutput=*) touch "${word#*=}" "${word#*=}.config";; esac; done
exec sleep 1000
""")
    ear, pids = LogRecorder(), asyncio.Queue[int | None]()
    recording = asyncio.create_task(create_aot_cache(made, ear.log, lambda service, pid: pids.put_nowait(pid)))
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
