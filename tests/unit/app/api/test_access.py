"""What each route needs, and what a request gets whose principal does not have it."""

from typing import Any

import pytest
from litestar import Litestar, WebSocket, get, post, websocket
from litestar.datastructures import State
from litestar.testing import TestClient

from app.api.access import (
    AUTHENTICATED,
    PUBLIC,
    Access,
    UndeclaredRouteError,
    find_public_paths,
    guard_route,
    list_declared_routes,
    requires,
)
from app.api.asgi import build_framework
from app.api.exception_handlers import handle_problem
from app.api.middleware import GatewayMiddleware
from app.api.principal import Authenticator, Principal, Scheme
from app.api.problems import ProblemError
from app.telemetry import Metrics
from schemas.errors import UnavailableError
from schemas.permissions import Permission, Role, select_permissions
from tests.unit.app.api.harness import HEADERS, GatewayHarness, make_notification_id

SUBMISSION = {"user_id": "anna@example.org", "type": "order.shipped"}
URL = "/v1/notifications"


@get("/declared", opt=requires(Permission.RULES_READ))
async def declared() -> None: ...


@get("/me", opt=AUTHENTICATED)
async def me() -> None: ...


@post("/me", opt=PUBLIC)
async def enter() -> None: ...


@get("/undeclared")
async def undeclared() -> None: ...


@get("/misspelt", opt={"access": "rules:read"})
async def misspelt() -> None: ...


@websocket("/socket")
async def open_socket(socket: WebSocket[Any, Any, Any]) -> None: ...


def build_authenticator(role: Role, *scopes: Permission) -> Authenticator:
    """Accepts every credential as that of a key with this role and these scopes."""
    principal = Principal("key", "ab12cd34", "shop", role, select_permissions(role, scopes))

    async def accept(scheme: Scheme, credential: bytes) -> Principal | None:
        return principal

    return accept


def test_an_app_with_a_route_without_a_declaration_is_not_built() -> None:
    with pytest.raises(UndeclaredRouteError, match="GET /misspelt, GET /undeclared: declare"):
        list_declared_routes(Litestar([undeclared, declared, misspelt], openapi_config=None))
    with pytest.raises(UndeclaredRouteError, match="/socket"):
        list_declared_routes(Litestar([open_socket], openapi_config=None))


def test_declarations_are_listed_by_path_and_method() -> None:
    routes = list_declared_routes(Litestar([me, enter, declared], openapi_config=None))
    assert [(route.method, route.path, route.needs) for route in routes] == [
        ("GET", "/declared", Permission.RULES_READ),
        ("GET", "/me", Access.AUTHENTICATED),
        ("POST", "/me", Access.PUBLIC),
    ]


def test_public_are_the_paths_of_public_routes_and_nothing_else() -> None:
    paths = find_public_paths(build_framework(State({}), 0))
    assert all(paths.contains(path) for path in ("/", "/healthz", "/readyz", "/docs", "/openapi.json", "/u/token", "/v1/callbacks/twilio"))
    assert not any(paths.contains(path) for path in ("/metrics", "/v1", "/healthz/", "/u", "/v1/callbacks", "/schema", URL))


@pytest.mark.parametrize(("path", "method", "status"), [("/me", "GET", 401), ("/me", "POST", 201), ("/declared", "GET", 401)])
def test_the_guard_stops_requests_of_nobody_also_at_a_path_with_a_public_route(path: str, method: str, status: int) -> None:
    handlers = {ProblemError: handle_problem}
    app = Litestar([me, enter, declared], guards=[guard_route], exception_handlers=handlers, openapi_config=None)
    authenticators = GatewayHarness().authenticators
    with TestClient(GatewayMiddleware(app, authenticators, find_public_paths(app), 1000, Metrics(), lambda: 0.0)) as client:
        assert client.request(method, path).status_code == status
        assert client.request(method, path, headers=HEADERS).status_code in (200, 201)


def test_403_names_the_missing_permission() -> None:
    with GatewayHarness(authenticators=[build_authenticator(Role.VIEWER)]).build_client() as client:
        response = client.delete("/v1/rules/order.shipped")
    assert response.status_code == 403
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (problem["type"], problem["permission"]) == ("/docs#forbidden", "rules:write")
    assert "rules:write" in problem["detail"]
    assert "viewer" in problem["detail"]


@pytest.mark.parametrize("path", [URL, URL + "/"])
def test_the_hot_path_needs_the_permission_to_send(path: str) -> None:
    harness = GatewayHarness(authenticators=[build_authenticator(Role.VIEWER)])
    with harness.build_client() as client:
        response = client.post(path, json=SUBMISSION)
    assert (response.status_code, response.json()["permission"]) == (403, "notifications:send")
    assert harness.publisher.records == []


def test_scopes_limit_a_key() -> None:
    authenticators = [build_authenticator(Role.SERVICE, Permission.NOTIFICATIONS_SEND)]
    with GatewayHarness(authenticators=authenticators).build_client() as client:
        assert client.post(URL, json=SUBMISSION).status_code == 202
        assert client.get(f"{URL}/{make_notification_id()}").status_code == 403


def test_the_exact_bytes_of_a_dead_letter_need_more() -> None:
    with GatewayHarness(authenticators=[build_authenticator(Role.OPERATOR)]).build_client() as client:
        response = client.get("/v1/dead-letters/dlq_1", params={"exact": True})
    assert (response.status_code, response.json()["permission"]) == (403, "users:unmask")


async def know_nothing(scheme: Scheme, credential: bytes) -> Principal | None:
    raise UnavailableError("PostgreSQL does not answer")


def test_a_credential_that_nobody_can_check_is_503_and_not_401() -> None:
    with GatewayHarness(authenticators=[know_nothing]).build_client() as client:
        response = client.get("/v1/rules")
        assert (response.status_code, response.json()["type"]) == (503, "/docs#unavailable")
        assert response.headers["retry-after"] == "5"
        assert client.get("/healthz").status_code == 200


def test_openapi_shows_what_each_route_needs() -> None:
    with GatewayHarness().build_client() as client:
        document = client.get("/openapi.json").json()
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    assert all(operation["x-permission"] for operation in operations)
    for operation in operations:
        is_public = operation["x-permission"] == "public"
        assert ("403" in operation["responses"]) or is_public
        assert (operation.get("security") == [{}]) == is_public
    put_rule = document["paths"]["/v1/rules/{rule_type}"]["put"]
    assert put_rule["x-permission"] == "rules:write"
    assert "403" in put_rule["responses"]


def test_the_frameworks_own_pages_are_not_there() -> None:
    with GatewayHarness().build_client() as client:
        assert [client.get(path).status_code for path in ("/schema", "/schema/openapi.json", "/schema/swagger")] == [404] * 3


def test_options_say_the_methods_of_a_path_to_whoever_may_know_it() -> None:
    with GatewayHarness(authenticators=[build_authenticator(Role.SERVICE)]).build_client() as client:
        assert client.options("/v1/rules").status_code == 204
        client.headers.pop("authorization")
        assert client.options("/v1/rules").status_code == 401
