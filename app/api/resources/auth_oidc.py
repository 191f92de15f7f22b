"""The login at an OpenID provider of /v1/auth: a browser goes there and comes back."""

from typing import Annotated

from litestar import Response, Router, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from app.api.access import PUBLIC
from app.api.auth_cookies import OIDC_COOKIE, build_device_cookie, build_oidc_cookie, build_refresh_cookie, read_cookie
from app.api.auth_requests import LOGIN_ERRORS, count_login, get_auth, get_client, unwrap
from app.api.dependencies import ApiRequest
from app.api.login_redirects import HANDLERS, LoginDeniedError
from app.api.openapi import describe_problem
from app.api.problems import ProblemError, build_problem
from app.auth.login import check_quotas
from app.auth.login_limits import build_address_quotas
from app.auth.oidc import FIRST_PAGE, Answer, OidcLogin, is_own_path
from app.auth.session_service import Denied

NO_PROVIDER = {404: describe_problem("no OpenID provider is set (auth.oidc.issuer)")}
OIDC_ERRORS = {**LOGIN_ERRORS, **NO_PROVIDER}
ReturnParameter = Annotated[str, QueryParameter(description="path of ours where the browser goes then, such as /docs", max_length=512)]
StateParameter = Annotated[str, QueryParameter(name="state", description="as the login began", max_length=512)]
CodeParameter = Annotated[str, QueryParameter(description="of the provider", max_length=4096)]
IssuerParameter = Annotated[str, QueryParameter(description="who answers (RFC 9207)", max_length=2048)]
ErrorParameter = Annotated[str, QueryParameter(name="error", description="why the provider gives no code", max_length=128)]
DENIED = "the login page with the code of what is wrong, for a browser (`Accept: text/html`); others get the problem"


@get(
    "/start",
    opt=PUBLIC,
    responses={302: ResponseSpec(None, description="the provider's page"), 303: ResponseSpec(None, description=DENIED), **OIDC_ERRORS},
    status_code=302,
    summary="Begin a login at the OpenID provider",
    operation_id="begin_oidc_login",
)
async def begin_oidc_login(request: ApiRequest, return_to: ReturnParameter = "/") -> Response[None]:
    """Sends the browser to the provider. A `return_to` that is no path of ours means the first page."""
    auth, oidc = get_auth(request), _get_oidc(request)
    unwrap(await check_quotas(auth.limiter, build_address_quotas(get_client(request).address)))
    begun = await oidc.begin(return_to)
    if isinstance(begun, Denied):
        raise LoginDeniedError(begun, return_to if is_own_path(return_to) else FIRST_PAGE)
    response: Response[None] = Response(None, status_code=302, headers={"location": begun.url, "cache-control": "no-store"})
    response.set_cookie(build_oidc_cookie(begun.state, is_secure=auth.is_secure))
    return response


@get(
    "/callback",
    opt=PUBLIC,
    responses={303: ResponseSpec(None, description=f"logged in; the refresh token is in the cookie. Or {DENIED}"), **OIDC_ERRORS},
    status_code=303,
    summary="End a login at the OpenID provider",
    operation_id="finish_oidc_login",
)
async def finish_oidc_login(
    request: ApiRequest,
    login_state: StateParameter = "",
    code: CodeParameter = "",
    iss: IssuerParameter = "",
    provider_error: ErrorParameter = "",
) -> Response[None]:
    """Where the provider sends the browser. The login must have begun in the same browser, minutes ago."""
    auth, oidc, client = get_auth(request), _get_oidc(request), get_client(request)
    unwrap(await check_quotas(auth.limiter, build_address_quotas(client.address)))
    cookie = read_cookie(request, OIDC_COOKIE, is_secure=auth.is_secure)
    found, return_to = await oidc.finish(Answer(login_state, code, iss, provider_error), cookie)
    grant = count_login(request, "oidc", found if isinstance(found, Denied) else await auth.sessions.start(found, "oidc", client, None))
    if isinstance(grant, Denied):
        raise LoginDeniedError(grant, return_to)
    response: Response[None] = Response(None, status_code=303, headers={"location": return_to, "cache-control": "no-store"})
    lifetime = int(auth.sessions.store.idle_timeout)
    response.set_cookie(build_refresh_cookie(grant.refresh_token, lifetime, is_secure=auth.is_secure))
    response.set_cookie(build_device_cookie(grant.device_cookie, is_secure=auth.is_secure))
    response.set_cookie(build_oidc_cookie("", is_secure=auth.is_secure))
    return response


def _get_oidc(request: ApiRequest) -> OidcLogin:
    oidc = get_auth(request).oidc
    if oidc is None:
        raise ProblemError(build_problem("not-found", "no OpenID provider is set (auth.oidc.issuer)"))
    return oidc


router = Router(
    "/v1/auth/oidc",
    route_handlers=[begin_oidc_login, finish_oidc_login],
    exception_handlers={**HANDLERS},
    tags=["login"],
)
