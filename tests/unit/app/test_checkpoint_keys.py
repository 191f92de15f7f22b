"""The keys of the setting audit.signing_key."""

from base64 import b64encode

import pytest

from app.checkpoint_keys import build_checkpoint_keys
from schemas.checkpoints import CheckpointKeys
from schemas.errors import SettingError

SECRET = b"s" * 32


def test_without_a_secret_nothing_is_signed() -> None:
    assert build_checkpoint_keys("") is None


def test_the_first_secret_signs() -> None:
    keys = build_checkpoint_keys(",".join(b64encode(secret).decode() for secret in (SECRET, b"t" * 32)))
    assert keys is not None
    assert keys.public_key == CheckpointKeys([SECRET]).public_key


@pytest.mark.parametrize("text", ["short", "c2hvcnQ=", "%" * 40])
def test_a_bad_secret_is_named_and_not_shown(text: str) -> None:
    with pytest.raises(SettingError, match=r"audit\.signing_key") as caught:
        build_checkpoint_keys(text)
    assert text not in str(caught.value)
