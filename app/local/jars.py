"""The locked jars of the Kafka broker: read the lock, download what is missing, believe nothing without its SHA-256.

The lock was written from a resolution by Maven. jgo only downloads exact coordinates: its own resolver mixes versions.
"""

import hashlib
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

LOCK = Path(__file__).with_name("kafka.lock")
THREADS = 8
PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds before the second, third, ... try


class LockBroken(Exception):
    """A line of the lock is not `<sha256>  <group>:<artifact>:<version>`."""


class DownloadFailed(Exception):
    """A jar could not be had, or is not the locked one, after every try."""


@dataclass(frozen=True)
class Jar:
    """One locked artifact; `sha256` is 64 hex digits."""

    sha256: str
    group: str
    artifact: str
    version: str

    @property
    def file(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"


Download = Callable[[Jar, Path], Path]
"""Puts a jar somewhere below the folder and returns where; raises anything if it cannot."""

Progress = Callable[[int, int], None]
"""Jars present, jars wanted; called in the thread that called `fetch`. Whatever it raises ends the download."""


def in_lines(say: Callable[[str], None]) -> Progress:
    """A progress that says a line at every tenth jar, and nothing if all were there."""
    at_first: list[int] = []

    def progress(present: int, wanted: int) -> None:
        at_first.append(present)
        if at_first[0] < wanted and (present % 10 == 0 or present == wanted):
            say(f"downloaded {present} of {wanted} jars")

    return progress


def read_lock(text: str) -> tuple[Jar, ...]:
    """The jars of a lock; raises LockBroken with the line's number."""
    return tuple(_read_line(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())


def _read_line(number: int, line: str) -> Jar:
    sha256, _, coordinates = line.partition("  ")
    parts = coordinates.split(":")
    if len(sha256) != 64 or len(parts) != 3 or not all(parts):
        raise LockBroken(f"kafka.lock, line {number}: expected `<sha256>  <group>:<artifact>:<version>`, found {line!r}")
    return Jar(sha256, *parts)


def cache_folder(root: Path, lock: str) -> Path:
    """The folder of this very lock: another lock never trusts what an earlier one verified."""
    return root / hashlib.sha256(lock.encode()).hexdigest()[:12]


def by_jgo(jar: Jar, folder: Path) -> Path:
    """Download one jar from the default Maven repository (jgo knows it; REQUESTS_CA_BUNDLE and proxies are honoured)."""
    from jgo.maven import MavenContext  # only the first start downloads: later ones do not pay for the import

    project = MavenContext(repo_cache=folder, timeout=60).project(jar.group, jar.artifact)
    return Path(project.at_version(jar.version).artifact().resolve())


def fetch(
    jars: tuple[Jar, ...],
    folder: Path,
    *,
    download: Download = by_jgo,
    progress: Progress = lambda present, wanted: None,
    pause: Callable[[float], None] = time.sleep,
) -> list[Path]:
    """Have every jar in the folder, in the lock's order; raises DownloadFailed and then leaves no unverified file behind."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [jar for jar in jars if not (folder / jar.file).exists()]
    progress(len(jars) - len(missing), len(jars))
    pool = ThreadPoolExecutor(THREADS)
    try:
        waiting = [pool.submit(_fetch_one, jar, folder, download, pause) for jar in missing]
        for done, future in enumerate(as_completed(waiting), 1):
            future.result()
            progress(len(jars) - len(missing) + done, len(jars))
    finally:
        pool.shutdown(cancel_futures=True)
    return [folder / jar.file for jar in jars]


def _fetch_one(jar: Jar, folder: Path, download: Download, pause: Callable[[float], None]) -> None:
    for wait in PAUSES:
        try:
            _try_once(jar, folder, download)
        except Exception:  # whatever a network, a proxy or jgo comes up with: the last try says it
            pause(wait)
        else:
            return
    try:
        _try_once(jar, folder, download)
    except Exception as error:
        raise DownloadFailed(f"{jar}: {error} ({len(PAUSES) + 1} tries)") from error


def _try_once(jar: Jar, folder: Path, download: Download) -> None:
    with tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as scratch:
        path = download(jar, Path(scratch))
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != jar.sha256:
            raise DownloadFailed(f"SHA-256 is {found}, but kafka.lock says {jar.sha256}")
        path.replace(folder / jar.file)  # atomic: a jar under its own name is whole and verified
