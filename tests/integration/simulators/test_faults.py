"""Faults that are switched on over the API and the CLI, as requests see them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.providers.http import PooledHttpClient
from schemas.http import HttpResponse
from tests.herold_runner import build_herold_runner
from tests.integration.simulators.simulator_process import (
    SimulatorProcess,
    build_mail_request,
    build_push_request,
    build_sms_request,
    build_webhook_request,
    send_all,
)


class FaultHarness:
    """Simulators, and the commands of `herold simulators`."""

    def __init__(self, simulators: SimulatorProcess, client: PooledHttpClient, home: Path) -> None:
        self.simulators, self._client = simulators, client
        self._herold = build_herold_runner(HEROLD_HOME=str(home))

    def run(self, *arguments: str) -> Any:
        """Run a command; return its JSON."""
        result = self._herold("simulators", *arguments, "--url", self.simulators.origin, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def run_text(self, *arguments: str) -> str:
        """Run a command; return what it prints."""
        return str(self._herold("simulators", *arguments, "--url", self.simulators.origin).output)

    async def send(self, *requests: Any) -> list[HttpResponse]:
        """Send requests one after another."""
        responses = []
        for request in requests:
            (response,) = await send_all(self._client, request)
            assert isinstance(response, HttpResponse)
            responses.append(response)
        return responses

    async def send_to_all(self) -> list[int]:
        """The statuses of a request to SendGrid, Twilio, FCM and a webhook."""
        origin = self.simulators.origin
        mail, sms = build_mail_request(origin, "a@example.org", "dlv_1"), build_sms_request(origin, "+4366012345678")
        push, webhook = build_push_request(origin, "device-3", {}), build_webhook_request(origin, "u-1", "dlv_2")
        return [response.status_code for response in await self.send(mail, sms, push, webhook)]


@pytest.fixture
def harness(simulators: SimulatorProcess, client: PooledHttpClient, tmp_path: Path) -> Iterator[FaultHarness]:
    yield FaultHarness(simulators, client, tmp_path)
    simulators.fetch("/faults", "DELETE")


async def test_an_outage_of_one_provider_until_it_is_healed(harness: FaultHarness) -> None:
    report = harness.run("fault", "twilio", "--status", "503", "--for", "2m")
    assert (report["fault"]["status"], report["fault"]["seconds"], report["ends_in"]) == (503, 120.0, 120.0)
    assert await harness.send_to_all() == [202, 503, 200, 204]
    (listed,) = harness.run("faults")
    assert (listed["id"], listed["matched"], listed["changed"]) == (report["id"], 1, 1)
    assert harness.run("heal") == {"removed": 1}
    assert await harness.send_to_all() == [202, 201, 200, 204]


async def test_an_outage_of_all_providers(harness: FaultHarness) -> None:
    harness.run("fault", "all", "--status", "500")
    assert await harness.send_to_all() == [500] * 4


@pytest.mark.parametrize(
    ("status", "code", "name"), [(503, 20503, "UNAVAILABLE"), (500, 20500, "INTERNAL"), (401, 20003, "UNAUTHENTICATED")]
)
async def test_the_errors_have_the_form_of_the_vendor(harness: FaultHarness, status: int, code: int, name: str) -> None:
    harness.run("fault", "all", "--status", str(status))
    origin = harness.simulators.origin
    mail, sms, push = await harness.send(
        build_mail_request(origin, "a@example.org", ""), build_sms_request(origin, "+4366012345678"), build_push_request(origin, "d", {})
    )
    assert mail.status_code == sms.status_code == push.status_code == status
    assert msgspec.json.decode(mail.body)["errors"][0]["message"]
    assert msgspec.json.decode(sms.body)["code"] == code
    assert msgspec.json.decode(push.body)["error"]["status"] == name


async def test_a_rate_limit_says_when_it_ends(harness: FaultHarness) -> None:
    harness.run("fault", "all", "--status", "429", "--retry-after", "60")
    origin = harness.simulators.origin
    mail, sms, push = await harness.send(
        build_mail_request(origin, "a@example.org", ""), build_sms_request(origin, "+4366012345678"), build_push_request(origin, "d", {})
    )
    assert sms.headers[b"retry-after"] == push.headers[b"retry-after"] == b"60"
    assert b"x-ratelimit-reset" in mail.headers
    assert b"retry-after" not in mail.headers


async def test_one_of_two_accounts_fails(harness: FaultHarness) -> None:
    harness.run("fault", "sendgrid", "--status", "503", "--key", "SG.first")
    origin = harness.simulators.origin
    first, second = (build_mail_request(origin, "a@example.org", "", api_key=key) for key in ("SG.first-1", "SG.second-1"))
    assert [response.status_code for response in await harness.send(first, second, first)] == [503, 202, 503]


async def test_a_part_of_the_requests_fails_always_the_same_one(harness: FaultHarness) -> None:
    async def send_thirty() -> list[int]:
        harness.run("fault", "webhook", "--status", "500", "--ratio", "0.5", "--seed", "7")
        requests = [build_webhook_request(harness.simulators.origin, "u-1", f"dlv_{number}") for number in range(30)]
        statuses = [response.status_code for response in await harness.send(*requests)]
        harness.run("heal")
        return statuses

    first = await send_thirty()
    assert first == await send_thirty()
    assert set(first) == {204, 500}


def test_what_the_commands_print(harness: FaultHarness) -> None:
    assert "no fault is switched on" in harness.run_text("faults")
    text = harness.run_text("fault", "fcm", "--latency", "uniform:1s-2s", "--drop", "--ratio", "0.25", "--key", "shop")
    assert "latency uniform:1s-2s, drop" in text
    assert "25% of the requests of shop..." in text
    number = harness.run("faults")[0]["id"]
    assert "switched off: 1" in harness.run_text("heal", str(number))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fault", "fcm"), "say what is to happen"),
        (("fault", "fcm", "--drop", "--for", "soon"), "is not a duration"),
        (("fault", "fcm", "--latency", "soon"), "is not a"),
        (("fault", "smtp", "--drop"), "smtp"),
        (("fault", "fcm", "--drop", "--retry-after", "60"), "retry_after needs a status"),
        (("heal", "99999"), "no such fault"),
        (("reply", "+4366012345678", "STOP"), "--callbacks-url"),
    ],
)
def test_a_wrong_command_says_what_is_wrong(harness: FaultHarness, arguments: tuple[str, ...], message: str) -> None:
    assert message in " ".join(harness.run_text(*arguments).split())
