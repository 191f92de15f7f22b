"""The resource /v1/users/{id}/state: what the workers' tables hold of a user at this moment."""

import asyncio
from typing import Annotated

from litestar import Router, get
from litestar.params import PathParameter

from app.api.access import requires
from app.api.dependencies import ApiRequest, Dependencies, get_dependencies
from app.api.openapi import INVALID, UNAUTHORIZED, describe_problem
from app.api.problems import ProblemDetails, ProblemError, build_problem
from app.api.user_state import STATE_ROLES, build_user_state
from app.api.user_state_responses import UserStateResponse
from app.api.user_time_zone import find_time_zone
from schemas.errors import UnavailableError
from schemas.permissions import Permission
from schemas.user_rows import UserRows

RETRY_AFTER = 5  # seconds
UserIdPathParameter = Annotated[str, PathParameter(description="the recipient, whether stored as a user or not", max_length=256)]
STATE_ERRORS = {
    **UNAUTHORIZED,
    **INVALID,
    503: describe_problem("no worker answers, or a partition is being reassigned; see detail"),
}


@get(
    "/{user_id:str}/state",
    opt=requires(Permission.USERS_READ),
    responses=STATE_ERRORS,
    summary="Get the live state of a user",
    operation_id="get_user_state",
)
async def get_user_state(request: ApiRequest, user_id: UserIdPathParameter) -> UserStateResponse:
    """Each rate window, idempotency key, open digest and held entry, from the tables of the workers that have the user's partition."""
    dependencies = get_dependencies(request)
    answers = dict(zip(STATE_ROLES, await asyncio.gather(*[_read_rows(dependencies, role, user_id) for role in STATE_ROLES]), strict=True))
    problems = {role: answer for role, answer in answers.items() if isinstance(answer, str)}
    if len(problems) == len(answers):
        raise ProblemError(build_unavailable_problem("; ".join(dict.fromkeys(problems.values()))))
    try:
        policy = dependencies.policies.get_current()
    except UnavailableError as error:
        raise ProblemError(build_unavailable_problem(f"the limits are not known: {error}")) from None
    rows = [answer for answer in answers.values() if not isinstance(answer, str)]
    time_zone = await find_time_zone(dependencies.profiles, user_id)
    return build_user_state(user_id, rows, policy, problems, time_zone, dependencies.clock())


async def _read_rows(dependencies: Dependencies, role: str, user_id: str) -> UserRows | str:
    """The rows of a role, or why there are none."""
    try:
        return await dependencies.user_tables.get_user_rows(role, user_id)
    except UnavailableError as error:
        return str(error)


def build_unavailable_problem(detail: str) -> ProblemDetails:
    """The problem of a state that cannot be read or changed now."""
    return build_problem("unavailable", detail, retry_after=RETRY_AFTER)


router = Router("/v1/users", route_handlers=[get_user_state], tags=["users"])
