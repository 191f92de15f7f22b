"""Bodies that are not JSON are 415; HEAD is GET without the body; OPTIONS names the methods."""

import pytest

from tests.unit.app.api.harness import GatewayHarness, make_notification_id

MISSING = f"/v1/notifications/{make_notification_id()}"
CHANGES = [("PUT", "/v1/users/u-1"), ("PATCH", "/v1/users/u-1"), ("POST", "/v1/broadcasts"), ("POST", "/v1/notifications/bulk")]


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_a_body_that_is_not_json_is_a_problem(method: str, path: str) -> None:
    with GatewayHarness().build_client() as client:
        response = client.request(method, path, content=b"<user/>", headers={"content-type": "application/xml"})
        as_json = client.request(method, path, content=b"<user/>", headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (415, "unsupported-media-type")
    assert "application/json" in response.json()["detail"]
    assert as_json.status_code == 422


def test_callbacks_take_what_providers_send() -> None:
    with GatewayHarness().build_client() as client:
        response = client.post("/v1/callbacks/twilio", content=b"a=b", headers={"content-type": "text/plain"})
    assert response.status_code != 415


@pytest.mark.parametrize("path", ["/healthz", "/docs", MISSING, "/no/such/path"])
def test_head_is_get_without_the_body(path: str) -> None:
    with GatewayHarness().build_client() as client:
        got, head = client.get(path), client.head(path)
    assert head.status_code == got.status_code
    assert head.content == b""
    assert head.headers["content-type"] == got.headers["content-type"]


def test_head_needs_a_key_too() -> None:
    with GatewayHarness().build_client() as client:
        assert client.head(MISSING, headers={"authorization": "Bearer wrong"}).status_code == 401


def test_options_names_the_methods() -> None:
    with GatewayHarness().build_client() as client:
        response = client.options("/v1/users/u-1")
    assert response.status_code == 204
    assert response.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"
    assert response.content == b""


def test_options_of_no_path_is_404() -> None:
    with GatewayHarness().build_client() as client:
        assert client.options("/no/such/path").status_code == 404
