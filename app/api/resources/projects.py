"""The resource /v1/projects: create, list and change projects, and make the first key of one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from litestar import Response, Router, get, patch, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter
from msgspec.structs import replace

from app.api.access import requires
from app.api.api_key_bodies import EXAMPLE_KEY_REQUEST, ApiKeyPage
from app.api.bodies import ActorHeader, SourceHeader, build_origin, decode_body, decode_stored_body, raise_for_problems
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.etags import IfMatchHeader, build_etag_headers, require_if_match
from app.api.exception_handlers import handle_problem
from app.api.openapi import INVALID, describe_body, describe_problem
from app.api.paging import DEFAULT_PAGE_SIZE, CursorParameter, LimitParameter, cut_page, decode_cursor
from app.api.principal import get_principal
from app.api.problems import ProblemError, build_problem
from app.api.project_bodies import ProjectPage
from app.api.repeated_requests import shows_secret
from app.api.resources.api_keys import CREATE_ERRORS, KEY_PATH
from app.api.resources.audiences import handle_conflict
from app.api.resources.users import CHANGE_ERRORS, LIST_ERRORS, READ_ERRORS
from schemas.api_keys import ApiKeyRequest, CreatedApiKey, find_key_problems
from schemas.errors import ConflictError, MissingProjectError
from schemas.permissions import Permission
from schemas.projects import Project, ProjectChange, ProjectRequest, project_in_force

EXAMPLE_PROJECT = {"id": "acme", "name": "Acme Ltd", "weight": 2, "rate": 100, "burst": 1000}
IdParameter = Annotated[str, PathParameter(description="the id of the project", max_length=31)]
OTHER_KEY = "make another key of the project with a new Idempotency-Key, and revoke this one with that key"  # only its keys can
NOT_FOUND = {404: describe_problem("no such project")}
CONFLICT = {409: describe_problem("there is one with this id, or gateway.projects is off")}
NO_KEYS = "encrypts is true and the gateway has no keys of encryption"
CREATE_CONFLICT = {409: describe_problem(f"there is one with this id, gateway.projects is off, or {NO_KEYS}")}


@get("/", opt=requires(Permission.PROJECTS_READ), responses=LIST_ERRORS, summary="List projects", operation_id="list_projects")
async def list_projects(
    request: ApiRequest,
    search: Annotated[str, QueryParameter(description="part of an id or name", max_length=128)] = "",
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
    cursor: CursorParameter = None,
) -> ProjectPage:
    """In the order of their ids; without the default one, which has none."""
    after = decode_cursor(cursor)
    found = await get_dependencies(request).projects.list_projects(limit + 1, after[0] if after else "", search)
    return ProjectPage(*cut_page(found, limit, lambda project: [project.id]))


@post(
    "/",
    opt=requires(Permission.PROJECTS_WRITE),
    operation_class=describe_body("ProjectRequest", EXAMPLE_PROJECT),
    responses={201: ResponseSpec(Project, description="created"), **LIST_ERRORS, **CREATE_CONFLICT},
    summary="Create a project",
    operation_id="create_project",
)
async def create_project(request: ApiRequest, actor: ActorHeader = None, source: SourceHeader = "api") -> Response[Project]:
    """What belongs to it is made with its keys."""
    body = await decode_stored_body(request, ProjectRequest)
    _require_separation(request)
    created = await get_dependencies(request).projects.create(body, build_origin(actor, source))
    return Response(created, status_code=201, headers=build_etag_headers(created.version))


@get(
    "/{project_id:str}",
    opt=requires(Permission.PROJECTS_READ),
    responses={**READ_ERRORS, **INVALID, **NOT_FOUND},
    summary="Get a project",
    operation_id="get_project",
)
async def get_project(request: ApiRequest, project_id: IdParameter) -> Response[Project]:
    """The ETag is the version."""
    return _respond(await get_dependencies(request).projects.get(project_id))


@patch(
    "/{project_id:str}",
    opt=requires(Permission.PROJECTS_WRITE),
    operation_class=describe_body("ProjectChange", {"rate": 200, "burst": 2000}),
    responses={**CHANGE_ERRORS, **NOT_FOUND, 409: describe_problem(NO_KEYS)},
    summary="Change a project",
    operation_id="change_project",
)
async def change_project(
    request: ApiRequest, project_id: IdParameter, if_match: IfMatchHeader = None, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Response[Project]:
    """Its id stays, because it is a part of what belongs to it. A new rate counts after a few seconds. Needs If-Match."""
    change, version = await decode_stored_body(request, ProjectChange), require_if_match(if_match)
    return _respond(await get_dependencies(request).projects.change(project_id, change, version, build_origin(actor, source)))


@post(
    "/{project_id:str}/api-keys",
    opt={**requires(Permission.PROJECTS_WRITE), **shows_secret(KEY_PATH, OTHER_KEY)},
    operation_class=describe_body("ApiKeyRequest", EXAMPLE_KEY_REQUEST),
    responses={201: ResponseSpec(CreatedApiKey, description="created"), **CREATE_ERRORS, **NOT_FOUND, **CONFLICT},
    summary="Create an API key of a project",
    operation_id="create_project_api_key",
)
async def create_project_api_key(
    request: ApiRequest, project_id: IdParameter, actor: ActorHeader = None, source: SourceHeader = "api"
) -> Response[CreatedApiKey]:
    """The first key of a project, which makes the others. The response has its text, which is shown only now."""
    body, dependencies = await decode_body(request, ApiKeyRequest), get_dependencies(request)
    raise_for_problems(find_key_problems(body, dependencies.clock()))
    _require_separation(request)
    project = await dependencies.projects.get(project_id)
    with _enter(project):
        principal = replace(get_principal(request), project=project.id)
        created = await dependencies.api_keys.create(principal, body, build_origin(actor, source))
    return Response(created, status_code=201, headers=build_etag_headers(created.version))


@get(
    "/{project_id:str}/api-keys",
    opt=requires(Permission.PROJECTS_READ),
    responses={**READ_ERRORS, **INVALID, **NOT_FOUND},
    summary="List the API keys of a project",
    operation_id="list_project_api_keys",
)
async def list_project_api_keys(
    request: ApiRequest, project_id: IdParameter, limit: LimitParameter = DEFAULT_PAGE_SIZE, cursor: CursorParameter = None
) -> ApiKeyPage:
    """In the order of their names, without secrets, those in force."""
    name, key_id = decode_cursor(cursor, lambda key: len(key) == 2) or ("", "")
    dependencies = get_dependencies(request)
    project = await dependencies.projects.get(project_id)
    with _enter(project):
        found = await dependencies.api_keys.store.list_keys(project.id, limit + 1, (name, key_id), "", with_ended=False)
    return ApiKeyPage(*cut_page(found, limit, lambda key: [key.name, key.id]))


@contextmanager
def _enter(project: Project) -> Iterator[None]:
    """PostgreSQL shows the rows of this project, not those of the request's."""
    token = project_in_force.set(project.id)
    try:
        yield
    finally:
        project_in_force.reset(token)


def _require_separation(request: ApiRequest) -> None:
    if not get_dependencies(request).separates_projects:
        raise ProblemError(build_problem("conflict", "set gateway.projects, so that the default project is separated from the others"))


def _respond(project: Project) -> Response[Project]:
    return Response(project, headers=build_etag_headers(project.version))


def _handle_missing_project(request: ApiRequest, error: MissingProjectError) -> Response[bytes]:
    return handle_problem(request, ProblemError(build_problem("not-found", str(error))))


router = Router(
    "/v1/projects",
    route_handlers=[list_projects, create_project, get_project, change_project, create_project_api_key, list_project_api_keys],
    exception_handlers={MissingProjectError: _handle_missing_project, ConflictError: handle_conflict},
    tags=["projects"],
)
