"""What is wrong with JSON that msgspec rejects, in words of JSON: its own texts name types of Python and structs."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from schemas.channels import CHANNEL_NAMES
from schemas.enums import PRIORITIES
from schemas.profile import TIME_OF_DAY_PATTERN

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""It may stand before JSON, although no writer should add it; a reader may ignore it (RFC 8259, section 8.1), and Herold does."""

_CHOICES: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(("channel", "channels", "to", "addresses", "templates"), CHANNEL_NAMES),
    "priority": PRIORITIES,
    "strategy": ("all", "first", "escalate"),
    "escalate_unless": ("sent", "delivered", "read"),
    "choice": ("in", "out"),
    "digest": ("off", "hourly", "daily", "weekly", "or empty"),
    "reason": ("hard_bounce", "complaint", "stop", "manual"),
}
"""The possible values of a field, or names of its members."""
_PATH_SUFFIX = re.compile(r"^(.*?)(?: - at (?:`key` in )?`(\$.*)`)?$", re.DOTALL)
_FIELD = re.compile(r"Object (missing required|contains unknown) field `(.*)`$", re.DOTALL)
_INVALID_CHOICE = re.compile(r"Invalid enum value (.*)$", re.DOTALL)
_LIMIT = re.compile(r"Expected `(\w+)`(?: of length)? (>=|<=) (\S+)$")
_WRONG_TYPE = re.compile(r"Expected `([^`]+)`, got `([^`]+)`$")
_MALFORMED = re.compile(r"JSON is malformed: (.*) \(byte (\d+)\)$")
_INDEX = re.compile(r"\[[^\]]*\]")
_END_CHARACTERS = 5000
_HALF_PAIR = re.compile("[\ud800-\udfff]")

_TYPES = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "an array",
    "datetime": "an RFC 3339 time",
}
_UNITS = {"str": "character", "array": "item", "object": "member"}
_BOUNDS = {">=": "at least", "<=": "at most"}
_TEXTS = {
    "Number out of range": "the number is too large",
    "Input data was truncated": "is not JSON: it ends too early",
    "Invalid RFC3339 encoded datetime": "must be epoch seconds, or RFC 3339 text such as 2026-01-31T09:00:00Z",
    "Invalid RFC3339 encoded date": "must be a date such as 2026-01-31",
    f"Expected `str` matching regex '{TIME_OF_DAY_PATTERN}'": "must be a time of day, such as 07:00",
    "Expected `datetime` with a timezone component": "needs a time zone, as in 2026-01-31T09:00:00Z",
}


class JsonProblem(NamedTuple):
    """What is wrong, and the JSONPath of the value that it is about; `$` is the whole."""

    path: str
    text: str

    def __str__(self) -> str:
        return self.text if self.path == "$" else f"{self.text} - at {self.path}"


def describe_decode_error(error: Exception, data: bytes) -> JsonProblem:
    """The problem of the JSON in `data` for which a decoder of msgspec raised one of DECODE_ERRORS."""
    if isinstance(error, UnicodeDecodeError):
        return JsonProblem("$", "the text is not UTF-8")
    if isinstance(error, RecursionError):
        return JsonProblem("$", "the JSON is nested too deeply")
    if half_pair_path := find_half_pair(error, data):
        return JsonProblem(half_pair_path, "has half a surrogate pair (\\ud800 to \\udfff): a character was cut in two")
    if not data.strip() and not isinstance(error, msgspec.ValidationError):
        return JsonProblem("$", "is empty instead of JSON")
    whole = _cut_middle(str(error))
    match = _PATH_SUFFIX.match(whole)
    text, path = (match[1], match[2] or "$") if match else (whole, "$")
    if field := _FIELD.match(text):
        return JsonProblem(f"{path}.{field[2]}", "is missing" if field[1].startswith("missing") else "is not a known field")
    return JsonProblem(path, _describe_value_error(text, path, error))


def _cut_middle(text: str) -> str:
    """The text without its middle if it is long: it may name a field of megabytes, and would be searched for tenths of a second."""
    return text if len(text) <= 2 * _END_CHARACTERS else f"{text[:_END_CHARACTERS]}...{text[-_END_CHARACTERS:]}"


def find_half_pair(error: Exception, data: bytes) -> str | None:
    """The JSONPath of half a character, an escape such as \\ud800, if this alone is why msgspec rejected the JSON.

    The text of the error does not say so in each case: near the end of the JSON, it says that the data was truncated.
    """
    if not isinstance(error, msgspec.DecodeError) or isinstance(error, msgspec.ValidationError):
        return None
    try:
        return _find_half_pair(load_with_half_pairs(data), "$")
    except (ValueError, RecursionError):
        return None


def load_with_half_pairs(data: bytes) -> Any:
    """The value of JSON that has half surrogate pairs. Raises ValueError or RecursionError if something else is wrong with it, too."""
    return json.loads(data.decode(), parse_constant=_reject_constant)


def _describe_value_error(text: str, path: str, error: Exception) -> str:
    if malformed := _MALFORMED.match(text):
        return f"is not JSON: {malformed[1]}, at byte {malformed[2]}"
    if choice := _INVALID_CHOICE.match(text):
        names = _CHOICES.get(_INDEX.sub("", path).rpartition(".")[2], ())
        return f"{choice[1]} is not one of {', '.join(names)}" if names else f"{choice[1]} is not one of the possible values"
    if limit := _LIMIT.match(text):
        unit = f" {_UNITS[limit[1]]}{'' if limit[3] == '1' else 's'}" if limit[1] in _UNITS else ""
        return f"must be {_name_types(limit[1])} of {_BOUNDS[limit[2]]} {limit[3]}{unit}"
    if wrong := _WRONG_TYPE.match(text):
        return f"must be {_name_types(wrong[1])}, not {_name_types(wrong[2])}"
    return _TEXTS.get(text, text)


def _name_types(types: str) -> str:
    return " or ".join(_TYPES.get(name, name) for name in types.split(" | "))


def _find_half_pair(value: Any, path: str) -> str | None:
    if isinstance(value, str):
        return path if _HALF_PAIR.search(value) else None
    if isinstance(value, dict):
        if any(_HALF_PAIR.search(name) for name in value):
            return path
        members = [(f".{name}" if name.isidentifier() else "[...]", item) for name, item in value.items()]
    else:
        members = [(f"[{index}]", item) for index, item in enumerate(value)] if isinstance(value, list) else []
    return next((found for segment, item in members if (found := _find_half_pair(item, path + segment))), None)


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
