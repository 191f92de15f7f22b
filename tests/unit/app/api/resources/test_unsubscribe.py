"""The pages behind links, as far as they need no database: who gets in, and what a page says that cannot be shown."""

import pytest
from litestar.testing import TestClient

from schemas.message_links import LinkBuilder, LinkTarget
from tests.unit.app.api.harness import LINK_TOKENS, GatewayHarness
from tests.unit.app.api.pages.page_structure import PageStructure

PATH = LinkBuilder(LINK_TOKENS, "").build(LinkTarget("u-42", "marketing", "email", "ntf_1")).unsubscribe_url
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def client() -> TestClient:  # type: ignore[type-arg]
    client = GatewayHarness().build_client()
    del client.headers["authorization"]
    return client


@pytest.mark.parametrize("path", [PATH[:-1], PATH + "x", "/u/x", "/u/" + "x" * 3000, "/u/%2F", "/u/x/preferences"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_of_somebody_else_is_404_in_words(client: TestClient, path: str, method: str) -> None:  # type: ignore[type-arg]
    response = client.request(method, path, headers={"accept-language": "de"}, data=ONE_CLICK if method == "POST" else None)
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")
    PageStructure(response.text).check_accessibility()
    assert "Dieser Link funktioniert nicht" in response.text


@pytest.mark.parametrize(("method", "path"), [("GET", PATH), ("POST", PATH), ("GET", PATH + "/preferences")])
def test_without_postgresql_a_page_says_that_nothing_was_changed(client: TestClient, method: str, path: str) -> None:  # type: ignore[type-arg]
    response = client.request(method, path, data=ONE_CLICK if method == "POST" else None)
    assert (response.status_code, response.headers["retry-after"]) == (503, "60")
    assert "Nothing was changed" in response.text


def test_every_page_is_kept_from_caches_frames_scripts_and_other_hosts(client: TestClient) -> None:  # type: ignore[type-arg]
    for response in (client.get("/u/x"), client.get(PATH), client.post(PATH)):
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
        assert "set-cookie" not in response.headers


@pytest.mark.parametrize("data", [{}, {"List-Unsubscribe": "Two-Clicks"}, {"action": "other"}])
def test_a_post_that_asks_for_nothing_changes_nothing(client: TestClient, data: dict[str, str]) -> None:  # type: ignore[type-arg]
    assert client.post(PATH, data=data).status_code == 422
    assert client.post(PATH + "/preferences", data=data).status_code == 422


def test_a_large_form_is_rejected(client: TestClient) -> None:  # type: ignore[type-arg]
    assert client.post(PATH, data={"action": "x" * 70_000}).status_code == 413


@pytest.mark.parametrize("path", ["/u", "/ux", "/u/../v1/users", "//u/x", "/v1/users/u/u-42", "/u%2Fx"])
def test_no_other_path_gets_in_without_the_key(client: TestClient, path: str) -> None:  # type: ignore[type-arg]
    assert client.get(path).status_code in (401, 404)
    response = client.request("GET", path)
    assert "user_id" not in response.text


def test_the_log_has_the_route_and_not_the_token(client: TestClient, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[type-arg]
    client.get(PATH)
    output = capsys.readouterr()
    assert PATH.rpartition("/")[2] not in output.out + output.err
