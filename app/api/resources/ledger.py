"""The resource /v1/ledger: that nothing is lost, counted from the rows of the history."""

from typing import Annotated, Final

from litestar import Router, get
from litestar.params import QueryParameter

from app.api.access import requires
from app.api.analytics_bodies import LedgerResponse
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.openapi import INVALID, READING_RUNS, STORE_UNAVAILABLE, UNAUTHORIZED
from app.api.principal import get_principal
from app.api.problems import ProblemError, build_field_error, build_validation_problem
from app.api.resources.deliveries import MAX_TIME
from schemas.ledger import Ledger
from schemas.lifetimes import DAY, HOUR
from schemas.permissions import Permission

MAX_SPAN: Final = DAY


@get(
    "/",
    opt=requires(Permission.NOTIFICATIONS_READ),
    responses={**UNAUTHORIZED, **INVALID, **STORE_UNAVAILABLE, **READING_RUNS},
    summary="Count what is final and what is in flight",
    operation_id="get_ledger",
)
async def get_ledger(
    request: ApiRequest,
    since: Annotated[
        float | None, QueryParameter(name="from", description="epoch seconds; else an hour before `to`", ge=0, le=MAX_TIME)
    ] = None,
    until: Annotated[
        float | None, QueryParameter(name="to", description="epoch seconds, at most a day after `from`; else now", ge=0, le=MAX_TIME)
    ] = None,
) -> LedgerResponse:
    """Of the notifications with ids of a time, and of their deliveries: accepted = final + in flight. It is counted from the rows of the
    history, not from counts that are kept. Unaccounted is what is in flight an hour after it had to end, and a delivery that no
    notification names; `imbalance` counts it. What is accepted and not decided yet is not in the history.
    """
    dependencies = get_dependencies(request)
    now = dependencies.clock()
    until = now if until is None else until
    since = max(0, until - HOUR) if since is None else since
    if not 0 < until - since <= MAX_SPAN:
        detail = f"must be before `to`, {until:.3f}, and at most {MAX_SPAN} s"
        raise ProblemError(build_validation_problem([build_field_error("$.from", detail)]))
    analytics, project = dependencies.analytics, get_principal(request).project or None
    async with analytics.readings.admit():
        ledger = await analytics.ledger.read(since, until, now, project)
    return build_response(ledger, since, until, now)


def build_response(ledger: Ledger, since: float, until: float, now: float) -> LedgerResponse:
    """The body with a ledger; the times in epoch seconds."""
    of_notifications = ledger.notifications
    return LedgerResponse(
        since,
        until,
        now,
        of_notifications.accepted,
        of_notifications.final,
        sum(of_notifications.in_flight.values()),
        of_notifications.imbalance + ledger.deliveries.imbalance,
        of_notifications,
        ledger.deliveries,
        ledger.unaccounted,
    )


router = Router("/v1/ledger", route_handlers=[get_ledger], tags=["analytics"])
