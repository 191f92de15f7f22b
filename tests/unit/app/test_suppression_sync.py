"""Which accounts of SendGrid have suppression lists of their own."""

from app.suppression_sync import list_accounts
from tests.settings_builders import load_settings


def test_each_account_with_a_key_of_its_own_is_read_once() -> None:
    settings = load_settings(
        {
            "HEROLD_ACCOUNTS_EMAIL": "sendgrid=80, sendgrid-backup=10, sendgrid-same=5, smtp=5",
            "HEROLD_PROVIDERS_SENDGRID_API_KEY": "SG.first",
            "HEROLD_PROVIDERS_SENDGRID_BACKUP_API_KEY": "SG.second",
        }
    )
    accounts = list_accounts(settings.providers)
    assert {name: section["api_key"] for name, section in accounts.items()} == {"sendgrid": "SG.first", "sendgrid-backup": "SG.second"}


def test_without_a_key_there_is_nothing_to_read() -> None:
    assert list_accounts(load_settings({}).providers) == {}
