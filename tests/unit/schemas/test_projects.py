import pytest

from schemas.permissions import PROJECT_PERMISSIONS, Permission
from schemas.projects import find_project, is_project_id, is_reserved, qualify


@pytest.mark.parametrize(
    ("project", "text", "stored"), [("", "u-1", "u-1"), ("acme", "u-1", "@acme/u-1"), ("acme", "a/b@c", "@acme/a/b@c")]
)
def test_an_id_says_whose_it_is(project: str, text: str, stored: str) -> None:
    assert qualify(project, text) == stored
    assert find_project(stored) == project
    assert is_reserved(stored) is bool(project)


@pytest.mark.parametrize("text", ["", "@", "@acme", "@Acme/x", "@/x", "a@acme/x", "@acme\n/x", f"@{'a' * 32}/x"])
def test_what_only_looks_like_an_id_of_a_project_is_the_default_ones(text: str) -> None:
    assert find_project(text) == ""


def test_no_two_projects_have_one_stored_id() -> None:
    assert qualify("a", "b/c") != qualify("a-b", "c")
    assert not is_project_id("a/b")


def test_a_projects_key_touches_nothing_that_all_share() -> None:
    shared = ("projects:", "accounts:", "metrics:")
    assert not any(permission.startswith(shared) for permission in PROJECT_PERMISSIONS)
    assert Permission.NOTIFICATIONS_SEND in PROJECT_PERMISSIONS
