"""The resource /v1/schedules: broadcasts at the times of a cron expression."""

from collections.abc import Iterator
from itertools import islice
from typing import Annotated

import msgspec
from litestar import Response, Router, delete, get, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from agents.schedules.run_times import find_next_run, iterate_runs
from app.api.access import requires
from app.api.bodies import ActorHeader, SourceHeader, build_origin, check_stored, decode_json, decode_stored_body, raise_for_problems
from app.api.broadcast_requests import BroadcastActionRequest, BroadcastPage, NextRuns, ScheduleDetails, SchedulePage
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.etags import IfMatchHeader, build_etag_headers, require_if_match
from app.api.openapi import describe_body, describe_problem
from app.api.paging import DEFAULT_PAGE_SIZE, CursorParameter, LimitParameter, cut_page, decode_cursor
from app.api.principal import get_principal
from app.api.problems import ProblemError, build_validation_problem
from app.api.repeated_requests import CHANGES_NOTHING
from app.api.resources.audiences import handle_conflict, handle_missing_audience
from app.api.resources.broadcasts import REASON_BODY, find_audience
from app.api.resources.users import CHANGE_ERRORS, LIST_ERRORS, READ_ERRORS
from app.api.services.broadcast_projects import qualify_definition, strip_project
from app.api.services.broadcast_validation import find_broadcast_error
from app.api.services.schedule_validation import find_schedule_problems, find_time_problems
from schemas.broadcasts import BROADCAST_PREFIX, Broadcast
from schemas.errors import ConflictError, MissingScheduleError
from schemas.ids import is_id
from schemas.permissions import Permission
from schemas.schedules import Schedule, ScheduleAction, ScheduleDefinition, ScheduleName, ScheduleState, ScheduleTimes, Timing, build_timing
from schemas.user_validation import FieldProblem
from tables.postgres.schedules import FindNextRun

SHOWN_RUNS = 5
EXAMPLE_SCHEDULE = {
    "cron": "0 8 * * 1-5",
    "time_zone": "Europe/Vienna",
    "audience": "gold-in-german",
    "notification": {"type": "newsletter.weekly", "data": {"headline": "News", "intro": "Hello", "link": "https://example.org"}},
}
NameParameter = Annotated[str, PathParameter(description="the name of the schedule", max_length=128)]
NOT_FOUND = {404: describe_problem("no such schedule")}
READ_SCHEDULE_ERRORS = {**READ_ERRORS, **NOT_FOUND}
SCHEDULE_CHANGE_ERRORS = {**CHANGE_ERRORS, **NOT_FOUND}
ACTION_ERRORS = {**READ_SCHEDULE_ERRORS, 409: describe_problem("the schedule has ended"), 422: CHANGE_ERRORS[422]}


@get("/", opt=requires(Permission.SCHEDULES_READ), responses=LIST_ERRORS, summary="List schedules", operation_id="list_schedules")
async def list_schedules(
    request: ApiRequest,
    search: Annotated[str, QueryParameter(description="part of a name", max_length=128)] = "",
    wanted_state: Annotated[ScheduleState | None, QueryParameter(name="state", description="only those in this state")] = None,
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
    cursor: CursorParameter = None,
) -> SchedulePage:
    """In the order of names."""
    after = decode_cursor(cursor)
    found = await get_dependencies(request).schedules.list_schedules(search, limit + 1, after[0] if after else "", wanted_state)
    return SchedulePage(*cut_page(found, limit, lambda schedule: [schedule.name]))


@get(
    "/{name:str}",
    opt=requires(Permission.SCHEDULES_READ),
    responses=READ_SCHEDULE_ERRORS,
    summary="Get a schedule",
    operation_id="get_schedule",
)
async def get_schedule(request: ApiRequest, name: NameParameter) -> Response[ScheduleDetails]:
    """With the times of its next runs. The ETag is the version, which runs do not change."""
    return _respond(request, await get_dependencies(request).schedules.get(name))


@put(
    "/{name:str}",
    opt=requires(Permission.SCHEDULES_WRITE),
    operation_class=describe_body("ScheduleDefinition", EXAMPLE_SCHEDULE),
    responses={
        200: ResponseSpec(ScheduleDetails, description="replaced"),
        201: ResponseSpec(ScheduleDetails, description="created"),
        **SCHEDULE_CHANGE_ERRORS,
    },
    summary="Create or replace a schedule",
    operation_id="put_schedule",
)
async def put_schedule(
    request: ApiRequest, name: NameParameter, if_match: IfMatchHeader = None, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Response[ScheduleDetails]:
    """Each run is a broadcast. One that exists is replaced, for which If-Match is needed; one that is paused stays so."""
    raise_for_problems(_find_name_problems(strip_project(get_principal(request).project, name)))
    definition = qualify_definition(get_principal(request).project, await decode_stored_body(request, ScheduleDefinition))
    audience_id = await _check_definition(request, definition)
    schedules, origin, find_next = get_dependencies(request).schedules, build_origin(actor, source), _build_find_next_run(request)
    if if_match is None and (schedule := await schedules.create(name, definition, audience_id, find_next, origin)):
        return _respond(request, schedule, 201)
    version = require_if_match(if_match)
    return _respond(request, await schedules.replace(name, definition, audience_id, find_next, version, origin))


@delete(
    "/{name:str}",
    opt=requires(Permission.SCHEDULES_WRITE),
    responses=SCHEDULE_CHANGE_ERRORS,
    summary="Delete a schedule",
    operation_id="delete_schedule",
)
async def delete_schedule(
    request: ApiRequest, name: NameParameter, if_match: IfMatchHeader = None, actor: ActorHeader = None, source: SourceHeader = "api"
) -> None:
    """It never runs again; runs that have started go on, as broadcasts. Needs If-Match."""
    version = require_if_match(if_match)
    await get_dependencies(request).schedules.delete(name, version, build_origin(actor, source))


@post(
    "/{name:str}/pause",
    opt=requires(Permission.SCHEDULES_CONTROL),
    operation_class=REASON_BODY,
    status_code=200,
    responses=ACTION_ERRORS,
    summary="Pause a schedule",
    operation_id="pause_schedule",
)
async def pause_schedule(
    request: ApiRequest, name: NameParameter, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Response[ScheduleDetails]:
    """It does not run until it is resumed; runs that have started go on."""
    return await _change_state(request, name, "pause", actor, source)


@post(
    "/{name:str}/resume",
    opt=requires(Permission.SCHEDULES_CONTROL),
    operation_class=REASON_BODY,
    status_code=200,
    responses=ACTION_ERRORS,
    summary="Resume a schedule",
    operation_id="resume_schedule",
)
async def resume_schedule(
    request: ApiRequest, name: NameParameter, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Response[ScheduleDetails]:
    """It runs at its next time; the times of the pause are not made up for."""
    return await _change_state(request, name, "resume", actor, source)


@post(
    "/{name:str}/runs",
    opt=requires(Permission.SCHEDULES_CONTROL),
    operation_class=REASON_BODY,
    responses={201: ResponseSpec(Broadcast, description="started"), **READ_SCHEDULE_ERRORS, 422: CHANGE_ERRORS[422]},
    summary="Run a schedule now",
    operation_id="start_schedule_run",
)
async def start_run(request: ApiRequest, name: NameParameter, actor: ActorHeader = None, source: SourceHeader = "api") -> Broadcast | None:
    """Besides the runs at its times, which stay as they are; also while it is paused."""
    dependencies, origin = get_dependencies(request), build_origin(actor, source, await _read_reason(request))
    return await dependencies.broadcasts.get(await dependencies.schedules.start_run(name, origin))


@get(
    "/{name:str}/runs",
    opt=requires(Permission.SCHEDULES_READ),
    responses={**READ_SCHEDULE_ERRORS, 422: LIST_ERRORS[422]},
    summary="List the runs of a schedule",
    operation_id="list_schedule_runs",
)
async def list_runs(
    request: ApiRequest, name: NameParameter, limit: LimitParameter = DEFAULT_PAGE_SIZE, cursor: CursorParameter = None
) -> BroadcastPage:
    """The broadcasts of its runs, newest first."""
    key = decode_cursor(cursor, lambda parts: len(parts) == 1 and is_id(parts[0], BROADCAST_PREFIX))
    dependencies = get_dependencies(request)
    schedule = await dependencies.schedules.get(name)
    found = await dependencies.broadcasts.list_broadcasts(limit + 1, key[0] if key else None, schedule_id=schedule.id)
    return BroadcastPage(*cut_page(found, limit, lambda broadcast: [broadcast.id]))


@post(
    "/preview",
    opt={**requires(Permission.SCHEDULES_READ), **CHANGES_NOTHING},
    operation_class=describe_body("ScheduleTimes", {"cron": "0 8 * * 1-5", "time_zone": "Europe/Vienna"}),
    status_code=200,
    responses={code: CHANGE_ERRORS[code] for code in (401, 422)},
    summary="Show when a schedule would run",
    operation_id="preview_schedule",
)
async def preview_times(request: ApiRequest) -> NextRuns:
    """The times of its next runs, in its zone; nothing is stored."""
    times = await decode_stored_body(request, ScheduleTimes)
    raise_for_problems(find_time_problems(times))
    return NextRuns(list(islice(iterate_runs(build_timing(times), get_dependencies(request).clock()), SHOWN_RUNS)))


async def _check_definition(request: ApiRequest, definition: ScheduleDefinition) -> str | None:
    """The id of the audience. Raises ProblemError if a run could not be sent."""
    dependencies = get_dependencies(request)
    raise_for_problems(find_schedule_problems(definition, dependencies.clock()))
    validator = dependencies.submission_service.get_policy_validator()
    if error := find_broadcast_error(definition.notification, validator, dependencies.clock()):
        raise ProblemError(build_validation_problem([error]))
    return (await find_audience(request, definition.audience))[0] if definition.audience else None


async def _change_state(
    request: ApiRequest, name: str, action: ScheduleAction, actor: str | None, source: SourceHeader
) -> Response[ScheduleDetails]:
    origin = build_origin(actor, source, await _read_reason(request))
    schedules = get_dependencies(request).schedules
    return _respond(request, await schedules.change_state(name, action, _build_find_next_run(request), origin))


async def _read_reason(request: ApiRequest) -> str:
    return check_stored(decode_json(await request.body() or b"{}", BroadcastActionRequest)).reason


def _build_find_next_run(request: ApiRequest) -> FindNextRun:
    now = get_dependencies(request).clock()
    return lambda timing: find_next_run(timing, now)


def _find_name_problems(name: str) -> Iterator[FieldProblem]:
    try:
        msgspec.convert(name, ScheduleName)
    except msgspec.ValidationError:
        yield FieldProblem("$.name", "must match [A-Za-z0-9][A-Za-z0-9._-]* and have at most 128 characters")


def _respond(request: ApiRequest, schedule: Schedule, status_code: int = 200) -> Response[ScheduleDetails]:
    timing = Timing(schedule.cron, schedule.time_zone, schedule.start_at, schedule.end_at)
    next_runs = list(islice(iterate_runs(timing, get_dependencies(request).clock()), SHOWN_RUNS))
    details = ScheduleDetails(**msgspec.structs.asdict(schedule), next_runs=next_runs)
    return Response(details, status_code=status_code, headers=build_etag_headers(schedule.version))


router = Router(
    "/v1/schedules",
    route_handlers=[
        list_schedules,
        get_schedule,
        put_schedule,
        delete_schedule,
        pause_schedule,
        resume_schedule,
        start_run,
        list_runs,
        preview_times,
    ],
    exception_handlers={MissingScheduleError: handle_missing_audience, ConflictError: handle_conflict},
    tags=["schedules"],
)
