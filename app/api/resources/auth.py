"""The resource /v1/auth: login by password, refresh and end of sessions, who is logged in, and the keys of access tokens."""

from typing import Annotated

from litestar import Response, Router, delete, get, patch, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter

from app.api.access import AUTHENTICATED, PUBLIC
from app.api.auth_bodies import (
    EmptyBody,
    JwkSet,
    LoginBody,
    LoginMethodsResponse,
    LoginProvider,
    LogoutBody,
    PersonChange,
    PersonResponse,
    RefreshBody,
    SessionPage,
    TokenResponse,
    build_session,
)
from app.api.auth_cookies import build_refresh_cookie
from app.api.auth_requests import (
    LOGIN_ERRORS,
    NOT_CONFIGURED_ERROR,
    PERSON_ERRORS,
    build_person_origin,
    check_cookie_mode,
    get_auth,
    get_client,
    get_person,
    read_refresh_token,
    respond_granted,
)
from app.api.bodies import decode_json, decode_stored_body
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.openapi import describe_body, describe_problem
from app.api.paging import DEFAULT_PAGE_SIZE, CursorParameter, LimitParameter, cut_page, decode_cursor
from app.api.problems import ProblemError, build_problem
from app.auth.authenticator import AccountPrincipal
from app.auth.login import LoginRequest
from schemas.accounts import SESSION_PREFIX, Account, AccountChange
from schemas.ids import is_id

EXAMPLE_LOGIN = {"email": "ada@example.org", "password": "several words in a row"}
EXAMPLE_REFRESH = {"refresh_token": "hrr_Zm9ydHktdGhyZWUgY2hhcmFjdGVycyBvZiBiYXNlNjR1"}
KEYS_SECONDS, METHODS_SECONDS = 300, 60
SessionIdParameter = Annotated[str, PathParameter(description="the id of the session", max_length=64)]


@post(
    "/login",
    opt=PUBLIC,
    operation_class=describe_body("LoginBody", EXAMPLE_LOGIN),
    responses={200: ResponseSpec(TokenResponse, description="the tokens of a new session"), **LOGIN_ERRORS},
    status_code=200,
    summary="Log in by password",
    operation_id="login",
)
async def login(request: ApiRequest) -> Response[TokenResponse]:
    """An access token for minutes, and a refresh token. The answer for an unknown address is that for a wrong password."""
    body = await decode_stored_body(request, LoginBody)
    check_cookie_mode(request, body.cookie)
    login_request = LoginRequest(body.email, body.password, body.code, body.project)
    result = await get_auth(request).login.login(login_request, get_client(request))
    return respond_granted(request, result, is_cookie=body.cookie)


@post(
    "/refresh",
    opt=PUBLIC,
    operation_class=describe_body("RefreshBody", EXAMPLE_REFRESH),
    responses={200: ResponseSpec(TokenResponse, description="new tokens"), **LOGIN_ERRORS},
    status_code=200,
    summary="Exchange a refresh token",
    operation_id="refresh_tokens",
)
async def refresh(request: ApiRequest) -> Response[TokenResponse]:
    """Each refresh token is exchanged once; one that comes again after more than 10 s ends its session."""
    body = decode_json(await request.body() or b"{}", RefreshBody)
    token, is_cookie = read_refresh_token(request, body.refresh_token)
    return respond_granted(request, await get_auth(request).sessions.refresh(token, body.project), is_cookie=is_cookie)


@post(
    "/logout",
    opt=PUBLIC,
    operation_class=describe_body("LogoutBody", EXAMPLE_REFRESH),
    responses={**LOGIN_ERRORS, 401: describe_problem("neither the body nor a cookie has a refresh token")},
    status_code=204,
    summary="End a session",
    operation_id="logout",
)
async def logout(request: ApiRequest) -> Response[None]:
    """Ends the session of a refresh token, if there is one; its access tokens end within 30 s."""
    body = decode_json(await request.body() or b"{}", LogoutBody)
    token, is_cookie = read_refresh_token(request, body.refresh_token)
    auth = get_auth(request)
    if session_id := await auth.sessions.end_by_refresh_token(token):
        auth.states.forget(session_id)
    response: Response[None] = Response(None, status_code=204)
    if is_cookie:
        response.set_cookie(build_refresh_cookie("", 0, is_secure=auth.is_secure))
    return response


@post(
    "/logout-everywhere",
    opt=AUTHENTICATED,
    operation_class=describe_body("EmptyBody", {}),
    responses=PERSON_ERRORS,
    status_code=204,
    summary="End all sessions",
    operation_id="logout_everywhere",
)
async def logout_everywhere(request: ApiRequest) -> None:
    """Ends all sessions of the account, this one, too."""
    decode_json(await request.body() or b"{}", EmptyBody)
    person, auth = get_person(request), get_auth(request)
    await get_dependencies(request).accounts.revoke_all(person.id, "logout_everywhere", build_person_origin(person))
    auth.states.forget(person.session_id)


@get("/me", opt=AUTHENTICATED, responses=PERSON_ERRORS, summary="Get who is logged in", operation_id="get_me")
async def get_me(request: ApiRequest) -> PersonResponse:
    """The account, with what it may do."""
    person = get_person(request)
    return _describe_person(request, person, await get_dependencies(request).accounts.get(person.id))


@patch(
    "/me",
    opt=AUTHENTICATED,
    operation_class=describe_body("PersonChange", {"name": "Ada Lovelace"}),
    responses=PERSON_ERRORS,
    summary="Change the own name",
    operation_id="change_me",
)
async def change_me(request: ApiRequest) -> PersonResponse:
    """The address and the role are what `accounts:write` is for."""
    body, person = await decode_stored_body(request, PersonChange), get_person(request)
    accounts = get_dependencies(request).accounts
    changed = await accounts.change(person.id, AccountChange(name=body.name), None, build_person_origin(person))
    return _describe_person(request, person, changed)


@get("/sessions", opt=AUTHENTICATED, responses=PERSON_ERRORS, summary="List own sessions", operation_id="list_sessions")
async def list_sessions(request: ApiRequest, limit: LimitParameter = DEFAULT_PAGE_SIZE, cursor: CursorParameter = None) -> SessionPage:
    """Those that have not ended, newest first."""
    person = get_person(request)
    key = decode_cursor(cursor, lambda parts: len(parts) == 1 and is_id(parts[0], SESSION_PREFIX))
    found = await get_auth(request).sessions.store.list_sessions(person.id, limit + 1, key[0] if key else "")
    items, next_cursor = cut_page(found, limit, lambda session: [session.id])
    return SessionPage([build_session(session, person.session_id) for session in items], next_cursor)


@delete(
    "/sessions/{session_id:str}",
    opt=AUTHENTICATED,
    responses={**PERSON_ERRORS, 404: describe_problem("no such session of this account")},
    summary="End one of the own sessions",
    operation_id="end_session",
)
async def end_session(request: ApiRequest, session_id: SessionIdParameter) -> None:
    """Its access tokens end within 30 s."""
    person, auth = get_person(request), get_auth(request)
    if not await auth.sessions.store.end(session_id, person.id, "logout", build_person_origin(person)):
        raise ProblemError(build_problem("not-found", f"the account has no session {session_id[:64]!r} that has not ended"))
    auth.states.forget(session_id)


@get("/jwks.json", opt=PUBLIC, responses=NOT_CONFIGURED_ERROR, summary="Get the keys of access tokens", operation_id="get_jwks")
async def get_jwks(request: ApiRequest) -> Response[JwkSet]:
    """The public keys as a JSON Web Key Set: the first signs, all verify."""
    keys = get_auth(request).keys.get().build_jwks()["keys"]
    return Response(JwkSet(keys), headers={"cache-control": f"public, max-age={KEYS_SECONDS}"})


@get("/methods", opt=PUBLIC, summary="Get how people log in", operation_id="get_login_methods")
async def get_login_methods(request: ApiRequest) -> Response[LoginMethodsResponse]:
    """What a login page offers. It does not depend on who asks, and may be kept for a minute."""
    auth = get_dependencies(request).auth
    provider = LoginProvider(auth.oidc.provider_name) if auth and auth.oidc else None
    methods = LoginMethodsResponse(password=auth is not None, passkey=auth is not None, oidc=provider)
    return Response(methods, headers={"cache-control": f"public, max-age={METHODS_SECONDS}"})


def _describe_person(request: ApiRequest, person: AccountPrincipal, account: Account) -> PersonResponse:
    features = get_dependencies(request).list_features()
    return PersonResponse(account, sorted(person.permissions), person.project, person.session_id, features)


router = Router(
    "/v1/auth",
    route_handlers=[login, refresh, logout, logout_everywhere, get_me, change_me, list_sessions, end_session, get_jwks, get_login_methods],
    tags=["login"],
)
