"""The routes of the dashboard's files: cached by their ETag, compressed, with a policy of what a page may do, and open to all."""

from pathlib import Path

import pytest

from app.api.dashboard_files import DASHBOARD_DIRECTORY, PAGE_POLICY, DashboardFiles
from app.api.resources import dashboard
from tests.unit.app.api.harness import GatewayHarness

NO_CREDENTIAL = {"authorization": ""}


def test_a_file_needs_no_credential_and_says_how_it_may_be_kept() -> None:
    with GatewayHarness().build_client() as client:
        response = client.get("/dashboard/assets/index.js", headers=NO_CREDENTIAL)
    assert response.status_code == 200
    assert response.content == (DASHBOARD_DIRECTORY / "assets" / "index.js").read_bytes()
    assert (response.headers["cache-control"], response.headers["content-encoding"]) == ("no-cache", "gzip")
    assert response.headers["content-security-policy"] == PAGE_POLICY
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_client_that_cannot_decompress_gets_the_file_itself() -> None:
    with GatewayHarness().build_client() as client:
        response = client.get("/dashboard/", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in response.headers
    assert response.text.startswith("<!doctype html>")


def test_what_the_browser_has_is_not_sent_again() -> None:
    with GatewayHarness().build_client() as client:
        etag = client.get("/dashboard/").headers["etag"]
        again = client.get("/dashboard/notifications/ntf_1", headers={"if-none-match": f'"other", {etag}'})
    assert (again.status_code, again.content) == (304, b"")


def test_an_asset_that_is_missing_is_no_page() -> None:
    with GatewayHarness().build_client() as client:
        response = client.get("/dashboard/assets/other.js", headers=NO_CREDENTIAL)
    assert (response.status_code, response.json()["code"]) == (404, "not-found")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_there_is_nothing_to_change(method: str) -> None:
    with GatewayHarness().build_client() as client:
        assert client.request(method, "/dashboard/").status_code == 405


def test_the_root_leads_to_the_dashboard() -> None:
    with GatewayHarness().build_client() as client:
        response = client.get("/", headers=NO_CREDENTIAL, follow_redirects=False)
    assert (response.status_code // 100, response.headers["location"]) == (3, "/dashboard/")


def test_without_a_build_a_person_reads_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "get_files", lambda: DashboardFiles(tmp_path))
    with GatewayHarness().build_client() as client:
        response = client.get("/dashboard/")
        root = client.get("/", follow_redirects=False)
    assert response.status_code == 503
    assert "make dashboard" in response.json()["detail"]
    assert root.headers["location"] == "/docs"
