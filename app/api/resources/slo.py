"""The resource /v1/slo: how the promise of each priority is kept."""

from litestar import Router, get

from app.analytics_settings import AnalyticsSection
from app.api.access import requires
from app.api.analytics_bodies import ObjectivesResponse
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.openapi import STORE_UNAVAILABLE, UNAUTHORIZED
from app.api.principal import get_principal
from schemas.analytics import BURN_WINDOWS, judge_objective
from schemas.enums import PRIORITIES, Priority
from schemas.lifetimes import DAY, HOUR
from schemas.permissions import Permission


@get(
    "/",
    opt=requires(Permission.NOTIFICATIONS_READ),
    responses={**UNAUTHORIZED, **STORE_UNAVAILABLE},
    summary="Read how the objectives of hand-over are kept",
    operation_id="get_objectives",
)
async def get_objectives(request: ApiRequest) -> ObjectivesResponse:
    """Of each priority the share of hand-overs within 1, 5 or 30 s from submission, or from the release of what was held, in the window of
    the objective and in shorter ones. Redrives and tests do not count.
    """
    dependencies = get_dependencies(request)
    now, settings = dependencies.clock(), dependencies.analytics.settings
    starts = {window: find_start(window, now) for window in (*BURN_WINDOWS, settings.objective_window)}
    found = await dependencies.analytics.counts.read_windows(sorted(set(starts.values())), get_principal(request).project or None)
    states = [
        judge_objective(
            priority,
            get_objective(settings, priority),
            {window: found.get((start, priority), (0, 0)) for window, start in starts.items()},
            settings.objective_window,
            settings.min_count,
        )
        for priority in PRIORITIES
    ]
    return ObjectivesResponse(now, settings.min_count, states)


def find_start(window: float, now: float) -> int:
    """Where a window begins, in epoch seconds: at a whole minute, or hour if it is longer than some days."""
    step = 60 if window <= 3 * DAY else HOUR
    return int((now - window) // step) * step


def get_objective(settings: AnalyticsSection, priority: Priority) -> float:
    """The share of a priority's hand-overs that is to be within its target."""
    objectives = {"high": settings.objective_high, "medium": settings.objective_medium, "low": settings.objective_low}
    return objectives[priority]


router = Router("/v1/slo", route_handlers=[get_objectives], tags=["analytics"])
