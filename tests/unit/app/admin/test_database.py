"""The revision of the schema, and the problems that `herold db check` reports."""

import pytest
from alembic.script import ScriptDirectory

from app.admin.database import DatabaseHealth, describe_outdated_schema, get_head_revision
from app.admin.migrations import build_alembic_config


def test_the_newest_file_name_is_alembics_head() -> None:
    assert get_head_revision() == ScriptDirectory.from_config(build_alembic_config()).get_current_head()


@pytest.mark.parametrize(("revision", "outdated"), [("0002", False), ("0003", False), ("0001", True), (None, True)])
def test_a_schema_below_the_needed_revision_is_outdated(revision: str | None, outdated: bool) -> None:
    assert bool(describe_outdated_schema(revision, "0002")) is outdated


def test_an_outdated_schema_is_a_problem_with_the_command_to_run() -> None:
    assert describe_outdated_schema(None, "0002") == "the schema is at revision none, this release needs 0002: run `herold db upgrade`"
    assert DatabaseHealth("0001", "0002", 7, 0).problems == [describe_outdated_schema("0001", "0002")]


def test_a_schema_newer_than_this_release_is_no_problem() -> None:
    assert DatabaseHealth("0003", "0002", 7, 0).problems == []
