"""The outer keys of the section `encryption`: from the environment, a file, or decrypted by a KMS."""

import os
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Protocol

from app.encryption.section import EncryptionSection
from app.encryption.transit_kms import TransitKms
from schemas.blind_index import BlindIndex
from schemas.errors import SettingError
from schemas.sealing import KEY_BYTES, OuterKeys, RandomBuffer

_ID = re.compile(r"[\w.-]{1,64}").fullmatch


class KeyDecryption(Protocol):
    """Makes keys of what the settings have as keys."""

    def decrypt(self, text: str) -> bytes:
        """The key. Raises SettingError, which never shows it."""
        ...


class PlainKeys:
    """The settings have the keys themselves, in base64."""

    def decrypt(self, text: str) -> bytes:
        """The key. Raises SettingError."""
        try:
            return b64decode(text, validate=True)
        except (Base64Error, ValueError):
            raise SettingError("encryption.keys", "a key is not base64") from None


def build_outer_keys(section: EncryptionSection) -> OuterKeys | None:
    """The outer keys; None if there are none. Raises SettingError, which names the key of the settings and never shows a secret."""
    if not section.keys:
        if section.enabled:
            raise SettingError("encryption.keys", "is empty: `herold encryption key` prints a new key for it, or for encryption.keys_file")
        return None
    if section.kms_url and not section.kms_token:
        raise SettingError("encryption.kms_token", "is empty: the KMS at encryption.kms_url needs one")
    decryption: KeyDecryption = TransitKms(section.kms_url, section.kms_key, section.kms_token) if section.kms_url else PlainKeys()
    return OuterKeys(parse_keys(section.keys, decryption), RandomBuffer(os.urandom))


def parse_keys(text: str, decryption: KeyDecryption) -> Mapping[str, bytes]:
    """The keys by id, in their order. Raises SettingError."""
    keys: dict[str, bytes] = {}
    for entry in filter(None, (line.partition("#")[0].strip() for line in re.split(r"[\n,]", text))):
        key_id, separator, value = entry.partition("=")
        if not separator or not value.strip() or not _ID(key_id.strip()):  # what has no value may be a key, which ends with =
            raise SettingError("encryption.keys", "an entry is not id=key; an id has at most 64 letters, digits, points and hyphens")
        if (key_id := key_id.strip()) in keys:
            raise SettingError("encryption.keys", f"the id {key_id} is there twice")
        keys[key_id] = decryption.decrypt(value.strip())
        if len(keys[key_id]) != KEY_BYTES:
            raise SettingError("encryption.keys", f"the key {key_id} has {len(keys[key_id])} bytes and not {KEY_BYTES}")
    return keys


def build_blind_index(section: EncryptionSection) -> BlindIndex | None:
    """The blind index; None without a key. Raises SettingError."""
    if not section.index_key:
        return None
    try:
        key = b64decode(section.index_key, validate=True)
    except (Base64Error, ValueError):
        raise SettingError("encryption.index_key", "is not base64") from None
    if len(key) != KEY_BYTES:
        raise SettingError("encryption.index_key", f"has {len(key)} bytes and not {KEY_BYTES}")
    return BlindIndex(key)


def build_local_index_key(first: str, second: str) -> str:
    """The setting `index_key` of a stack on one machine, from two of its secrets of 32 hex digits."""
    return b64encode(bytes.fromhex(first + second)).decode() if first and second else ""


def build_local_keys(first: str, second: str) -> str:
    """The setting `keys` of a stack on one machine, from two of its secrets of 32 hex digits."""
    return f"local={b64encode(bytes.fromhex(first + second)).decode()}" if first and second else ""
