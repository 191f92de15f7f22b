"""Server-side requests: whoever names a URL in the API does not reach a server inside with it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.attack_urls import SPELLINGS
from tests.security.gateway import AttackedGateway

ENDPOINTS = "/v1/webhook-endpoints"
# the fields of requests that name a URL, and what becomes of them
REQUESTED = {"EndpointRequest.url", "EndpointChange.url"}  # Herold calls it: checked here, and again when a connection is opened
HIDDEN = (
    "https://user:password@hooks.example.org/",
    "https://hooks.example.org@127.0.0.1/",
    "https://hooks.example.org/#fragment",
    "https://hooks.example.org:22/",
    "https://hooks.example.org\r\nHost: inside/",
    "https://hooks.example.org\\@127.0.0.1/",
    "//127.0.0.1/",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "javascript:alert(1)",
    "https://",
)


def iterate_url_fields(document: dict[str, Any]) -> Iterator[str]:
    """The fields of bodies whose names say that they are URLs."""
    bodies = {
        schema["$ref"].rpartition("/")[2]
        for operations in document["paths"].values()
        for operation in operations.values()
        for content in operation.get("requestBody", {}).get("content", {}).values()
        if "$ref" in (schema := content["schema"])
    }
    schemas = document["components"]["schemas"]
    pending, seen = [*bodies], set(bodies)
    while pending:
        name = pending.pop()
        for field, schema in schemas[name].get("properties", {}).items():
            if any(word in field.lower() for word in ("url", "uri", "href", "callback", "endpoint")):
                yield f"{name}.{field}"
            for inner in set(find_references(schema)) - seen:
                seen.add(inner)
                pending.append(inner)


def find_references(schema: Any) -> Iterator[str]:
    """The schemas that one refers to."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].rpartition("/")[2]
        for value in schema.values():
            yield from find_references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from find_references(value)


def test_each_field_with_a_url_is_known(gateway: AttackedGateway) -> None:
    with gateway.open() as client:
        found = set(iterate_url_fields(client.get("/openapi.json").json()))
    assert found == REQUESTED


@pytest.mark.parametrize("kind", ["status", "user"])
def test_no_endpoint_inside_is_registered(gateway: AttackedGateway, kind: str) -> None:
    with gateway.open() as client:
        owner = {"kind": "status"} if kind == "status" else {"user_id": "u-ada"}
        urls = [*HIDDEN, *(f"http://{host}/" for host in SPELLINGS)]
        answers = {url: client.post(ENDPOINTS, json={**owner, "url": url}).status_code for url in urls}
    assert {url: status for url, status in answers.items() if status != 422} == {}


def test_no_endpoint_is_moved_inside(gateway: AttackedGateway) -> None:
    with gateway.open() as client:
        made = client.post(ENDPOINTS, json={"kind": "status", "url": "https://93.184.215.14/"}).json()
        for host in SPELLINGS:
            changed = client.patch(f"{ENDPOINTS}/{made['id']}", json={"url": f"http://{host}/"}, headers={"if-match": "*"})
            assert changed.status_code == 422, host
        assert client.get(f"{ENDPOINTS}/{made['id']}").json()["url"] == "https://93.184.215.14/"
