"""Exports and erasures need a permission each, and a valid id; what does not answer is said."""

import pytest

from tests.unit.app.api.harness import GatewayHarness


@pytest.fixture
def harness() -> GatewayHarness:
    return GatewayHarness()


@pytest.mark.parametrize(("method", "path"), [("GET", "export"), ("POST", "erasure")])
def test_without_the_database_the_client_may_try_again(harness: GatewayHarness, method: str, path: str) -> None:
    with harness.build_client() as client:
        response = client.request(method, f"/v1/users/u-1/{path}")
    assert response.status_code == 503
    assert response.json()["type"].endswith("unavailable")


@pytest.mark.parametrize("body", [b'{"reason": 7}', b'{"resaon": "x"}', b"{", b'{"reason": "%s"}' % (b"x" * 129)])
def test_an_order_that_is_not_valid_erases_nothing(harness: GatewayHarness, body: bytes) -> None:
    with harness.build_client() as client:
        response = client.post("/v1/users/u-1/erasure", content=body)
    assert response.status_code in (400, 422)


def test_an_id_that_nobody_can_have_is_not_looked_for(harness: GatewayHarness) -> None:
    with harness.build_client() as client:
        assert client.get("/v1/users/" + "x" * 257 + "/export").status_code == 422
        assert client.post("/v1/users/" + "x" * 257 + "/erasure").status_code == 422


def test_the_routes_declare_their_permissions(harness: GatewayHarness) -> None:
    with harness.build_client() as client:
        paths = client.get("/openapi.json").json()["paths"]
    assert paths["/v1/users/{user_id}/export"]["get"]["x-permission"] == "users:export"
    assert paths["/v1/users/{user_id}/erasure"]["post"]["x-permission"] == "users:erase"
