"""SENT is final at once on a channel whose provider reports nothing."""

from typing import Any

import pytest

from app.receipt_channels import select_receipt_timeouts
from app.settings import load_settings
from schemas.channels import ChannelName

TIMEOUTS: dict[ChannelName, int] = {"email": 1, "sms": 2, "push": 3}


def test_by_default_nothing_is_reported() -> None:
    assert load_settings({}).receipt_timeouts == {"email": 0, "sms": 0, "push": 0}


@pytest.mark.parametrize(
    ("variables", "timeouts"),
    [
        ({"HEROLD_PROVIDERS_SENDGRID_WEBHOOK_PUBLIC_KEY": "AAAA"}, {"email": 259_200, "sms": 0, "push": 0}),
        ({"HEROLD_PROVIDERS_TWILIO_CALLBACK_BASE_URL": "https://h.example.org"}, {"email": 0, "sms": 43_200, "push": 0}),
        ({"HEROLD_RECEIPT_TIMEOUTS_PUSH": "60"}, {"email": 0, "sms": 0, "push": 60}),  # whether apps acknowledge is for the operator to say
    ],
)
def test_a_provider_that_reports_has_time_for_it(variables: dict[str, str], timeouts: dict[str, int]) -> None:
    assert load_settings(variables).receipt_timeouts == timeouts
    zero = {f"HEROLD_RECEIPT_TIMEOUTS_{channel.upper()}": "0" for channel in timeouts}
    assert set(load_settings({**variables, **zero}).receipt_timeouts.values()) == {0}


ACCOUNTS: dict[ChannelName, str] = {"email": "sendgrid", "sms": "twilio", "push": "fcm"}
FCM = {"project_id": "herold"}


@pytest.mark.parametrize(
    ("providers", "accounts"),
    [
        ({"sendgrid": {"webhook_public_key": ""}}, {}),
        ({"sendgrid": {}}, {}),
        ({"sendgrid": {"webhook_public_key": "AAAA"}, "smtp": {}}, {"email": "smtp"}),
        ({"http_api-sms": {}}, {"sms": "http_api-sms"}),
    ],
)
def test_a_channel_without_an_account_that_reports_has_no_receipts(providers: dict[str, Any], accounts: dict[Any, str]) -> None:
    timeouts = select_receipt_timeouts(TIMEOUTS, {**providers, "fcm": FCM}, {**ACCOUNTS, **accounts})
    assert timeouts == {"email": 0, "sms": 0, "push": 3}


def test_one_of_several_accounts_is_enough() -> None:
    providers = {"twilio": {"callback_base_url": ""}, "twilio-backup": {"callback_base_url": "https://h.example.org"}}
    accounts: dict[ChannelName, str] = {**ACCOUNTS, "sms": "twilio=80, twilio-backup=20", "push": "http_api"}
    assert select_receipt_timeouts(TIMEOUTS, providers, accounts) == {"email": 0, "sms": 2, "push": 0}
