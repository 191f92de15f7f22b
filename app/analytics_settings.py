"""The section `analytics` of the settings."""

from typing import Annotated

from msgspec import Meta

from app.settings_types import PositiveInt, Section

Objective = Annotated[float, Meta(ge=0, lt=1)]


class AnalyticsSection(Section, frozen=True):
    """How long the history is counted by minutes, hours and days, in seconds, and the objectives of hand-over."""

    minutes_kept: Annotated[int, Meta(ge=7200)]
    hours_kept: Annotated[int, Meta(ge=172_800)]
    days_kept: Annotated[int, Meta(ge=172_800)]
    objective_high: Objective
    objective_medium: Objective
    objective_low: Objective
    objective_window: Annotated[int, Meta(ge=3600)]
    min_count: PositiveInt
