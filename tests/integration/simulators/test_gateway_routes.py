"""The routes of the gateway that show the simulators, with simulators in a process of their own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.api.services.simulator_client import SimulatorClient
from tests.integration.simulators.simulator_process import SimulatorProcess
from tests.unit.app.api.harness import GatewayHarness

HOOK_ID = "dlv_01a2211d759678619811269291aeed15"


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    """Simulators with an inbox."""
    process = SimulatorProcess(Path(tmp_path_factory.mktemp("inbox")) / "requests.jsonl", arguments=["--inbox"])
    yield process
    assert process.stop() == 0


@pytest.fixture
def client(process: SimulatorProcess) -> Iterator[Any]:
    """A client of a gateway of these simulators."""
    process.fetch("/requests/reset", "POST")
    with GatewayHarness(simulators=SimulatorClient(process.origin)).build_client() as client:
        yield client


def send_webhook(process: SimulatorProcess, number: int) -> None:
    """Send a webhook to the simulators."""
    headers = {"webhook-id": f"{HOOK_ID[:-1]}{number}", "content-type": "application/json", "webhook-signature": "v1,abc"}
    httpx.post(f"{process.origin}/hooks/north", headers=headers, content=b'{"type": "order.shipped"}', timeout=60).raise_for_status()


def test_what_arrived_is_listed_and_read(process: SimulatorProcess, client: Any) -> None:
    for number in range(3):
        send_webhook(process, number)
    first = client.get("/v1/simulators/messages?limit=2").json()
    assert [item["delivery_id"][-1] for item in first["items"]] == ["2", "1"]
    rest = client.get("/v1/simulators/messages", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert ([item["delivery_id"][-1] for item in rest["items"]], rest["next_cursor"]) == (["0"], None)
    number = rest["items"][0]["number"]
    message = client.get(f"/v1/simulators/messages/{number}").json()
    assert (message["channel"], message["body"], message["signature"]) == ("webhook", '{"type": "order.shipped"}', "unchecked")
    assert client.get("/v1/simulators/messages?channel=sms").json()["items"] == []
    assert client.get("/v1/simulators/messages/9999").status_code == 404


def test_a_fault_is_switched_on_and_off(process: SimulatorProcess, client: Any) -> None:
    answer = client.post("/v1/simulators/faults", json={"provider": "webhook", "status": 503, "seconds": 60, "ratio": 1})
    assert answer.status_code == 201
    assert (
        httpx.post(f"{process.origin}/hooks/north", headers={"content-type": "application/json"}, content=b"{}", timeout=60).status_code
        == 503
    )
    (fault,) = client.get("/v1/simulators/faults").json()["items"]
    assert (fault["fault"]["provider"], fault["fault"]["status"], fault["changed"]) == ("webhook", 503, 1)
    path = f"/v1/simulators/faults/{fault['id']}"
    assert client.delete(path).json() == {"removed": 1}
    assert client.delete(path).status_code == 404
    assert client.delete("/v1/simulators/faults").json() == {"removed": 0}


@pytest.mark.parametrize(
    ("body", "path", "text"),
    [
        ({"provider": "smtp", "status": 503}, "$.provider", "smtp"),
        ({"provider": "twilio"}, "$", "a fault needs a status"),
        ({"provider": "twilio", "latency": "soon"}, "$", "soon"),
    ],
)
def test_a_fault_that_says_nothing_is_refused(client: Any, body: dict[str, Any], path: str, text: str) -> None:
    answer = client.post("/v1/simulators/faults", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == path
    assert text in answer.json()["detail"]


def test_the_request_log_is_listed_newest_first_and_searched(process: SimulatorProcess, client: Any) -> None:
    for number in range(3):
        send_webhook(process, number)
    first = client.get("/v1/simulators/requests?limit=2").json()
    assert [item["seq"] for item in first["items"]] == [3, 2]
    rest = client.get("/v1/simulators/requests", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert ([item["seq"] for item in rest["items"]], rest["next_cursor"]) == ([1], None)
    found = client.get("/v1/simulators/requests", params={"delivery_id": f"{HOOK_ID[:-1]}1"}).json()
    assert [(item["seq"], item["provider"], item["status"]) for item in found["items"]] == [(2, "webhook", 204)]


@pytest.mark.parametrize("path", ["messages/x", "faults/x", "messages/0"])
def test_what_is_no_number_is_not_there(client: Any, path: str) -> None:
    answer = client.delete(f"/v1/simulators/{path}") if path.startswith("faults") else client.get(f"/v1/simulators/{path}")
    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["messages", "messages/1", "faults", "requests"])
def test_without_simulators_there_is_nothing(path: str) -> None:
    with GatewayHarness().build_client() as client:
        answer = client.get(f"/v1/simulators/{path}")
    assert answer.status_code == 404
    assert "gateway.simulators_url" in answer.json()["detail"]


def test_simulators_that_do_not_answer_are_named() -> None:
    with GatewayHarness(simulators=SimulatorClient("http://127.0.0.1:1")).build_client() as client:
        answer = client.get("/v1/simulators/faults")
    assert answer.status_code == 503
    assert "http://127.0.0.1:1" in answer.json()["detail"]
