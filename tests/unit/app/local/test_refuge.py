import os
from pathlib import Path

import pytest

from app.local.refuge import KEPT, NotOurs, forget, is_reachable, refuge, remove_abandoned


@pytest.fixture
def shelter(tmp_path: Path) -> Path:
    shelter = tmp_path / "shelter"
    shelter.mkdir()
    return shelter


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    return home


def test_a_folder_can_be_reached_if_all_above_it_can_be_entered() -> None:
    assert is_reachable(Path("/"))
    assert is_reachable(Path("/usr/bin"))


@pytest.mark.parametrize(("mode", "reachable"), [(0o700, False), (0o711, True)])
def test_one_closed_folder_above_closes_all_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, reachable: bool) -> None:
    deep = tmp_path / "closed" / "deep"
    deep.mkdir(parents=True)
    monkeypatch.setattr(Path, "parents", property(lambda path: [path.parent]))  # what is above the test's folder is not its business
    (tmp_path / "closed").chmod(mode)
    assert is_reachable(deep) is reachable


def test_a_home_finds_its_refuge_again_and_no_other_does(shelter: Path, home: Path) -> None:
    folder = refuge(home, shelter)
    assert refuge(home, shelter) == folder
    assert refuge(home.with_name("other"), shelter) != folder
    assert folder.parent == shelter
    assert folder.stat().st_mode & 0o777 == 0o711


def test_a_link_that_somebody_has_put_there_is_refused(shelter: Path, home: Path, tmp_path: Path) -> None:
    folder = refuge(home, shelter)
    (folder / "home").unlink()
    folder.rmdir()
    (tmp_path / "trap").mkdir()
    folder.symlink_to(tmp_path / "trap")
    with pytest.raises(NotOurs, match="belongs to somebody else"):
        refuge(home, shelter)
    assert list((tmp_path / "trap").iterdir()) == []


def test_a_refuge_goes_a_day_after_its_home(shelter: Path, home: Path) -> None:
    kept, folder = refuge(home.parent, shelter), refuge(home, shelter)
    used = (folder / "home").stat().st_mtime
    os.utime(kept / "home", (used, used))
    assert remove_abandoned(used + KEPT + 1, shelter) == []
    home.rmdir()
    assert remove_abandoned(used + KEPT - 1, shelter) == []
    assert remove_abandoned(used + KEPT + 1, shelter) == [folder]
    assert list(shelter.iterdir()) == [kept]


def test_what_is_no_refuge_is_left_alone(shelter: Path) -> None:
    (shelter / "herold-tests").mkdir()
    (shelter / "herold-file").touch()
    assert remove_abandoned(1e12, shelter) == []
    assert len(list(shelter.iterdir())) == 2


def test_a_home_can_be_forgotten(shelter: Path, home: Path) -> None:
    refuge(home, shelter)
    other = refuge(home.with_name("other"), shelter)
    forget(home, shelter)
    assert list(shelter.iterdir()) == [other]
