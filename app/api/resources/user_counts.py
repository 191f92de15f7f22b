"""The resource /v1/users/{id}/counts: how many messages a user was sent, by day and channel."""

from datetime import date, timedelta
from typing import Annotated

from litestar import Router, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from msgspec import Struct

from app.api.access import requires
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.problems import PROBLEM_MEDIA_TYPE, ProblemDetails, ProblemError, build_field_error, build_validation_problem
from app.api.resources.user_state import UserIdPathParameter
from schemas.permissions import Permission
from schemas.user_counts import DailyCount, get_utc_date

DEFAULT_DAYS = 30
MAX_DAYS = 366
COUNT_ERRORS = {
    401: ResponseSpec(ProblemDetails, description="the API key is missing or wrong", media_type=PROBLEM_MEDIA_TYPE),
    422: ResponseSpec(ProblemDetails, description="the request is not valid", media_type=PROBLEM_MEDIA_TYPE),
    503: ResponseSpec(ProblemDetails, description="PostgreSQL does not answer", media_type=PROBLEM_MEDIA_TYPE),
}


class UserCountsResponse(Struct, frozen=True):
    """The messages to a user that providers accepted from the day `first` to `last` (UTC), the latest first; no entry means none."""

    user_id: str
    first: date
    last: date
    counts: list[DailyCount]


@get(
    "/{user_id:str}/counts",
    opt=requires(Permission.USERS_READ),
    responses=COUNT_ERRORS,
    summary="Count what a user was sent",
    operation_id="get_user_counts",
)
async def get_user_counts(
    request: ApiRequest,
    user_id: UserIdPathParameter,
    first: Annotated[
        date | None, QueryParameter(description=f"the first day (UTC), such as 2026-11-01; else {DEFAULT_DAYS} days with the last")
    ] = None,
    last: Annotated[date | None, QueryParameter(description="the last day (UTC); else today")] = None,
) -> UserCountsResponse:
    """The messages that the providers of each channel accepted, by the day (UTC) of the attempt; a redrive that is sent counts again."""
    dependencies = get_dependencies(request)
    last = last or get_utc_date(dependencies.clock())
    first = first or last - timedelta(days=min(DEFAULT_DAYS, last.toordinal()) - 1)  # the first date has the ordinal 1
    if not 0 <= (last - first).days < MAX_DAYS:
        detail = f"must be at most {MAX_DAYS - 1} days before the last day, {last}, and not after it"
        raise ProblemError(build_validation_problem([build_field_error("$.first", detail)]))
    return UserCountsResponse(user_id, first, last, [*await dependencies.history.list_user_counts(user_id, first, last)])


router = Router("/v1/users", route_handlers=[get_user_counts], tags=["users"])
