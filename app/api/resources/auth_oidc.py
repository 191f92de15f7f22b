"""The login at an OpenID provider of /v1/auth: a browser goes there and comes back."""

from typing import Annotated

from litestar import Response, Router, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from app.api.access import PUBLIC
from app.api.auth_cookies import OIDC_COOKIE, build_device_cookie, build_oidc_cookie, build_refresh_cookie, read_cookie
from app.api.auth_requests import LOGIN_ERRORS, count_login, get_auth, get_client, unwrap
from app.api.dependencies import ApiRequest
from app.api.openapi import describe_problem
from app.api.problems import ProblemError, build_problem
from app.api.resources.audiences import handle_conflict
from app.auth.login import check_quotas
from app.auth.login_limits import build_address_quotas
from app.auth.oidc import OidcLogin
from app.auth.session_service import Denied
from schemas.errors import ConflictError

NO_PROVIDER = {404: describe_problem("no OpenID provider is set (auth.oidc.issuer)")}
OIDC_ERRORS = {**LOGIN_ERRORS, **NO_PROVIDER}
ReturnParameter = Annotated[str, QueryParameter(description="path of ours where the browser goes then, such as /docs", max_length=512)]
StateParameter = Annotated[str, QueryParameter(name="state", description="as the login began", max_length=512)]
CodeParameter = Annotated[str, QueryParameter(description="of the provider", max_length=4096)]
IssuerParameter = Annotated[str, QueryParameter(description="who answers (RFC 9207)", max_length=2048)]


@get(
    "/start",
    opt=PUBLIC,
    responses={302: ResponseSpec(None, description="the provider's page"), **OIDC_ERRORS},
    status_code=302,
    summary="Begin a login at the OpenID provider",
    operation_id="begin_oidc_login",
)
async def begin_oidc_login(request: ApiRequest, return_to: ReturnParameter = "/") -> Response[None]:
    """Sends the browser to the provider. A `return_to` that is no path of ours means the first page."""
    auth, oidc = get_auth(request), _get_oidc(request)
    unwrap(await check_quotas(auth.limiter, build_address_quotas(get_client(request).address)))
    begun = unwrap(await oidc.begin(return_to))
    response: Response[None] = Response(None, status_code=302, headers={"location": begun.url, "cache-control": "no-store"})
    response.set_cookie(build_oidc_cookie(begun.state, is_secure=auth.is_secure))
    return response


@get(
    "/callback",
    opt=PUBLIC,
    responses={303: ResponseSpec(None, description="logged in; the refresh token is in the cookie"), **OIDC_ERRORS},
    status_code=303,
    summary="End a login at the OpenID provider",
    operation_id="finish_oidc_login",
)
async def finish_oidc_login(
    request: ApiRequest, login_state: StateParameter = "", code: CodeParameter = "", iss: IssuerParameter = ""
) -> Response[None]:
    """Where the provider sends the browser. The login must have begun in the same browser, minutes ago."""
    auth, oidc, client = get_auth(request), _get_oidc(request), get_client(request)
    unwrap(await check_quotas(auth.limiter, build_address_quotas(client.address)))
    found = await oidc.finish(login_state, read_cookie(request, OIDC_COOKIE, is_secure=auth.is_secure), code, iss)
    result = found if isinstance(found, Denied) else await auth.sessions.start(found.account, "oidc", client, None)
    grant, target = unwrap(count_login(request, "oidc", result)), "/" if isinstance(found, Denied) else found.return_to
    response: Response[None] = Response(None, status_code=303, headers={"location": target, "cache-control": "no-store"})
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
    exception_handlers={ConflictError: handle_conflict},
    tags=["login"],
)
