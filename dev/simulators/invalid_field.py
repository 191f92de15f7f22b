"""Where a JSON body does not fit what the vendor documents, out of what msgspec says of it."""

import re
from typing import NamedTuple

_match_error_path = re.compile(r"(.*) - at `\$\.?(.*)`", re.DOTALL).fullmatch
_match_field_name = re.compile(r"Object (?:missing required|contains unknown) field `(.*)`", re.DOTALL).fullmatch


class InvalidField(NamedTuple):
    """What is wrong, and the place as `personalizations[0].to`, empty for the body itself."""

    problem: str
    field_path: str


def parse_validation_error(error: str) -> InvalidField:
    """The parts of a msgspec.ValidationError; a field that is missing or unknown is itself the place."""
    found = _match_error_path(error)
    problem, place = (found[1], found[2]) if found else (error, "")
    named = _match_field_name(problem)
    return InvalidField(problem, ".".join(filter(None, (place, named[1])))) if named else InvalidField(problem, place)
