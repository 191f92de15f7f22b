"""The cookies of browsers that are logged in, and the check that a request with one comes from our own pages (CSRF).

A refresh token in a cookie is for the paths of /v1/auth only, no script can read it, and no other site's page can send it (SameSite). The
header is a second check: a page of another site cannot set it without asking first (CORS), and Origin must be ours even if it may ask.
"""

from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from litestar.datastructures import Cookie

from app.api.dependencies import ApiRequest
from app.api.problems import ProblemError, build_problem

PATH = "/v1/auth"
CSRF_HEADER = "herold-csrf"
REFRESH_COOKIE, DEVICE_COOKIE, OIDC_COOKIE = "herold_refresh", "herold_device", "herold_oidc"
DEVICE_SECONDS = 365 * 86_400
OIDC_SECONDS = 300
OWN_SITES = frozenset({"same-origin", "none"})  # none: the person has typed the address


def build_refresh_cookie(token: str, seconds: int, *, is_secure: bool) -> Cookie:
    """The cookie with a refresh token; an empty one removes it."""
    return _build_cookie(REFRESH_COOKIE, token, seconds if token else 0, PATH, is_secure=is_secure, is_strict=True)


def build_device_cookie(value: str, *, is_secure: bool) -> Cookie:
    """The cookie of a device on which somebody has logged in."""
    return _build_cookie(DEVICE_COOKIE, value, DEVICE_SECONDS, PATH, is_secure=is_secure, is_strict=True)


def build_oidc_cookie(state: str, *, is_secure: bool) -> Cookie:
    """The cookie of a login at the OpenID provider, whose page sends the browser back: Strict would keep it from us."""
    return _build_cookie(OIDC_COOKIE, state, OIDC_SECONDS if state else 0, f"{PATH}/oidc", is_secure=is_secure, is_strict=False)


def read_cookie(request: ApiRequest, name: str, *, is_secure: bool) -> str:
    """A cookie of a request, by the name that it has with or without TLS; empty without it."""
    try:
        cookies = SimpleCookie(request.headers.get("cookie", ""))
    except CookieError:
        return ""
    found = cookies.get(_get_cookie_name(name, is_secure=is_secure))
    return found.value if found else ""


def check_own_page(request: ApiRequest, public_url: str) -> None:
    """Raise ProblemError unless the request comes from a page of ours, or from a program that sets the header."""
    if request.headers.get(CSRF_HEADER) != "1":
        raise ProblemError(build_problem("cross-site-request", "a request that sets or uses a cookie needs the header Herold-CSRF: 1"))
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site", "none")
    if site not in OWN_SITES or (origin is not None and origin != _get_origin(public_url)):
        raise ProblemError(build_problem("cross-site-request", "the request comes from a page of another site"))


def _get_origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _get_cookie_name(name: str, *, is_secure: bool) -> str:
    """With TLS a name that browsers take from TLS only, so that no page without it can set the cookie."""
    return f"__Secure-{name}" if is_secure else name


def _build_cookie(name: str, value: str, seconds: int, path: str, *, is_secure: bool, is_strict: bool) -> Cookie:
    return Cookie(
        key=_get_cookie_name(name, is_secure=is_secure),
        value=value,
        max_age=seconds,
        path=path,
        secure=is_secure,
        httponly=True,
        samesite="strict" if is_strict else "lax",
    )
