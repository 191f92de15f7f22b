"""The accounts of a channel as providers, each with its section of faust.yml."""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

from app.account_settings import AccountSetting, parse_accounts
from app.link_tokens import build_link_tokens
from app.settings import Settings
from app.settings_types import build_section
from schemas.channels import Channel
from schemas.errors import SettingError
from schemas.outcome import Provider, ReceiptSigningProvider


class Account(NamedTuple):
    """A provider with the name of its section and its weight."""

    name: str
    provider: Provider
    weight: int


def build_accounts(channel: Channel, settings: Settings) -> tuple[Account, ...]:
    """The accounts of a channel. Raises SettingError for settings that a provider cannot use."""
    key = f"accounts.{channel.name}"
    accounts = parse_accounts(key, str(settings.accounts[channel.name]))
    if channel.is_limited_per_host and len(accounts) > 1:
        raise SettingError(key, "must be one: each endpoint is an account of its own")
    return tuple(Account(account.name, _build_provider(key, account, channel, settings), account.weight) for account in accounts)


def _build_provider(key: str, account: AccountSetting, channel: Channel, settings: Settings) -> Provider:
    section, values = f"providers.{account.name}", settings.providers.get(account.name)
    if find_spec(f"agents.providers.{account.module}") is None:
        raise SettingError(key, f"there is no provider {account.module}")
    module = import_module(f"agents.providers.{account.module}")
    if not hasattr(module, "build_provider"):
        raise SettingError(key, f"there is no provider {account.module}")
    if not isinstance(values, Mapping):
        raise SettingError(section, "is missing from faust.yml, or has no keys")
    provider_settings = build_section(section, values, module.Settings)
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
