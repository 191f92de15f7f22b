import re
from typing import Any

from litestar.datastructures import State

from app.api.access import list_declared_routes
from app.api.asgi import build_framework
from app.api.problems import PROBLEM_KINDS
from tests.unit.app.api.harness import GatewayHarness


def fetch_openapi_document() -> dict[str, Any]:
    with GatewayHarness().build_client() as client:
        document: dict[str, Any] = client.get("/openapi.json").json()
        return document


def test_every_route_is_described() -> None:
    """Which routes there are is in docs/reference/openapi.json, whose test finds each that is added or removed."""
    paths = fetch_openapi_document()["paths"]
    routes = list_declared_routes(build_framework(State(), body_limit=0))
    described = {(route.method.lower(), route.path) for route in routes if route.operation}
    assert described == {(method, path) for path, methods in paths.items() for method in methods}
    assert ("post", "/v1/notifications") in described
    assert set(paths["/v1/notifications"]) == {"get", "post"}


def test_request_bodies_have_the_schemas_of_their_structs() -> None:
    document = fetch_openapi_document()
    content = document["paths"]["/v1/notifications"]["post"]["requestBody"]["content"]["application/json"]
    assert content["schema"] == {"$ref": "#/components/schemas/Submission"}
    submission = document["components"]["schemas"]["Submission"]
    assert submission["required"] == ["user_id", "type"]
    assert submission["properties"]["user_id"]["maxLength"] == 256
    bulk = document["paths"]["/v1/notifications/bulk"]["post"]["requestBody"]["content"]["application/json"]
    assert bulk["schema"] == {"$ref": "#/components/schemas/BulkRequest"}


def test_every_change_of_a_resource_has_a_body() -> None:
    paths = fetch_openapi_document()["paths"]
    changes = {
        (path, method): one for path, methods in paths.items() for method, one in methods.items() if method in ("put", "patch", "post")
    }
    assert sorted(place for place, operation in changes.items() if not operation.get("requestBody")) == [
        ("/v1/live/tickets", "post"),  # a ticket is for whoever asks
        ("/v1/notifications/{notification_id}/read", "post"),  # it was read now
    ]


def test_every_schema_says_what_it_is() -> None:
    schemas = fetch_openapi_document()["components"]["schemas"]
    assert [name for name, schema in schemas.items() if not schema.get("description")] == []


def test_every_list_has_an_example_with_items() -> None:
    """A new list needs a line in app/api/list_examples.py."""
    document = fetch_openapi_document()
    lists = {
        path: methods["get"]["responses"]["200"]["content"].get("application/json")
        for path, methods in document["paths"].items()
        if path.startswith("/v1/") and "get" in methods and is_list(document, methods["get"])
    }
    assert len(lists) >= 13
    assert [path for path, content in lists.items() if not content.get("example")] == []
    assert [
        path for path, content in lists.items() if not (content["example"].get("items") or content["example"].get("notifications"))
    ] == []


def is_list(document: dict[str, Any], operation: dict[str, Any]) -> bool:
    content = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
    schema = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    return bool({"items", "notifications"} & set(document["components"]["schemas"].get(schema, {}).get("properties", {})))


def test_every_reference_has_a_schema() -> None:
    document = fetch_openapi_document()
    names = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert names
    assert names <= set(document["components"]["schemas"])


def test_every_error_is_a_problem() -> None:
    document = fetch_openapi_document()
    for methods in document["paths"].values():
        for operation in methods.values():
            errors = [response for status, response in operation["responses"].items() if status >= "400" and status != "503"]
            shared = [document["components"]["responses"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in errors]
            assert all("application/problem+json" in response["content"] for response in shared)


def test_the_page_loads_nothing_from_other_hosts() -> None:
    with GatewayHarness().build_client() as client:
        response = client.get("/docs")
        root = client.get("/", follow_redirects=False)
    assert response.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", response.text)
    assert all(f'id="{kind}"' in response.text for kind in PROBLEM_KINDS)
    assert root.headers["location"] == "/dashboard/"
