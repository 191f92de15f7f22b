"""Checks the settings of a provider at the start. An error names the key and does not repeat the value, which may be a secret."""

import re
from collections.abc import Callable, Mapping

from msgspec import Struct

from agents.providers.request import HEADER_VALUE_PATTERN, parse_base_url
from schemas.errors import SettingError

Check = Callable[[str], str]
"""Returns what is wrong with a value; empty if it can be used."""


def check_settings(settings: Struct, checks: Mapping[str, Check]) -> None:
    """Raises SettingError for the first key whose value does not pass its check."""
    for key, check in checks.items():
        problem = check(getattr(settings, key))
        if problem:
            raise SettingError(key, problem)


def expect_match(pattern: str, expected: str) -> Check:
    """A check that the whole value matches the pattern; `expected` says in words what it has to be."""
    matches = re.compile(pattern).fullmatch
    return lambda value: "" if matches(value) else f"must be {expected}"


def expect_parsed(parse: Callable[[str], object]) -> Check:
    """A check that `parse` does not raise ValueError, whose text is what is wrong."""

    def check(value: str) -> str:
        try:
            parse(value)
        except ValueError as error:
            return str(error)
        return ""

    return check


check_base_url = expect_parsed(parse_base_url)
check_header_value = expect_match(HEADER_VALUE_PATTERN, "printable ASCII without line breaks")
check_line = expect_match(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*", "one line without control characters")
