"""All exceptions derive from HeroldError and are documented."""

import inspect

import pytest

from schemas import errors
from schemas.errors import HeroldError, RecordTooLargeError, SettingError

EXCEPTION_CLASSES = [
    exception_class for _, exception_class in inspect.getmembers(errors, inspect.isclass) if exception_class.__module__ == "schemas.errors"
]


@pytest.mark.parametrize("exception_class", EXCEPTION_CLASSES)
def test_every_exception_derives_from_herold_error_and_is_documented(exception_class: type[Exception]) -> None:
    assert issubclass(exception_class, HeroldError)
    assert (exception_class.__doc__ or "").rstrip().endswith(".")
    assert exception_class is HeroldError or exception_class.__name__ in (errors.__doc__ or ""), (
        "the tree in the module's docstring must contain it"
    )


def test_a_setting_error_names_the_setting() -> None:
    error = SettingError("router.depth", "must be positive")
    assert (error.key, str(error)) == ("router.depth", "setting router.depth: must be positive")


def test_a_record_too_large_error_gives_size_and_limit() -> None:
    assert (
        str(RecordTooLargeError("notifications.low", 300_000, 262_144))
        == "a record of 300000 bytes for notifications.low is larger than 262144 bytes"
    )
