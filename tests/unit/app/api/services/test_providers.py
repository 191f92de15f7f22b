"""What operators see of accounts, and which they can pause."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from msgspec.structs import replace

from app.api.problems import ProblemError
from app.api.provider_bodies import ProviderAccount, ProviderAccounts, ProviderError
from app.api.services.provider_states import NamedAccount, ProviderStates
from app.api.services.providers import MAX_ERRORS, Providers, find_origin
from schemas.account_pauses import AccountPause, PauseRequest, ResumeRequest
from schemas.channels import ChannelName
from schemas.errors import UnavailableError
from schemas.provider_results import CallTimes, FailureCount
from schemas.users import ChangeOrigin
from tests.unit.app.api.harness import GatewayHarness

NOW, ORIGIN = 1_796_000_000.0, ChangeOrigin("api", "ada", "a test")
HOST = "https://shop.example.org:443"
TWILIO_FAULT = FailureCount("twilio", 20003, "REJECTED_PERMANENT", "misconfigured", "wrong API key", 7, NOW - 60)


class MemoryStores:
    """Pauses and results as PostgreSQL has them; `is_unavailable` stands for one that does not answer."""

    def __init__(self, times: Sequence[CallTimes] = (), failures: Sequence[FailureCount] = ()) -> None:
        self.pauses: list[AccountPause] = []
        self.times, self.failures, self.is_unavailable = times, failures, False

    async def list_pauses(self) -> Sequence[AccountPause]:
        if self.is_unavailable:
            raise UnavailableError("PostgreSQL does not answer")
        return self.pauses

    async def measure_calls(self, since: float) -> Sequence[CallTimes]:
        assert since == NOW - 3600
        return self.times

    async def count_failures(self, since: float) -> Sequence[FailureCount]:
        assert since == NOW - 3600
        return self.failures

    async def pause(self, request: PauseRequest, origin: ChangeOrigin) -> AccountPause:
        self.pauses.append(AccountPause(request.account, request.reason, origin.actor, NOW, cast(float | None, request.ends_at)))
        return self.pauses[-1]

    async def resume(self, account: str, origin: ChangeOrigin) -> AccountPause:
        (pause,) = [one for one in self.pauses if one.account == account]
        self.pauses.remove(pause)
        return pause


class MemoryStates:
    """The accounts without breakers."""

    def __init__(self, accounts: Sequence[NamedAccount]) -> None:
        self._accounts = accounts

    async def list_accounts(self) -> ProviderAccounts:
        return ProviderAccounts([named.account for named in self._accounts], knows_breakers=True)


def name_account(name: str, channel: ChannelName, provider: str = "") -> NamedAccount:
    module = name.partition("-")[0]
    return NamedAccount(ProviderAccount(name, channel, 1, False, None, None), name, provider or name, module)


ACCOUNTS = [name_account("sendgrid", "email"), name_account("sendgrid-backup", "email"), name_account("twilio-two", "sms", "twilio")]
ACCOUNTS.append(name_account("webhook", "webhook"))


def build_providers(stores: MemoryStores) -> Providers:
    states: Any = MemoryStates(ACCOUNTS)
    parts: Any = stores
    return Providers(ACCOUNTS, cast(ProviderStates, states), parts, parts, lambda: NOW)


async def test_an_account_is_shown_with_its_pause_times_and_errors() -> None:
    stores = MemoryStores([CallTimes("sendgrid", 40, 187.5)], [TWILIO_FAULT])
    providers = build_providers(stores)
    pause = await providers.pause(PauseRequest("sendgrid", "the key is changed"), ORIGIN)
    shown = {item.name: item for item in (await providers.describe()).items}
    assert shown["sendgrid"] == replace(ACCOUNTS[0].account, pause=pause, p95_ms=187.5, measured_calls=40)
    assert shown["sendgrid-backup"] == ACCOUNTS[1].account
    link = "https://www.twilio.com/docs/api/errors/20003"
    assert shown["twilio-two"].errors == [ProviderError(20003, "REJECTED_PERMANENT", "misconfigured", "wrong API key", link, 7, NOW - 60)]


async def test_of_many_errors_the_most_frequent_are_shown() -> None:
    failures = [TWILIO_FAULT._replace(code=21_000 + number, calls=100 - number) for number in range(MAX_ERRORS + 3)]
    shown = await build_providers(MemoryStores(failures=failures)).describe()
    assert [error.count for item in shown.items for error in item.errors] == [100, 99, 98, 97, 96]


async def test_without_postgresql_the_accounts_are_shown_without_their_history() -> None:
    stores = MemoryStores([CallTimes("sendgrid", 40, 187.5)])
    stores.is_unavailable = True
    assert await build_providers(stores).describe() == ProviderAccounts([one.account for one in ACCOUNTS], True, knows_history=False)


async def test_a_webhook_host_is_paused_by_any_url_of_it() -> None:
    stores = MemoryStores()
    providers = build_providers(stores)
    await providers.pause(PauseRequest("https://shop.example.org/hooks", "it moves"), ORIGIN)
    assert [pause.account for pause in (await providers.describe()).pauses] == [HOST]
    await providers.resume(ResumeRequest("https://SHOP.example.org"), ORIGIN)
    assert not stores.pauses


@pytest.mark.parametrize(
    ("request_", "path", "text"),
    [
        (PauseRequest("mailgun", "a test"), "$.account", "there are sendgrid, sendgrid-backup, twilio-two"),
        (PauseRequest("webhook", "a test"), "$.account", "each host of webhooks"),
        (PauseRequest("sendgrid", "a test", NOW - 1), "$.ends_at", "future"),
        (PauseRequest("sendgrid", "a test", NOW * 1000), "$.ends_at", "milliseconds"),
    ],
)
async def test_what_cannot_be_paused_is_refused_by_its_field(request_: PauseRequest, path: str, text: str) -> None:
    with pytest.raises(ProblemError) as refused:
        await build_providers(MemoryStores()).pause(request_, ORIGIN)
    (error,) = refused.value.problem.errors or []
    assert (error.path, text in error.detail) == (path, True)


@pytest.mark.parametrize("text", ["sendgrid", "smtp://mail.example.org:25", "https://", "https://a b"])
def test_a_text_without_an_origin_is_no_webhook_host(text: str) -> None:
    assert find_origin(text) == ""


def test_the_accounts_are_listed_without_servers() -> None:
    response = GatewayHarness().build_client().get("/v1/providers")
    known = {"items": [], "knows_breakers": False, "stopped_hosts": [], "pauses": [], "knows_history": False}
    assert (response.status_code, response.json()) == (200, known)


@pytest.mark.parametrize(
    ("action", "body", "status"),
    [
        ("pause", {"account": HOST, "reason": "a test"}, 503),
        ("pause", {"account": HOST, "reason": ""}, 422),
        ("pause", {"account": "mailgun", "reason": "a test"}, 422),
        ("resume", {"account": HOST}, 503),
    ],
)
def test_nothing_is_paused_or_resumed_that_is_not_stored(action: str, body: dict[str, str], status: int) -> None:
    assert GatewayHarness().build_client().post(f"/v1/providers/{action}", json=body).status_code == status
