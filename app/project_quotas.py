"""The quotas of projects: what a project submits over HTTP and what its broadcasts produce count together."""

from collections.abc import Mapping
from math import ceil

from app.settings import LimitsSection
from schemas.limit_ports import Quota, build_quota
from schemas.projects import DEFAULT_PROJECT, DEFAULTS, ProjectSettings, find_project

DEFAULT_NAME = "default"


def build_project_quota(section: LimitsSection, project: str, chosen: ProjectSettings = DEFAULTS) -> Quota | None:
    """The quota of a project, whose default one has an empty id; None if it has no limit.

    A rate that an operator has `chosen` for it counts, else that of the settings as often as its weight says.
    """
    rate = chosen.rate or section.project_per_second * chosen.weight
    if not rate:
        return None
    burst = chosen.burst or (ceil(chosen.rate) if chosen.rate else section.project_burst * chosen.weight)
    return build_quota(f"project:{project or DEFAULT_NAME}", rate, burst)


def find_project_quota(section: LimitsSection, projects: Mapping[str, ProjectSettings], stored_id: str) -> Quota | None:
    """The quota of the project of a stored id; an id of none of the projects that there are is the default one's."""
    project = find_project(stored_id)
    return build_project_quota(section, project if project in projects else DEFAULT_PROJECT, projects.get(project, DEFAULTS))
