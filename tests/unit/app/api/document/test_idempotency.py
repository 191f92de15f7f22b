"""Idempotency-Key in the OpenAPI document."""

from typing import Any

import pytest
from litestar.datastructures import State

from app.api.asgi import build_framework
from app.api.document.idempotency import add_idempotency_key
from app.api.openapi import build_openapi_document
from app.api.repeated_requests import iterate_keyed_routes


@pytest.mark.parametrize("shows_secret", [False, True])
def test_what_was_described_stays(shows_secret: bool) -> None:
    operation: dict[str, Any] = {"responses": {"409": {"description": "the state does not allow this"}}}
    add_idempotency_key(operation, shows_secret=shows_secret)
    assert set(operation["responses"]) == {"400", "409", "422"}
    description = operation["responses"]["409"]["description"]
    assert description.startswith("the state does not allow this; or the first request")
    assert ("shown once" in description) == shows_secret


def test_every_keyed_route_has_the_parameter() -> None:
    framework = build_framework(State(), 1000)
    document = build_openapi_document(framework)
    (name,) = [name for name, value in document["components"]["parameters"].items() if value["name"] == "Idempotency-Key"]
    for path, _ in iterate_keyed_routes(framework):
        operation = document["paths"][path]["post"]
        assert {"$ref": f"#/components/parameters/{name}"} in operation["parameters"], path
        assert {"400", "409", "422"} <= set(operation["responses"])
