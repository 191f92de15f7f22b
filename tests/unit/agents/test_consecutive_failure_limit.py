"""Tests of the limit for unexpected errors."""

import pytest

from agents.consecutive_failure_limit import ConsecutiveFailureLimit


def raise_error(address: str) -> None:
    raise ValueError(f"cannot use {address}")


def build_error() -> ValueError:
    try:
        raise_error("ada@example.org")
    except ValueError as error:
        return error
    raise AssertionError


def test_the_description_has_type_and_line_but_not_the_message() -> None:
    description = ConsecutiveFailureLimit().record_failure(build_error())
    assert description.startswith("ValueError in raise_error, line ")
    assert "test_consecutive_failure_limit.py" in description
    assert "ada@" not in description


def test_the_error_is_raised_after_too_many_in_a_row() -> None:
    limit, error = ConsecutiveFailureLimit(max_consecutive=3), build_error()
    for _ in range(3):
        limit.record_failure(error)
    with pytest.raises(ValueError, match="cannot use"):
        limit.record_failure(error)


def test_a_success_resets_the_count() -> None:
    limit, error = ConsecutiveFailureLimit(max_consecutive=1), build_error()
    for _ in range(5):
        limit.record_failure(error)
        limit.record_success()
    assert limit.consecutive_failures == 0
