"""The section `accounts` of faust.yml: which accounts a channel has, with their weights, and the settings of each in `providers`."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from schemas.channels import CHANNEL_NAMES
from schemas.errors import SettingError

MAX_WEIGHT = 1000
INHERITED: Final = object()
"""The value of a key that neither the file nor the environment gives a labelled account."""
_match_account = re.compile(r"([a-z][a-z0-9_]*)(-[a-z0-9][a-z0-9-]*)?(?:=([0-9]{1,4}))?").fullmatch


class AccountSetting(NamedTuple):
    """An account: its section below `providers`, the module below agents.providers, and its weight."""

    name: str
    module: str
    weight: int


def parse_accounts(key: str, text: str) -> tuple[AccountSetting, ...]:
    """The accounts of a channel, as `sendgrid` or `sendgrid=80, sendgrid-backup=20`. Raises SettingError, which names the key."""
    accounts: dict[str, AccountSetting] = {}
    for part in text.split(","):
        match = _match_account(part.strip())
        if match is None:
            raise SettingError(key, f"{part.strip()!r} does not fit: it must be like sendgrid=80, sendgrid-backup=20")
        name, weight = match[1] + (match[2] or ""), int(match[3] or 1)
        if not 1 <= weight <= MAX_WEIGHT:
            raise SettingError(key, f"the weight of {name} must be 1 to {MAX_WEIGHT}")
        if name in accounts:
            raise SettingError(key, f"it names {name} twice")
        accounts[name] = AccountSetting(name, match[1], weight)
    return tuple(accounts.values())


def add_account_sections(tree: Mapping[str, dict[str, Any]]) -> None:
    """Give each labelled account, as `sendgrid-backup`, a section with the keys of `sendgrid`, so that each key can be overridden.

    What the file does not say of it is INHERITED. Raises SettingError.
    """
    providers, texts = tree["providers"], tree["accounts"]
    if set(texts) != set(CHANNEL_NAMES):
        raise SettingError("accounts", f"must have the channels {sorted(CHANNEL_NAMES)}; it has {sorted(texts)}")
    for channel in CHANNEL_NAMES:
        test_account = str(tree["test_accounts"].get(channel) or "")
        tests = parse_accounts(f"test_accounts.{channel}", test_account) if test_account else ()
        for account in (*parse_accounts(f"accounts.{channel}", str(texts[channel])), *tests):
            section = providers.get(account.module)
            if account.name == account.module or not isinstance(section, dict):
                continue
            given = providers.get(account.name) or {}
            if unknown := set(given) - set(section):
                raise SettingError(f"providers.{account.name}.{min(unknown)}", f"is unknown: {account.module} has no such key")
            providers[account.name] = {key: given.get(key, INHERITED) for key in section}


def fill_account_sections(tree: Mapping[str, dict[str, Any]]) -> None:
    """Let what is INHERITED have the value of the module's section, which may come from the environment."""
    for name, section in tree["providers"].items():
        if "-" in name and isinstance(section, dict):
            base = tree["providers"][name.partition("-")[0]]
            section.update({key: base[key] for key, value in section.items() if value is INHERITED})
