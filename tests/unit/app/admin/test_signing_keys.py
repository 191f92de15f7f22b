"""The file of signing keys, for operators."""

import stat
from pathlib import Path

import pytest

from app.admin.signing_keys import (
    add_signing_key,
    create_signing_keys,
    ensure_signing_keys,
    list_signing_keys,
    remove_signing_key,
    rotate_signing_keys,
)
from schemas.errors import ConflictError, SettingError


def list_kids(file: Path) -> list[str]:
    return [key.kid for key in list_signing_keys(file)]


def test_a_new_file_has_one_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    file = tmp_path / "keys.pem"
    (key,) = create_signing_keys(file)
    assert key.signs
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(ConflictError, match="exists"):
        create_signing_keys(file)
    assert ensure_signing_keys(file) == str(file)
    assert list_kids(file) == [key.kid]


def test_one_key_is_replaced_by_a_new_one_and_still_verifies(tmp_path: Path) -> None:
    file = tmp_path / "keys.pem"
    ensure_signing_keys(file)
    (old,) = list_kids(file)
    rotated = rotate_signing_keys(file)
    assert [key.signs for key in rotated] == [True, False]
    assert rotated[1].kid == old


def test_an_added_key_signs_after_the_next_rotation(tmp_path: Path) -> None:
    file = tmp_path / "keys.pem"
    ensure_signing_keys(file)
    first, added = (key.kid for key in add_signing_key(file))
    assert list_kids(file) == [first, added]
    rotate_signing_keys(file)
    assert list_kids(file) == [added, first]


def test_an_old_key_is_removed_and_the_one_that_signs_is_not(tmp_path: Path) -> None:
    file = tmp_path / "keys.pem"
    ensure_signing_keys(file)
    first, second = (key.kid for key in rotate_signing_keys(file))
    with pytest.raises(ConflictError, match="signs"):
        remove_signing_key(file, first)
    with pytest.raises(ConflictError, match="no key 'x'"):
        remove_signing_key(file, "x")
    assert [key.kid for key in remove_signing_key(file, second)] == [first]


def test_a_file_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "keys.pem"
    with pytest.raises(SettingError, match="No such file"):
        rotate_signing_keys(file)
    file.write_text("x")
    with pytest.raises(SettingError, match="no private key"):
        list_signing_keys(file)
    file.unlink()
    ensure_signing_keys(file)
    for _ in range(7):
        add_signing_key(file)
    with pytest.raises(SettingError, match="1 to 8"):
        add_signing_key(file)
    assert len(list_kids(file)) == 8
