"""The resource /v1/accounts: the people who may log in. Recipients of notifications are users."""

from typing import Annotated

from litestar import Response, Router, delete, get, patch, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from app.api.access import build_forbidden_problem, requires
from app.api.auth_bodies import AcceptedResponse, AccountActionBody, AccountPage
from app.api.auth_requests import NOT_CONFIGURED, get_auth
from app.api.bodies import check_stored, decode_json, decode_stored_body
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.etags import IfMatchHeader, build_etag_headers, require_if_match
from app.api.exception_handlers import handle_problem
from app.api.openapi import describe_body, describe_problem
from app.api.paging import DEFAULT_PAGE_SIZE, CursorParameter, LimitParameter, cut_page, decode_cursor
from app.api.principal import Principal, get_principal
from app.api.problems import ProblemError, build_field_error, build_problem, build_validation_problem
from app.api.resources.audiences import handle_conflict
from app.api.resources.auth_passwords import check_email
from app.api.resources.users import CHANGE_ERRORS, LIST_ERRORS, READ_ERRORS
from schemas.accounts import ACCOUNT_PREFIX, Account, AccountChange, AccountRequest, AccountState
from schemas.errors import ConflictError, MissingAccountError
from schemas.ids import is_id
from schemas.permissions import ROLE_PERMISSIONS, Permission, Role
from schemas.users import ChangeOrigin

EXAMPLE_ACCOUNT = {"email": "ada@example.org", "name": "Ada Lovelace", "role": "operator"}
IdParameter = Annotated[str, PathParameter(description="the id of the account", max_length=64)]
NOT_FOUND = {404: describe_problem("no such account")}
CONFLICT = {409: describe_problem("another account has this address, or it is the only admin who can log in")}
READ_ACCOUNT_ERRORS = {**READ_ERRORS, **NOT_FOUND}
CHANGE_ACCOUNT_ERRORS = {**CHANGE_ERRORS, **NOT_FOUND, **CONFLICT}


@get(
    "/",
    opt=requires(Permission.ACCOUNTS_READ),
    responses=LIST_ERRORS,
    summary="List accounts",
    operation_id="list_accounts",
)
async def list_accounts(
    request: ApiRequest,
    role: Annotated[Role | None, QueryParameter(description="only those with this role")] = None,
    account_state: Annotated[AccountState | None, QueryParameter(name="state", description="only those in this state")] = None,
    search: Annotated[str, QueryParameter(description="part of an e-mail address or name", max_length=256)] = "",
    limit: LimitParameter = DEFAULT_PAGE_SIZE,
    cursor: CursorParameter = None,
) -> AccountPage:
    """In the order of their creation."""
    key = decode_cursor(cursor, lambda parts: len(parts) == 1 and is_id(parts[0], ACCOUNT_PREFIX))
    store = get_dependencies(request).accounts
    found = await store.list_accounts(limit + 1, key[0] if key else "", role, account_state, search)
    return AccountPage(*cut_page(found, limit, lambda account: [account.id]))


@post(
    "/",
    opt=requires(Permission.ACCOUNTS_WRITE),
    operation_class=describe_body("AccountRequest", EXAMPLE_ACCOUNT),
    responses={201: ResponseSpec(Account, description="created"), **READ_ERRORS, 422: CHANGE_ERRORS[422], **CONFLICT},
    summary="Create an account",
    operation_id="create_account",
)
async def create_account(request: ApiRequest) -> Response[Account]:
    """The account has no password. Its person gets an e-mail with a link to choose one, unless `notify` is false."""
    body = await decode_stored_body(request, AccountRequest)
    email, dependencies = check_email(body.email), get_dependencies(request)
    await check_projects(request, body.projects)
    check_role(get_principal(request), body.role)
    values = AccountRequest(email, body.role, body.name, body.projects)
    account = await dependencies.accounts.create(values, _build_origin(request))
    if body.notify and dependencies.auth is not None:
        dependencies.auth.links.send_later(account)
    return _respond(account, 201)


@get(
    "/{account_id:str}",
    opt=requires(Permission.ACCOUNTS_READ),
    responses=READ_ACCOUNT_ERRORS,
    summary="Get an account",
    operation_id="get_account",
)
async def get_account(request: ApiRequest, account_id: IdParameter) -> Response[Account]:
    """The ETag is the version."""
    return _respond(await get_dependencies(request).accounts.get(account_id))


@patch(
    "/{account_id:str}",
    opt=requires(Permission.ACCOUNTS_WRITE),
    operation_class=describe_body("AccountChange", {"role": "viewer"}),
    responses=CHANGE_ACCOUNT_ERRORS,
    summary="Change an account",
    operation_id="change_account",
)
async def change_account(request: ApiRequest, account_id: IdParameter, if_match: IfMatchHeader = None) -> Response[Account]:
    """A new role counts within 30 s. The state `disabled` ends all sessions. Needs If-Match."""
    change, version = await decode_stored_body(request, AccountChange), require_if_match(if_match)
    if isinstance(change.projects, list):
        await check_projects(request, change.projects)
    if isinstance(change.role, Role):
        check_role(get_principal(request), change.role)
    await _check_account(request, account_id)
    if isinstance(change.email, str):
        change = AccountChange(check_email(change.email), change.name, change.role, change.projects, change.state)
    return _respond(await get_dependencies(request).accounts.change(account_id, change, version, _build_origin(request)))


@delete(
    "/{account_id:str}",
    opt=requires(Permission.ACCOUNTS_WRITE),
    responses=CHANGE_ACCOUNT_ERRORS,
    summary="Delete an account",
    operation_id="delete_account",
)
async def delete_account(request: ApiRequest, account_id: IdParameter, if_match: IfMatchHeader = None) -> None:
    """With its sessions, passkeys and codes. Needs If-Match."""
    version = require_if_match(if_match)
    await get_dependencies(request).accounts.delete(account_id, version, _build_origin(request))


@post(
    "/{account_id:str}/revoke-sessions",
    opt=requires(Permission.ACCOUNTS_WRITE),
    operation_class=describe_body("AccountActionBody", {"reason": "the laptop was stolen"}),
    status_code=200,
    responses={**READ_ACCOUNT_ERRORS, 422: CHANGE_ERRORS[422]},
    summary="End all sessions of an account",
    operation_id="revoke_account_sessions",
)
async def revoke_sessions(request: ApiRequest, account_id: IdParameter) -> Response[Account]:
    """Its access tokens end within 30 s."""
    return _respond(await get_dependencies(request).accounts.revoke_all(account_id, "operator", await _read_origin(request)))


@post(
    "/{account_id:str}/reset-second-factor",
    opt=requires(Permission.ACCOUNTS_WRITE),
    operation_class=describe_body("AccountActionBody", {"reason": "the laptop was stolen"}),
    status_code=200,
    responses={**READ_ACCOUNT_ERRORS, 409: describe_problem(NOT_CONFIGURED), 422: CHANGE_ERRORS[422]},
    summary="Remove the authenticator app of an account",
    operation_id="reset_account_second_factor",
)
async def reset_second_factor(request: ApiRequest, account_id: IdParameter) -> Response[Account]:
    """For who has lost both the app and the recovery codes; passkeys stay."""
    await _check_account(request, account_id)
    return _respond(await get_auth(request).credentials.disable_totp(account_id, await _read_origin(request)))


@post(
    "/{account_id:str}/send-link",
    opt=requires(Permission.ACCOUNTS_WRITE),
    operation_class=describe_body("AccountActionBody", {"reason": "the laptop was stolen"}),
    status_code=202,
    responses={
        202: ResponseSpec(AcceptedResponse, description="accepted"),
        **READ_ACCOUNT_ERRORS,
        409: describe_problem(NOT_CONFIGURED),
        422: CHANGE_ERRORS[422],
    },
    summary="Send a link to choose a password",
    operation_id="send_account_link",
)
async def send_link(request: ApiRequest, account_id: IdParameter) -> AcceptedResponse:
    """By e-mail, to the person of the account."""
    await _read_origin(request)
    account = await get_dependencies(request).accounts.get(account_id)
    get_auth(request).links.send_later(account)
    return AcceptedResponse()


async def check_projects(request: ApiRequest, projects: list[str]) -> None:
    """Raise ProblemError for projects that do not exist."""
    if missing := await get_dependencies(request).projects.find_missing(projects):
        places = [(position, project) for position, project in enumerate(projects) if project in missing]
        errors = [build_field_error(f"$.projects[{position}]", f"there is no project {project!r}") for position, project in places]
        raise ProblemError(build_validation_problem(errors))


def check_role(principal: Principal, role: Role) -> None:
    """Raise ProblemError if an account of this role could do what the principal cannot, such as a key with few scopes."""
    for permission in sorted(ROLE_PERMISSIONS[role] - principal.permissions):
        raise ProblemError(build_forbidden_problem(principal, permission))


async def _check_account(request: ApiRequest, account_id: str) -> None:
    """Raise ProblemError if the account can do what the principal cannot: with another address or one factor less it could be taken."""
    check_role(get_principal(request), (await get_dependencies(request).accounts.get(account_id)).role)


def _build_origin(request: ApiRequest) -> ChangeOrigin:
    return ChangeOrigin("api", get_principal(request).actor)


async def _read_origin(request: ApiRequest) -> ChangeOrigin:
    """The origin of an action, with the reason of its body."""
    body = check_stored(decode_json(await request.body() or b"{}", AccountActionBody))
    return ChangeOrigin("api", get_principal(request).actor, body.reason)


def _respond(account: Account, status_code: int = 200) -> Response[Account]:
    return Response(account, status_code=status_code, headers=build_etag_headers(account.version))


def handle_missing_account(request: ApiRequest, error: MissingAccountError) -> Response[bytes]:
    """The response to a request about an account that does not exist."""
    return handle_problem(request, ProblemError(build_problem("not-found", str(error))))


router = Router(
    "/v1/accounts",
    route_handlers=[
        list_accounts,
        create_account,
        get_account,
        change_account,
        delete_account,
        revoke_sessions,
        reset_second_factor,
        send_link,
    ],
    exception_handlers={ConflictError: handle_conflict, MissingAccountError: handle_missing_account},
    tags=["accounts"],
)
