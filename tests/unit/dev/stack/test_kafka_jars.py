import hashlib
from pathlib import Path

import pytest

from dev.stack.kafka_jars import (
    LOCK_FILE,
    RETRY_DELAYS,
    DownloadError,
    Jar,
    LockFileError,
    build_cache_path,
    build_progress_logger,
    fetch_jars,
    parse_lock,
)

CONTENT = {f"jar-{n}": f"content {n}".encode() for n in range(20)}


def build_lock(content: dict[str, bytes]) -> str:
    return "".join(f"{hashlib.sha256(data).hexdigest()}  org.example:{name}:1.0\n" for name, data in content.items())


class FakeMavenRepository:
    """A repository whose first `failures` downloads of each jar fail."""

    def __init__(self, content: dict[str, bytes], failures: int = 0) -> None:
        self.content = content
        self.failures_left = dict.fromkeys(content, failures)
        self.requested: list[str] = []

    def download(self, jar: Jar, directory: Path) -> Path:
        self.requested.append(jar.artifact_id)
        path = directory / "some" / "where.jar"
        path.parent.mkdir()
        path.write_bytes(self.content[jar.artifact_id][:3])
        if self.failures_left[jar.artifact_id] > 0:
            self.failures_left[jar.artifact_id] -= 1
            raise ConnectionError("connection lost")
        path.write_bytes(self.content[jar.artifact_id])
        return path


def list_names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_the_lock_of_the_project_has_46_jars_of_one_kafka() -> None:
    jars = parse_lock(LOCK_FILE.read_text())
    assert len(jars) == len({jar.file_name for jar in jars}) == 46
    assert {jar.version for jar in jars if jar.group_id == "org.apache.kafka"} == {"4.1.1"}


@pytest.mark.parametrize("line", ["abc  org.example:a:1", f"{0:064}  org.example:a", f"{0:064} org.example:a:1", f"{0:064}  a::1"])
def test_an_invalid_line_of_the_lock_file_is_named(line: str) -> None:
    with pytest.raises(LockFileError, match="line 2"):
        parse_lock(build_lock({"a": b"a"}) + line)


def test_another_lock_file_has_another_directory(tmp_path: Path) -> None:
    assert build_cache_path(tmp_path, "one") != build_cache_path(tmp_path, "two")


def test_fetch_returns_every_jar_in_the_order_of_the_lock_file(tmp_path: Path) -> None:
    paths = fetch_jars(parse_lock(build_lock(CONTENT)), tmp_path / "new", download=FakeMavenRepository(CONTENT).download)
    assert [path.name for path in paths] == [f"{name}-1.0.jar" for name in CONTENT]
    assert [path.read_bytes() for path in paths] == list(CONTENT.values())
    assert list_names(tmp_path / "new") == {path.name for path in paths}


def test_only_missing_jars_are_downloaded_and_progress_is_reported(tmp_path: Path) -> None:
    jars = parse_lock(build_lock(CONTENT))
    (tmp_path / jars[0].file_name).write_bytes(CONTENT["jar-0"])
    repository, progress = FakeMavenRepository(CONTENT), []
    fetch_jars(jars, tmp_path, download=repository.download, on_progress=lambda present, total: progress.append((present, total)))
    assert sorted(repository.requested) == sorted(set(CONTENT) - {"jar-0"})
    assert progress == [(n, 20) for n in range(1, 21)]


def test_a_failed_download_is_retried_after_growing_delays(tmp_path: Path) -> None:
    content = {"a": b"a whole jar"}
    delays: list[float] = []
    repository = FakeMavenRepository(content, failures=len(RETRY_DELAYS))
    (path,) = fetch_jars(parse_lock(build_lock(content)), tmp_path, download=repository.download, sleep=delays.append)
    assert path.read_bytes() == b"a whole jar"
    assert delays == list(RETRY_DELAYS) == sorted(RETRY_DELAYS)


def test_a_download_that_fails_in_every_try_names_the_jar_and_the_cause(tmp_path: Path) -> None:
    content = {"a": b"a"}
    repository = FakeMavenRepository(content, failures=99)
    with pytest.raises(DownloadError, match=r"org\.example:a:1\.0: connection lost \(5 tries\)"):
        fetch_jars(parse_lock(build_lock(content)), tmp_path, download=repository.download, sleep=lambda seconds: None)
    assert list_names(tmp_path) == set()


def test_a_jar_with_a_wrong_checksum_is_rejected_and_removed(tmp_path: Path) -> None:
    lock = parse_lock(build_lock({"good": b"good", "bad": b"locked content"}))
    repository = FakeMavenRepository({"good": b"good", "bad": b"something else"})
    with pytest.raises(DownloadError, match=r"org\.example:bad:1\.0: SHA-256 is .* kafka_jars\.lock requires"):
        fetch_jars(lock, tmp_path, download=repository.download, sleep=lambda seconds: None)
    assert list_names(tmp_path) <= {"good-1.0.jar"}


def test_an_exception_of_the_progress_callback_stops_the_download(tmp_path: Path) -> None:
    content = {f"jar-{n}": b"x" for n in range(100)}
    repository = FakeMavenRepository(content)

    def stop(present: int, total: int) -> None:
        if present:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_jars(parse_lock(build_lock(content)), tmp_path, download=repository.download, on_progress=stop)
    assert len(repository.requested) < 100


def test_progress_is_logged_every_ten_jars_and_not_if_none_is_missing() -> None:
    lines: list[str] = []
    log_progress = build_progress_logger(lines.append)
    for present in range(5, 25):
        log_progress(present, 24)
    build_progress_logger(lines.append)(24, 24)
    assert lines == [f"downloaded {present} of 24 jars" for present in (10, 20, 24)]
