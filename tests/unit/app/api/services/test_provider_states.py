"""The accounts of the settings, and their breakers."""

from typing import Any

import pytest

from app.api.provider_bodies import OpenBreaker, ProviderAccount, ProviderAccounts
from app.api.services.provider_states import NamedAccount, ProviderStates, build_provider_accounts, find_breaker_name
from app.settings import load_settings
from schemas.errors import SettingError, UnavailableError
from tables.redis.breaker_states import BreakerState
from tests.unit.app.api.harness import GatewayHarness

MAIN, BACKUP = (ProviderAccount(name, "email", 1, False, None, None) for name in ("sendgrid", "sendgrid-backup"))


class MemoryBreakerStates:
    """The open breakers by account; `is_unavailable` stands for a Redis that does not answer."""

    def __init__(self, states: dict[str, BreakerState], *, is_unavailable: bool = False) -> None:
        self.states, self.is_unavailable = states, is_unavailable

    async def read(self, account: str) -> BreakerState | None:
        if self.is_unavailable:
            raise UnavailableError("Redis does not answer")
        return self.states.get(account)


def build_states(states: Any) -> ProviderStates:
    return ProviderStates([NamedAccount(one, f"breaker of {one.name}") for one in (MAIN, BACKUP)], states)


async def test_an_open_breaker_is_shown_with_its_account() -> None:
    states = MemoryBreakerStates({"breaker of sendgrid-backup": BreakerState("throttled", 17.0, "email-1")})
    backup = ProviderAccount("sendgrid-backup", "email", 1, False, None, OpenBreaker("throttled", 17.0))
    assert await build_states(states).list_accounts() == ProviderAccounts([MAIN, backup], True)


async def test_without_redis_the_accounts_are_shown_without_breakers() -> None:
    found = await build_states(MemoryBreakerStates({}, is_unavailable=True)).list_accounts()
    assert found == ProviderAccounts([MAIN, BACKUP], False)


def test_the_accounts_are_those_of_the_settings() -> None:
    env = {"HEROLD_ACCOUNTS_EMAIL": "sendgrid=80, smtp=20", "HEROLD_PROVIDERS_SMTP_MAX_CALLS_PER_SECOND": "5"}
    env["HEROLD_TEST_ACCOUNTS_SMS"] = "twilio"
    accounts = build_provider_accounts(load_settings(env))
    sendgrid = ProviderAccount("sendgrid", "email", 80, False, None, None)
    smtp = ProviderAccount("smtp", "email", 20, False, 5.0, None)
    assert accounts[:2] == [NamedAccount(sendgrid, "sendgrid"), NamedAccount(smtp, "smtp")]
    assert [(one.account.name, one.account.channel, one.breaker) for one in accounts if one.account.is_test] == [
        ("twilio", "sms", "twilio")
    ]


@pytest.mark.parametrize(
    ("section", "is_single", "expected"),
    [
        ({"url": "https://api.example.org/v3"}, True, "https://api.example.org:443"),
        ({"url": "https://api.example.org/v3"}, False, "main"),
        ({"host": "mail.example.org", "port": 587}, True, "smtp://mail.example.org:587"),
        ({}, True, "main"),
    ],
)
def test_a_breaker_has_the_name_that_workers_give_it(section: dict[str, object], is_single: bool, expected: str) -> None:
    assert find_breaker_name("main", section, is_single=is_single) == expected


def test_a_url_that_cannot_be_read_is_a_fault_of_the_settings() -> None:
    with pytest.raises(SettingError, match=r"providers\.sendgrid\.url"):
        build_provider_accounts(load_settings({"HEROLD_PROVIDERS_SENDGRID_URL": "nowhere"}))


def test_the_route_answers() -> None:
    response = GatewayHarness().build_client().get("/v1/providers")
    assert (response.status_code, response.json()) == (200, {"items": [], "knows_breakers": True})
