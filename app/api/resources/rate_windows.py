"""The resource /v1/users/{id}/rate-windows: emptying the rate windows of a user, with an entry in the audit log."""

from contextlib import suppress
from typing import Annotated

from litestar import Router, delete
from litestar.params import QueryParameter

from app.api.access import requires
from app.api.bodies import ActorHeader, SourceHeader, build_origin
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.openapi import INVALID
from app.api.problems import ProblemError
from app.api.resources.user_state import STATE_ERRORS, UserIdPathParameter, build_unavailable_problem
from app.api.user_state_responses import WindowResetResponse
from schemas.channels import ChannelName
from schemas.errors import UnavailableError
from schemas.permissions import Permission

TABLE, ROLE = "rate_windows", "router"
RESET, RESET_FAILED = "reset", "reset_failed"
RESET_ERRORS = {
    **STATE_ERRORS,
    **INVALID,
}


@delete(
    "/{user_id:str}/rate-windows",
    opt=requires(Permission.RATE_WINDOWS_RESET),
    status_code=200,
    responses=RESET_ERRORS,
    summary="Empty the rate windows of a user",
    operation_id="reset_rate_windows",
)
async def reset_rate_windows(
    request: ApiRequest,
    user_id: UserIdPathParameter,
    channel: Annotated[
        ChannelName | None, QueryParameter(description="only the windows of this channel; else all, also those over all channels")
    ] = None,
    reason: Annotated[str, QueryParameter(description="why, for the audit log", max_length=256)] = "",
    actor: ActorHeader = None,
    source: SourceHeader = "api",
) -> WindowResetResponse:
    """What was sent does not count any more. The worker to which the user is assigned removes the rows, between two of its batches."""
    dependencies = get_dependencies(request)
    name, details = build_origin(actor, source).actor, {"source": source, "channel": channel or "", "reason": reason}
    try:
        audit_id = await dependencies.window_resets.write(name, RESET, user_id, details)
    except UnavailableError as error:
        raise ProblemError(build_unavailable_problem(f"nothing was reset: the audit log cannot be written: {error}")) from None
    try:
        removed = await dependencies.user_tables.remove_rows(ROLE, user_id, TABLE, channel or "")
    except UnavailableError as error:
        with suppress(UnavailableError):
            await dependencies.window_resets.write(name, RESET_FAILED, user_id, {"entry": audit_id, "error": str(error)})
        raise ProblemError(build_unavailable_problem(str(error))) from None
    return WindowResetResponse(user_id, [_name_window(key) for key in removed.keys], audit_id)


def _name_window(key: bytes) -> str:
    """What the windows of a row count: a channel or all, and a category."""
    channel, _, category = key.decode(errors="replace").partition("\0")
    return f"{channel or 'all channels'}{f', {category}' if category else ''}"


router = Router("/v1/users", route_handlers=[reset_rate_windows], tags=["users"])
