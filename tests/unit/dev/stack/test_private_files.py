from pathlib import Path

import pytest

from dev.stack.private_files import try_acquire_file_lock, write_private_file


def test_a_replaced_public_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("old")
    file.chmod(0o644)
    write_private_file(file, "new")
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o600)
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_an_incomplete_file_of_a_killed_process_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getpid", lambda: 7)
    (tmp_path / "secret.7.new").write_text("half")
    write_private_file(tmp_path / "secret", "whole")
    assert (tmp_path / "secret").read_text() == "whole"


def test_a_lock_is_held_once_and_released_on_exit(tmp_path: Path) -> None:
    with try_acquire_file_lock(tmp_path / "lock") as first, try_acquire_file_lock(tmp_path / "lock") as second:
        assert (first, second) == (True, False)
    with try_acquire_file_lock(tmp_path / "lock") as third:
        assert third
