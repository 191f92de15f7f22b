"""What the routes of /v1/auth have in common: who asks, and how the result of a login becomes a response."""

from typing import TypeVar

from litestar import Response

from app.api.auth_bodies import TokenResponse
from app.api.auth_cookies import DEVICE_COOKIE, REFRESH_COOKIE, build_device_cookie, build_refresh_cookie, check_own_page, read_cookie
from app.api.dependencies import ApiRequest, get_dependencies
from app.api.middleware import add_log_fields
from app.api.openapi import INVALID, STORE_UNAVAILABLE, UNAUTHORIZED, describe_problem
from app.api.principal import PRINCIPAL
from app.api.problems import ProblemError, build_field_error, build_problem, build_validation_problem
from app.auth.authenticator import AccountPrincipal
from app.auth.passwords import RETRY_AFTER, TooManyLoginsError, find_password_problems
from app.auth.services import AuthServices
from app.auth.session_service import Client, Denied, Grant
from schemas.accounts import LoginMethod
from schemas.metrics import LOGINS
from schemas.users import ChangeOrigin

T = TypeVar("T")

RECENT_LOGIN = 600.0  # seconds in which a login counts for a change of how one logs in
NOT_CONFIGURED = "people cannot log in here: auth.signing_keys_file and auth.secret are not set"
NOT_A_PERSON = "this is about the account of a person who is logged in; an API key has none"
NO_PASSWORD = "send `password`, or log in again: the login is longer than ten minutes ago"

TOO_MANY = {429: describe_problem("too many tries; Retry-After says when the next one counts")}
NOT_CONFIGURED_ERROR = {409: describe_problem(NOT_CONFIGURED)}
CROSS_SITE = {403: describe_problem("a cookie would be set or used, and the header Herold-CSRF is missing or a page of another site asks")}
LOGIN_ERRORS = {
    401: describe_problem("the login failed, or the account needs a code, too"),
    **CROSS_SITE,
    **NOT_CONFIGURED_ERROR,
    **INVALID,
    **TOO_MANY,
    **STORE_UNAVAILABLE,
}
PERSON_ERRORS = {**UNAUTHORIZED, 403: describe_problem(NOT_A_PERSON), **NOT_CONFIGURED_ERROR, **INVALID, **STORE_UNAVAILABLE}


def get_auth(request: ApiRequest) -> AuthServices:
    """What logs people in. Raises ProblemError if nobody can."""
    auth = get_dependencies(request).auth
    if auth is None:
        raise ProblemError(build_problem("conflict", NOT_CONFIGURED))
    return auth


def get_person(request: ApiRequest) -> AccountPrincipal:
    """Who is logged in. Raises ProblemError for an API key."""
    get_auth(request)
    principal = request.scope.get(PRINCIPAL)
    if not isinstance(principal, AccountPrincipal):
        raise ProblemError(build_problem("forbidden", NOT_A_PERSON))
    return principal


def get_client(request: ApiRequest) -> Client:
    """The connection and the program of a request."""
    address = request.client.host if request.client else ""
    cookie = read_cookie(request, DEVICE_COOKIE, is_secure=get_auth(request).is_secure)
    return Client(address, request.headers.get("user-agent", ""), cookie)


def build_person_origin(person: AccountPrincipal) -> ChangeOrigin:
    """The origin of a change that a person makes."""
    return ChangeOrigin("api", person.actor)


def unwrap(result: T | Denied) -> T:
    """The result, unless it is denied. Raises ProblemError."""
    if isinstance(result, Denied):
        raise ProblemError(build_problem(result.kind, result.detail, retry_after=result.retry_after))
    return result


def check_cookie_mode(request: ApiRequest, is_cookie: bool) -> None:
    """Raise ProblemError for a request that would get a cookie, unless it comes from our own pages or a program."""
    if is_cookie:
        check_own_page(request, get_auth(request).public_url)


def respond_granted(request: ApiRequest, result: Grant | Denied, *, is_cookie: bool) -> Response[TokenResponse]:
    """The tokens of a login; the refresh token in the body or in a cookie. Raises ProblemError if the login is denied."""
    auth, grant = get_auth(request), unwrap(result)
    add_log_fields(request.scope, session_id=grant.session_id)
    body = TokenResponse(
        grant.access_token, "Bearer", grant.expires_in, refresh_token="" if is_cookie else grant.refresh_token, session_id=grant.session_id
    )
    response = Response(body, status_code=200, headers={"cache-control": "no-store"})
    if is_cookie:
        response.set_cookie(build_refresh_cookie(grant.refresh_token, int(auth.sessions.store.idle_timeout), is_secure=auth.is_secure))
    if grant.device_cookie:
        response.set_cookie(build_device_cookie(grant.device_cookie, is_secure=auth.is_secure))
    return response


def read_refresh_token(request: ApiRequest, in_body: str) -> tuple[str, bool]:
    """The refresh token of a request, and whether it is from the cookie. Raises ProblemError if a cookie comes from another site."""
    if in_body:
        return in_body, False
    token = read_cookie(request, REFRESH_COOKIE, is_secure=get_auth(request).is_secure)
    if not token:
        raise ProblemError(build_problem("unauthorized", "send refresh_token, or the cookie of a login in a browser"))
    check_own_page(request, get_auth(request).public_url)
    return token, True


async def confirm_person(request: ApiRequest, password: str) -> AccountPrincipal:
    """Who is logged in, and has just logged in or knows the password. Raises ProblemError."""
    person = get_person(request)
    if not password and get_dependencies(request).clock() - person.session_started_at <= RECENT_LOGIN:
        return person
    if not password:
        raise ProblemError(build_problem("login-failed", NO_PASSWORD))
    if denied := await get_auth(request).login.confirm(person.id, password, get_client(request)):
        unwrap(denied)
    return person


async def hash_new_password(request: ApiRequest, password: str, email: str, name: str, path: str = "$.password") -> str:
    """The hash of a new password. Raises ProblemError if it is none, or too many people log in."""
    auth = get_auth(request)
    if problems := [*find_password_problems(password, email, name, auth.password_min_length)]:
        raise ProblemError(build_validation_problem([build_field_error(path, problem, "weak_password") for problem in problems]))
    try:
        return await auth.hashes.compute(password)
    except TooManyLoginsError:
        raise ProblemError(build_problem("unavailable", "too many people log in at this moment", retry_after=RETRY_AFTER)) from None


def count_login(request: ApiRequest, method: LoginMethod, result: Grant | Denied) -> Grant | Denied:
    """Count a login that is not by password."""
    get_dependencies(request).metrics.increment(LOGINS, 1, method, result.kind if isinstance(result, Denied) else "granted")
    return result
