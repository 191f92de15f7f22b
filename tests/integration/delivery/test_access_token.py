"""FCM's access token, from a service account file and the simulators' token server, which checks the signature of firebase-admin."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agents.providers.fcm import Fcm
from agents.providers.service_account import ServiceAccountToken, compute_renewal_delay
from dev.simulators.service_account import ensure_service_account
from dev.simulators.token_server import TokenServer
from dev.stack.stack_state import pick_free_port
from schemas.enums import Outcome, Status
from tests.integration.delivery.harness import open_harness, run_simulators
from tests.integration.delivery.test_delivery import build_live_delivery

DELIVERIES = 40


class Account:
    """A service account file whose token server is on a free port."""

    def __init__(self, directory: Path) -> None:
        self.file, self.port = directory / "account.json", pick_free_port(set())
        ensure_service_account(self.file, f"http://127.0.0.1:{self.port}/token")
        self.token = ServiceAccountToken(str(self.file))

    def build_token_server(self, lifetime: float = 3600.0) -> TokenServer:
        return TokenServer(self.file, time.time, lifetime)


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path)


async def wait_until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_message_is_sent_with_a_token_that_the_server_issued(account: Account, tmp_path: Path) -> None:
    server = account.build_token_server()
    async with run_simulators(tmp_path, server, account.port) as simulators:
        provider = Fcm(simulators.url, "herold", account.token)
        await provider.start(time.time)
        async with open_harness("push", simulators.url, provider=provider) as harness:
            await harness.run_batches(harness.build_batch(build_live_delivery("push", simulators.url)))
            await harness.wait_for_batches(1)
    assert [(event.status, event.outcome) for event in harness.status_events] == [(Status.SENT, Outcome.ACCEPTED)]
    assert server.issued_count == 1


async def test_a_rejected_token_is_renewed_once_and_everything_is_sent_with_the_new_one(account: Account, tmp_path: Path) -> None:
    async with run_simulators(tmp_path / "first", account.build_token_server(), account.port):
        await account.token.start(time.time)
    old_token, server = account.token.value, account.build_token_server()
    async with run_simulators(tmp_path / "second", server, account.port) as simulators:  # does not know the token
        provider = Fcm(simulators.url, "herold", account.token)
        async with open_harness("push", simulators.url, provider=provider) as harness:
            batch = [build_live_delivery("push", simulators.url, number=number) for number in range(DELIVERIES)]
            await harness.run_batches(harness.build_batch(*batch))
            await harness.wait_for_batches(1)
    sent = {event.delivery_id for event in harness.status_events if event.status is Status.SENT}
    assert (len(sent), harness.dead_letters) == (DELIVERIES, [])
    assert server.issued_count == 1
    assert account.token.value not in ("", old_token)


async def test_a_token_is_renewed_before_it_expires(account: Account, tmp_path: Path) -> None:
    server = account.build_token_server(lifetime=8.0)  # renewed two seconds before its end, which a busy machine keeps too
    async with run_simulators(tmp_path, server, account.port):
        await account.token.start(time.time)
        tokens = {account.token.value}
        while len(tokens) < 2:
            assert server.is_token_valid(account.token.value.encode())
            await asyncio.sleep(0.02)
            tokens.add(account.token.value)


async def test_a_wrong_key_is_named_and_a_mended_file_needs_no_restart(account: Account, tmp_path: Path) -> None:
    async with run_simulators(tmp_path, account.build_token_server(), account.port):
        right = account.file.read_text()
        other = tmp_path / "other.json"
        ensure_service_account(other, json.loads(right)["token_uri"])
        token = ServiceAccountToken(str(other))
        await token.start(time.time)
        assert token.value == ""
        assert "Invalid JWT Signature" in token.problem
        assert "PRIVATE KEY" not in token.problem
        other.write_text(right)
        token.reject(time.time())
        await wait_until(lambda: bool(token.value))
    assert token.problem == ""


async def test_an_unreachable_token_server_does_not_stop_the_start(account: Account) -> None:
    await account.token.start(time.time)
    assert account.token.value == ""
    assert account.token.problem.startswith("the token server gave no access token")


@pytest.mark.parametrize(("lifetime", "delay"), [(3600, 3300), (1200, 900), (400, 300), (2, 1.5), (0, 0.5), (-9, 0.5)])
def test_a_token_is_renewed_five_minutes_or_a_quarter_of_its_time_before_its_end(lifetime: float, delay: float) -> None:
    assert compute_renewal_delay(lifetime) == delay
