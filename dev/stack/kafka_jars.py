"""The locked jars of the Kafka broker: parses the lock file, downloads missing jars and verifies the SHA-256 of each.

The lock file was written from a resolution by Maven. jgo only downloads exact coordinates, because its own resolver mixes versions.
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
    """A line of the lock file is not `<sha256>  <group>:<artifact>:<version>`."""


class DownloadError(Exception):
    """A jar could not be downloaded, or has another SHA-256, in every try."""


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
"""Downloads a jar to a directory and returns its path; raises any exception if it cannot."""

ProgressCallback = Callable[[int, int], None]
"""Takes the number of jars present and the number of all jars. Called in the thread of `fetch_jars`; an exception stops the download."""


def build_progress_logger(log_line: Callable[[str], None]) -> ProgressCallback:
    """A callback that logs a line at every tenth jar, and none if all jars are present at first."""
    present_counts: list[int] = []

    def log_progress(present: int, total: int) -> None:
        present_counts.append(present)
        if present_counts[0] < total and (present % 10 == 0 or present == total):
            log_line(f"downloaded {present} of {total} jars")

    return log_progress


def parse_lock(text: str) -> tuple[Jar, ...]:
    """The jars of a lock file. Raises LockFileError with the number of the line."""
    return tuple(_parse_line(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())


def _parse_line(number: int, line: str) -> Jar:
    sha256, _, coordinates = line.partition("  ")
    parts = coordinates.split(":")
    if len(sha256) != 64 or len(parts) != 3 or not all(parts):
        raise LockFileError(f"kafka_jars.lock, line {number}: expected `<sha256>  <group>:<artifact>:<version>`, found {line!r}")
    return Jar(sha256, *parts)


def build_cache_path(root: Path, lock: str) -> Path:
    """The cache directory of a lock file's content, so that jars verified for another lock file are not used."""
    return root / hashlib.sha256(lock.encode()).hexdigest()[:12]


def download_with_jgo(jar: Jar, directory: Path) -> Path:
    """Download a jar from jgo's default Maven repository; REQUESTS_CA_BUNDLE and the proxy variables apply."""
    from jgo.maven import MavenContext  # imported here, because only the first start downloads

    project = MavenContext(repo_cache=directory, timeout=60).project(jar.group_id, jar.artifact_id)
    return Path(project.at_version(jar.version).artifact().resolve())


def fetch_jars(
    jars: tuple[Jar, ...],
    directory: Path,
    *,
    download: Downloader = download_with_jgo,
    on_progress: ProgressCallback = lambda present, total: None,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Path]:
    """The paths of all jars in the directory, in the order of the lock file; downloads missing ones. Raises DownloadError.

    After an error the directory contains only verified jars.
    """
    directory.mkdir(parents=True, exist_ok=True)
    missing = [jar for jar in jars if not (directory / jar.file_name).exists()]
    on_progress(len(jars) - len(missing), len(jars))
    pool = ThreadPoolExecutor(DOWNLOAD_THREADS)
    try:
        futures = [pool.submit(_fetch_jar, jar, directory, download, sleep) for jar in missing]
        for downloaded, future in enumerate(as_completed(futures), 1):
            future.result()
            on_progress(len(jars) - len(missing) + downloaded, len(jars))
    finally:
        pool.shutdown(cancel_futures=True)
    return [directory / jar.file_name for jar in jars]


def _fetch_jar(jar: Jar, directory: Path, download: Downloader, sleep: Callable[[float], None]) -> None:
    for delay in RETRY_DELAYS:
        try:
            _download_and_verify(jar, directory, download)
        except Exception:  # of the network, a proxy or jgo; the last try reports it
            sleep(delay)
        else:
            return
    try:
        _download_and_verify(jar, directory, download)
    except Exception as error:
        raise DownloadError(f"{jar}: {error} ({len(RETRY_DELAYS) + 1} tries)") from error


def _download_and_verify(jar: Jar, directory: Path, download: Downloader) -> None:
    with tempfile.TemporaryDirectory(dir=directory, prefix=".download-") as scratch:
        path = download(jar, Path(scratch))
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        if sha256 != jar.sha256:
            raise DownloadError(f"SHA-256 is {sha256}, kafka_jars.lock requires {jar.sha256}")
        path.replace(directory / jar.file_name)  # atomic: a file with the name of a jar is complete and verified
