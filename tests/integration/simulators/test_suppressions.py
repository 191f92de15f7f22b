"""`herold suppressions sync` against the simulated SendGrid and PostgreSQL, and SendGrid's own client against the simulator."""

import asyncio
import json
import time
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from sendgrid import SendGridAPIClient

from app.admin.database import upgrade_database
from app.cli.errors import EXIT_FAILED
from tests.herold_runner import build_herold_runner
from tests.integration.simulators.simulator_process import SimulatorProcess
from tests.settings_builders import DEFAULT_SETTINGS

LIST = "/v3/suppression/bounces"


def suppress(simulators: SimulatorProcess, address: str) -> None:
    request = Request(f"{simulators.origin}{LIST}?email={address}", method="POST", headers={"Authorization": "Bearer SG.key"})
    with urlopen(request) as response:
        assert response.status == 201


def test_sendgrids_client_reads_a_list(simulators: SimulatorProcess) -> None:
    suppress(simulators, "client@example.net")
    client = SendGridAPIClient("SG.key", host=simulators.origin)
    response = client.client.suppression.bounces.get(query_params={"start_time": int(time.time()) - 60, "limit": 500, "offset": 0})
    entries: list[dict[str, Any]] = json.loads(response.body)
    assert "client@example.net" in [entry["email"] for entry in entries]


def test_the_simulator_wants_a_key_and_knows_the_lists(simulators: SimulatorProcess) -> None:
    for path, headers, status in ((LIST, {}, 401), ("/v3/suppression/moods", {"Authorization": "Bearer SG.key"}, 404)):
        with pytest.raises(HTTPError) as error:
            urlopen(Request(simulators.origin + path, headers=headers))
        assert error.value.code == status
        error.value.close()


async def test_a_command_synchronises_now(simulators: SimulatorProcess, database_url: str, redis_url: str) -> None:
    await upgrade_database(database_url, time.time(), DEFAULT_SETTINGS.simulators.url)
    suppress(simulators, "command@example.net")
    servers = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "HEROLD_PROVIDERS_SENDGRID_URL": simulators.origin}
    herold = build_herold_runner(**servers, HEROLD_PROVIDERS_SENDGRID_API_KEY="SG.key")
    first, second = [await asyncio.to_thread(herold, "suppressions", "sync", "--json") for _ in range(2)]
    assert (first.exit_code, second.exit_code) == (0, 0), first.output
    lists = {one["name"]: one for one in json.loads(first.stdout)["lists"]}
    assert lists["bounces"]["added"] >= 1
    assert [one["added"] for one in json.loads(second.stdout)["lists"]] == [0] * 4
    table = await asyncio.to_thread(herold, "suppressions", "sync")
    assert "invalid_emails" in table.stdout
    without_key = await asyncio.to_thread(herold, "suppressions", "sync", HEROLD_PROVIDERS_SENDGRID_API_KEY="")
    assert (without_key.exit_code, "api_key is empty" in without_key.output) == (EXIT_FAILED, True)
