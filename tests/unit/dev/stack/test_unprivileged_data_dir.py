import os
from pathlib import Path

import pytest

from dev.stack.unprivileged_data_dir import (
    RETENTION_SECONDS,
    DirOwnerError,
    ensure_data_dir,
    is_world_traversable,
    remove_data_dir,
    remove_stale_data_dirs,
)


@pytest.fixture
def base_dir(tmp_path: Path) -> Path:
    base_dir = tmp_path / "base"
    base_dir.mkdir()
    return base_dir


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    return home


def test_a_directory_is_traversable_if_all_its_parents_are() -> None:
    assert is_world_traversable(Path("/"))
    assert is_world_traversable(Path("/usr/bin"))


@pytest.mark.parametrize(("mode", "traversable"), [(0o700, False), (0o711, True)])
def test_one_private_parent_makes_a_directory_untraversable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, traversable: bool
) -> None:
    deep = tmp_path / "parent" / "deep"
    deep.mkdir(parents=True)
    monkeypatch.setattr(Path, "parents", property(lambda path: [path.parent]))  # the parents of the test's directory do not matter
    (tmp_path / "parent").chmod(mode)
    assert is_world_traversable(deep) is traversable


def test_each_home_has_its_own_data_dir(base_dir: Path, home: Path) -> None:
    directory = ensure_data_dir(home, base_dir)
    assert ensure_data_dir(home, base_dir) == directory
    assert ensure_data_dir(home.with_name("other"), base_dir) != directory
    assert directory.parent == base_dir
    assert directory.stat().st_mode & 0o777 == 0o711


def test_a_symlink_is_rejected(base_dir: Path, home: Path, tmp_path: Path) -> None:
    directory = ensure_data_dir(home, base_dir)
    (directory / "home").unlink()
    directory.rmdir()
    (tmp_path / "target").mkdir()
    directory.symlink_to(tmp_path / "target")
    with pytest.raises(DirOwnerError, match="belongs to another user"):
        ensure_data_dir(home, base_dir)
    assert list((tmp_path / "target").iterdir()) == []


def test_a_data_dir_is_removed_a_day_after_its_home(base_dir: Path, home: Path) -> None:
    kept, directory = ensure_data_dir(home.parent, base_dir), ensure_data_dir(home, base_dir)
    used = (directory / "home").stat().st_mtime
    os.utime(kept / "home", (used, used))
    assert remove_stale_data_dirs(used + RETENTION_SECONDS + 1, base_dir) == []
    home.rmdir()
    assert remove_stale_data_dirs(used + RETENTION_SECONDS - 1, base_dir) == []
    assert remove_stale_data_dirs(used + RETENTION_SECONDS + 1, base_dir) == [directory]
    assert list(base_dir.iterdir()) == [kept]


def test_other_directories_are_not_removed(base_dir: Path) -> None:
    (base_dir / "herold-tests").mkdir()
    (base_dir / "herold-file").touch()
    assert remove_stale_data_dirs(1e12, base_dir) == []
    assert len(list(base_dir.iterdir())) == 2


def test_the_data_dir_of_a_home_is_removed(base_dir: Path, home: Path) -> None:
    ensure_data_dir(home, base_dir)
    other = ensure_data_dir(home.with_name("other"), base_dir)
    remove_data_dir(home, base_dir)
    assert list(base_dir.iterdir()) == [other]


def test_a_directory_that_another_process_removes_meanwhile_is_left_out(
    base_dir: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, removed = ensure_data_dir(home, base_dir), base_dir / "herold-removed"
    monkeypatch.setattr(Path, "glob", lambda *_: [removed, directory])
    home.rmdir()
    later = directory.stat().st_mtime + 2 * RETENTION_SECONDS
    assert remove_stale_data_dirs(later, base_dir) == [directory]
