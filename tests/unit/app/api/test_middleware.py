import asyncio
import json
import logging
from typing import Any

import pytest

from app.api.gateway import GatewayConnections
from app.api.settings import GatewaySettings
from app.telemetry import JsonFormatter
from tests.unit.app.api.harness import API_KEY, GatewayHarness, make_notification_id

GOOD = {"user_id": "anna@example.org", "type": "order.shipped", "to": {"email": "anna@example.org"}}
URL = "/v1/notifications"


WRONG_KEYS: list[dict[str, str]] = [
    {},
    {"authorization": "Bearer wrong"},
    {"authorization": f"Basic {API_KEY}"},
    {"x-api-key": ""},
    {"x-api-key": API_KEY + "x"},
]


@pytest.mark.parametrize("headers", WRONG_KEYS)
@pytest.mark.parametrize("path", [URL, f"{URL}/{make_notification_id()}", "/metrics", "/no/such/place"])
def test_without_the_key_nothing_is_told(path: str, headers: dict[str, str]) -> None:
    with GatewayHarness().build_client() as client:
        client.headers.pop("authorization")
        answer = client.get(path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "headers", [{"authorization": f"Bearer {API_KEY}"}, {"authorization": f"bearer  {API_KEY}"}, {"x-api-key": API_KEY}]
)
def test_with_the_key_everything_is(headers: dict[str, str]) -> None:
    with GatewayHarness().build_client() as client:
        client.headers.pop("authorization")
        assert client.post(URL, json=GOOD, headers=headers).status_code == 202


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/openapi.json"])
def test_some_pages_are_open(path: str) -> None:
    with GatewayHarness().build_client() as client:
        client.headers.pop("authorization")
        assert client.get(path).status_code != 401


def test_unknown_places_and_methods_are_problems() -> None:
    with GatewayHarness().build_client() as client:
        missing, wrong = client.get("/no/such/place"), client.put(URL)
    assert (missing.status_code, missing.json()["type"]) == (404, "/docs#not-found")
    assert (wrong.status_code, wrong.json()["type"]) == (405, "/docs#method-not-allowed")
    assert "POST" in wrong.headers["allow"]


class FailingHistoryReader:
    """A history that fails in a way that nobody foresaw."""

    async def get_notification_history(self, notification_id: str) -> None:
        raise RuntimeError("secret of anna@example.org")


def test_a_surprise_is_a_500_that_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    world = GatewayHarness()
    world.history = FailingHistoryReader()  # type: ignore[assignment]
    caplog.set_level(logging.INFO, "herold")
    with world.build_client() as client:
        answer = client.get(f"{URL}/{make_notification_id()}")
    assert answer.status_code == 500
    assert answer.json()["type"] == "/docs#internal"
    assert "anna" not in answer.text
    (line,) = parse_log_lines(caplog)
    assert (line["error"], line["status"]) == ("RuntimeError", 500)
    assert "test_middleware.py" in line["location"]


def parse_log_lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [json.loads(JsonFormatter().format(record)) for record in caplog.records if record.name == "herold"]


def test_each_request_is_one_line_without_addresses(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "herold")
    with GatewayHarness().build_client() as client:
        client.post(URL, json=GOOD)
        client.post(URL, json={**GOOD, "type": "nobody.knows"})
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
        client.post(URL, json=GOOD)
        client.post(URL, content=b"")
        page = client.get("/metrics").text
    assert 'herold_http_requests_total{route="/v1/notifications",status_code="202"} 1.0' in page
    assert 'herold_http_requests_total{route="/v1/notifications",status_code="422"} 1.0' in page
    assert 'herold_http_request_duration_seconds_count{route="/v1/notifications"} 2.0' in page


async def test_its_end_is_told_although_no_server_is_there() -> None:
    told: list[str] = []
    nowhere = GatewaySettings(
        API_KEY, "127.0.0.1:1", "postgresql://nobody@127.0.0.1:1/none", "redis://127.0.0.1:1/0", False, partitions=1, produce_timeout=0.1
    )
    wiring = GatewayConnections(nowhere, lambda: told.append("ends"))
    async with asyncio.timeout(30), wiring.run_lifespan():
        assert told == []
    assert told == ["ends"]
