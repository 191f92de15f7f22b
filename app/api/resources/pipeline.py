"""The resources /v1/overview, /v1/topology, /v1/workers and /v1/tables: how the pipeline works at this moment.

Each part of a response has a source, and the response says which of them do not answer. Permissions for them do not count in a project:
what is shown belongs to all.
"""

import asyncio
from typing import Annotated

from litestar import Router, get
from litestar.params import PathParameter, QueryParameter

from app.api.access import requires
from app.api.dependencies import ApiRequest, Dependencies, get_dependencies
from app.api.openapi import INVALID, UNAUTHORIZED, describe_problem
from app.api.pipeline.bodies import OverviewResponse, TableRow, TablesResponse, TopologyResponse, WorkersResponse
from app.api.pipeline.row import build_row
from app.api.pipeline.tables import TABLE_ROLES
from app.api.problems import ProblemError, build_field_error, build_problem, build_validation_problem
from schemas.errors import UnavailableError
from schemas.permissions import Permission

RETRY_AFTER = 5  # seconds
TableParameter = Annotated[str, PathParameter(description="the name of a table", max_length=64)]
KeyParameter = Annotated[str, PathParameter(description="the key: what the table has beside the user", max_length=512)]
UserParameter = Annotated[str, QueryParameter(name="user_id", description="the user whose row it is", min_length=1, max_length=256)]
RoleParameter = Annotated[
    str | None, QueryParameter(description="only in the table of this role; several roles have a table attempts", max_length=64)
]
ROW_ERRORS = {
    **UNAUTHORIZED,
    **INVALID,
    404: describe_problem("there is no such table, or no such row in it"),
    503: describe_problem("no worker answers, or a partition is being reassigned; see detail"),
}


@get(
    "/overview",
    opt=requires(Permission.METRICS_READ),
    responses=UNAUTHORIZED,
    summary="Get what needs attention",
    operation_id="get_overview",
)
async def get_overview(request: ApiRequest) -> OverviewResponse:
    """Queue depth by priority, workers, open breakers, dead letters, and what needs somebody, with the page that shows it."""
    return await get_dependencies(request).pipeline.build_overview()


@get(
    "/topology",
    opt=requires(Permission.METRICS_READ),
    responses=UNAUTHORIZED,
    summary="Get the pipeline with its rates and lag",
    operation_id="get_topology",
)
async def get_topology(request: ApiRequest) -> TopologyResponse:
    """Topics, roles, tables, stores and accounts of providers, and what flows between them. Offsets are read at most every 5 s."""
    return await get_dependencies(request).pipeline.build_topology()


@get(
    "/workers",
    opt=requires(Permission.METRICS_READ),
    responses=UNAUTHORIZED,
    summary="List the workers",
    operation_id="list_workers",
)
async def list_workers(request: ApiRequest) -> WorkersResponse:
    """The members of each role's consumer group with their partitions, and what each worker says of itself."""
    host, port = request.scope.get("server") or ("", 0)
    return await get_dependencies(request).pipeline.build_workers(f"{host}:{port}")


@get(
    "/tables",
    opt=requires(Permission.METRICS_READ),
    responses=UNAUTHORIZED,
    summary="List the workers' tables",
    operation_id="list_tables",
)
async def list_tables(request: ApiRequest) -> TablesResponse:
    """Each table of each role: size, partitions, standbys and recovery. All rows of one user are in the state of the user."""
    return await get_dependencies(request).pipeline.build_tables()


@get(
    "/tables/{table:str}/keys/{key:str}",
    opt=requires(Permission.TABLES_READ),
    responses=ROW_ERRORS,
    summary="Look a row of a table up",
    operation_id="get_table_row",
)
async def get_table_row(
    request: ApiRequest, table: TableParameter, key: KeyParameter, user_id: UserParameter, role: RoleParameter = None
) -> TableRow:
    """The row of a user's key: an idempotency key or notification id, a category of rate windows, the id of a digest, entry or delivery."""
    roles = [one for one in TABLE_ROLES.get(table, ()) if role in (None, one)]
    if not roles:
        known = ", ".join(sorted(TABLE_ROLES))
        raise ProblemError(build_problem("not-found", f"no such table{f' of the role {role}' if role else ''}; there are {known}"))
    return await _find_row(get_dependencies(request), roles, table, user_id, key)


async def _find_row(dependencies: Dependencies, roles: list[str], table: str, user_id: str, key: str) -> TableRow:
    """The row of the first role that has it. All are asked at once, so that those that do not answer take the time of one."""
    reading = (dependencies.user_tables.find_row(role, table, user_id, key) for role in roles)
    problems: list[str] = []
    for role, found in zip(roles, await asyncio.gather(*reading, return_exceptions=True), strict=True):
        if isinstance(found, ValueError):
            raise ProblemError(build_validation_problem([build_field_error("$.key", str(found))]))
        if isinstance(found, UnavailableError):
            problems.append(str(found))
        elif isinstance(found, BaseException):
            raise found
        elif found is not None:
            return build_row(role, key, found)
    if problems:
        raise ProblemError(build_problem("unavailable", "; ".join(problems), retry_after=RETRY_AFTER))
    raise ProblemError(build_problem("not-found", f"the table {table} has no row of this user with this key"))


router = Router("/v1", route_handlers=[get_overview, get_topology, list_workers, list_tables, get_table_row], tags=["operations"])
