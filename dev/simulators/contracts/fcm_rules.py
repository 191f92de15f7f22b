"""What a push message must satisfy beyond its types (firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dev.simulators.contracts.loader import load_contract

_RULES: Mapping[str, Any] = load_contract("fcm_send")["rules"]
_is_reserved_key = re.compile(_RULES["reserved_data_keys"], re.DOTALL).match
_HEADER_PATTERNS = {
    part: {name.lower(): re.compile(pattern, re.DOTALL).fullmatch for name, pattern in patterns.items()}
    for part, patterns in _RULES["headers"].items()
}


def find_problem(message: Any) -> str:
    """The first rule that a message breaks, in words; empty if there is none."""
    return next(_list_problems(message), "")


def _list_problems(message: Any) -> Iterator[str]:
    if sum(map(bool, (message.token, message.fid, message.topic, message.condition))) != 1:
        yield "Recipient of the message is not set."
    android_v2 = message.androidV2 or message.android_v2
    if message.android is not None and android_v2 is not None:
        yield "Only one of android and androidV2 can be set"
    parts = (message, message.android, android_v2, message.webpush)
    if any(map(_is_reserved_key, (name for part in parts if part is not None and part.data for name in part.data))):
        yield "Invalid data key"
    for name in ("apns", "webpush"):
        part = getattr(message, name)
        if part is not None and part.headers and not _are_headers_valid(name, part.headers):
            yield f"Invalid header of {name}"
    limit = _RULES["topic_payload_bytes" if message.topic or message.condition else "payload_bytes"]
    if compute_payload_size(message) > limit:
        yield "Message is too big"


def _are_headers_valid(part: str, headers: Mapping[str, str]) -> bool:
    patterns = _HEADER_PATTERNS[part]
    return all(patterns[name.lower()](value) is not None for name, value in headers.items() if name.lower() in patterns)


def compute_payload_size(message: Any) -> int:
    """The bytes of all keys and values of data and notification."""
    notification = message.notification
    size = sum(len(name.encode()) + len(value.encode()) for name, value in (message.data or {}).items())
    if notification is not None:
        for name in ("title", "body", "image"):
            value = getattr(notification, name)
            size += len(name) + len(value.encode()) if value else 0
    return size
