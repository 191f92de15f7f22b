"""Idempotency-Key on the routes of the framework, with handlers that count how often they ran."""

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from litestar import Litestar, Request, Response, post
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.testing import TestClient

from app.api.access import AUTHENTICATED, guard_route, requires
from app.api.asgi import build_framework
from app.api.exception_handlers import handle_problem
from app.api.principal import PRINCIPAL, Principal
from app.api.problems import ProblemError, build_problem
from app.api.repeated_requests import (
    HANDLES_KEY,
    REPETITION,
    RepeatedRequests,
    iterate_keyed_routes,
    shows_secret,
    takes_key,
)
from app.api.resources.projects import create_project_api_key
from schemas.permissions import ROLE_PERMISSIONS, Permission, Role
from tests.unit.app.api.harness import MemoryIdempotentResponses

SECRET = "whsec_4f1a9c"
ADDRESS = "ada@example.org"
HARMLESS = {
    "preview_filter",
    "preview_template",
    "preview_notification",
    "preview_schedule",
    "check_template",
    "check_rule",
    "simulate_rule",
    "create_live_ticket",
}
OWN = {"submit_notification", "submit_notifications"}


class Harness:
    """A framework with a few routes; `principal` makes the requests."""

    def __init__(self, body_limit: int = 1000) -> None:
        self.calls, self.fails = 0, False
        self.principal = Principal("key", "ab12cd34", "shop", Role.ADMIN, ROLE_PERMISSIONS[Role.ADMIN])
        self.store = MemoryIdempotentResponses()
        state = State({"dependencies": SimpleNamespace(idempotent_responses=self.store)})
        app = Litestar(
            self._build_handlers(),
            middleware=[RepeatedRequests],
            guards=[guard_route],
            exception_handlers={ProblemError: handle_problem},
            state=state,
            openapi_config=None,
            request_max_body_size=body_limit,
        )

        async def authenticated(scope: Any, receive: Any, send: Any) -> None:
            scope[PRINCIPAL], scope["request_id"] = self.principal, b"request-1"
            await app(scope, receive, send)

        self.client = TestClient(authenticated)  # type: ignore[arg-type]

    def _build_handlers(self) -> list[Any]:
        @post("/things/{name:str}", opt=requires(Permission.RULES_WRITE))
        async def make(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[dict[str, Any]]:
            return self._answer({"id": name, "body": (await request.body()).decode(), "address": ADDRESS})

        @post("/others", opt=requires(Permission.RULES_WRITE), status_code=202)
        async def make_other() -> Response[dict[str, Any]]:
            return self._answer({})

        @post("/secrets", opt={**requires(Permission.RULES_WRITE), **shows_secret("/v1/secrets/{id}")})
        async def make_secret() -> Response[dict[str, Any]]:
            return self._answer({"id": "s-1", "secret": SECRET})

        @post("/projects/acme/api-keys", opt=create_project_api_key.opt)
        async def make_first_key() -> Response[dict[str, Any]]:
            return self._answer({"id": "ab12", "secret": SECRET})

        @post("/own", opt={**requires(Permission.RULES_WRITE), **HANDLES_KEY})
        async def handle_key() -> Response[dict[str, Any]]:
            return self._answer({})

        @post("/login", opt=AUTHENTICATED)
        async def log_in() -> Response[dict[str, Any]]:
            return self._answer({})

        return [make, make_other, make_secret, make_first_key, handle_key, log_in]

    def _answer(self, body: dict[str, Any]) -> Response[dict[str, Any]]:
        self.calls += 1
        if self.fails:
            raise ProblemError(build_problem("unavailable", "PostgreSQL does not answer"))
        return Response({**body, "call": self.calls}, headers={"etag": f'"{self.calls}"', "x-other": "no"})

    def post(self, path: str = "/things/a", key: str = "key-1", body: Any = None) -> Any:
        return self.client.post(path, json={"n": 1} if body is None else body, headers={"idempotency-key": key})


def test_a_repeated_request_gets_the_first_response() -> None:
    harness = Harness()
    first, again = harness.post(), harness.post(body={"n": 1.0})
    assert (first.status_code, first.json()["call"], first.headers["x-other"]) == (201, 1, "no")
    assert (again.status_code, again.content, again.headers["etag"]) == (201, first.content, first.headers["etag"])
    assert again.headers["content-type"] == first.headers["content-type"]
    assert harness.calls == 1


@pytest.mark.parametrize(("path", "body"), [("/things/a", {"n": 2}), ("/things/b", None), ("/things/a?x=1", None)])
def test_another_request_with_the_key_is_rejected(path: str, body: Any) -> None:
    harness = Harness()
    harness.post()
    other = harness.post(path, body=body)
    assert (other.status_code, other.json()["code"], harness.calls) == (422, "idempotency-key-conflict", 1)


@pytest.mark.parametrize("changes", [{"id": "ef56gh78"}, {"project": "acme"}, {"is_test": True}, {"kind": "account"}])
def test_keys_of_others_do_not_meet(changes: dict[str, Any]) -> None:
    harness = Harness()
    harness.post()
    permissions = frozenset({Permission.RULES_WRITE})
    harness.principal = msgspec.structs.replace(harness.principal, permissions=permissions, **changes)
    assert harness.post(body={"n": 2}).json()["call"] == 2


def test_a_key_counts_for_one_route() -> None:
    harness = Harness()
    assert [harness.post(path).status_code for path in ("/things/a", "/others", "/others")] == [201, 202, 202]
    assert harness.calls == 2


def test_without_a_key_each_request_counts() -> None:
    harness = Harness()
    assert [harness.client.post("/things/a").json()["call"] for _ in range(2)] == [1, 2]


def test_an_error_is_not_stored() -> None:
    harness = Harness()
    harness.fails = True
    assert harness.post().status_code == 503
    harness.fails = False
    assert (harness.post().status_code, harness.post().json()["call"]) == (201, 2)


def test_a_request_in_progress_is_waited_for() -> None:
    harness = Harness()
    harness.post()
    harness.store.responses = {name: (fingerprint, None) for name, (fingerprint, _) in harness.store.responses.items()}
    response = harness.post()
    assert (response.status_code, response.json()["code"]) == (409, "idempotency-key-in-progress")
    assert response.headers["retry-after"] == "1"


def test_a_secret_is_shown_once_and_stored_nowhere() -> None:
    harness = Harness()
    assert harness.post("/secrets").json()["secret"] == SECRET
    again = harness.post("/secrets")
    assert (again.status_code, again.json()["code"], again.json()["resource"]) == (409, "response-shown-once", "/v1/secrets/s-1")
    assert again.headers["location"] == "/v1/secrets/s-1"
    assert again.json()["detail"].endswith("if the response did not arrive, rotate it")
    assert SECRET not in again.text
    assert harness.calls == 1


def test_the_first_key_of_a_project_is_not_for_the_caller_to_rotate() -> None:
    harness = Harness()
    harness.post("/projects/acme/api-keys")
    again = harness.post("/projects/acme/api-keys")
    assert (again.status_code, again.headers["location"]) == (409, "/v1/api-keys/ab12")
    assert "make another key of the project" in again.json()["detail"]
    assert "rotate" not in again.json()["detail"]


def test_what_is_stored_can_only_be_read_with_the_request() -> None:
    harness = Harness()
    harness.post(key="order-17")
    ((name, (_, stored)),) = harness.store.responses.items()
    assert stored is not None
    assert all(text not in name.encode() + stored.body for text in (ADDRESS.encode(), b"order-17", b"call"))


def test_a_damaged_response_is_an_error() -> None:
    harness = Harness()
    harness.post()
    ((name, (fingerprint, stored)),) = harness.store.responses.items()
    assert stored is not None
    harness.store.responses[name] = fingerprint, stored._replace(body=stored.body[:-1])
    assert harness.post().json()["code"] == "conflict"


def test_a_stored_response_needs_the_permission() -> None:
    harness = Harness()
    harness.post()
    harness.principal = msgspec.structs.replace(harness.principal, role=Role.VIEWER, permissions=ROLE_PERMISSIONS[Role.VIEWER])
    assert harness.post().status_code == 403


@pytest.mark.parametrize("key", ["", "k" * 201])
def test_a_key_has_a_length(key: str) -> None:
    harness = Harness()
    assert (harness.post(key=key).status_code, harness.calls) == (400, 0)


def test_a_body_with_a_key_has_the_limit_of_its_route() -> None:
    assert Harness(body_limit=10).post(body={"n": "a" * 20}).status_code == 413


@pytest.mark.parametrize("path", ["/own", "/login"])
def test_other_routes_are_left_alone(path: str) -> None:
    harness = Harness()
    assert [harness.post(path).json()["call"] for _ in range(2)] == [1, 2]
    assert harness.store.responses == {}


def test_every_route_that_changes_something_takes_a_key() -> None:
    """So a new one does, too; whoever adds an exception adds it here."""
    framework = build_framework(State(), 1000)
    posts = [handler for route in framework.routes for handler in getattr(route, "route_handlers", ()) if "POST" in handler.http_methods]
    guarded = [handler for handler in posts if isinstance(handler.opt.get("access"), Permission)]
    assert {str(handler.operation_id) for handler in guarded if not takes_key(handler)} == HARMLESS | OWN


def test_every_response_with_a_secret_is_declared() -> None:
    for _, handler in iterate_keyed_routes(build_framework(State(), 1000)):
        name = str(handler.parsed_fn_signature.return_type.annotation)
        assert (REPETITION in handler.opt) == ("Created" in name), handler.operation_id
