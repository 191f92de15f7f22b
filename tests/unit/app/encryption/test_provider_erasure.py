"""SendGrid is asked to erase recipients, at the simulator; a failure does not name them."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.encryption.provider_erasure import SendGridErasure
from dev.simulators.request_log import RequestLog
from dev.simulators.sendgrid_erasures import ERASE_JOB_PATH, hash_address
from dev.simulators.server import SimulatorServer
from schemas.errors import UnavailableError
from tests.cluster import fetch_url

ADDRESS = "canary@example.org"


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """The URL of simulators."""
    loop = asyncio.get_running_loop()
    simulators = SimulatorServer(RequestLog(tmp_path / "requests.jsonl"), lambda: 0.0, loop)
    server = await loop.create_server(simulators.create_protocol, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def read_erased(url: str) -> list[str]:
    page = await asyncio.to_thread(fetch_url, url + ERASE_JOB_PATH.decode(), headers={"authorization": "Bearer SG.key"})
    return list(json.loads(page))


async def test_the_simulator_erases_what_it_is_asked_to(url: str) -> None:
    await SendGridErasure(url, "SG.key").erase([ADDRESS, "other@example.org"])
    assert await read_erased(url) == [hash_address(ADDRESS), hash_address("other@example.org")]


async def test_a_user_without_an_address_needs_no_call() -> None:
    await SendGridErasure("http://127.0.0.1:1", "SG.key").erase([])


async def test_a_refusal_erases_nothing_and_names_nobody(url: str) -> None:
    with pytest.raises(UnavailableError, match="answered 400") as raised:
        await SendGridErasure(url, "SG.key").erase([ADDRESS] * 5001)
    assert "canary" not in str(raised.value)
    assert await read_erased(url) == []


async def test_an_account_that_does_not_answer_can_be_asked_again(unused_tcp_port: int) -> None:
    with pytest.raises(UnavailableError, match="does not answer"):
        await SendGridErasure(f"http://127.0.0.1:{unused_tcp_port}", "SG.key").erase([ADDRESS])
