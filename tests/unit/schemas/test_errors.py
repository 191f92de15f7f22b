"""Errors speak to their reader, and one except clause catches them all."""

import inspect

import pytest

from schemas import errors
from schemas.errors import HeroldError, RecordTooLargeError, SettingError

ALL = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == "schemas.errors"]


@pytest.mark.parametrize("kind", ALL)
def test_every_error_is_one_of_herold_and_has_a_sentence(kind: type[Exception]) -> None:
    assert issubclass(kind, HeroldError)
    assert (kind.__doc__ or "").rstrip().endswith(".")
    assert kind is HeroldError or kind.__name__ in (errors.__doc__ or ""), "the tree above shows it"


def test_a_setting_is_named() -> None:
    error = SettingError("router.depth", "must be positive")
    assert (error.key, str(error)) == ("router.depth", "setting router.depth: must be positive")


def test_a_record_that_is_too_large_says_by_how_much() -> None:
    assert (
        str(RecordTooLargeError("notifications.low", 300_000, 262_144))
        == "a record of 300000 bytes for notifications.low is larger than 262144"
    )
