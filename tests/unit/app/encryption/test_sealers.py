"""Columns are sealed with two settings, which belong together."""

from typing import Any

import pytest

from app.encryption.outer_keys import build_local_index_key, build_local_keys
from app.encryption.sealers import build_column_sealing
from app.encryption.section import EncryptionSection
from schemas.errors import SettingError

KEYS, INDEX_KEY = build_local_keys("00" * 16, "01" * 16), build_local_index_key("02" * 16, "03" * 16)


def build_section(**changes: Any) -> EncryptionSection:
    fields = {"enabled": False, "keys": "", "index_key": "", "kms_url": "", "kms_key": "herold", "kms_token": ""}
    return EncryptionSection(**{**fields, **changes})


@pytest.mark.parametrize("enabled", [True, False])
def test_keys_without_the_index_key_are_refused_also_while_sealing_is_off(enabled: bool) -> None:
    with pytest.raises(SettingError, match=r"encryption\.index_key: is empty"):
        build_column_sealing(build_section(enabled=enabled, keys=KEYS))


def test_a_project_can_be_sealed_while_sealing_is_off() -> None:
    sealing = build_column_sealing(build_section(keys=KEYS, index_key=INDEX_KEY))
    assert sealing is not None
    assert not sealing.projects.default


def test_without_keys_nothing_is_sealed() -> None:
    assert build_column_sealing(build_section()) is None
    assert build_column_sealing(build_section(index_key=INDEX_KEY)) is None
