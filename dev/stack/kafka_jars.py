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

LOCK_FILE = Path(__file__).with_name("kafka_jars.lock")
DOWNLOAD_THREADS = 8
RETRY_DELAYS = (0.5, 1.0, 2.0, 4.0)  # seconds before the second, third, ... try


class LockFileError(Exception):
    """A line of the lock is not `<sha256>  <group>:<artifact>:<version>`."""


class DownloadError(Exception):
    """A jar could not be had, or is not the locked one, after every try."""


@dataclass(frozen=True)
class Jar:
    """One locked artifact; `sha256` is 64 hex digits."""

    sha256: str
    group_id: str
    artifact_id: str
    version: str

    @property
    def file_name(self) -> str:
        return f"{self.artifact_id}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.group_id}:{self.artifact_id}:{self.version}"


Downloader = Callable[[Jar, Path], Path]
"""Puts a jar somewhere below the folder and returns where; raises anything if it cannot."""

ProgressCallback = Callable[[int, int], None]
"""Jars present, jars wanted; called in the thread that called `fetch`. Whatever it raises ends the download."""


def build_progress_logger(log_line: Callable[[str], None]) -> ProgressCallback:
    """A progress that says a line at every tenth jar, and nothing if all were there."""
    at_first: list[int] = []

    def progress(present: int, wanted: int) -> None:
        at_first.append(present)
        if at_first[0] < wanted and (present % 10 == 0 or present == wanted):
            log_line(f"downloaded {present} of {wanted} jars")

    return progress


def parse_lock(text: str) -> tuple[Jar, ...]:
    """The jars of a lock; raises LockBroken with the line's number."""
    return tuple(_parse_line(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())


def _parse_line(number: int, line: str) -> Jar:
    sha256, _, coordinates = line.partition("  ")
    parts = coordinates.split(":")
    if len(sha256) != 64 or len(parts) != 3 or not all(parts):
        raise LockFileError(f"kafka_jars.lock, line {number}: expected `<sha256>  <group>:<artifact>:<version>`, found {line!r}")
    return Jar(sha256, *parts)


def build_cache_path(root: Path, lock: str) -> Path:
    """The folder of this very lock: another lock never trusts what an earlier one verified."""
    return root / hashlib.sha256(lock.encode()).hexdigest()[:12]


def download_with_jgo(jar: Jar, directory: Path) -> Path:
    """Download one jar from the default Maven repository (jgo knows it; REQUESTS_CA_BUNDLE and proxies are honoured)."""
    from jgo.maven import MavenContext  # only the first start downloads: later ones do not pay for the import

    project = MavenContext(repo_cache=directory, timeout=60).project(jar.group_id, jar.artifact_id)
    return Path(project.at_version(jar.version).artifact().resolve())


def fetch_jars(
    jars: tuple[Jar, ...],
    directory: Path,
    *,
    download: Downloader = download_with_jgo,
    on_progress: ProgressCallback = lambda present, wanted: None,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Path]:
    """Have every jar in the folder, in the lock's order; raises DownloadFailed and then leaves no unverified file behind."""
    directory.mkdir(parents=True, exist_ok=True)
    missing = [jar for jar in jars if not (directory / jar.file_name).exists()]
    on_progress(len(jars) - len(missing), len(jars))
    pool = ThreadPoolExecutor(DOWNLOAD_THREADS)
    try:
        waiting = [pool.submit(_fetch_jar, jar, directory, download, sleep) for jar in missing]
        for done, future in enumerate(as_completed(waiting), 1):
            future.result()
            on_progress(len(jars) - len(missing) + done, len(jars))
    finally:
        pool.shutdown(cancel_futures=True)
    return [directory / jar.file_name for jar in jars]


def _fetch_jar(jar: Jar, directory: Path, download: Downloader, sleep: Callable[[float], None]) -> None:
    for wait in RETRY_DELAYS:
        try:
            _download_and_verify(jar, directory, download)
        except Exception:  # whatever a network, a proxy or jgo comes up with: the last try says it
            sleep(wait)
        else:
            return
    try:
        _download_and_verify(jar, directory, download)
    except Exception as error:
        raise DownloadError(f"{jar}: {error} ({len(RETRY_DELAYS) + 1} tries)") from error


def _download_and_verify(jar: Jar, directory: Path, download: Downloader) -> None:
    with tempfile.TemporaryDirectory(dir=directory, prefix=".download-") as scratch:
        path = download(jar, Path(scratch))
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != jar.sha256:
            raise DownloadError(f"SHA-256 is {found}, but kafka_jars.lock says {jar.sha256}")
        path.replace(directory / jar.file_name)  # atomic: a jar under its own name is whole and verified
