"""The delivery workers' start-up: each channel has a provider that its section of faust.yml describes."""

import asyncio
from pathlib import Path
from typing import cast

import msgspec
import pytest

from agents.providers.fcm import Fcm
from agents.providers.smtp_client import SmtpConnectionPool
from agents.providers.webhook import Webhook
from app.provider_accounts import build_accounts
from app.settings import Settings, load_settings
from app.workers.delivery import build_http_client, build_http_limits
from dev.simulators.service_account import ensure_service_account
from schemas.channels import CHANNELS, Channel, get_channel
from schemas.errors import SettingError
from schemas.http import HttpRequest, HttpResponse, HttpResult, NotAllowed
from schemas.outcome import Provider
from tests.contracts.http.fault_server import FaultServer

SECRETS = {"HEROLD_PROVIDERS_WEBHOOK_MASTER_SECRET": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}


SMTP = {"HEROLD_ACCOUNTS_EMAIL": "smtp"}


def build_provider(channel: Channel, settings: Settings) -> Provider:
    """The provider of the channel's only account."""
    (account,) = build_accounts(channel, settings)
    return account.provider


SERVICE_ACCOUNT_FILE = "HEROLD_PROVIDERS_FCM_SERVICE_ACCOUNT_FILE"


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_a_channel_has_the_provider_that_the_catalogue_names(channel, tmp_path: Path) -> None:
    ensure_service_account(tmp_path / "account.json", "http://127.0.0.1:8025/token")
    provider = build_provider(channel, load_settings({**SECRETS, SERVICE_ACCOUNT_FILE: str(tmp_path / "account.json")}))
    assert (provider.name, provider.channel) == (channel.provider, channel.name)


def test_push_messages_have_a_receipt_token_if_there_are_links(tmp_path: Path) -> None:
    ensure_service_account(tmp_path / "account.json", "http://127.0.0.1:8025/token")
    env = {**SECRETS, SERVICE_ACCOUNT_FILE: str(tmp_path / "account.json")}
    links = {
        "HEROLD_LINKS_BASE_URL": "https://herold.example.org",
        "HEROLD_LINKS_SECRET": SECRETS["HEROLD_PROVIDERS_WEBHOOK_MASTER_SECRET"],
    }
    with_links, without = (build_provider(get_channel("push"), load_settings(one)) for one in ({**env, **links}, env))
    assert isinstance(with_links, Fcm)
    assert isinstance(without, Fcm)
    assert (with_links._receipts is None, without._receipts is None) == (False, True)


def test_another_api_is_chosen_by_the_accounts(tmp_path: Path) -> None:
    file = tmp_path / "api.yml"
    file.write_text('channel: sms\nname: other\nrequest: {url: "https://a.example.org", json: {key: "${secret}", to: "{address}"}}\n')
    env = {"HEROLD_PROVIDERS_HTTP_API_FILE": str(file), "HEROLD_PROVIDERS_HTTP_API_SECRET": "s"}
    accounts = build_accounts(get_channel("sms"), load_settings({**env, "HEROLD_ACCOUNTS_SMS": "twilio=80, http_api=20"}))
    assert [(one.name, one.provider.name, one.weight) for one in accounts] == [("twilio", "twilio", 80), ("http_api", "other", 20)]
    with pytest.raises(SettingError, match=r"providers\.http_api\.file: .*/api\.yml: request\.json\.key: the setting secret is empty"):
        build_accounts(
            get_channel("sms"), load_settings({**env, "HEROLD_ACCOUNTS_SMS": "http_api", "HEROLD_PROVIDERS_HTTP_API_SECRET": ""})
        )


def test_text_from_the_environment_is_read_as_the_type_of_the_providers_setting() -> None:
    provider = build_provider(get_channel("webhook"), load_settings({**SECRETS, "HEROLD_PROVIDERS_WEBHOOK_ALLOW_HTTP": "false"}))
    assert isinstance(provider, Webhook)
    assert provider._allow_http is False


@pytest.mark.parametrize(
    ("channel", "env", "key"),
    [
        ("webhook", {**SECRETS, "HEROLD_PROVIDERS_WEBHOOK_ALLOW_HTTP": "maybe"}, "providers.webhook.allow_http"),
        ("webhook", {**SECRETS, "HEROLD_PROVIDERS_WEBHOOK_ALLOW": "10.0.0.1/8"}, "providers.webhook.allow"),
        ("webhook", {"HEROLD_PROVIDERS_WEBHOOK_MASTER_SECRET": "a\nsecret"}, "providers.webhook.master_secret"),
        ("email", {"HEROLD_PROVIDERS_SENDGRID_URL": "sendgrid"}, "providers.sendgrid.url"),
        ("email", {"HEROLD_PROVIDERS_SENDGRID_URL": "https://api.sendgrid.com?a=1"}, "providers.sendgrid.url"),
        ("email", {"HEROLD_PROVIDERS_SENDGRID_API_KEY": "a\nsecret"}, "providers.sendgrid.api_key"),
        ("email", {"HEROLD_PROVIDERS_SENDGRID_FROM_EMAIL": "Shop <shop@example.org>"}, "providers.sendgrid.from_email"),
        ("email", {"HEROLD_PROVIDERS_SENDGRID_FROM_NAME": "Shop\r\nBcc: eve@example.org"}, "providers.sendgrid.from_name"),
        ("email", {"HEROLD_PROVIDERS_SENDGRID_FROM_NAME": "Shop\u2028"}, "providers.sendgrid.from_name"),
        ("sms", {"HEROLD_PROVIDERS_TWILIO_URL": "https://api.twilio.com/#a"}, "providers.twilio.url"),
        ("sms", {"HEROLD_PROVIDERS_TWILIO_ACCOUNT_SID": "AC17/../AC18"}, "providers.twilio.account_sid"),
        ("sms", {"HEROLD_PROVIDERS_TWILIO_API_KEY_SID": "SK17:x"}, "providers.twilio.api_key_sid"),
        ("sms", {"HEROLD_PROVIDERS_TWILIO_API_KEY_SECRET": "a\nsecret"}, "providers.twilio.api_key_secret"),
        ("sms", {"HEROLD_PROVIDERS_TWILIO_FROM_NUMBER": "MG0123456789abcdef"}, "providers.twilio.from_number"),
        ("sms", {"HEROLD_PROVIDERS_TWILIO_FROM_NUMBER": "Shop\n"}, "providers.twilio.from_number"),
        ("sms", {"HEROLD_PROVIDERS_TWILIO_CALLBACK_BASE_URL": "example.org"}, "providers.twilio.callback_base_url"),
        ("push", {"HEROLD_PROVIDERS_FCM_PROJECT_ID": "herold/messages:send?"}, "providers.fcm.project_id"),
        ("push", {}, "providers.fcm.service_account_file"),
        ("push", {SERVICE_ACCOUNT_FILE: "/nowhere.json"}, "providers.fcm.service_account_file"),
        ("push", {SERVICE_ACCOUNT_FILE: __file__}, "providers.fcm.service_account_file"),
    ],
)
def test_a_setting_that_the_provider_cannot_use_is_named_without_its_value(channel, env: dict[str, str], key: str) -> None:
    with pytest.raises(SettingError) as caught:
        build_provider(get_channel(channel), load_settings(env))
    assert caught.value.key == key
    assert "secret" not in caught.value.problem.replace("a webhook secret", "")


@pytest.mark.parametrize("sender", ["+15005550006", "24242", "MGM Hotels", "B&B 1", "MG0123456789abcdefABCDEF0123456789"])
def test_every_kind_of_sender_that_twilio_has_is_a_setting(sender: str) -> None:
    build_provider(get_channel("sms"), load_settings({"HEROLD_PROVIDERS_TWILIO_FROM_NUMBER": sender}))


@pytest.mark.parametrize(
    ("env", "key"),
    [
        ({"HEROLD_PROVIDERS_SMTP_HOST": "mail.example.org", "HEROLD_PROVIDERS_SMTP_SECURITY": "ssl"}, "providers.smtp.security"),
        ({"HEROLD_PROVIDERS_SMTP_PORT": "0"}, "providers.smtp.port"),
        ({"HEROLD_PROVIDERS_SMTP_MAX_CONNECTIONS": "many"}, "providers.smtp.max_connections"),
    ],
)
def test_the_settings_of_smtp_are_read_as_their_types(env: dict[str, str], key: str) -> None:
    channel = get_channel("email")
    assert build_provider(channel, load_settings({**SMTP, "HEROLD_PROVIDERS_SMTP_PORT": "2525"})).name == "smtp"
    with pytest.raises(SettingError) as caught:
        build_provider(channel, load_settings({**SMTP, **env}))
    assert caught.value.key == key


async def test_a_provider_that_does_not_speak_http_has_a_client_of_its_own() -> None:
    settings = load_settings(SMTP)
    assert isinstance(build_http_client(build_provider(get_channel("email"), settings), settings.delivery), SmtpConnectionPool)


@pytest.mark.parametrize("providers", [{}, {"fcm": None}])
def test_a_provider_without_a_section_is_named(providers: dict[str, None]) -> None:
    with pytest.raises(SettingError, match=r"providers\.fcm"):
        build_provider(get_channel("push"), msgspec.structs.replace(load_settings(SECRETS), providers=providers))


@pytest.mark.parametrize("name", ["pooled", "aiohttp"])
@pytest.mark.parametrize(
    ("channel", "env", "is_reached"),
    [("webhook", {}, False), ("webhook", {"HEROLD_PROVIDERS_WEBHOOK_ALLOW": "127.0.0.1"}, True), ("email", {}, True)],
)
async def test_only_webhooks_are_denied_addresses_that_are_not_public(channel, env: dict[str, str], is_reached: bool, name: str) -> None:
    settings, server = load_settings({**SECRETS, **env, "HEROLD_DELIVERY_HTTP_CLIENT": name}), await FaultServer().listen()
    client = build_http_client(build_provider(get_channel(channel), settings), settings.delivery)
    result: asyncio.Future[HttpResult] = asyncio.get_running_loop().create_future()
    client.send(HttpRequest(f"http://127.0.0.1:{server.port}", b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b""), result.set_result)
    assert isinstance(await result, HttpResponse if is_reached else NotAllowed)
    assert bool(server.connections) is is_reached
    await client.close()
    await server.close()


def test_a_provider_without_an_address_filter_does_not_start() -> None:
    class Unfiltered:
        name, channel = "webhook", "webhook"

    with pytest.raises(AttributeError, match="allow_address"):
        build_http_client(cast(Provider, Unfiltered()), load_settings(SECRETS).delivery)


def test_the_http_client_has_a_connection_for_each_call() -> None:
    section = load_settings({}).delivery
    limits = build_http_limits(section)
    assert (limits.max_connections, limits.max_total_connections) == (section.max_concurrent_calls, 2 * section.max_concurrent_calls)
