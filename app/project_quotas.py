"""The quotas of projects: what a project submits over HTTP and what its broadcasts produce count together."""

from math import ceil

from app.settings import LimitsSection
from schemas.limit_ports import Quota, build_quota
from schemas.projects import DEFAULTS, ProjectSettings

DEFAULT_PROJECT = "default"


def build_project_quota(section: LimitsSection, project: str, chosen: ProjectSettings = DEFAULTS) -> Quota | None:
    """The quota of a project, whose default one has an empty id; None if it has no limit.

    A rate that an operator has `chosen` for it counts, else that of the settings as often as its weight says.
    """
    rate = chosen.rate or section.project_per_second * chosen.weight
    if not rate:
        return None
    burst = chosen.burst or (ceil(chosen.rate) if chosen.rate else section.project_burst * chosen.weight)
    return build_quota(f"project:{project or DEFAULT_PROJECT}", rate, burst)
