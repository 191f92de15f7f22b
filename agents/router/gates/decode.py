"""The gate decode: bytes to a notification with a time and an id, or a dead letter that says what is wrong and where."""

import math

import msgspec
from msgspec import Raw

from agents.router.gates.gate import Gate, encode_pass
from agents.router.routing_state import GateContext, RoutingState
from agents.router.verdict import PASS, DeadLetterVerdict, Verdict, build_dead_letter_verdict
from schemas import ids, lifetimes
from schemas.attachments import find_attachment_problem
from schemas.dead_letter import REDRIVEN_ID_HEADER, read_redrive_count
from schemas.enums import Reason
from schemas.errors import DECODE_ERRORS
from schemas.json_errors import BYTE_ORDER_MARK, describe_decode_error
from schemas.lifetimes import MAX_CREATED_AT_ERROR, MAX_SEND_AHEAD, NOTIFICATION_EXPIRY, NOTIFICATION_RECORDS, SCHEDULED_RECORDS
from schemas.notification import Notification, SealedNotification
from schemas.ports import Record
from schemas.scheduled import (
    CANCELLED,
    DIGEST_HEADER,
    ORIGINAL_TIME_HEADER,
    RESUME_COUNT_HEADER,
    RESUME_GATE_HEADER,
    ROUTED_CHANNELS_HEADER,
    decode_channels,
)
from schemas.sealed_records import is_sealed_record
from schemas.timestamps import explain_implausible, is_plausible, to_epoch_seconds
from schemas.topics import MAX_NOTIFICATION_BYTES

NAME = "decode"
ID_TIME_MISMATCH = "id_time_mismatch"

DAY = 24 * 3600.0
MAX_NAME_CHARACTERS = 256
BACKSLASH = ord("\\")  # `in` with bytes instead of an int raises and catches an exception inside CPython
MAX_DEPTH = 64  # JSON nested deeper is rejected here, before a provider's encoder meets it

MAX_RESUME_COUNT = 32_767  # what its column can hold
MAX_RESUMED_AGE = MAX_SEND_AHEAD + MAX_CREATED_AT_ERROR + NOTIFICATION_EXPIRY + SCHEDULED_RECORDS + NOTIFICATION_RECORDS
"""Seconds from the first record of a held notification to the last."""

# a repartitioned record has a mark, and the time of its first record (milliseconds), so that its expiry and its id stay the same
REPARTITION_HEADER = "herold-repartitioned"

_PASSED = encode_pass(NAME)
_decode = msgspec.json.Decoder(SealedNotification).decode


class PartialNotification(msgspec.Struct):
    """What can be read of a notification that is not valid."""

    user_id: str = ""
    type: str = ""
    id: str = ""


_decode_partial = msgspec.json.Decoder(PartialNotification).decode


def check(state: RoutingState, context: GateContext) -> Verdict:
    """Pass a record that is a valid notification, and identify it."""
    record = state.record
    if record.headers:
        _read_headers(state)
    value = record.value
    if value is None:
        return _stop(state, Reason.NULL_VALUE, "the record has no value")
    if len(value) > MAX_NOTIFICATION_BYTES:
        return _stop(state, Reason.TOO_LARGE, f"{len(value)} bytes are more than {MAX_NOTIFICATION_BYTES}")
    if value.startswith(BYTE_ORDER_MARK):
        value = value.removeprefix(BYTE_ORDER_MARK)
    try:
        notification = _decode(value)
    except DECODE_ERRORS as error:
        return _stop_at_error(state, error, value)
    # what comes back may be old, and may have been moved
    max_send_ahead = math.inf if state.resume_count else MAX_SEND_AHEAD
    problem = find_problem(notification, state.record_time, value, max_send_ahead, math.inf if state.redrive_count else DAY)
    if problem is not None:
        reason, path, text = problem
        return _stop(state, reason, f"{text} - at {path}", path)
    state.notification, state.id = notification, notification.id or state.redriven_id or _derive_id(state)
    state.user_key = notification.user_id.encode()
    if notification.sealed:
        state.needs_opening = True
    if notification.created_at is not None:
        created_at = to_epoch_seconds(notification.created_at)
        if abs(created_at - state.record_time) <= MAX_CREATED_AT_ERROR:
            state.created_at = created_at
    return PASS


def explain(state: RoutingState) -> Raw:
    """The entry of a notification that passed."""
    return _PASSED


GATE = Gate(
    NAME,
    check,
    explain,
    needs_record_only=True,
    reasons={
        Reason.NULL_VALUE: "the record has no value",
        Reason.TOO_LARGE: "the record is larger than 256 KiB",
        Reason.UNDECODABLE: "the record is not JSON",
        Reason.INVALID: "a field is missing or has the wrong type or an impossible value",
        ID_TIME_MISMATCH: "the time in its id is more than a day off the time of its record",
        Reason.ERASED: "the user was erased, and what it says can be read no more",
        Reason.SEAL_BROKEN: "it is sealed, and no key of the user opens it",
    },
    remedies={
        Reason.NULL_VALUE: "the producer would have to write a value: a notification as JSON",
        Reason.TOO_LARGE: "the producer would have to write less data: at most 256 KiB",
        Reason.UNDECODABLE: "the producer would have to write a notification as JSON",
        Reason.INVALID: "the producer would have to correct the field that the error names",
        ID_TIME_MISMATCH: "the producer would have to leave out the id, or write one with the time at which it writes the record",
        Reason.ERASED: "",
        Reason.SEAL_BROKEN: "the settings of encryption would have to have the keys that sealed it, and the table user_keys its key",
    },
)


def identify_by_key(state: RoutingState) -> None:
    """Identify a record that could not be decoded because of an error of our own, by its key and position."""
    state.identify(Notification(_to_storable(_decode_key(state.record.key)), ""), state.redriven_id or _derive_id(state))


def find_problem(
    notification: Notification, at: float, value: bytes, max_send_ahead: float = MAX_SEND_AHEAD, max_id_error: float = DAY
) -> tuple[str, str, str] | None:
    """Reason, path and text of what the schema cannot express, as the gateway checks it too.

    `at` is the time of its record in epoch seconds, `value` the notification's JSON; what was held may have been moved further ahead than
    `max_send_ahead` (seconds) allows at first, and what is redriven may have an id that is older than `max_id_error`.
    """
    if notification.id is not None:
        id_time = ids.try_parse_time(notification.id)
        if id_time is None:
            return Reason.INVALID, "$.id", "not an id: ntf_ and the 32 hex digits of a UUIDv7; a producer's own id goes to idempotency_key"
        if abs(id_time - at) > max_id_error:
            return ID_TIME_MISMATCH, "$.id", "the id's time is more than a day off the time of its record"
    if (problem := _find_impossible_time(notification, at + max_send_ahead)) is not None:
        return problem
    if notification.attachments and (fault := find_attachment_problem(notification.attachments)) is not None:
        return Reason.INVALID, *fault
    # one byte is found faster than six, and most records have none
    if BACKSLASH in value and b"\\u0000" in value and (name := _find_nul_field(notification)):
        return Reason.INVALID, f"$.{name}", "a name, key or address cannot contain the character NUL"
    if value.count(b"{") + value.count(b"[") > MAX_DEPTH and _is_deeper(notification.data, MAX_DEPTH):
        return Reason.INVALID, "$.data", f"nested deeper than {MAX_DEPTH} levels"
    return None


def _stop(state: RoutingState, reason: str, error: str, path: str = "") -> DeadLetterVerdict:
    partial = _read_identity(state.record, state.record_time)
    state.identify(Notification(user_id=partial.user_id, type=partial.type), state.redriven_id or partial.id or _derive_id(state))
    return build_dead_letter_verdict(reason, error, **({"path": path} if path else {}))


def _stop_at_error(state: RoutingState, error: Exception, value: bytes) -> Verdict:
    if is_sealed_record(value):  # a dead letter that was sent again, with the id that it had
        identify_by_key(state)
        state.needs_opening = True
        return PASS
    problem = describe_decode_error(error, value)
    if isinstance(error, msgspec.ValidationError):
        return _stop(state, Reason.INVALID, str(problem), problem.path)
    return _stop(state, Reason.UNDECODABLE, str(problem))


def _read_headers(state: RoutingState) -> None:
    """Set what the headers of the router, the scheduler or a redrive say; a time that a producer set itself is ignored."""
    headers = dict(state.record.headers)
    resume_count = _parse_number(headers.get(RESUME_COUNT_HEADER))
    if 0 < resume_count <= MAX_RESUME_COUNT:
        state.resume_count, state.resume_gate = resume_count, (headers.get(RESUME_GATE_HEADER) or b"").decode(errors="replace")
        state.routed_channels = decode_channels(headers.get(ROUTED_CHANNELS_HEADER))
        state.is_digest, state.gathered = DIGEST_HEADER in headers, None
        state.is_cancelled = headers.get(DIGEST_HEADER) == CANCELLED
    state.redrive_count = read_redrive_count(state.record.headers)
    if state.redrive_count:
        redriven_id = (headers.get(REDRIVEN_ID_HEADER) or b"").decode(errors="replace")
        state.redriven_id = redriven_id if ids.is_id(redriven_id) else ""
    elif not state.resume_count and REPARTITION_HEADER not in headers:
        return
    timestamp, original = state.record.timestamp, _parse_number(headers.get(ORIGINAL_TIME_HEADER))
    oldest = 1 if state.redrive_count else timestamp - (MAX_RESUMED_AGE if state.resume_count else NOTIFICATION_RECORDS) * 1000
    if oldest <= original <= timestamp:
        state.record_time = state.created_at = original / 1000
        if not state.resume_count and not state.redrive_count:
            state.row_time = state.record_time


def _parse_number(text: bytes | None) -> int:
    """The number in a header; 0 if it has none."""
    return int(text) if text and text.isdigit() and len(text) < 16 else 0


def _find_nul_field(notification: Notification) -> str:
    """The first field with a NUL, which separates the fields of our keys and which PostgreSQL's text cannot hold."""
    for name in ("user_id", "type", "category", "template", "digest", "idempotency_key"):
        if "\0" in (getattr(notification, name) or ""):
            return name
    addresses = [address for given in notification.to.values() for address in ([given] if isinstance(given, str) else given)]
    return "to" if any("\0" in address for address in addresses) else ""


def _find_impossible_time(notification: Notification, latest: float) -> tuple[str, str, str] | None:
    created_at, send_at, expires_at = notification.created_at, notification.send_at, notification.expires_at
    if send_at is None and expires_at is None and (created_at is None or is_plausible(created_at)):  # the usual case
        return None
    for path, timestamp in (("$.created_at", created_at), ("$.send_at", send_at), ("$.expires_at", expires_at)):
        if timestamp is not None and not is_plausible(timestamp):
            return Reason.INVALID, path, explain_implausible(timestamp)
    if send_at is not None and to_epoch_seconds(send_at) > latest:
        return Reason.INVALID, "$.send_at", f"more than {MAX_SEND_AHEAD // lifetimes.DAY} days ahead: submit it nearer to its time"
    return None


def _is_deeper(value: object, depth: int) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    items = value.values() if isinstance(value, dict) else value
    return depth == 0 or any(_is_deeper(item, depth - 1) for item in items)


def _derive_id(state: RoutingState) -> str:
    position = (state.topics.input, str(state.partition), str(state.record.offset))
    return ids.derive_id(ids.NOTIFICATION_PREFIX, state.record_time, *position)


def _read_identity(record: Record, at: float) -> PartialNotification:
    """The user, type and id of an invalid record, as far as its JSON or its key has them; the id only if it can be the key of a row."""
    try:
        partial = _decode_partial((record.value or b"{}").removeprefix(BYTE_ORDER_MARK))
    except DECODE_ERRORS:
        partial = PartialNotification()
    id_time = ids.try_parse_time(partial.id)
    if id_time is None or abs(id_time - at) > DAY:
        partial.id = ""
    if not partial.user_id:
        partial.user_id = _decode_key(record.key)
    partial.user_id, partial.type = _to_storable(partial.user_id), _to_storable(partial.type)
    return partial


def _decode_key(key: bytes | None) -> str:
    try:
        return (key or b"").decode()
    except UnicodeDecodeError:
        return ""


def _to_storable(text: str) -> str:
    """The text as PostgreSQL can store it, cut to what a valid notification could have."""
    return text[:MAX_NAME_CHARACTERS].replace("\0", "\ufffd")
