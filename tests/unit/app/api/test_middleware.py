import json
import logging
from typing import Any

import pytest

from app.telemetry import JsonFormatter
from tests.unit.app.api.harness import API_KEY, GatewayHarness, make_notification_id

SUBMISSION = {"user_id": "anna@example.org", "type": "order.shipped", "to": {"email": "anna@example.org"}}
URL = "/v1/notifications"
WRONG_KEYS: list[dict[str, str]] = [
    {},
    {"authorization": "Bearer wrong"},
    {"authorization": f"Basic {API_KEY}"},
    {"x-api-key": ""},
    {"x-api-key": API_KEY + "x"},
]


@pytest.mark.parametrize("headers", WRONG_KEYS)
@pytest.mark.parametrize("path", [URL, f"{URL}/{make_notification_id()}", "/metrics", "/no/such/path"])
def test_a_request_without_the_key_is_401(path: str, headers: dict[str, str]) -> None:
    with GatewayHarness().build_client() as client:
        client.headers.pop("authorization")
        response = client.get(path, headers=headers)
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "headers", [{"authorization": f"Bearer {API_KEY}"}, {"authorization": f"bearer  {API_KEY}"}, {"x-api-key": API_KEY}]
)
def test_a_request_with_the_key_is_accepted(headers: dict[str, str]) -> None:
    with GatewayHarness().build_client() as client:
        client.headers.pop("authorization")
        assert client.post(URL, json=SUBMISSION, headers=headers).status_code == 202


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/openapi.json"])
def test_public_paths_need_no_key(path: str) -> None:
    with GatewayHarness().build_client() as client:
        client.headers.pop("authorization")
        assert client.get(path).status_code != 401


def test_unknown_paths_and_methods_are_problems() -> None:
    with GatewayHarness().build_client() as client:
        not_found, not_allowed = client.get("/no/such/path"), client.put(URL)
    assert (not_found.status_code, not_found.json()["type"]) == (404, "/docs#not-found")
    assert (not_allowed.status_code, not_allowed.json()["type"]) == (405, "/docs#method-not-allowed")
    assert "POST" in not_allowed.headers["allow"]


class FailingHistoryReader:
    """Raises an unexpected exception."""

    async def get_notification_history(self, notification_id: str, user_id: str | None) -> None:
        raise RuntimeError("secret of anna@example.org")


def test_an_unexpected_exception_is_a_500_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    harness = GatewayHarness()
    harness.history = FailingHistoryReader()  # type: ignore[assignment]
    caplog.set_level(logging.INFO, "herold")
    with harness.build_client() as client:
        response = client.get(f"{URL}/{make_notification_id()}")
    assert response.status_code == 500
    assert response.json()["type"] == "/docs#internal"
    assert "anna" not in response.text
    (line,) = parse_log_lines(caplog)
    assert (line["error"], line["status"]) == ("RuntimeError", 500)
    assert "test_middleware.py" in line["location"]


def parse_log_lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [json.loads(JsonFormatter().format(record)) for record in caplog.records if record.name == "herold"]


def test_each_request_is_one_log_line_without_addresses(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "herold")
    with GatewayHarness().build_client() as client:
        client.post(URL, json=SUBMISSION)
        client.post(URL, json={**SUBMISSION, "type": "unknown.type"})
        client.get(f"{URL}/{make_notification_id(1)}")
        client.get("/healthz")
    first, second, third = parse_log_lines(caplog)
    assert (first["event"], first["method"], first["route"], first["status"]) == (
        "gateway.request_completed",
        "POST",
        "/v1/notifications",
        202,
    )
    assert (first["notification_id"], first["priority"]) == (make_notification_id(1), "low")
    assert (second["status"], second["reason"], second["field"]) == (422, "unknown_type", "$.type")
    assert (third["route"], third["notification_id"]) == ("/v1/notifications/{notification_id}", make_notification_id(1))
    assert "anna" not in caplog.text


def test_requests_are_counted_by_route_and_status() -> None:
    with GatewayHarness().build_client() as client:
        client.post(URL, json=SUBMISSION)
        client.post(URL, content=b"")
        page = client.get("/metrics").text
    assert 'herold_http_requests_total{route="/v1/notifications",status_code="202"} 1.0' in page
    assert 'herold_http_requests_total{route="/v1/notifications",status_code="422"} 1.0' in page
    assert 'herold_http_request_duration_seconds_count{route="/v1/notifications"} 2.0' in page
