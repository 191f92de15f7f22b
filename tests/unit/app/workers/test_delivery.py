"""The delivery workers' start-up: each channel has a provider that its section of faust.yml describes."""

import msgspec
import pytest

from agents.providers.webhook import Webhook
from app.settings import load_settings
from app.workers.delivery import build_http_limits, build_provider, compute_retry_backoffs
from schemas.channels import CHANNELS, get_channel
from schemas.errors import SettingError

SECRETS = {"HEROLD_PROVIDERS_WEBHOOK_SIGNING_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_a_channel_has_the_provider_that_the_catalogue_names(channel) -> None:
    provider = build_provider(channel, load_settings(SECRETS))
    assert (provider.name, provider.channel) == (channel.provider, channel.name)


def test_text_from_the_environment_is_read_as_the_type_of_the_providers_setting() -> None:
    provider = build_provider(get_channel("webhook"), load_settings({**SECRETS, "HEROLD_PROVIDERS_WEBHOOK_ALLOW_HTTP": "false"}))
    assert isinstance(provider, Webhook)
    assert provider._allow_http is False


@pytest.mark.parametrize(
    ("channel", "env", "key"),
    [
        ("webhook", {**SECRETS, "HEROLD_PROVIDERS_WEBHOOK_ALLOW_HTTP": "maybe"}, "providers.webhook.allow_http"),
        ("webhook", {"HEROLD_PROVIDERS_WEBHOOK_SIGNING_SECRET": "secret"}, "providers.webhook"),
        ("email", {"HEROLD_PROVIDERS_SENDGRID_URL": "sendgrid"}, "providers.sendgrid"),
        ("sms", {"HEROLD_PROVIDERS_TWILIO_CALLBACK_BASE_URL": "example.org"}, "providers.twilio"),
    ],
)
def test_a_setting_that_the_provider_cannot_use_is_named(channel, env: dict[str, str], key: str) -> None:
    with pytest.raises(SettingError, match=key):
        build_provider(get_channel(channel), load_settings(env))


@pytest.mark.parametrize("providers", [{}, {"fcm": None}])
def test_a_provider_without_a_section_is_named(providers: dict[str, None]) -> None:
    with pytest.raises(SettingError, match=r"providers\.fcm"):
        build_provider(get_channel("push"), msgspec.structs.replace(load_settings(SECRETS), providers=providers))


def test_each_delay_is_four_times_the_one_before() -> None:
    assert compute_retry_backoffs(3, 0.5) == (0.5, 2.0)


def test_the_http_client_has_a_connection_for_each_call() -> None:
    section = load_settings({}).delivery
    assert build_http_limits(section).max_connections == section.max_concurrent_calls
