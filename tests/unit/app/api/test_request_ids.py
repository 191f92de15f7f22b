"""The request id: the client's if it is well formed, else a new one; in the response, the problem document and the log line."""

import json
import logging

import pytest

from app.api.request_ids import find_request_id, make_request_id
from app.telemetry import JsonFormatter
from tests.unit.app.api.harness import GatewayHarness

ILL_FORMED = ["", "a b", "a\tb", "ä", "a/b", "x" * 129, "a;b", '"quoted"', "{}"]


def test_a_well_formed_id_of_the_client_is_kept() -> None:
    assert find_request_id([(b"host", b"h"), (b"x-request-id", b"Order_17.retry-2")]) == b"Order_17.retry-2"
    assert find_request_id([(b"x-request-id", b"x" * 128)]) == b"x" * 128


@pytest.mark.parametrize("value", ILL_FORMED)
def test_an_ill_formed_id_is_replaced(value: str) -> None:
    assert find_request_id([(b"x-request-id", value.encode())], lambda: b"new") == b"new"


def test_new_ids_differ_and_are_well_formed() -> None:
    first, second = make_request_id(), make_request_id()
    assert first != second
    assert find_request_id([(b"x-request-id", first)]) == first


@pytest.mark.parametrize("path", ["/v1/notifications/x", "/v1/notifications/ntf_%00", "/no/such/path", "/v1/users/u-1/counts?first=x"])
def test_a_problem_and_its_log_line_have_the_id_of_the_response(path: str, caplog: pytest.LogCaptureFixture) -> None:
    with GatewayHarness().build_client() as client, caplog.at_level(logging.INFO, logger="herold"):
        response = client.get(path, headers={"x-request-id": "mine-1"})
    assert response.headers["x-request-id"] == response.json()["request_id"] == "mine-1"
    lines = [record for record in caplog.records if record.getMessage() == "gateway.request_completed"]  # the HTTP client logs too
    assert [json.loads(JsonFormatter().format(line))["request_id"] for line in lines] == ["mine-1"]


def test_the_hot_path_and_a_rejected_key_have_one_too() -> None:
    with GatewayHarness().build_client() as client:
        invalid = client.post("/v1/notifications", json={})
        rejected = client.get("/v1/users", headers={"authorization": "Bearer wrong"})
    assert invalid.headers["x-request-id"] == invalid.json()["request_id"]
    assert rejected.headers["x-request-id"] == rejected.json()["request_id"]
    assert invalid.headers["x-request-id"] != rejected.headers["x-request-id"]
