import pytest

from app.project_quotas import build_project_quota, find_project
from schemas.limit_ports import Quota
from tests.unit.app.api.services.test_request_limits import LimitHarness, build_principal, build_section


@pytest.mark.parametrize("project", ["", "shop"])
def test_submissions_and_broadcasts_of_a_project_have_one_quota(project: str) -> None:
    section = {"project_per_second": 4, "project_burst": 20}
    bucket = LimitHarness(**section).processes[0].find_principal_bucket(build_principal(project=project))
    assert bucket is not None
    quota = build_project_quota(build_section(**section), project)
    assert [*bucket.quotas] == [quota] == [Quota(f"project:{project or 'default'}", 0.25, 20)]


def test_projects_may_have_no_limit() -> None:
    assert build_project_quota(build_section(), "shop") is None


@pytest.mark.parametrize(("stored_id", "project"), [("@shop/order.shipped", "shop"), ("order.shipped", ""), ("@shop", ""), ("shop/a", "")])
def test_an_id_says_whose_it_is(stored_id: str, project: str) -> None:
    assert find_project(stored_id) == project
