"""What the login page asks for before anybody is logged in; logins are tested on real servers (tests/integration/auth)."""

from tests.unit.app.api.harness import GatewayHarness


def test_where_nobody_can_log_in_there_is_no_way_and_that_is_no_error() -> None:
    with GatewayHarness().build_client() as client:
        response = client.get("/v1/auth/methods", headers={"authorization": "Bearer of nobody"})
    assert (response.status_code, response.json()) == (200, {"password": False, "passkey": False, "oidc": None})
    assert response.headers["cache-control"] == "public, max-age=60"
