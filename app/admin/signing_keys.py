"""The file of the keys that sign access tokens, for operators: make it, add and rotate keys, and remove old ones.

One file for one gateway needs `rotate` only. Several gateways with a copy each first get a key that verifies (`add`), then let it sign
(`rotate`), so that none meets a token of a key that it does not know.
"""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from app.auth.signing_keys import SigningKey, SigningKeys, compute_kid, describe_file_problem, encode_keys
from app.private_file import write_private_file
from schemas.errors import ConflictError, SettingError

SETTING = "auth.signing_keys_file"


class SigningKeyInfo(Struct, frozen=True):
    """A key of the file, without its secret."""

    kid: str
    signs: bool


def ensure_signing_keys(path: Path) -> str:
    """The path of a file with keys, which is made if there is none."""
    if not path.exists():
        create_signing_keys(path)
    return str(path)


def create_signing_keys(path: Path) -> list[SigningKeyInfo]:
    """Make a file with one key. Raises ConflictError if it exists, and SettingError if it cannot be written."""
    if path.exists():
        raise ConflictError(f"{path} exists: `herold signing-keys rotate {path}` replaces its first key")
    return _write(path, [_make_key()])


def list_signing_keys(path: Path) -> list[SigningKeyInfo]:
    """The keys of a file. Raises SettingError."""
    return _describe(_read(path))


def add_signing_key(path: Path) -> list[SigningKeyInfo]:
    """Add a key at the end, which verifies and does not sign. Raises SettingError."""
    return _write(path, [*_read(path), _make_key()])


def rotate_signing_keys(path: Path) -> list[SigningKeyInfo]:
    """Let the last key sign, or a new one if there is only one; the others still verify. Raises SettingError."""
    keys = _read(path)
    following = keys[-1] if len(keys) > 1 else _make_key()
    return _write(path, [following, *(key for key in keys if key.kid != following.kid)])


def remove_signing_key(path: Path, kid: str) -> list[SigningKeyInfo]:
    """Remove a key, whose tokens end. Raises ConflictError for one that signs or that there is not, and SettingError."""
    keys = _read(path)
    if keys[0].kid == kid:
        raise ConflictError(f"{kid} signs: rotate first, and remove it when the last token that it signed has expired")
    if all(key.kid != kid for key in keys):
        raise ConflictError(f"there is no key {kid[:64]!r} in {path}")
    return _write(path, [key for key in keys if key.kid != kid])


def _make_key() -> SigningKey:
    private = Ed25519PrivateKey.generate()
    return SigningKey(compute_kid(private.public_key()), private)


def _read(path: Path) -> list[SigningKey]:
    try:
        return SigningKeys(path.read_text("utf-8")).keys
    except (OSError, ValueError) as error:
        raise SettingError(SETTING, describe_file_problem(path, error)) from None


def _write(path: Path, keys: list[SigningKey]) -> list[SigningKeyInfo]:
    try:
        text = encode_keys(keys)
        SigningKeys(text)  # not too many
        write_private_file(path, text)
    except (OSError, ValueError) as error:
        raise SettingError(SETTING, describe_file_problem(path, error)) from None
    return _describe(keys)


def _describe(keys: list[SigningKey]) -> list[SigningKeyInfo]:
    return [SigningKeyInfo(key.kid, position == 0) for position, key in enumerate(keys)]
