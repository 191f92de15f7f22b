"""Masks records for people who look into them: what a message says and where it goes is hidden, its shape stays; pure."""

from typing import Any
from unicodedata import category

from schemas.redaction import redact_text, redact_value

_BODIES = frozenset({"content", "data"})
_ADDRESSES = frozenset({"address", "addresses", "to"})
_MASKED_BYTE = b"x"
_KEPT_ADDRESS_CHARACTERS = 3


def mask_value(value: Any) -> Any:
    """The JSON value with the texts and numbers of bodies replaced by their kind, and with addresses redacted, also within other texts."""
    if isinstance(value, dict):
        return {redact_text(name): _mask_field(name, item) for name, item in value.items()}
    return [mask_value(item) for item in value] if isinstance(value, list) else redact_value(value)


def mask_bytes(data: bytes) -> bytes:
    """The bytes with an x for each byte of a letter, digit or mark in UTF-8; what makes a record unreadable is among the others."""
    text = data.decode("utf-8", "surrogateescape")
    return b"".join(_mask_character(character) for character in text)


def _mask_character(character: str) -> bytes:
    encoded = character.encode("utf-8", "surrogateescape")
    return _MASKED_BYTE * len(encoded) if category(character)[0] in "LMN" else encoded


def _mask_field(name: str, value: Any) -> Any:
    if name in _BODIES:
        return _map_leaves(value, _describe)
    return _map_leaves(value, _mask_address) if name in _ADDRESSES else mask_value(value)


def _map_leaves(value: Any, change: Any) -> Any:
    if isinstance(value, dict):
        return {redact_text(name): _map_leaves(item, change) for name, item in value.items()}
    return [_map_leaves(item, change) for item in value] if isinstance(value, list) else change(value)


def _describe(value: Any) -> Any:
    if isinstance(value, str):
        return f"<{len(value)} characters>"
    return "<number>" if isinstance(value, int | float) and not isinstance(value, bool) else value


def _mask_address(value: Any) -> Any:
    if not isinstance(value, str):
        return _describe(value)
    redacted = redact_text(value)
    return redacted if redacted != value else f"{value[:_KEPT_ADDRESS_CHARACTERS]}***"
