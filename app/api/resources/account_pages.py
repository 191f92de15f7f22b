"""The pages /account/...: where the links lead that Herold sends or prints. The token in the path is the permission, and works once.

A GET changes nothing, because programs that check links follow them. The pages use no cookie, so that nobody without the token can build a
form (CSRF).
"""

from functools import cache
from typing import Annotated

from litestar import Response, Router, get, post
from litestar.datastructures import FormMultiDict
from litestar.params import PathParameter

from app.api.access import PUBLIC
from app.api.auth_bodies import FirstAdminBody, TokenResponse
from app.api.auth_requests import count_login, get_auth, get_client, respond_granted, unwrap
from app.api.dependencies import ApiRequest
from app.api.middleware import add_log_fields
from app.api.pages.account_pages import AccountPages
from app.api.pages.consent_pages import PAGE_HEADERS
from app.api.problems import ProblemDetails, ProblemError, build_problem
from app.api.resources.auth_passwords import USED_LINK, make_first_admin, set_password_by_link
from app.auth.login import check_quotas
from app.auth.login_limits import build_address_quotas
from app.auth.refresh_tokens import hash_token
from schemas.accounts import MAX_PASSWORD_CHARACTERS
from schemas.errors import ConflictError, UnavailableError

MAX_FORM_BYTES = 16 * 1024
FIELD_CHARACTERS = 256
DASHBOARD_PATH = "/dashboard/"
TokenParameter = Annotated[str, PathParameter(description="the token of the link", max_length=128)]


@cache
def get_pages(min_length: int) -> AccountPages:
    """The pages; their files are read at the first request."""
    return AccountPages(min_length)


@get("/password/{token:str}", opt=PUBLIC)
async def ask_for_password(request: ApiRequest, token: TokenParameter) -> Response[str]:
    """Ask for a password; whether the link works shows the answer to the form."""
    return _respond(_get_pages(request).render_password_form())


@post("/password/{token:str}", opt=PUBLIC, status_code=200)
async def save_password(request: ApiRequest, token: TokenParameter) -> Response[str]:
    """Save a password."""
    form = await _read_form(request)
    try:
        await set_password_by_link(request, token, form["password"])
    except ProblemError as error:
        problem = error.problem
        page = _get_pages(request).render_password_form(_list_texts(problem)) if problem.errors else _render_problem(request, problem)
        return _respond(page, problem.status)
    return _respond(_get_pages(request).render_done("The password is saved"))


@get("/first-admin/{token:str}", opt=PUBLIC)
async def ask_for_first_admin(request: ApiRequest, token: TokenParameter) -> Response[str]:
    """Ask for the first account."""
    return _respond(_get_pages(request).render_first_admin_form())


@post("/first-admin/{token:str}", opt=PUBLIC, status_code=200)
async def save_first_admin(request: ApiRequest, token: TokenParameter) -> Response[str]:
    """Make the first account."""
    form, pages = await _read_form(request), _get_pages(request)
    try:
        await make_first_admin(request, FirstAdminBody(token, form["email"], form["password"], form["name"][:128]))
    except ConflictError as error:
        return _respond(pages.render_message("There is an account already", str(error)), 409)
    except ProblemError as error:
        problem, values = error.problem, (form["email"], form["name"])
        page = pages.render_first_admin_form(_list_texts(problem), *values) if problem.errors else _render_problem(request, problem)
        return _respond(page, problem.status)
    return _respond(pages.render_done("The account is made"))


@get("/login/{token:str}", opt=PUBLIC)
async def ask_for_login(request: ApiRequest, token: TokenParameter) -> Response[str]:
    """Ask before the link is used up; whether it works shows the answer to the form."""
    return _respond(_get_pages(request).render_login_form())


@post("/login/{token:str}", opt=PUBLIC, status_code=303)
async def log_in_by_link(request: ApiRequest, token: TokenParameter) -> Response[str]:
    """Log in, and lead to the dashboard. Only the page of the link may do it: another site cannot log a browser in to its account."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return _respond(_get_pages(request).render_message("The request comes from another page", "Open the link itself."), 403)
    try:
        granted = await _log_in(request, token)
    except ProblemError as error:
        return _respond(_render_problem(request, error.problem), error.problem.status)
    response = Response("", status_code=303, media_type="text/html", headers={**PAGE_HEADERS, "location": DASHBOARD_PATH})
    for cookie in granted.cookies:
        response.set_cookie(cookie)
    return response


async def _log_in(request: ApiRequest, token: str) -> Response[TokenResponse]:
    """The cookies of a new session. Raises ProblemError for a link that does not work, or a disabled account."""
    auth, client = get_auth(request), get_client(request)
    unwrap(await check_quotas(auth.limiter, build_address_quotas(client.address)))
    account = await auth.credentials.take_login_link(hash_token(token))
    if account is None or account.has_totp:  # a link is one factor only
        raise ProblemError(build_problem("not-found", USED_LINK))
    result = count_login(request, "link", await auth.sessions.start(account, "link", client, None))
    return respond_granted(request, unwrap(result), is_cookie=True)


async def _read_form(request: ApiRequest) -> dict[str, str]:
    """The fields of the form, empty if they are missing or too long to be used."""
    try:
        form = await request.form()
    except (LookupError, UnicodeError):
        form = FormMultiDict()
    values = {name: form.get(name, "") for name in ("email", "name", "password")}
    limit = max(FIELD_CHARACTERS, MAX_PASSWORD_CHARACTERS) + 1
    return {name: value[:limit].replace("\0", "") if isinstance(value, str) else "" for name, value in values.items()}


def _get_pages(request: ApiRequest) -> AccountPages:
    return get_pages(get_auth(request).password_min_length)


def _list_texts(problem: ProblemDetails) -> list[str]:
    return [f"{error.path.removeprefix('$.')}: {error.detail}" for error in problem.errors]


def _render_problem(request: ApiRequest, problem: ProblemDetails) -> str:
    return _get_pages(request).render_message(problem.title, problem.detail)


def _respond(page: str, status_code: int = 200) -> Response[str]:
    return Response(page, status_code=status_code, media_type="text/html", headers={**PAGE_HEADERS, "content-language": "en"})


def _handle_unavailable(request: ApiRequest, error: UnavailableError) -> Response[str]:
    add_log_fields(request.scope, cause=str(error))
    return _respond(_get_pages(request).render_message("Herold cannot do that at the moment", "Try again in a minute."), 503)


router = Router(
    "/account",
    route_handlers=[ask_for_password, save_password, ask_for_first_admin, save_first_admin, ask_for_login, log_in_by_link],
    exception_handlers={UnavailableError: _handle_unavailable},
    request_max_body_size=MAX_FORM_BYTES,
    include_in_schema=False,
)
