"""Every route with every role: the permission that it declares decides, and nothing else. New routes are in it by themselves."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from litestar.datastructures import State

from app.api.access import Access, DeclaredRoute, list_declared_routes
from app.api.asgi import build_framework
from schemas.permissions import ROLE_PERMISSIONS, TEST_PERMISSIONS, Permission, Role
from tests.integration.access.keys import build_headers, create_key
from tests.integration.webhooks.endpoints import open_endpoint_client

ROUTES = list_declared_routes(build_framework(State({}), body_limit=0))
FORBIDDEN, UNAUTHORIZED = "/docs#forbidden", "/docs#unauthorized"
PARAMETERS = {"channel": "email", "window_seconds": "60"}
"""What fits into a path; for all others the id of an object that nobody has."""


@pytest.fixture
async def client(database_copy_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway with this database that does not wait for the Kafka that there is not."""
    async with open_endpoint_client(database_copy_url, HEROLD_GATEWAY_PRODUCE_TIMEOUT="0.05") as client:
        yield client


def fill_path(route: DeclaredRoute) -> str:
    """The path with a value for each parameter."""
    return re.sub(r"{(\w+)(?::\w+)?}", lambda match: PARAMETERS.get(match[1], "nobody-has-this"), route.path)


async def request_route(client: httpx.AsyncClient, route: DeclaredRoute, headers: dict[str, str]) -> tuple[int, str, str]:
    """The status of the answer, its kind of problem, and the permission that it misses."""
    body = {} if route.method in ("GET", "DELETE") else {"json": {}}
    response = await client.request(route.method, fill_path(route), headers=headers, **body)
    is_problem = response.headers.get("content-type") == "application/problem+json"
    problem = response.json() if is_problem else {}
    return response.status_code, problem.get("type", ""), problem.get("permission", "")


def test_every_permission_is_of_a_route_or_of_a_part_of_one() -> None:
    used = {route.needs for route in ROUTES if isinstance(route.needs, Permission)}
    assert len(ROUTES) > 100
    assert len(used) > 30


@pytest.mark.parametrize("role", [*Role, "test"])
async def test_a_role_may_do_at_each_route_what_the_table_says(client: httpx.AsyncClient, role: str) -> None:
    is_test = role == "test"
    key = await create_key(client, Role.ADMIN if is_test else role, is_test=is_test)
    allowed, headers = TEST_PERMISSIONS if is_test else ROLE_PERMISSIONS[Role(role)], build_headers(key)
    wrong = []
    for route in ROUTES:
        status, kind, missing = await request_route(client, route, headers)
        is_denied = isinstance(route.needs, Permission) and route.needs not in allowed
        expected = (403, FORBIDDEN, route.needs) if is_denied else None
        if (status, kind, missing) != expected if expected else (status in (401, 500) or (kind == FORBIDDEN and missing == route.needs)):
            wrong.append((route.method, route.path, status, kind, missing))
    assert wrong == []


@pytest.mark.parametrize("credential", ["", "wrong", "hrl_live_aaaaaaaa_" + "0" * 49])
async def test_only_public_routes_answer_without_a_valid_credential(client: httpx.AsyncClient, credential: str) -> None:
    client.headers.pop("x-api-key")
    headers = {"x-api-key": credential} if credential else {}
    wrong = []
    for route in ROUTES:
        status, kind, _ = await request_route(client, route, headers)
        if (kind == UNAUTHORIZED and status == 401) is (route.needs is Access.PUBLIC):
            wrong.append((route.method, route.path, status, kind))
    assert wrong == []
