"""CloudEvents 1.0 as submissions, by its HTTP binding: structured, batched and binary content. Pure.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md

| attribute | becomes |
|---|---|
| source and id | the idempotency key, `<source>#<id>`: together they name the event |
| type | type |
| subject | user_id, unless the extension `userid` or the member `user_id` of the data names the user |
| time | created_at |
| data, or data_base64 with JSON | data |
| extensions category, template, locale, priority, sendat, expiresat, channels (`email,push`) | the field of that name |

With a `dataschema` that ends with `#/components/schemas/Submission` the data is a whole submission, and the attributes fill what it leaves
out. Other extensions, such as traceparent, are ignored.
"""

import base64
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import unquote_to_bytes

import msgspec

from app.api.problems import (
    FieldError,
    ProblemError,
    build_field_error,
    build_problem,
    build_validation_problem,
    prefix_path,
    to_field_error,
)
from schemas.errors import DECODE_ERRORS

Content = Literal["json", "structured", "batch", "binary"]
STRUCTURED: Final = b"application/cloudevents+json"
BATCH: Final = b"application/cloudevents-batch+json"
VERSION: Final = "1.0"
HEADER_PREFIX: Final = b"ce-"
MAX_KEY_CHARACTERS: Final = 200
SUBMISSION_SCHEMA: Final = "#/components/schemas/Submission"
# curl names this type for every body that it is not told another one of
_JSON_TYPES = frozenset({b"application/json", b"text/json", b"application/x-www-form-urlencoded"})
_FIELDS: Mapping[str, str] = {
    "category": "category",
    "template": "template",
    "locale": "locale",
    "priority": "priority",
    "sendat": "send_at",
    "expiresat": "expires_at",
}
_encode, _decode = msgspec.json.encode, msgspec.json.decode


class EventSubmission(NamedTuple):
    """A submission as JSON, and its idempotency key."""

    body: bytes
    key: str


def find_content(content_type: bytes | None, has_event_headers: bool) -> Content:
    """What the body of a submission is. Raises ProblemError for a media type that is not JSON."""
    media_type = (content_type or b"application/json").partition(b";")[0].strip().lower()
    if media_type == STRUCTURED:
        return "structured"
    if media_type == BATCH:
        return "batch"
    if not is_json(media_type):
        raise ProblemError(build_media_type_problem(content_type or b""))
    return "binary" if has_event_headers else "json"


def is_json(media_type: bytes) -> bool:
    """Whether a body of this media type is taken as JSON; the type is in lower case and without parameters."""
    return media_type in _JSON_TYPES or (media_type.startswith(b"application/") and media_type.endswith(b"+json"))


def build_media_type_problem(content_type: bytes) -> Any:
    """The problem of a body that is not JSON."""
    shown = content_type[:64].decode("ascii", "replace")
    return build_problem("unsupported-media-type", f"the body is {shown!r}: send JSON with Content-Type: application/json")


def read_structured(body: bytes) -> EventSubmission:
    """The submission of one event. Raises ProblemError with the path of what is wrong."""
    return _build_or_raise(_decode_value(body))


def read_batch(body: bytes) -> bytes:
    """The bulk request of a batch of events. Raises ProblemError if one of them is no event; then none is submitted."""
    events = _decode_value(body)
    if not isinstance(events, list):
        raise ProblemError(build_validation_problem([build_field_error("$", "a batch is an array of events")]))
    built = [_build(event) for event in events]
    if errors := [prefix_path(one, f"$[{index}]") for index, one in enumerate(built) if isinstance(one, FieldError)]:
        raise ProblemError(build_validation_problem(errors))
    return _encode([{"idempotency_key": key, **submission} for submission, key in built])  # type: ignore[misc]


def read_binary(headers: Iterable[tuple[bytes, bytes]], body: bytes) -> EventSubmission:
    """The submission of an event whose attributes are headers and whose data is the body. Raises ProblemError."""
    event: dict[str, Any] = {}
    for name, value in headers:
        if name.startswith(HEADER_PREFIX):
            event[name.removeprefix(HEADER_PREFIX).decode("latin-1")] = unquote_to_bytes(value).decode(errors="replace")
    if body:
        event["data"] = _decode_value(body)
    return _build_or_raise(event)


def _build_or_raise(event: Any) -> EventSubmission:
    built = _build(event)
    if isinstance(built, FieldError):
        raise ProblemError(build_validation_problem([built]))
    return EventSubmission(_encode(built[0]), built[1])


def _build(event: Any) -> tuple[dict[str, Any], str] | FieldError:
    """The submission and the key of an event, or what is wrong with the event."""
    if not isinstance(event, dict):
        return build_field_error("$", "is not an object")
    if error := _find_attribute_error(event):
        return error
    data = _read_data(event)
    if isinstance(data, FieldError):
        return data
    if str(event.get("dataschema", "")).endswith(SUBMISSION_SCHEMA):
        return {**_read_attributes(event, data), **data}, _build_key(event)
    return {**_read_attributes(event, data), "data": {key: value for key, value in data.items() if key != "user_id"}}, _build_key(event)


def _find_attribute_error(event: Mapping[str, Any]) -> FieldError | None:
    if event.get("specversion") != VERSION:
        return build_field_error("$.specversion", f'must be "{VERSION}"')
    for name in ("id", "source", "type"):
        if not isinstance(event.get(name), str) or not event[name]:
            return build_field_error(f"$.{name}", "must be a text with at least one character")
    media_type = str(event.get("datacontenttype") or "application/json").partition(";")[0].strip().lower().encode()
    if not is_json(media_type):
        return build_field_error("$.datacontenttype", "must be JSON: the data are the variables of a template")
    return None


def _read_data(event: Mapping[str, Any]) -> dict[str, Any] | FieldError:
    data = event.get("data")
    if "data_base64" in event:
        try:
            data = _decode(base64.b64decode(str(event["data_base64"]), validate=True))
        except (ValueError, *DECODE_ERRORS):  # binascii.Error is one, and what is not ASCII
            return build_field_error("$.data_base64", "must be JSON in base64")
    if data is None:
        return {}
    return data if isinstance(data, dict) else build_field_error("$.data", "must be an object")


def _read_attributes(event: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the submission that attributes name."""
    fields = {field: event[name] for name, field in _FIELDS.items() if name in event}
    user_id = event.get("userid") or data.get("user_id") or event.get("subject")
    if user_id is not None:
        fields["user_id"] = user_id
    if event.get("time") is not None:
        fields["created_at"] = event["time"]
    if isinstance(event.get("channels"), str):
        fields["channels"] = [channel.strip() for channel in event["channels"].split(",")]
    return {"type": event["type"], **fields}


def _build_key(event: Mapping[str, Any]) -> str:
    key = f"{event['source']}#{event['id']}"
    return key if len(key) <= MAX_KEY_CHARACTERS else f"cloudevent#{sha256(key.encode()).hexdigest()}"


def _decode_value(body: bytes) -> Any:
    try:
        return _decode(body)
    except DECODE_ERRORS as error:
        raise ProblemError(build_validation_problem([to_field_error(error, body)])) from None
