"""What is said of a schema's revision."""

import pytest

from app.admin.database import DatabaseHealth, describe_outdated_schema


@pytest.mark.parametrize(("revision", "said"), [("0002", False), ("0003", False), ("0001", True), (None, True)])
def test_a_schema_is_too_old_below_the_revision_that_is_needed(revision: str | None, said: bool) -> None:
    assert bool(describe_outdated_schema(revision, "0002")) is said


def test_what_is_wrong_says_what_to_run() -> None:
    assert describe_outdated_schema(None, "0002") == "the schema is at revision none, this release needs 0002: run `herold db upgrade`"
    assert DatabaseHealth("0001", "0002", 7, 0).problems == [describe_outdated_schema("0001", "0002")]


def test_a_schema_ahead_of_this_release_is_no_problem() -> None:
    assert DatabaseHealth("0003", "0002", 7, 0).problems == []
