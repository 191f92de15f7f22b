"""The accounts of a channel as settings: names, weights, and sections that say only what differs."""

from pathlib import Path

import pytest

from app.account_settings import AccountSetting, parse_accounts
from app.provider_accounts import build_accounts
from app.settings import SETTINGS_FILE, load_settings
from schemas.channels import get_channel
from schemas.errors import SettingError

TWO = "sendgrid=80, sendgrid-backup=20"
WEBHOOK_SECRET = {"HEROLD_PROVIDERS_WEBHOOK_MASTER_SECRET": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}


def test_an_account_is_a_section_with_a_label_and_a_weight() -> None:
    assert parse_accounts("accounts.email", "sendgrid") == (AccountSetting("sendgrid", "sendgrid", 1),)
    assert parse_accounts("accounts.email", TWO) == (
        AccountSetting("sendgrid", "sendgrid", 80),
        AccountSetting("sendgrid-backup", "sendgrid", 20),
    )


@pytest.mark.parametrize("text", ["", "sendgrid,", "Sendgrid", "sendgrid=0", "sendgrid=1001", "sendgrid=x", "a,a", "../os", "sendgrid=-1"])
def test_what_is_no_list_of_accounts_names_the_setting(text: str) -> None:
    with pytest.raises(SettingError, match=r"accounts\.email"):
        parse_accounts("accounts.email", text)


def test_a_labelled_account_has_the_values_of_its_module_unless_it_has_its_own() -> None:
    settings = load_settings(
        {
            "HEROLD_ACCOUNTS_EMAIL": TWO,
            "HEROLD_PROVIDERS_SENDGRID_URL": "https://api.sendgrid.com",
            "HEROLD_PROVIDERS_SENDGRID_API_KEY": "SG.one",
            "HEROLD_PROVIDERS_SENDGRID_BACKUP_API_KEY": "SG.two",
        }
    )
    own, backup = settings.providers["sendgrid"], settings.providers["sendgrid-backup"]
    assert (own["api_key"], backup["api_key"]) == ("SG.one", "SG.two")
    assert {key: value for key, value in own.items() if key != "api_key"} == {k: v for k, v in backup.items() if k != "api_key"}
    accounts = build_accounts(get_channel("email"), settings)
    assert [(account.name, account.weight, account.provider.name) for account in accounts] == [
        ("sendgrid", 80, "sendgrid"),
        ("sendgrid-backup", 20, "sendgrid"),
    ]


def test_a_section_of_the_file_is_less_than_the_environment_and_more_than_the_module(tmp_path: Path) -> None:
    file = tmp_path / "faust.yml"
    labelled = "  sendgrid-eu:\n    url: https://api.eu.sendgrid.com\n    from_name: Herold EU\n  twilio:\n"
    file.write_text(
        SETTINGS_FILE.read_text().replace("  twilio:\n", labelled, 1).replace("email: sendgrid ", "email: sendgrid,sendgrid-eu ", 1)
    )
    section = load_settings({"HEROLD_PROVIDERS_SENDGRID_EU_FROM_NAME": "Shop"}, file).providers["sendgrid-eu"]
    assert (section["url"], section["from_name"]) == ("https://api.eu.sendgrid.com", "Shop")
    assert section["from_email"] == load_settings({}).providers["sendgrid"]["from_email"]
    file.write_text(file.read_text().replace("from_name: Herold EU", "form_name: Herold EU"))
    with pytest.raises(SettingError) as caught:
        load_settings({}, file)
    assert caught.value.key == "providers.sendgrid-eu.form_name"


@pytest.mark.parametrize(
    ("env", "key"),
    [
        ({"HEROLD_ACCOUNTS_EMAIL": "twilio"}, "accounts.email"),
        ({"HEROLD_ACCOUNTS_EMAIL": "request"}, "accounts.email"),
        ({"HEROLD_ACCOUNTS_EMAIL": "carrier_pigeon"}, "accounts.email"),
        ({"HEROLD_ACCOUNTS_EMAIL": TWO, "HEROLD_PROVIDERS_SENDGRID_BACKUP_URL": "x"}, "providers.sendgrid-backup.url"),
    ],
)
def test_an_account_that_cannot_be_is_named(env: dict[str, str], key: str) -> None:
    with pytest.raises(SettingError) as caught:
        build_accounts(get_channel("email"), load_settings(env))
    assert caught.value.key == key


def test_endpoints_are_accounts_of_their_own() -> None:
    settings = load_settings({**WEBHOOK_SECRET, "HEROLD_ACCOUNTS_WEBHOOK": "webhook,webhook-2"})
    with pytest.raises(SettingError, match=r"accounts\.webhook"):
        build_accounts(get_channel("webhook"), settings)


def test_an_account_that_nobody_named_has_no_variables() -> None:
    with pytest.raises(SettingError, match="HEROLD_PROVIDERS_SENDGRID_BACKUP_URL"):
        load_settings({"HEROLD_PROVIDERS_SENDGRID_BACKUP_URL": "https://api.sendgrid.com"})
    with pytest.raises(SettingError, match="HEROLD_ACCOUNTS_FAX"):
        load_settings({"HEROLD_ACCOUNTS_FAX": "fax"})
