"""The records of users and preferences in a file: what a line must be, what is wrong with it, and how it is written."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from app.admin.bulk.source_lines import LineProblem, SourceRecord, describe_json_record
from schemas.channels import CHANNELS
from schemas.errors import DECODE_ERRORS
from schemas.json_errors import describe_decode_error
from schemas.notification import UserId
from schemas.user_validation import (
    FieldProblem,
    find_category_problem,
    find_device_problems,
    find_digest_problem,
    find_nul,
    find_user_id_problems,
    find_user_problems,
)
from schemas.users import DeviceChange, Preference, Token, UserChange

ADDRESS_COLUMNS = tuple(channel.name for channel in CHANNELS if not channel.has_devices)
USER_COLUMNS = ("id", *ADDRESS_COLUMNS, "locale", "time_zone", "tier", "quiet_hours", "attributes", "devices")
ATTRIBUTE_PREFIX = "attribute."
PREFERENCE_COLUMNS = ("user_id", "category", "channel", "choice", "digest")
MAX_DEVICES = 100  # of a line

T = TypeVar("T")

_match_window = re.compile(r"([0-9:]+)\s*-\s*([0-9:]+)").fullmatch


class DeviceLine(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A device of a user in a file."""

    token: Token
    kind: Annotated[str, Meta(min_length=1, max_length=32)] = "fcm"
    platform: Annotated[str, Meta(max_length=32)] = ""


class UserLine(UserChange, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A user in a file; what is left out stays as it is. Devices are added."""

    id: UserId
    devices: Annotated[list[DeviceLine], Meta(max_length=MAX_DEVICES)] | UnsetType = UNSET


class PreferenceLine(Preference, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A preference of a user in a file."""

    user_id: UserId


class ParsedRecord(NamedTuple):
    """A valid record: the number of its first line, what may be there once in a file, the user, and the values."""

    line: int
    key: tuple[str, ...]
    user_id: str
    value: UserLine | PreferenceLine


_decode_user = msgspec.json.Decoder(UserLine).decode
_decode_preference = msgspec.json.Decoder(PreferenceLine).decode


def parse_user(record: SourceRecord) -> ParsedRecord | list[LineProblem]:
    """The user of a record, or what is wrong with it."""
    line = _decode(record, _decode_user, _convert_user)
    if isinstance(line, list):
        return line
    problems = [*find_user_id_problems(line.id), *find_user_problems(line)]
    for index, device in enumerate(line.devices or ()):
        found = find_device_problems(device.token, DeviceChange())
        problems += [FieldProblem(f"$.devices[{index}].token", problem.text) for problem in found]
    return _list_problems(record, problems) or ParsedRecord(record.line, (line.id,), line.id, line)


def build_preference_parser(categories: Collection[str]) -> Callable[[SourceRecord], ParsedRecord | list[LineProblem]]:
    """A function that returns the preference of a record, or what is wrong with it; `categories` are those that rules have."""

    def parse_preference(record: SourceRecord) -> ParsedRecord | list[LineProblem]:
        line = _decode(record, _decode_preference, _convert_preference)
        if isinstance(line, list):
            return line
        problems = [*find_nul(msgspec.to_builtins(line))]
        if problem := find_category_problem(line.category, categories):
            problems.append(problem)
        if problem := find_digest_problem(line.channel, line.digest, "$.digest"):
            problems.append(problem)
        key = (line.user_id, line.category, line.channel)
        return _list_problems(record, problems) or ParsedRecord(record.line, key, line.user_id, line)

    return parse_preference


def _decode(record: SourceRecord, decode: Callable[[bytes], T], convert: Callable[[Mapping[str, str]], T]) -> T | list[LineProblem]:
    """The struct of a record, or a list with what is wrong with it."""
    content = record.content
    if isinstance(content, LineProblem):
        return [content]
    try:
        return convert(content) if isinstance(content, dict) else decode(content)
    except DECODE_ERRORS as error:
        data = b"" if isinstance(content, dict) else content
        if data and (text := describe_json_record(data)):
            return [LineProblem(record.line, "", text)]
        path, text = describe_decode_error(error, data)
        return [LineProblem(record.line, _to_field(record, path), text)]


def _convert_user(cells: Mapping[str, str]) -> UserLine:
    """The user of a line of CSV: an empty cell is an empty value, and a column that is not there leaves what is stored."""
    values: dict[str, Any] = {name: cells[name] for name in ("id", "locale", "time_zone", "tier") if name in cells}
    if any(name in cells for name in ADDRESS_COLUMNS):
        values["addresses"] = {name: _parse_list(cells[name]) for name in ADDRESS_COLUMNS if cells.get(name)}
    if "quiet_hours" in cells:
        values["quiet_hours"] = _parse_window(cells["quiet_hours"])
    if "devices" in cells:
        values["devices"] = [{"token": one} if isinstance(one, str) else one for one in _parse_list(cells["devices"])]
    attributes = {name.removeprefix(ATTRIBUTE_PREFIX): cell for name, cell in cells.items() if name.startswith(ATTRIBUTE_PREFIX) and cell}
    if attributes or "attributes" in cells or any(name.startswith(ATTRIBUTE_PREFIX) for name in cells):
        values["attributes"] = {**_parse_object(cells.get("attributes", "")), **attributes}
    return msgspec.convert(values, UserLine)


def _convert_preference(cells: Mapping[str, str]) -> PreferenceLine:
    return msgspec.convert(dict(cells), PreferenceLine)


def _parse_list(cell: str) -> list[Any]:
    """The items of a cell: a JSON array, or one text."""
    if not cell.startswith("["):
        return [cell] if cell else []
    value = msgspec.json.decode(cell)
    return value if isinstance(value, list) else [value]


def _parse_object(cell: str) -> Any:
    if not cell:
        return {}
    return msgspec.json.decode(cell, type=dict[str, Any])


def _parse_window(cell: str) -> Any:
    """The quiet hours in a cell such as 22:00-07:00; the struct's checks find another text."""
    if not cell:
        return None
    window = _match_window(cell.strip())
    return {"start": window[1], "end": window[2]} if window else {"start": cell, "end": cell}


def _list_problems(record: SourceRecord, problems: Sequence[FieldProblem]) -> list[LineProblem]:
    return [LineProblem(record.line, _to_field(record, problem.path), problem.text) for problem in problems]


def _to_field(record: SourceRecord, path: str) -> str:
    """The field of a JSONPath, or the column of its cell."""
    field = path.removeprefix("$").removeprefix(".")
    return field.removeprefix("addresses.") if isinstance(record.content, dict) else field


def format_user_cells(user: UserLine) -> dict[str, str]:
    """The cells of a user that is exported with every field."""
    addresses: Mapping[Any, Any] = user.addresses or {}
    hours, devices = user.quiet_hours or None, user.devices or []
    return {
        "id": user.id,
        **{name: _format_list(addresses.get(name, [])) for name in ADDRESS_COLUMNS},
        "locale": user.locale or "",
        "time_zone": user.time_zone or "",
        "tier": user.tier or "",
        "quiet_hours": f"{hours.start}-{hours.end}" if hours else "",
        "attributes": msgspec.json.encode(user.attributes).decode() if user.attributes else "",
        "devices": msgspec.json.encode(devices).decode() if devices else "",
    }


def format_preference_cells(preference: PreferenceLine) -> dict[str, str]:
    """The cells of a preference."""
    return {name: getattr(preference, name) for name in PREFERENCE_COLUMNS}


def _format_list(items: Sequence[str]) -> str:
    is_plain = len(items) == 1 and not items[0].startswith("[")
    return items[0] if is_plain else msgspec.json.encode(items).decode() if items else ""


def iterate_devices(records: Sequence[ParsedRecord]) -> Iterator[tuple[str, DeviceLine]]:
    """The devices of users, each once."""
    for record in records:
        if isinstance(record.value, UserLine):
            yield from ((record.user_id, device) for device in {one.token: one for one in record.value.devices or ()}.values())
