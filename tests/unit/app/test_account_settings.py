"""The accounts of a channel as settings: names, weights, and sections that say only what differs."""

from pathlib import Path

import pytest

from app.account_settings import AccountSetting, parse_accounts
from app.provider_accounts import build_accounts
from app.settings import SETTINGS_FILE, load_settings
from app.workers.call_rates import build_partition_share, build_rate_lookup
from schemas.channels import get_channel
from schemas.delivery_policy import CallRate
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


@pytest.mark.parametrize(
    ("per_second", "burst", "expected"),
    [("0", "0", None), ("0", "9", None), ("80", "24", CallRate(80, 24)), ("80", "0", CallRate(80, 20)), ("0.5", "0", CallRate(0.5, 1))],
)
def test_an_account_may_have_a_limit_of_calls(per_second: str, burst: str, expected: CallRate | None) -> None:
    keys = {"MAX_CALLS_PER_SECOND": per_second, "CALL_BURST": burst}
    settings = load_settings({f"HEROLD_PROVIDERS_SENDGRID_{key}": value for key, value in keys.items()})
    (account,) = build_accounts(get_channel("email"), settings)
    assert account.call_rate == expected


@pytest.mark.parametrize("value", ["-1", "often", "100001"])
def test_a_limit_that_is_none_names_the_setting(value: str) -> None:
    settings = load_settings({"HEROLD_PROVIDERS_SENDGRID_MAX_CALLS_PER_SECOND": value})
    with pytest.raises(SettingError, match=r"providers\.sendgrid\.max_calls_per_second"):
        build_accounts(get_channel("email"), settings)


def test_each_of_several_accounts_has_its_own_limit() -> None:
    keys = {"HEROLD_ACCOUNTS_EMAIL": TWO, "HEROLD_PROVIDERS_SENDGRID_BACKUP_MAX_CALLS_PER_SECOND": "10"}
    get_rate = build_rate_lookup(build_accounts(get_channel("email"), load_settings(keys)))
    assert (get_rate("sendgrid"), get_rate("sendgrid-backup")) == (None, CallRate(10, 2))


def test_the_limit_of_the_only_account_is_that_of_each_host() -> None:
    settings = load_settings({**WEBHOOK_SECRET, "HEROLD_PROVIDERS_WEBHOOK_MAX_CALLS_PER_SECOND": "10"})
    get_rate = build_rate_lookup(build_accounts(get_channel("webhook"), settings))
    assert (get_rate("https://a.example.org"), get_rate("https://b.example.org")) == (CallRate(10, 2), CallRate(10, 2))


@pytest.mark.parametrize(("assigned", "share"), [(4, 0.25), (16, 1.0), (0, 1 / 16)])
def test_a_worker_has_the_share_of_its_partitions(assigned: int, share: float) -> None:
    assert build_partition_share(lambda: assigned, 16)() == share
