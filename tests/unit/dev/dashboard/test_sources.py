"""The build of the dashboard is that of the sources: otherwise a reader sees one program and a browser another."""

from pathlib import Path

import pytest

from dev.dashboard import sources


def test_the_build_is_current() -> None:
    assert sources.read_build_hash() == sources.compute_source_hash(), "`make dashboard` builds it anew"


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sources of our own."""
    directory = tmp_path / "dashboard"
    for name, text in (("src/a.ts", "a"), ("package-lock.json", "{}"), ("test/a.test.ts", "t"), ("node_modules/x/index.js", "x")):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    (tmp_path / "index.ts").write_text("client")
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    monkeypatch.setattr(sources, "SOURCE_DIRECTORY", directory)
    monkeypatch.setattr(sources, "CLIENT", tmp_path / "index.ts")
    monkeypatch.setattr(sources, "BUILD_FILE", tmp_path / "BUILD.json")
    return directory


@pytest.mark.parametrize("name", ["src/a.ts", "package-lock.json", "../index.ts"])
def test_each_change_of_a_source_is_seen(copy: Path, name: str) -> None:
    before = sources.compute_source_hash()
    (copy / name).write_text("other")
    assert sources.compute_source_hash() != before


def test_a_file_that_is_renamed_is_seen(copy: Path) -> None:
    before = sources.compute_source_hash()
    (copy / "src" / "a.ts").rename(copy / "src" / "b.ts")
    assert sources.compute_source_hash() != before


@pytest.mark.parametrize("name", ["test/a.test.ts", "node_modules/x/index.js"])
def test_what_is_not_built_from_does_not_count(copy: Path, name: str) -> None:
    before = sources.compute_source_hash()
    (copy / name).write_text("other")
    assert sources.compute_source_hash() == before


def test_the_hash_is_written_beside_the_build(copy: Path) -> None:
    assert sources.read_build_hash() == ""
    sources.write_build_hash()
    assert sources.read_build_hash() == sources.compute_source_hash()
