"""The resource /v1/views: named filters of the pages of the dashboard, for people who are logged in."""

from typing import Annotated

from litestar import Response, Router, delete, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from app.api.access import AUTHENTICATED, has_permission
from app.api.auth_requests import PERSON_ERRORS, get_person
from app.api.bodies import decode_stored_body
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.openapi import describe_body, describe_problem
from app.api.paging import DEFAULT_PAGE_SIZE, CursorParameter, LimitParameter, cut_page, decode_cursor
from app.api.problems import ProblemError, build_problem
from app.api.resources.audiences import handle_conflict
from app.api.view_bodies import EXAMPLE_VIEW, ViewPage
from schemas.errors import ConflictError
from schemas.ids import is_id
from schemas.permissions import Permission
from schemas.saved_views import VIEW_PREFIX, SavedView, ViewRequest

PageParameter = Annotated[str, QueryParameter(description="the path of the page in the dashboard, such as notifications", max_length=64)]
IdParameter = Annotated[str, PathParameter(description="the id of the view", max_length=64)]


@get("/", opt=AUTHENTICATED, responses=PERSON_ERRORS, summary="List saved views", operation_id="list_views")
async def list_views(
    request: ApiRequest, page_name: PageParameter, limit: LimitParameter = DEFAULT_PAGE_SIZE, cursor: CursorParameter = None
) -> ViewPage:
    """The own views of a page and the shared ones of the project, in the order in which they were made."""
    person, after = get_person(request), decode_cursor(cursor, lambda key: len(key) == 1 and is_id(key[0], VIEW_PREFIX))
    store = get_dependencies(request).saved_views
    found = await store.list_views(person.project, person.id, page_name, limit + 1, after[0] if after else "")
    return ViewPage(*cut_page(found, limit, lambda view: [view.id]))


@post(
    "/",
    opt=AUTHENTICATED,
    operation_class=describe_body("ViewRequest", EXAMPLE_VIEW),
    responses={**PERSON_ERRORS, 201: ResponseSpec(SavedView, description="saved"), 409: describe_problem("the name is taken")},
    summary="Save a view",
    operation_id="create_view",
)
async def create_view(request: ApiRequest) -> Response[SavedView]:
    """Keeps the filters of a page under a name, for the own account or for all of the project."""
    body, person = await decode_stored_body(request, ViewRequest), get_person(request)
    view = await get_dependencies(request).saved_views.create(person.project, person.id, body)
    return Response(view, status_code=201)


@delete(
    "/{view_id:str}",
    opt=AUTHENTICATED,
    responses={**PERSON_ERRORS, 404: describe_problem("no such view that this account may delete")},
    summary="Delete a saved view",
    operation_id="delete_view",
)
async def delete_view(request: ApiRequest, view_id: IdParameter) -> None:
    """An own one; a shared one also by an admin."""
    person = get_person(request)
    is_admin = has_permission(person, Permission.ACCOUNTS_WRITE)
    if not await get_dependencies(request).saved_views.delete(person.project, person.id, view_id, is_admin=is_admin):
        raise ProblemError(build_problem("not-found", f"there is no view {view_id[:64]!r} that this account may delete"))


router = Router(
    "/v1/views", route_handlers=[list_views, create_view, delete_view], exception_handlers={ConflictError: handle_conflict}, tags=["views"]
)
