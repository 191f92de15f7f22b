"""Creates the AOT cache of Kafka's JVM in a training run of a temporary broker; with it a start takes half the time and CPU."""

import asyncio
import os
import signal
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from dev.stack import kafka
from dev.stack.managed_process import PidCallback
from dev.stack.process_output import LogSink
from dev.stack.service import Service
from dev.stack.stack_state import pick_free_port
from dev.stack.supervisor import Supervisor

SERVICE_NAME = "kafka-aot-cache"


async def create_aot_cache(java: kafka.JavaRuntime, log: LogSink, on_pid_change: PidCallback = lambda service, pid: None) -> None:
    """Create the cache if it does not exist. Takes 15 to 25 s, most of it the shutdown of the broker. Raises ServiceStartError.

    If cancelled, it kills the broker and leaves no files.
    """
    if java.aot_cache_path.exists():
        return
    log(kafka.NAME, "creating the AOT cache in the background, once; with it a start takes half the time")
    with tempfile.TemporaryDirectory(prefix="herold-aot-cache-") as home:
        cache_file = java.aot_cache_path.with_suffix(f".{Path(home).name}")
        ports = pick_free_port(set()), pick_free_port(set())
        service = await asyncio.to_thread(kafka.prepare_service, Path(home), *ports, java, f"-XX:AOTCacheOutput={cache_file}")
        supervisor = Supervisor(lambda name, line: None, on_pid_change)  # not logged: the JVM prints every class that it omits
        try:
            await run_training(replace(service, name=SERVICE_NAME, stop_timeout=180.0), supervisor)
            install_cache(cache_file, java, log)
        finally:
            for file in java.cache_dir.glob(f"{cache_file.name}*"):  # the cache and its intermediate files
                file.unlink()


async def run_training(service: Service, supervisor: Supervisor) -> None:
    """Start and stop the broker; the JVM writes the cache when it stops. If cancelled, kill it."""
    try:
        await supervisor.start([service])
        await supervisor.stop()
    except BaseException:
        for pid in supervisor.get_pids().values():
            os.kill(pid, signal.SIGKILL)
        await supervisor.stop()
        raise


def install_cache(cache_file: Path, java: kafka.JavaRuntime, log: LogSink) -> None:
    """Move the cache to its final path if Java accepts it. The move is atomic, so several processes may create the cache at once."""
    trial = (*java.build_argv(f"-XX:AOTCache={cache_file}", "-XX:AOTMode=on"), "-version")
    if subprocess.run(trial, capture_output=True, check=False).returncode == 0:
        cache_file.replace(java.aot_cache_path)
        log(kafka.NAME, "AOT cache created")
        return
    cache_file.unlink(missing_ok=True)
    log(kafka.NAME, "Java rejects the AOT cache; the next start takes as long as this one")
