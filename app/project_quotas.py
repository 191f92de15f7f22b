"""The quotas of projects: what a project submits over HTTP and what its broadcasts produce count together."""

from app.settings import LimitsSection
from schemas.limit_ports import Quota, build_quota

DEFAULT_PROJECT = "default"


def build_project_quota(section: LimitsSection, project: str) -> Quota | None:
    """The quota of a project, whose default one has an empty id; None if projects have no limit."""
    if not section.project_per_second:
        return None
    return build_quota(f"project:{project or DEFAULT_PROJECT}", section.project_per_second, section.project_burst)


def find_project(stored_id: str) -> str:
    """The project of a stored id, `@<project>/<id>`; empty for the default one."""
    project, slash, _ = stored_id[1:].partition("/")
    return project if stored_id.startswith("@") and slash else ""
