import hashlib
from pathlib import Path

import pytest

from app.local.jars import LOCK, PAUSES, DownloadFailed, Jar, LockBroken, cache_folder, fetch, in_lines, read_lock

CONTENT = {f"jar-{n}": f"content {n}".encode() for n in range(20)}


def lock_of(content: dict[str, bytes]) -> str:
    return "".join(f"{hashlib.sha256(data).hexdigest()}  org.example:{name}:1.0\n" for name, data in content.items())


class Repository:
    """A repository that breaks off the first `failures` downloads of each jar."""

    def __init__(self, content: dict[str, bytes], failures: int = 0) -> None:
        self.content = content
        self.left = dict.fromkeys(content, failures)
        self.asked: list[str] = []

    def download(self, jar: Jar, folder: Path) -> Path:
        self.asked.append(jar.artifact)
        path = folder / "some" / "where.jar"
        path.parent.mkdir()
        path.write_bytes(self.content[jar.artifact][:3])
        if self.left[jar.artifact] > 0:
            self.left[jar.artifact] -= 1
            raise ConnectionError("broken off")
        path.write_bytes(self.content[jar.artifact])
        return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_lock_of_the_project_has_46_jars_of_one_kafka() -> None:
    jars = read_lock(LOCK.read_text())
    assert len(jars) == len({jar.file for jar in jars}) == 46
    assert {jar.version for jar in jars if jar.group == "org.apache.kafka"} == {"4.1.1"}


@pytest.mark.parametrize("line", ["abc  org.example:a:1", f"{0:064}  org.example:a", f"{0:064} org.example:a:1", f"{0:064}  a::1"])
def test_a_broken_line_of_the_lock_is_named(line: str) -> None:
    with pytest.raises(LockBroken, match="line 2"):
        read_lock(lock_of({"a": b"a"}) + line)


def test_another_lock_has_another_folder(tmp_path: Path) -> None:
    assert cache_folder(tmp_path, "one") != cache_folder(tmp_path, "two")


def test_fetch_has_every_jar_in_the_order_of_the_lock(tmp_path: Path) -> None:
    paths = fetch(read_lock(lock_of(CONTENT)), tmp_path / "new", download=Repository(CONTENT).download)
    assert [path.name for path in paths] == [f"{name}-1.0.jar" for name in CONTENT]
    assert [path.read_bytes() for path in paths] == list(CONTENT.values())
    assert names(tmp_path / "new") == {path.name for path in paths}


def test_fetch_asks_only_for_what_is_missing_and_tells_how_far_it_is(tmp_path: Path) -> None:
    jars = read_lock(lock_of(CONTENT))
    (tmp_path / jars[0].file).write_bytes(CONTENT["jar-0"])
    repository, told = Repository(CONTENT), []
    fetch(jars, tmp_path, download=repository.download, progress=lambda present, wanted: told.append((present, wanted)))
    assert sorted(repository.asked) == sorted(set(CONTENT) - {"jar-0"})
    assert told == [(n, 20) for n in range(1, 21)]


def test_a_download_that_breaks_off_is_tried_again_after_growing_pauses(tmp_path: Path) -> None:
    content = {"a": b"a whole jar"}
    pauses: list[float] = []
    repository = Repository(content, failures=len(PAUSES))
    (path,) = fetch(read_lock(lock_of(content)), tmp_path, download=repository.download, pause=pauses.append)
    assert path.read_bytes() == b"a whole jar"
    assert pauses == list(PAUSES) == sorted(PAUSES)


def test_a_download_that_never_works_names_the_jar_and_the_cause(tmp_path: Path) -> None:
    content = {"a": b"a"}
    repository = Repository(content, failures=99)
    with pytest.raises(DownloadFailed, match=r"org\.example:a:1\.0: broken off \(5 tries\)"):
        fetch(read_lock(lock_of(content)), tmp_path, download=repository.download, pause=lambda seconds: None)
    assert names(tmp_path) == set()


def test_a_jar_that_is_not_the_locked_one_is_refused_and_not_kept(tmp_path: Path) -> None:
    lock = read_lock(lock_of({"good": b"good", "bad": b"what was locked"}))
    repository = Repository({"good": b"good", "bad": b"something else"})
    with pytest.raises(DownloadFailed, match=r"org\.example:bad:1\.0: SHA-256 is .* but kafka\.lock says"):
        fetch(lock, tmp_path, download=repository.download, pause=lambda seconds: None)
    assert names(tmp_path) <= {"good-1.0.jar"}


def test_progress_can_end_the_download(tmp_path: Path) -> None:
    content = {f"jar-{n}": b"x" for n in range(100)}
    repository = Repository(content)

    def progress(present: int, wanted: int) -> None:
        if present:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(read_lock(lock_of(content)), tmp_path, download=repository.download, progress=progress)
    assert len(repository.asked) < 100


def test_progress_in_lines_is_short_and_silent_if_nothing_is_missing() -> None:
    said: list[str] = []
    progress = in_lines(said.append)
    for present in range(5, 25):
        progress(present, 24)
    in_lines(said.append)(24, 24)
    assert said == [f"downloaded {present} of 24 jars" for present in (10, 20, 24)]
