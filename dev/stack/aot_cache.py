"""Record the JVM's AOT cache with a short run of a throw-away broker: later starts need half the time and CPU."""

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
    """Record the cache unless there is one; takes 15 to 25 s, most of it the end of the broker. Raises service.StartFailed.

    Cancelled, it ends at once and leaves nothing.
    """
    if java.aot_cache_path.exists():
        return
    log(kafka.NAME, "creating the AOT cache in the background, once: the next start takes half the time")
    with tempfile.TemporaryDirectory(prefix="herold-aot-cache-") as home:
        new = java.aot_cache_path.with_suffix(f".{Path(home).name}")
        ports = pick_free_port(set()), pick_free_port(set())
        service = await asyncio.to_thread(kafka.prepare_service, Path(home), *ports, java, f"-XX:AOTCacheOutput={new}")
        supervisor = Supervisor(lambda name, line: None, on_pid_change)  # the JVM tells of every class that it leaves out
        try:
            await run_training(replace(service, name=SERVICE_NAME, stop_timeout=180.0), supervisor)
            install_cache(new, java, log)
        finally:
            for left in java.cache_dir.glob(f"{new.name}*"):  # the cache, and what it is made from
                left.unlink()


async def run_training(service: Service, supervisor: Supervisor) -> None:
    """Start it and stop it, which is when the JVM writes the cache; cancelled, kill it."""
    try:
        await supervisor.start([service])
        await supervisor.stop()
    except BaseException:
        for pid in supervisor.get_pids().values():
            os.kill(pid, signal.SIGKILL)
        await supervisor.stop()
        raise


def install_cache(new: Path, java: kafka.JavaRuntime, log: LogSink) -> None:
    """Put a usable cache in its place; several may record at once, and each replaces it by a whole one."""
    trial = (*java.build_argv(f"-XX:AOTCache={new}", "-XX:AOTMode=on"), "-version")
    if subprocess.run(trial, capture_output=True, check=False).returncode == 0:
        new.replace(java.aot_cache_path)
        log(kafka.NAME, "AOT cache created")
        return
    new.unlink(missing_ok=True)
    log(kafka.NAME, "the AOT cache could not be created: the next start will be as slow as this one")
