"""The accounts of a channel as providers, each with its section of faust.yml."""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

from agents.providers.request import parse_base_url
from app.account_settings import AccountSetting, parse_accounts
from app.link_tokens import build_link_tokens
from app.settings import Settings
from app.settings_types import NonNegativeInt, Rate, Section, build_section
from schemas.channels import Channel
from schemas.delivery_policy import CallRate
from schemas.errors import SettingError
from schemas.outcome import Provider, ReceiptSigningProvider

BURST_SECONDS = 0.25  # the calls of so much time may be made at once, if the settings do not say how many


class CallRateKeys(Section, frozen=True):
    """The keys that every section of providers has beside its provider's own."""

    max_calls_per_second: Rate
    call_burst: NonNegativeInt


class Account(NamedTuple):
    """A provider with the name of its section, its weight, and its calls per second, if they are limited."""

    name: str
    provider: Provider
    weight: int
    call_rate: CallRate | None = None


def find_breaker_name(name: str, section: Mapping[str, Any], *, is_single: bool) -> str:
    """The name of an account's breaker: that of the account, of the only one of a channel the origin or mail server that it calls."""
    if is_single and section.get("url"):
        return parse_base_url(str(section["url"])).origin
    if is_single and "port" in section:
        return f"smtp://{section.get('host', '')}:{section['port']}"
    return name


def build_accounts(channel: Channel, settings: Settings) -> tuple[Account, ...]:
    """The accounts of a channel. Raises SettingError for settings that a provider cannot use."""
    key = f"accounts.{channel.name}"
    accounts = parse_accounts(key, str(settings.accounts[channel.name]))
    if channel.is_limited_per_host and len(accounts) > 1:
        raise SettingError(key, "must be one: each endpoint is an account of its own")
    return tuple(
        Account(
            account.name,
            _build_provider(key, account, channel, settings),
            account.weight,
            build_call_rate(account.name, settings.providers),
        )
        for account in accounts
    )


def build_test_account(channel: Channel, settings: Settings) -> Account | None:
    """The account of a channel to which tests go; None if none is named. Raises SettingError as `build_accounts` does."""
    key, text = f"test_accounts.{channel.name}", getattr(settings.test_accounts, channel.name, "")
    if not text:
        return None
    accounts = parse_accounts(key, text)
    if len(accounts) > 1:
        raise SettingError(key, "must be one account")
    return Account(accounts[0].name, _build_provider(key, accounts[0], channel, settings), accounts[0].weight)


def _build_provider(key: str, account: AccountSetting, channel: Channel, settings: Settings) -> Provider:
    section, values = f"providers.{account.name}", settings.providers.get(account.name)
    if find_spec(f"agents.providers.{account.module}") is None:
        raise SettingError(key, f"there is no provider {account.module}")
    module = import_module(f"agents.providers.{account.module}")
    if not hasattr(module, "build_provider"):
        raise SettingError(key, f"there is no provider {account.module}")
    if not isinstance(values, Mapping):
        raise SettingError(section, "is missing from faust.yml, or has no keys")
    own_values = {name: value for name, value in values.items() if name not in CallRateKeys.__struct_fields__}
    provider_settings = build_section(section, own_values, module.Settings)
    try:
        provider: Provider = module.build_provider(provider_settings)
    except SettingError as error:
        raise SettingError(f"{section}.{error.key}", error.problem) from None
    except ValueError as error:
        raise SettingError(section, str(error)) from None
    if provider.channel != channel.name:
        raise SettingError(key, f"{account.module} is a provider of the channel {provider.channel}")
    if isinstance(provider, ReceiptSigningProvider) and (tokens := build_link_tokens(settings.links)) is not None:
        provider.sign_receipts(tokens)
    return provider


def build_call_rate(name: str, providers: Mapping[str, Mapping[str, Any]]) -> CallRate | None:
    """The limit of an account's calls. A key that a section of the file does not have is 0. Raises SettingError."""
    values = providers.get(name, {})
    keys = build_section(f"providers.{name}", {key: values.get(key, 0) for key in CallRateKeys.__struct_fields__}, CallRateKeys)
    per_second = keys.max_calls_per_second
    return CallRate(per_second, keys.call_burst or max(1, int(per_second * BURST_SECONDS))) if per_second else None
