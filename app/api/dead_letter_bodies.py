"""The bodies of requests and responses about dead letters and redrives, and how a dead letter is shown; pure."""

import base64
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from app.api.hex_view import build_hex_view
from schemas.dead_letters import CauseGroup, DeadLetterContent, DeadLetterFilter, StoredDeadLetter
from schemas.errors import DECODE_ERRORS
from schemas.json_errors import BYTE_ORDER_MARK, describe_decode_error
from schemas.record_masking import mask_bytes, mask_value
from schemas.redaction import redact_text
from schemas.redrives import MAX_IDS, Redrive, RedriveRequest

Reason = Annotated[str, Meta(min_length=1, max_length=1000)]


class DeadLetterPage(Struct, frozen=True):
    """Dead letters, newest first; `next_cursor` is null on the last page. Addresses in errors are redacted."""

    items: list[StoredDeadLetter]
    next_cursor: str | None


class CauseList(Struct, frozen=True):
    """The most frequent causes of dead letters, each with its newest one as an example."""

    items: list[CauseGroup]


class SourceHeader(Struct, frozen=True):
    """A header of the record that could not be processed; bytes that are no UTF-8 are replaced."""

    name: str
    value: str


class DeadLetterDetails(Struct, frozen=True):
    """A dead letter with its record. `value` is its JSON, masked unless the exact bytes were asked for; null if it is no JSON.

    `decode_error` says why it is none, and `hex_view` shows its first 4096 bytes, with x for each letter and digit if masked.
    `value_base64` has the exact bytes if they were asked for. `is_masked`: the exact bytes were not asked for.
    """

    dead_letter: StoredDeadLetter
    is_masked: bool
    key: str | None
    source_headers: list[SourceHeader]
    value: Any
    decode_error: str
    hex_view: list[str]
    value_base64: str | None


class DiscardRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Why dead letters are discarded: the open ones that a filter selects, or these."""

    reason: Reason
    filter: DeadLetterFilter | None = None
    ids: Annotated[list[str], Meta(min_length=1, max_length=MAX_IDS)] | None = None


class DiscardReason(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a dead letter is discarded."""

    reason: Reason


class DiscardResponse(Struct, frozen=True):
    """How many dead letters were discarded; those that were not open any more, or that a redrive is about to send, do not count."""

    count: int


class RedrivePage(Struct, frozen=True):
    """Redrives, newest first; `next_cursor` is null on the last page."""

    items: list[Redrive]
    next_cursor: str | None


class RedriveActionRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a redrive is paused, resumed or cancelled, for the audit log; the body may be empty."""

    reason: Annotated[str, Meta(max_length=1000)] = ""


DEAD_LETTER_BODIES: tuple[type[Struct], ...] = (
    DeadLetterFilter,
    DiscardRequest,
    DiscardReason,
    RedriveRequest,
    RedriveActionRequest,
)
"""The structs that OpenAPI describes."""


def redact_stored(stored: StoredDeadLetter) -> StoredDeadLetter:
    """The dead letter with the addresses in its error redacted."""
    return msgspec.structs.replace(stored, error=redact_text(stored.error))


def redact_group(group: CauseGroup) -> CauseGroup:
    """The group with the addresses in the error of its example redacted."""
    return msgspec.structs.replace(group, example=redact_stored(group.example))


def present_dead_letter(content: DeadLetterContent, *, exact: bool) -> DeadLetterDetails:
    """A dead letter as it is shown: masked, or with the exact bytes."""
    data = content.value
    value, problem = _decode_value(data)
    if not exact and not problem:
        value, problem = _mask_value(value)
    return DeadLetterDetails(
        dead_letter=content.stored if exact else redact_stored(content.stored),
        is_masked=not exact,
        key=None if content.key is None else _show_text(content.key, exact=exact),
        source_headers=[SourceHeader(name, _show_text(header, exact=exact)) for name, header in content.source_headers],
        value=value,
        decode_error=problem if exact else redact_text(problem),
        hex_view=build_hex_view(data if exact else mask_bytes(data)) if problem and data else [],
        value_base64=base64.b64encode(data).decode() if exact and data is not None else None,
    )


def _decode_value(data: bytes | None) -> tuple[Any, str]:
    """The JSON in a record, and why there is none."""
    if data is None:
        return None, "the record has no value"
    try:
        return msgspec.json.decode(data.removeprefix(BYTE_ORDER_MARK)), ""
    except DECODE_ERRORS as error:
        return None, str(describe_decode_error(error, data))


def _mask_value(value: Any) -> tuple[Any, str]:
    """The JSON without what is personal, and why it cannot be shown: it is masked by recursion, and the producer chooses its depth."""
    try:
        return mask_value(value), ""
    except RecursionError:
        return None, "it is nested too deeply to be masked: ask for the exact bytes"


def _show_text(data: bytes, *, exact: bool) -> str:
    text = data.decode("utf-8", "replace")
    return text if exact else redact_text(text)
