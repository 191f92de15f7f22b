"""Parses the error of msgspec about a JSON body into the problem and the path of the field."""

import re
from typing import NamedTuple

_match_error_path = re.compile(r"(.*) - at `\$\.?(.*)`", re.DOTALL).fullmatch
_match_field_name = re.compile(r"Object (?:missing required|contains unknown) field `(.*)`", re.DOTALL).fullmatch


class InvalidField(NamedTuple):
    """A problem, and the path of its field as in `personalizations[0].to`; the path is empty for the body itself."""

    problem: str
    field_path: str


def parse_validation_error(error: str) -> InvalidField:
    """Parse the text of a msgspec.ValidationError; the path of a missing or unknown field includes its name."""
    path_match = _match_error_path(error)
    problem, path = (path_match[1], path_match[2]) if path_match else (error, "")
    name_match = _match_field_name(problem)
    return InvalidField(problem, ".".join(filter(None, (path, name_match[1])))) if name_match else InvalidField(problem, path)
