"""Passwords of /v1/auth: the change, the link for who has forgotten it, and the first account of an installation."""

from litestar import Response, Router, post
from litestar.openapi.datastructures import ResponseSpec

from app.api.access import AUTHENTICATED, PUBLIC
from app.api.auth_bodies import (
    AcceptedResponse,
    FirstAdminBody,
    LinkPasswordBody,
    PasswordChangeBody,
    PasswordResetBody,
    TokenResponse,
)
from app.api.auth_requests import (
    LOGIN_ERRORS,
    NOT_CONFIGURED_ERROR,
    PERSON_ERRORS,
    TOO_MANY,
    build_person_origin,
    get_auth,
    get_client,
    get_person,
    hash_new_password,
    unwrap,
)
from app.api.bodies import decode_stored_body
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.openapi import INVALID, STORE_UNAVAILABLE, describe_body, describe_problem
from app.api.problems import ProblemError, build_field_error, build_problem, build_validation_problem
from app.api.resources.audiences import handle_conflict
from app.auth.login import check_quotas, normalize_login_email
from app.auth.login_limits import build_address_quotas
from app.auth.refresh_tokens import hash_token
from schemas.accounts import Account, AccountRequest
from schemas.addresses import InvalidAddress, normalize_email
from schemas.errors import ConflictError
from schemas.permissions import Role
from schemas.users import ChangeOrigin

EXAMPLE_CHANGE = {"password": "several words in a row", "new_password": "other words in a row"}
EXAMPLE_RESET = {"email": "ada@example.org"}
EXAMPLE_TOKEN = "Zm9ydHktdGhyZWUgY2hhcmFjdGVycyBvZiBiYXNlNjR1"
EXAMPLE_LINK = {"token": EXAMPLE_TOKEN, "password": "several words in a row"}
EXAMPLE_FIRST = {"token": EXAMPLE_TOKEN, "email": "ada@example.org", "name": "Ada Lovelace", "password": "several words in a row"}
USED_LINK = "the link has expired, was used, or was replaced by a later one: ask for another"
LINK_ERRORS = {404: describe_problem(USED_LINK), **NOT_CONFIGURED_ERROR, **INVALID, **TOO_MANY, **STORE_UNAVAILABLE}


@post(
    "/password",
    opt=AUTHENTICATED,
    operation_class=describe_body("PasswordChangeBody", EXAMPLE_CHANGE),
    responses={**PERSON_ERRORS, **LOGIN_ERRORS},
    status_code=200,
    summary="Change the own password",
    operation_id="change_password",
)
async def change_password(request: ApiRequest) -> Response[TokenResponse]:
    """Ends all other sessions. This one goes on with the access token of the answer, and the refresh token that it has."""
    body, person, auth = await decode_stored_body(request, PasswordChangeBody), get_person(request), get_auth(request)
    if denied := await auth.login.confirm(person.id, body.password, get_client(request)):
        unwrap(denied)
    password_hash = await hash_new_password(request, body.new_password, person.email, person.name, "$.new_password")
    account = await auth.credentials.set_password(person.id, password_hash, build_person_origin(person), person.session_id)
    auth.states.forget(person.session_id)
    token = auth.sessions.sign_again(account, person.session_id, person.project)
    return Response(
        TokenResponse(token, "Bearer", auth.tokens.lifetime, session_id=person.session_id), headers={"cache-control": "no-store"}
    )


@post(
    "/password-reset",
    opt=PUBLIC,
    operation_class=describe_body("PasswordResetBody", EXAMPLE_RESET),
    responses={202: ResponseSpec(AcceptedResponse, description="accepted, whether there is an account or not"), **LINK_ERRORS},
    status_code=202,
    summary="Send a link to choose a password",
    operation_id="request_password_reset",
)
async def request_password_reset(request: ApiRequest) -> AcceptedResponse:
    """To an account with this address goes an e-mail with a link that works once, for half an hour by default."""
    body = await decode_stored_body(request, PasswordResetBody)
    if denied := await get_auth(request).links.request(body.email, get_client(request).address):
        unwrap(denied)
    return AcceptedResponse()


@post(
    "/password-reset/confirm",
    opt=PUBLIC,
    operation_class=describe_body("LinkPasswordBody", EXAMPLE_LINK),
    responses=LINK_ERRORS,
    status_code=204,
    summary="Choose a password by a link",
    operation_id="confirm_password_reset",
)
async def confirm_password_reset(request: ApiRequest) -> None:
    """Ends all sessions of the account. It does not log in: a code is still needed, if the account has an authenticator app."""
    body = await decode_stored_body(request, LinkPasswordBody)
    await set_password_by_link(request, body.token, body.password)


@post(
    "/first-admin",
    opt=PUBLIC,
    operation_class=describe_body("FirstAdminBody", EXAMPLE_FIRST),
    responses={201: ResponseSpec(Account, description="created"), **LINK_ERRORS, 409: describe_problem("there are accounts already")},
    summary="Make the first account",
    operation_id="create_first_admin",
)
async def create_first_admin(request: ApiRequest) -> Account:
    """With the link that the gateway prints when it starts and there is no account."""
    return await make_first_admin(request, await decode_stored_body(request, FirstAdminBody))


async def set_password_by_link(request: ApiRequest, token: str, password: str) -> None:
    """Store the password of a link's account. Raises ProblemError for a link that does not work, and a password that is none."""
    auth = get_auth(request)
    unwrap(await check_quotas(auth.limiter, build_address_quotas(get_client(request).address)))
    password_hash = await hash_new_password(request, password, "", "")
    if await auth.credentials.set_password_by_link(hash_token(token), password_hash) is None:
        raise ProblemError(build_problem("not-found", USED_LINK))


async def make_first_admin(request: ApiRequest, body: FirstAdminBody) -> Account:
    """The first account. Raises ProblemError for a link that does not work, and ConflictError if there is an account."""
    auth, email = get_auth(request), check_email(body.email)
    unwrap(await check_quotas(auth.limiter, build_address_quotas(get_client(request).address)))
    password_hash = await hash_new_password(request, body.password, email, body.name)
    if not await auth.credentials.take_link(hash_token(body.token), "first_admin"):
        raise ProblemError(build_problem("not-found", USED_LINK))
    account_request = AccountRequest(email, Role.ADMIN, body.name)
    return await get_dependencies(request).accounts.create_first_admin(account_request, password_hash, ChangeOrigin("link", "first admin"))


def check_email(text: str) -> str:
    """The normal form of an e-mail address. Raises ProblemError for another text."""
    normal = normalize_email(text)
    if isinstance(normal, InvalidAddress):
        raise ProblemError(build_validation_problem([build_field_error("$.email", normal.problem, "invalid_address")]))
    return normalize_login_email(normal)


router = Router(
    "/v1/auth",
    route_handlers=[change_password, request_password_reset, confirm_password_reset, create_first_admin],
    exception_handlers={ConflictError: handle_conflict},
    tags=["login"],
)
