"""A dead letter: the original key and value of a record that could not be processed, with headers; a record of `notifications.dlq`."""

from collections.abc import Sequence
from typing import Literal, get_args

from msgspec import Struct

DeadLetterStage = Literal["router", "delivery", "scheduler", "recorder"]
Headers = list[tuple[str, bytes]]

MAX_ERROR_BYTES = 1000
MAX_VALUE_BYTES = 1_000_000
MAX_COUNT_DIGITS = 5
MAX_SOURCE_HEADER_BYTES = 16 * 1024  # of all headers of the source together, names included; those beyond are left out
SOURCE_HEADER_PREFIX = "source-header."

REDRIVE_COUNT_HEADER = "herold-redrive-count"  # of a record that was redriven; a delivery has the count in its value
REDRIVEN_ID_HEADER = "herold-notification-id"  # the id that the router gave the notification when it became a dead letter


class DeadLetter(Struct, frozen=True, omit_defaults=True):
    """The stage and reason of the failure, the source of the record, and its value, cut to MAX_VALUE_BYTES.

    `source_time` (epoch seconds) is the time of the record, or of its first record if it was held; 0 if it is not known. `outcome`,
    `provider_code` and `account` are of the last attempt of a delivery. `redrive_count` says how often the record was redriven before.
    """

    stage: DeadLetterStage
    reason: str
    error: str
    source_topic: str
    source_partition: int
    source_offset: int
    key: bytes | None = None
    value: bytes | None = None
    attempts: int = 0
    notification_id: str = ""
    delivery_id: str = ""
    user_id: str = ""
    null_value: bool = False
    truncated: bool = False
    source_time: float = 0.0
    outcome: str = ""
    provider_code: int = 0
    account: str = ""
    redrive_count: int = 0
    source_headers: Headers = []


def encode_headers(dead_letter: DeadLetter) -> Headers:
    """The headers of the dead letter's record; empty fields are left out, and each value is cut to MAX_ERROR_BYTES."""
    texts = {
        "stage": dead_letter.stage,
        "reason": dead_letter.reason,
        "error": dead_letter.error,
        "source_topic": dead_letter.source_topic,
        "source_partition": str(dead_letter.source_partition),
        "source_offset": str(dead_letter.source_offset),
        "attempts": str(dead_letter.attempts),
        "notification_id": dead_letter.notification_id,
        "delivery_id": dead_letter.delivery_id,
        "user_id": dead_letter.user_id,
        "null_value": "1" if dead_letter.value is None else "",
        "truncated": "1" if dead_letter.value is not None and len(dead_letter.value) > MAX_VALUE_BYTES else "",
        "source_time": str(round(dead_letter.source_time * 1000)) if dead_letter.source_time else "",
        "outcome": dead_letter.outcome,
        "provider_code": str(dead_letter.provider_code) if dead_letter.provider_code else "",
        "account": dead_letter.account,
        "redrive_count": str(dead_letter.redrive_count) if dead_letter.redrive_count else "",
    }
    own = [(name, text.encode("utf-8", "replace")[:MAX_ERROR_BYTES]) for name, text in texts.items() if text]
    return [*own, *((SOURCE_HEADER_PREFIX + name, content) for name, content in dead_letter.source_headers)]


def read_redrive_count(headers: Sequence[tuple[str, bytes | None]]) -> int:
    """How often a record was redriven, by its headers."""
    text = next((content for name, content in headers if name == REDRIVE_COUNT_HEADER), None) or b""
    return int(text) if text.isdigit() and len(text) < MAX_COUNT_DIGITS else 0


def select_source_headers(headers: Sequence[tuple[str, bytes | None]]) -> Headers:
    """The first headers of a record that fit into a dead letter; one without a value gets an empty one."""
    selected: Headers = []
    size = 0
    for name, content in headers:
        size += len(name.encode("utf-8", "replace")) + len(content or b"")
        if size > MAX_SOURCE_HEADER_BYTES:
            break
        selected.append((name, content or b""))
    return selected


def decode_dead_letter(key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]]) -> DeadLetter:
    """The dead letter in a record of the topic; a missing header decodes as empty, a missing or invalid number as -1.

    A record without a valid stage was not produced by Herold; it becomes a dead letter of the recorder with the reason `undecodable`.
    """
    texts = {name: (content or b"").decode("utf-8", "replace") for name, content in headers if not name.startswith(SOURCE_HEADER_PREFIX)}
    if texts.get("stage") not in get_args(DeadLetterStage):
        texts = {**texts, "stage": "recorder", "reason": "undecodable", "error": "a record without the headers of a dead letter"}
    return DeadLetter(
        stage=texts["stage"],  # type: ignore[arg-type]
        reason=texts.get("reason", ""),
        error=texts.get("error", ""),
        source_topic=texts.get("source_topic", ""),
        source_partition=_parse_number(texts.get("source_partition", "")),
        source_offset=_parse_number(texts.get("source_offset", "")),
        key=key,
        value=None if texts.get("null_value") else value,
        attempts=max(0, _parse_number(texts.get("attempts", ""))),
        notification_id=texts.get("notification_id", ""),
        delivery_id=texts.get("delivery_id", ""),
        user_id=texts.get("user_id", ""),
        null_value=bool(texts.get("null_value")),
        truncated=bool(texts.get("truncated")),
        source_time=max(0, _parse_number(texts.get("source_time", ""))) / 1000,
        outcome=texts.get("outcome", ""),
        provider_code=max(0, _parse_number(texts.get("provider_code", ""))),
        account=texts.get("account", ""),
        redrive_count=max(0, _parse_number(texts.get("redrive_count", ""))),
        source_headers=[
            (name.removeprefix(SOURCE_HEADER_PREFIX), content or b"") for name, content in headers if name.startswith(SOURCE_HEADER_PREFIX)
        ],
    )


def _parse_number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 19 else -1  # fits in 64 bits
