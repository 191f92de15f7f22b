"""The accounts with which the channels deliver, and which of their breakers are open."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from agents.providers.request import parse_base_url
from app.account_settings import AccountSetting, parse_accounts
from app.api.provider_bodies import OpenBreaker, ProviderAccount, ProviderAccounts
from app.settings import Settings
from schemas.channels import CHANNEL_NAMES, ChannelName
from schemas.errors import SettingError, UnavailableError
from tables.redis.breaker_states import RedisBreakerStates

RATE_KEY: Final = "max_calls_per_second"


class NamedAccount(NamedTuple):
    """An account, and the name that workers give its breaker."""

    account: ProviderAccount
    breaker: str


class ProviderStates:
    """The accounts of the settings with what workers wrote to Redis of their breakers. A worker decides by itself: this is for people."""

    def __init__(self, accounts: Sequence[NamedAccount], states: RedisBreakerStates) -> None:
        self._accounts, self._states = accounts, states

    async def list_accounts(self) -> ProviderAccounts:
        """All accounts, in the order of channels and settings; without Redis no breaker is known."""
        try:
            return ProviderAccounts([await self._add_breaker(account) for account in self._accounts], knows_breakers=True)
        except UnavailableError:
            return ProviderAccounts([named.account for named in self._accounts], knows_breakers=False)

    async def _add_breaker(self, named: NamedAccount) -> ProviderAccount:
        state = await self._states.read(named.breaker)
        return replace(named.account, breaker=OpenBreaker(state.cause, state.open_until)) if state else named.account


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


def find_breaker_name(name: str, section: Mapping[str, Any], *, is_single: bool) -> str:
    """The name of an account's breaker: that of the account, of the only one of a channel the origin or mail server that it calls."""
    if is_single and section.get("url"):
        return parse_base_url(str(section["url"])).origin
    if is_single and "port" in section:
        return f"smtp://{section.get('host', '')}:{section['port']}"
    return name


def _build_account(
    account: AccountSetting, channel: ChannelName, providers: Mapping[str, Mapping[str, Any]], *, is_test: bool, is_single: bool
) -> NamedAccount:
    section = providers.get(account.name, {})
    rate = float(section.get(RATE_KEY) or 0)
    try:
        breaker = find_breaker_name(account.name, section, is_single=is_single)
    except ValueError as error:
        raise SettingError(f"providers.{account.name}.url", str(error)) from None
    return NamedAccount(ProviderAccount(account.name, channel, account.weight, is_test, rate or None, None), breaker)
