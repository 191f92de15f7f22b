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
    shelter = tmp_path / "shelter"
    shelter.mkdir()
    return shelter


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    return home


def test_a_folder_can_be_reached_if_all_above_it_can_be_entered() -> None:
    assert is_world_traversable(Path("/"))
    assert is_world_traversable(Path("/usr/bin"))


@pytest.mark.parametrize(("mode", "reachable"), [(0o700, False), (0o711, True)])
def test_one_closed_folder_above_closes_all_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, reachable: bool) -> None:
    deep = tmp_path / "closed" / "deep"
    deep.mkdir(parents=True)
    monkeypatch.setattr(Path, "parents", property(lambda path: [path.parent]))  # what is above the test's folder is not its business
    (tmp_path / "closed").chmod(mode)
    assert is_world_traversable(deep) is reachable


def test_each_home_has_a_data_dir_of_its_own(base_dir: Path, home: Path) -> None:
    folder = ensure_data_dir(home, base_dir)
    assert ensure_data_dir(home, base_dir) == folder
    assert ensure_data_dir(home.with_name("other"), base_dir) != folder
    assert folder.parent == base_dir
    assert folder.stat().st_mode & 0o777 == 0o711


def test_a_symlink_is_rejected(base_dir: Path, home: Path, tmp_path: Path) -> None:
    folder = ensure_data_dir(home, base_dir)
    (folder / "home").unlink()
    folder.rmdir()
    (tmp_path / "trap").mkdir()
    folder.symlink_to(tmp_path / "trap")
    with pytest.raises(DirOwnerError, match="belongs to somebody else"):
        ensure_data_dir(home, base_dir)
    assert list((tmp_path / "trap").iterdir()) == []


def test_a_data_dir_is_removed_a_day_after_its_home(base_dir: Path, home: Path) -> None:
    kept, folder = ensure_data_dir(home.parent, base_dir), ensure_data_dir(home, base_dir)
    used = (folder / "home").stat().st_mtime
    os.utime(kept / "home", (used, used))
    assert remove_stale_data_dirs(used + RETENTION_SECONDS + 1, base_dir) == []
    home.rmdir()
    assert remove_stale_data_dirs(used + RETENTION_SECONDS - 1, base_dir) == []
    assert remove_stale_data_dirs(used + RETENTION_SECONDS + 1, base_dir) == [folder]
    assert list(base_dir.iterdir()) == [kept]


def test_other_directories_are_left_alone(base_dir: Path) -> None:
    (base_dir / "herold-tests").mkdir()
    (base_dir / "herold-file").touch()
    assert remove_stale_data_dirs(1e12, base_dir) == []
    assert len(list(base_dir.iterdir())) == 2


def test_the_data_dir_of_a_home_is_removed(base_dir: Path, home: Path) -> None:
    ensure_data_dir(home, base_dir)
    other = ensure_data_dir(home.with_name("other"), base_dir)
    remove_data_dir(home, base_dir)
    assert list(base_dir.iterdir()) == [other]
