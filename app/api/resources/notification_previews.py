"""The resource /v1/notifications/preview: what would become of a notification, decided by the router's own gates, without any effect."""

from typing import Annotated, Final

from litestar import Router, post
from litestar.params import QueryParameter

from agents.router.dry_run import DryRecord, DryRun, UserTables, find_cut_tables, list_needed_tables
from agents.router.routing_state import RoutingState
from app.api.access import build_forbidden_problem, has_permission, requires
from app.api.decision_preview import build_preview
from app.api.dependencies import ApiRequest, Dependencies, get_dependencies
from app.api.middleware import add_log_fields
from app.api.openapi import EXAMPLE_SUBMISSION, INVALID, STORE_UNAVAILABLE, UNAUTHORIZED, describe_body
from app.api.preview_bodies import NotificationPreviewResponse
from app.api.principal import get_principal
from app.api.problems import ProblemError, build_field_error, build_problem, build_validation_problem
from app.api.repeated_requests import CHANGES_NOTHING
from app.api.user_time_zone import find_time_zone
from schemas.errors import UnavailableError
from schemas.lifetimes import MAX_SEND_AHEAD
from schemas.permissions import Permission
from schemas.topics import get_notifications_topic

ROLE: Final = "router"
RETRY_AFTER = 5  # seconds
MAX_PAST = 60.0  # seconds that the clock of the client may be behind
NO_POLICY = "the rules were never loaded, because PostgreSQL does not answer: the router would decide later"

AtParameter = Annotated[
    float | None,
    QueryParameter(description="when it would be submitted (epoch seconds), at most 30 days ahead; without it now"),
]


@post(
    "/preview",
    opt={**requires(Permission.NOTIFICATIONS_READ), **CHANGES_NOTHING},
    operation_class=describe_body("Submission", EXAMPLE_SUBMISSION),
    status_code=200,
    responses={**UNAUTHORIZED, **INVALID, **STORE_UNAVAILABLE},
    summary="Preview a notification",
    operation_id="preview_notification",
)
async def preview_notification(request: ApiRequest, at: AtParameter = None) -> NotificationPreviewResponse:
    """What would become of this notification if it were submitted: the decision of each gate, and what would be sent. Nothing is.

    The router's own gates decide by the present rules, templates, profile, preferences and windows of its user. What submitting rejects is
    rejected with the same errors. Also needs `notifications:send` or `preferences:read`, because it shows what the user chose.
    """
    _check_access(request)
    dependencies, principal = get_dependencies(request), get_principal(request)
    service, now = dependencies.submission_service, _find_time(at, dependencies.clock())
    validated, has_own_id = service.check(await request.body(), principal, now)
    validator = service.get_policy_validator()
    if validator is None:
        raise ProblemError(build_problem("unavailable", NO_POLICY, retry_after=RETRY_AFTER))
    dry_run = DryRun(validator.compiled_policy, service.partitions, dependencies.topic_prefix, dependencies.sample_links)
    topic, record = dependencies.topic_prefix + get_notifications_topic(validated.priority), validated.record
    state, user_ids = dry_run.prepare(topic, record.partition, DryRecord(round(now * 1000), record.key, record.value))
    profiles = await dependencies.profiles.get_many(user_ids) if user_ids else {}
    tables, unknown = await _read_tables(dependencies, state, has_own_id=has_own_id)
    result = dry_run.decide(state, profiles, tables)
    add_log_fields(request.scope, state=result.event.state if result.event else "replayed")
    time_zone = await find_time_zone(dependencies.profiles, state.notification.user_id)
    return build_preview(state, result, unknown, time_zone, principal.project)


def _check_access(request: ApiRequest) -> None:
    """Raise ProblemError for who could neither read the user's preferences nor see what a real notification becomes."""
    principal = get_principal(request)
    if not has_permission(principal, Permission.NOTIFICATIONS_SEND) and not has_permission(principal, Permission.PREFERENCES_READ):
        raise ProblemError(build_forbidden_problem(principal, Permission.PREFERENCES_READ))


def _find_time(at: float | None, now: float) -> float:
    """When it is judged. Raises ProblemError for a time that is past, or further ahead than a notification may be scheduled."""
    if at is None:
        return now
    if not now - MAX_PAST <= at <= now + MAX_SEND_AHEAD:
        detail = "must be from now to 30 days ahead: by present rules and windows the past cannot be judged"
        raise ProblemError(build_validation_problem([build_field_error("$.at", detail)]))
    return max(at, now)


async def _read_tables(dependencies: Dependencies, state: RoutingState, *, has_own_id: bool) -> tuple[UserTables, dict[str, str]]:
    """The rows of the user that the gates will read, and why some of them could not be read."""
    needed = list_needed_tables(state, has_own_id=has_own_id)
    if not needed:
        return {}, {}
    try:
        tables = (await dependencies.user_tables.get_user_rows(ROLE, state.notification.user_id)).tables
    except UnavailableError as error:
        return {}, dict.fromkeys(needed, str(error))
    return tables, find_cut_tables(needed, tables)


router = Router("/v1/notifications", route_handlers=[preview_notification], tags=["notifications"])
