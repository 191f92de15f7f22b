"""The build of the dashboard is that of the sources: otherwise a reader sees one program and a browser another."""

from pathlib import Path

import pytest

from dev.dashboard import sources


def test_the_build_is_current_and_untouched() -> None:
    assert sources.read_hashes() == sources.compute_hashes(), "`make dashboard` builds it anew"


def test_the_styles_keep_the_colours_of_both_schemes() -> None:
    style = (sources.BUILD_DIRECTORY / "assets" / "index.css").read_text()
    assert "light-dark(" in style
    assert "--lightningcss" not in style  # such a rule has no colour at all where Mantine sets the scheme


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sources and a build of our own."""
    for name in ("dashboard/src/a.ts", "dashboard/package-lock.json", "dashboard/test/a.test.ts", "dashboard/node_modules/x.js"):
        write(tmp_path / name)
    for name in ("index.ts", "build/assets/index.js"):
        write(tmp_path / name)
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    monkeypatch.setattr(sources, "SOURCE_DIRECTORY", tmp_path / "dashboard")
    monkeypatch.setattr(sources, "SOURCES", ("package-lock.json", "src"))
    monkeypatch.setattr(sources, "CLIENT", tmp_path / "index.ts")
    monkeypatch.setattr(sources, "BUILD_DIRECTORY", tmp_path / "build")
    monkeypatch.setattr(sources, "BUILD_FILE", tmp_path / "build" / "BUILD.json")
    return tmp_path


def write(path: Path, text: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


CHANGES = {
    "dashboard/src/a.ts": "sources",
    "dashboard/package-lock.json": "sources",
    "index.ts": "sources",
    "build/assets/index.js": "files",
    "dashboard/test/a.test.ts": None,
    "dashboard/node_modules/x.js": None,
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_seen_where_it_counts(copy: Path, name: str) -> None:
    sources.write_hashes()
    write(copy / name, "other")
    before, now = sources.read_hashes(), sources.compute_hashes()
    assert [kind for kind in before if before[kind] != now[kind]] == ([CHANGES[name]] if CHANGES[name] else [])


@pytest.mark.parametrize(
    ("old", "new", "kind"), [("dashboard/src/a.ts", "dashboard/src/b.ts", "sources"), ("build/assets/index.js", "build/a.js", "files")]
)
def test_a_file_that_is_renamed_is_seen(copy: Path, old: str, new: str, kind: str) -> None:
    before = sources.compute_hashes()
    (copy / old).rename(copy / new)
    assert sources.compute_hashes()[kind] != before[kind]


def test_without_a_build_there_are_no_hashes(copy: Path) -> None:
    assert sources.read_hashes() == {}
    sources.write_hashes()
    assert sources.read_hashes() == sources.compute_hashes()
