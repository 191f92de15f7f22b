"""Record the JVM's AOT cache with a short run of a throw-away broker: later starts need half the time and CPU."""

import asyncio
import os
import signal
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from app.local import kafka
from app.local.keeper import OnPid
from app.local.log import Say
from app.local.service import Service
from app.local.state import pick_port
from app.local.supervisor import Supervisor

NAME = "kafka-warm"


async def warm(java: kafka.Java, say: Say, on_pid: OnPid = lambda service, pid: None) -> None:
    """Record the cache unless there is one; takes 15 to 25 s, most of it the end of the broker. Raises service.StartFailed.

    Cancelled, it ends at once and leaves nothing.
    """
    if java.archive.exists():
        return
    say(kafka.NAME, "recording its start, once, in the background: the next start takes half the time")
    with tempfile.TemporaryDirectory(prefix="herold-warm-") as home:
        new = java.archive.with_suffix(f".{Path(home).name}")
        ports = pick_port(set()), pick_port(set())
        service = await asyncio.to_thread(kafka.prepare, Path(home), *ports, java, f"-XX:AOTCacheOutput={new}")
        supervisor = Supervisor(lambda name, line: None, on_pid)  # the JVM tells of every class that it leaves out
        try:
            await record(replace(service, name=NAME, stop_timeout=180.0), supervisor)
            publish(new, java, say)
        finally:
            for left in java.cache.glob(f"{new.name}*"):  # the cache, and what it is made from
                left.unlink()


async def record(service: Service, supervisor: Supervisor) -> None:
    """Start it and stop it, which is when the JVM writes the cache; cancelled, kill it."""
    try:
        await supervisor.start([service])
        await supervisor.stop()
    except BaseException:
        for pid in supervisor.pids().values():
            os.kill(pid, signal.SIGKILL)
        await supervisor.stop()
        raise


def publish(new: Path, java: kafka.Java, say: Say) -> None:
    """Put a usable cache in its place; several may record at once, and each replaces it by a whole one."""
    trial = (*java.argv(f"-XX:AOTCache={new}", "-XX:AOTMode=on"), "-version")
    if subprocess.run(trial, capture_output=True, check=False).returncode == 0:
        new.replace(java.archive)
        say(kafka.NAME, "its start is recorded")
        return
    new.unlink(missing_ok=True)
    say(kafka.NAME, "its start could not be recorded: the next one will be as slow as this one")
