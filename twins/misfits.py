"""Where a JSON body does not fit what the vendor documents, out of what msgspec says of it."""

import re
from typing import NamedTuple

_PLACE = re.compile(r"(.*) - at `\$\.?(.*)`", re.DOTALL).fullmatch
_NAMED = re.compile(r"Object (?:missing required|contains unknown) field `(.*)`", re.DOTALL).fullmatch


class Misfit(NamedTuple):
    """What is wrong, and the place as `personalizations[0].to`, empty for the body itself."""

    problem: str
    place: str


def misfit_of(error: str) -> Misfit:
    """The parts of a msgspec.ValidationError; a field that is missing or unknown is itself the place."""
    found = _PLACE(error)
    problem, place = (found[1], found[2]) if found else (error, "")
    named = _NAMED(problem)
    return Misfit(problem, ".".join(filter(None, (place, named[1])))) if named else Misfit(problem, place)
