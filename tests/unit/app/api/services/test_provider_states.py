"""The accounts of the settings, and their breakers."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from app.api.provider_bodies import OpenBreaker, ProviderAccount, ProviderAccounts, StoppedHost
from app.api.services.provider_states import NamedAccount, ProviderStates, build_provider_accounts
from app.provider_accounts import find_breaker_name
from app.settings import load_settings
from schemas.errors import SettingError, UnavailableError
from schemas.limit_ports import Quota
from tables.redis.breaker_states import BreakerState

MAIN, BACKUP = (ProviderAccount(name, "email", 1, False, None, None) for name in ("sendgrid", "sendgrid-backup"))


class MemoryBreakerStates:
    """The open breakers by account; `is_unavailable` stands for a Redis that does not answer."""

    def __init__(self, states: dict[str, BreakerState], *, is_unavailable: bool = False) -> None:
        self.states, self.is_unavailable = states, is_unavailable

    async def read_all(self, limit: int) -> dict[str, BreakerState]:
        if self.is_unavailable:
            raise UnavailableError("Redis does not answer")
        return self.states


class MemoryUsage:
    """How much of a quota is used, by its key."""

    def __init__(self, used: dict[str, int]) -> None:
        self.used = used

    async def read_used(self, quotas: Sequence[Quota]) -> list[int]:
        return [self.used[quota.key] for quota in quotas]


def build_states(states: Any) -> ProviderStates:
    usage: Any = MemoryUsage({})
    return ProviderStates([NamedAccount(one, f"breaker of {one.name}") for one in (MAIN, BACKUP)], states, usage)


async def test_an_open_breaker_is_shown_with_its_account() -> None:
    states = MemoryBreakerStates({"breaker of sendgrid-backup": BreakerState("throttled", 17.0, "email-1", 5.0)})
    backup = ProviderAccount("sendgrid-backup", "email", 1, False, None, OpenBreaker("throttled", 17.0, 5.0, "email-1"))
    assert await build_states(states).list_accounts() == ProviderAccounts([MAIN, backup], True)


async def test_hosts_of_webhooks_with_an_open_breaker_are_shown_beside_them() -> None:
    host, former = "https://shop.example.org:443", "an account of former settings"
    states = MemoryBreakerStates({name: BreakerState("failures", 17.0, "webhook-1") for name in (host, former)})
    stopped = StoppedHost(host, OpenBreaker("failures", 17.0, None, "webhook-1"))
    assert await build_states(states).list_accounts() == ProviderAccounts([MAIN, BACKUP], True, [stopped])


async def test_without_redis_the_accounts_are_shown_without_breakers() -> None:
    found = await build_states(MemoryBreakerStates({}, is_unavailable=True)).list_accounts()
    assert found == ProviderAccounts([MAIN, BACKUP], False)


async def test_used_calls_are_shown_of_who_has_a_limit_and_not_without_redis() -> None:
    limited = replace(BACKUP, calls_per_second=100.0, call_burst=20)
    accounts = [NamedAccount(MAIN, "sendgrid"), NamedAccount(limited, "backup", quota=Quota("account:backup", 0.01, 20))]
    for states, used in ((MemoryBreakerStates({}), 7), (MemoryBreakerStates({}, is_unavailable=True), None)):
        parts: Any = states, MemoryUsage({"account:backup": 7})
        found = await ProviderStates(accounts, *parts).list_accounts()
        assert [(one.call_burst, one.calls_used) for one in found.items] == [(None, None), (20, used)]


def test_the_limit_of_webhooks_is_that_of_each_host_and_has_no_use_of_its_own() -> None:
    accounts = build_provider_accounts(load_settings({"HEROLD_PROVIDERS_WEBHOOK_MAX_CALLS_PER_SECOND": "50"}))
    (webhook,) = [one for one in accounts if one.account.channel == "webhook"]
    assert (webhook.account.calls_per_second, webhook.account.call_burst, webhook.quota) == (50.0, None, None)


def test_the_accounts_are_those_of_the_settings() -> None:
    env = {"HEROLD_ACCOUNTS_EMAIL": "sendgrid=80, smtp=20", "HEROLD_PROVIDERS_SMTP_MAX_CALLS_PER_SECOND": "5"}
    env["HEROLD_PROVIDERS_SMTP_CALL_BURST"] = "9"
    env["HEROLD_TEST_ACCOUNTS_SMS"] = "twilio"
    accounts = build_provider_accounts(load_settings(env))
    sendgrid = ProviderAccount("sendgrid", "email", 80, False, None, None)
    smtp = ProviderAccount("smtp", "email", 20, False, 5.0, None, call_burst=8)
    quota = Quota("account:smtp", 0.2, 8)  # one less: what a worker has fetched may be used late
    assert accounts[:2] == [NamedAccount(sendgrid, "sendgrid", "sendgrid", "sendgrid"), NamedAccount(smtp, "smtp", "smtp", "smtp", quota)]
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
