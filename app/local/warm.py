"""Record the JVM's AOT cache with a short run of a throw-away broker: later starts need half the time and CPU."""

import asyncio
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from app.local import kafka
from app.local.log import Say
from app.local.state import pick_port
from app.local.supervisor import Supervisor


async def warm(java: kafka.Java, say: Say) -> None:
    """Record the cache unless there is one; takes 15 to 25 s, most of it the end of the broker. Raises service.StartFailed."""
    if java.archive.exists():
        return
    say(kafka.NAME, "recording the AOT cache, once")
    with tempfile.TemporaryDirectory(prefix="herold-warm-") as home:
        new = java.archive.with_suffix(f".{Path(home).name}")
        ports = pick_port(set()), pick_port(set())
        service = await asyncio.to_thread(kafka.prepare, Path(home), *ports, java, f"-XX:AOTCacheOutput={new}")
        supervisor = Supervisor(lambda name, line: None)  # the JVM tells of every class that it leaves out
        try:
            await supervisor.start([replace(service, stop_timeout=180.0)])
        finally:
            await supervisor.stop()
        publish(new, java, say)


def publish(new: Path, java: kafka.Java, say: Say) -> None:
    """Put a usable cache in its place; several may record at once, and each replaces it by a whole one."""
    trial = (*java.argv(f"-XX:AOTCache={new}", "-XX:AOTMode=on"), "-version")
    if subprocess.run(trial, capture_output=True, check=False).returncode == 0:
        new.replace(java.archive)
        return
    new.unlink(missing_ok=True)
    say(kafka.NAME, "no AOT cache was recorded: starts stay as slow as they are")
