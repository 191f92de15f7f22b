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


def build_java(directory: Path, exit_code: int) -> JavaRuntime:
    """A Java whose check of a cache exits with this code."""
    binary = directory / "java"
    binary.write_text(f"#!/bin/sh\nexit {exit_code}\n")
    binary.chmod(0o700)
    return JavaRuntime(binary, (), directory)


async def test_a_cache_that_exists_is_not_created_again(tmp_path: Path) -> None:
    log_recorder, java = LogRecorder(), build_java(tmp_path, 1)
    java.aot_cache_path.write_text("existing")
    await create_aot_cache(java, log_recorder.log)
    assert (java.aot_cache_path.read_text(), log_recorder.entries) == ("existing", [])


@pytest.mark.parametrize(("exit_code", "usable"), [(0, True), (1, False)])
def test_only_a_cache_that_java_accepts_is_installed(tmp_path: Path, exit_code: int, usable: bool) -> None:
    log_recorder, java, cache_file = LogRecorder(), build_java(tmp_path, exit_code), tmp_path / "new"
    cache_file.write_text("new")
    install_cache(cache_file, java, log_recorder.log)
    assert (java.aot_cache_path.exists(), cache_file.exists(), len(log_recorder.entries)) == (usable, False, 1)


async def test_a_cancelled_training_run_kills_the_broker_at_once() -> None:
    log_recorder = LogRecorder()

    async def ready() -> None:
        assert "up" in log_recorder.get_lines("kafka-aot-cache")

    supervisor = Supervisor(log_recorder.log)
    code = IGNORE_SIGTERM.replace("signal.SIG_IGN", "lambda *_: print('writes')")
    training = asyncio.create_task(
        run_training(build_service("kafka-aot-cache", code, readiness_check=ready, stop_timeout=600.0), supervisor)
    )
    await log_recorder.wait_for("kafka-aot-cache", "writes")
    broker = get_process_record(supervisor.get_pids()["kafka-aot-cache"])
    training.cancel()
    with pytest.raises(asyncio.CancelledError):
        await training
    assert broker.find_process() is None


async def test_a_cancelled_training_run_leaves_no_file_and_no_process(tmp_path: Path) -> None:
    """With a Java that formats the data directory, and then is never ready."""
    java = build_java(tmp_path, 0)
    java.binary.write_text("""#!/bin/sh
case "$*" in *StorageTool*) exit 0;; esac
for word; do case $word in -XX:AOTCacheOutput=*) touch "${word#*=}" "${word#*=}.config";; esac; done
exec sleep 1000
""")
    log_recorder, pids = LogRecorder(), asyncio.Queue[int | None]()
    training = asyncio.create_task(create_aot_cache(java, log_recorder.log, lambda service, pid: pids.put_nowait(pid)))
    pid = await pids.get()
    assert pid is not None
    while not any(name.endswith(".config") for name in os.listdir(tmp_path)):
        await asyncio.sleep(0)
    training.cancel()
    with pytest.raises(asyncio.CancelledError):
        await training
    assert sorted(os.listdir(tmp_path)) == ["java"]
    assert not psutil.pid_exists(pid)
    assert await pids.get() is None
