"""The accounts with which the channels deliver, and which of their breakers are open."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from agents.delivery.call_rates import build_quotas
from app.account_settings import AccountSetting, parse_accounts
from app.api.provider_bodies import OpenBreaker, ProviderAccount, ProviderAccounts, StoppedHost
from app.provider_accounts import build_call_rate, find_breaker_name
from app.settings import Settings
from schemas.channels import CHANNEL_NAMES, CHANNELS, ChannelName
from schemas.errors import SettingError, UnavailableError
from schemas.limit_ports import Quota
from tables.redis.breaker_states import BreakerState, RedisBreakerStates
from tables.redis.rate_usage import RedisRateUsage

MAX_BREAKERS: Final = 200

_PER_HOST: Final = frozenset(channel.name for channel in CHANNELS if channel.is_limited_per_host)


class NamedAccount(NamedTuple):
    """An account, the name that workers give its breaker, its name in the history, and its module below agents.providers.

    `quota` is that of its calls per second, None without a limit if each host has one, and for tests, which have none.
    """

    account: ProviderAccount
    breaker: str
    provider: str = ""
    module: str = ""
    quota: Quota | None = None


class ProviderStates:
    """The accounts of the settings with what workers wrote to Redis of their breakers and calls, for people: a worker decides by itself."""

    def __init__(self, accounts: Sequence[NamedAccount], states: RedisBreakerStates, usage: RedisRateUsage) -> None:
        self._accounts, self._states, self._usage = accounts, states, usage

    async def list_accounts(self) -> ProviderAccounts:
        """All accounts, in the order of channels and settings, and stopped hosts; without Redis no breaker and no used call is known."""
        quotas = {named.breaker: named.quota for named in self._accounts if named.quota}
        try:
            states = await self._states.read_all(MAX_BREAKERS)
            used = dict(zip(quotas, await self._usage.read_used([*quotas.values()]), strict=True))
        except UnavailableError:
            return ProviderAccounts([named.account for named in self._accounts], knows_breakers=False)
        breakers = {name: _describe(state) for name, state in states.items()}
        items = [
            replace(named.account, breaker=breakers.get(named.breaker), calls_used=used[named.breaker] if named.quota else None)
            for named in self._accounts
        ]
        own = {named.breaker for named in self._accounts}
        hosts = [StoppedHost(name, breaker) for name, breaker in sorted(breakers.items()) if name not in own and "://" in name]
        return ProviderAccounts(items, knows_breakers=True, stopped_hosts=hosts)


def _describe(state: BreakerState) -> OpenBreaker:
    return OpenBreaker(state.cause, state.open_until, state.opened_at or None, state.worker)


def build_provider_accounts(settings: Settings) -> list[NamedAccount]:
    """The accounts of the settings, with those for tests. Raises SettingError."""
    accounts: list[NamedAccount] = []
    for channel in CHANNEL_NAMES:
        own = parse_accounts(f"accounts.{channel}", str(settings.accounts[channel]))
        accounts += [_build_account(one, channel, settings.providers, is_test=False, is_single=len(own) == 1) for one in own]
        if test_account := getattr(settings.test_accounts, channel, ""):
            tests = parse_accounts(f"test_accounts.{channel}", test_account)
            accounts += [_build_account(one, channel, settings.providers, is_test=True, is_single=False) for one in tests]
    return accounts


def _build_account(
    account: AccountSetting, channel: ChannelName, providers: Mapping[str, Mapping[str, Any]], *, is_test: bool, is_single: bool
) -> NamedAccount:
    section = providers.get(account.name, {})
    rate = build_call_rate(account.name, providers)
    try:
        breaker = find_breaker_name(account.name, section, is_single=is_single)
    except ValueError as error:
        raise SettingError(f"providers.{account.name}.url", str(error)) from None
    quota = build_quotas(breaker, rate)[0] if rate and channel not in _PER_HOST and not is_test else None
    per_second, burst = rate.per_second if rate else None, quota.burst if quota else None
    return NamedAccount(
        ProviderAccount(account.name, channel, account.weight, is_test, per_second, None, call_burst=burst),
        breaker,
        account.module if is_single else account.name,
        account.module,
        quota,
    )
