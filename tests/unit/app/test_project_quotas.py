import pytest

from app.api.services.request_limits import RequestLimits
from app.project_quotas import build_project_quota, find_project_quota
from schemas.limit_ports import Quota
from schemas.projects import ProjectSettings
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


@pytest.mark.parametrize(
    ("chosen", "rate", "burst"),
    [
        (ProjectSettings(), 4, 20),
        (ProjectSettings(weight=3), 12, 60),
        (ProjectSettings(weight=3, rate=2.5), 2.5, 3),
        (ProjectSettings(rate=2.5, burst=7), 2.5, 7),
        (ProjectSettings(weight=2, burst=7), 8, 7),
    ],
)
def test_what_was_chosen_for_a_project_counts_before_the_settings(chosen: ProjectSettings, rate: float, burst: int) -> None:
    section = build_section(project_per_second=4, project_burst=20)
    assert build_project_quota(section, "shop", chosen) == Quota("project:shop", 1 / rate, burst)


def test_a_project_may_be_the_only_one_with_a_limit() -> None:
    assert build_project_quota(build_section(), "shop", ProjectSettings(weight=3)) is None
    assert build_project_quota(build_section(), "shop", ProjectSettings(rate=2)) == Quota("project:shop", 0.5, 2)


@pytest.mark.parametrize(
    ("stored_id", "quota"),
    [
        ("@shop/news", Quota("project:shop", 0.5, 2)),
        ("@blog/news", Quota("project:blog", 0.125, 40)),
        ("news", Quota("project:default", 0.25, 20)),
        ("@nobody/news", Quota("project:default", 0.25, 20)),
    ],
)
def test_a_broadcast_is_paid_for_by_the_project_of_its_type(stored_id: str, quota: Quota) -> None:
    projects = {"shop": ProjectSettings(rate=2), "blog": ProjectSettings(weight=2)}
    assert find_project_quota(build_section(project_per_second=4, project_burst=20), projects, stored_id) == quota


async def test_another_rate_counts_from_the_next_request_on_and_debts_stay() -> None:
    harness, shop = LimitHarness(), build_principal(project="shop")
    projects: dict[str, ProjectSettings] = {}
    limits = RequestLimits(build_section(), harness, lambda: harness.now, lambda: projects)
    harness.processes = [limits]
    assert (limits.limits_principals, limits.find_principal_bucket(shop)) == (False, None)
    projects = {"shop": ProjectSettings(rate=1, burst=5)}
    assert limits.limits_principals
    assert limits.find_principal_bucket(build_principal(project="blog")) is None
    assert await harness.count_admitted(shop, 3) == 3
    projects = {"shop": ProjectSettings(rate=1, burst=4)}
    await harness.charge()
    assert await harness.count_admitted(shop, 9) == 1  # the three of before are charged
    projects = {}
    assert (limits.limits_principals, limits.find_principal_bucket(shop)) == (False, None)
