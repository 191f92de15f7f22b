"""The pauses that a worker obeys."""

import asyncio
from collections.abc import Mapping, Sequence
from math import inf

import pytest

from app.provider_accounts import build_accounts
from app.workers.account_pauses import PauseWatch, build_breaker_lookup
from schemas.account_pauses import AccountPause
from schemas.channels import ChannelName, get_channel
from schemas.errors import UnavailableError
from tests.delivery_builders import build_delivery
from tests.settings_builders import DEFAULT_SETTINGS

NOW = 1_796_000_000.0
PAUSED = AccountPause("sendgrid", "the key is changed", "ada", NOW - 5)
ENDING = AccountPause("smtp", "a test", "ada", NOW - 5, NOW + 30)


class MemoryPauses:
    """The pauses that PostgreSQL has; None stands for one that does not answer."""

    def __init__(self, *pauses: AccountPause) -> None:
        self.pauses: Sequence[AccountPause] | None = pauses

    async def list_pauses(self) -> Sequence[AccountPause]:
        if self.pauses is None:
            raise UnavailableError("PostgreSQL does not answer")
        return self.pauses


class Watched:
    """A watch, and what it has held last."""

    def __init__(self, *pauses: AccountPause) -> None:
        self.stored, self.now = MemoryPauses(*pauses), NOW
        self.held: Mapping[str, float] = {}
        self.watch = PauseWatch(self.stored, lambda account: [f"breaker of {account}"], self.hold, lambda: self.now)

    def hold(self, held: Mapping[str, float], now: float) -> None:
        assert now == self.now
        self.held = held


async def test_the_breakers_of_paused_accounts_are_held_until_their_pauses_end() -> None:
    watched = Watched(PAUSED, ENDING)
    await watched.watch.update()
    assert watched.held == {"breaker of sendgrid": inf, "breaker of smtp": NOW + 30}
    watched.stored.pauses = ()
    await watched.watch.update()
    assert watched.held == {}


async def test_without_postgresql_the_pauses_that_are_known_count_each_to_its_end(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched(PAUSED, ENDING)
    await watched.watch.update()
    watched.stored.pauses = None
    for _ in range(2):
        await watched.watch.update()
    assert set(watched.held) == {"breaker of sendgrid", "breaker of smtp"}
    watched.now = NOW + 30
    await watched.watch.update()
    assert set(watched.held) == {"breaker of sendgrid"}
    assert [record.getMessage() for record in caplog.records].count("delivery.pauses_unknown") == 1


async def test_they_are_read_again_and_again() -> None:
    watched, slept = Watched(PAUSED), list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await watched.watch.run(sleep, 2.0)
    assert (slept, set(watched.held)) == ([2.0] * 3, {"breaker of sendgrid"})


@pytest.mark.parametrize("name", ["email", "sms"])
def test_the_only_account_of_a_channel_has_the_breaker_that_its_provider_names(name: ChannelName) -> None:
    channel = get_channel(name)
    (account,) = build_accounts(channel, DEFAULT_SETTINGS)
    find = build_breaker_lookup(channel, [account.name], account.name, DEFAULT_SETTINGS)
    assert [*find(account.name)] == [account.provider.get_account(build_delivery()), account.name]  # the second is that of tests
    assert not find("another")


def test_each_of_several_accounts_has_its_own() -> None:
    find = build_breaker_lookup(get_channel("email"), ["sendgrid", "smtp"], "", DEFAULT_SETTINGS)
    assert ([*find("sendgrid")], [*find("smtp")]) == (["sendgrid"], ["smtp"])


def test_webhooks_have_one_for_each_host() -> None:
    find, host = build_breaker_lookup(get_channel("webhook"), ["webhook"], "", DEFAULT_SETTINGS), "https://shop.example.org:443"
    assert ([*find(host)], [*find("webhook")]) == ([host], [])
