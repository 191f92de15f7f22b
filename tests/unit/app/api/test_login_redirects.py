"""Where a browser goes whose login is denied; each denial is tested with a real provider (tests/integration/auth/test_oidc.py)."""

from typing import Any

import pytest
from litestar import Litestar, get
from litestar.exceptions import ValidationException
from litestar.testing import TestClient

from app.api.login_redirects import HANDLERS, build_login_page, wants_page
from app.api.problems import ProblemError, build_problem
from schemas.errors import ConflictError, UnavailableError

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("accept", ["", "*/*", "application/json", "application/problem+json", "application/json, text/html;q=0.5"])
def test_a_program_gets_the_problem(accept: str) -> None:
    assert not wants_page(accept)
    assert wants_page(BROWSER)


@pytest.mark.parametrize(
    ("return_to", "page"),
    [
        ("/dashboard/", "/dashboard/?login_error=no_role"),
        ("/dashboard/users?search=a%26b", "/dashboard/users?search=a%26b&login_error=no_role"),
        ("/dashboard/sla#burn", "/dashboard/sla?login_error=no_role"),
        ("/docs", "/dashboard/?login_error=no_role"),
        ("/", "/dashboard/?login_error=no_role"),
        ("/dashboardx", "/dashboard/?login_error=no_role"),
        ("//attacker.example/dashboard/", "/dashboard/?login_error=no_role"),
    ],
)
def test_the_login_page_is_in_the_place_of_the_page_that_was_asked_for(return_to: str, page: str) -> None:
    assert build_login_page(return_to, "no_role") == page


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ProblemError(build_problem("too-many-requests", "wait", retry_after=3)), 429, "too_many_requests"),
        (UnavailableError("PostgreSQL"), 503, "unavailable"),
        (ConflictError("there is one"), 409, "conflict"),
        (ValidationException(), 422, "bad_request"),
    ],
)
def test_each_error_of_a_login_leads_a_browser_to_the_login_page(error: Exception, status: int, code: str) -> None:
    @get("/login")
    async def fail() -> None:
        raise error

    handlers: Any = HANDLERS
    with TestClient(Litestar([fail], exception_handlers=handlers)) as client:
        program = client.get("/login")
        browser = client.get("/login", headers={"accept": BROWSER}, follow_redirects=False)
    assert (program.status_code, program.headers["content-type"]) == (status, "application/problem+json")
    assert (browser.status_code, browser.headers["location"]) == (303, f"/dashboard/?login_error={code}")
    assert (browser.content, browser.headers["cache-control"]) == (b"", "no-store")
