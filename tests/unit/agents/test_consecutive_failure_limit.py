"""Single unexpected errors are told by kind and place; too many in a row are raised."""

import pytest

from agents.consecutive_failure_limit import ConsecutiveFailureLimit


def broken(secret: str) -> None:
    raise ValueError(f"cannot use {secret}")


def an_error() -> ValueError:
    try:
        broken("ada@example.org")
    except ValueError as error:
        return error
    raise AssertionError


def test_what_is_said_names_kind_and_place_and_quotes_nothing() -> None:
    said = ConsecutiveFailureLimit().record_failure(an_error())
    assert said.startswith("ValueError in broken, line ")
    assert "test_consecutive_failure_limit.py" in said
    assert "ada@" not in said


def test_too_many_in_a_row_are_raised() -> None:
    brake, error = ConsecutiveFailureLimit(max_consecutive=3), an_error()
    for _ in range(3):
        brake.record_failure(error)
    with pytest.raises(ValueError, match="cannot use"):
        brake.record_failure(error)


def test_what_goes_well_in_between_releases_it() -> None:
    brake, error = ConsecutiveFailureLimit(max_consecutive=1), an_error()
    for _ in range(5):
        brake.record_failure(error)
        brake.record_success()
    assert brake.consecutive_failures == 0
