"""Hides addresses in texts that people read: an explanation says which address it is about, and does not publish it; pure."""

import re
from typing import Any

_EMAIL = re.compile(r"([^\s@<>\"'(),;:=/]{1,64})@((?:[\w-]+\.)+[^\W\d_]{2,})")
_NUMBER = re.compile(r"\+\d[\d ()./-]{5,20}\d")
_URL = re.compile(r"(https?://)(?:[^\s/?#@]*@)?([^\s/?#\"'<>]+)[/?#][^\s\"'<>)]*")
_TOKEN = re.compile(r"[\w:-]{100,}")  # a registration token has 140 characters and more; no id or name of ours is that long


def redact_text(text: str) -> str:
    """The text with e-mail addresses as `a***@example.org`, numbers as `+43***89`, URLs as their host, and device tokens as their start."""
    text = _URL.sub(r"\1\2/***", text)
    text = _EMAIL.sub(lambda match: f"{match[1][0]}***@{match[2]}", text)
    text = _NUMBER.sub(lambda match: f"{match[0][:3]}***{match[0][-2:]}", text)
    return _TOKEN.sub(lambda match: f"{match[0][:6]}***", text)


def redact_value(value: Any) -> Any:
    """The JSON value with the addresses in all its texts and names hidden."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, dict):
        return {redact_text(name): redact_value(item) for name, item in value.items()}
    return [redact_value(item) for item in value] if isinstance(value, list | tuple) else value
