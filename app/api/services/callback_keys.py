"""What the callbacks of the providers are verified with, from the settings of their accounts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from agents.callbacks.sendgrid_signature import SendGridVerifier
from agents.callbacks.twilio_signature import TwilioVerifier, list_url_spellings, parse_shared_keys
from app.link_tokens import build_link_tokens
from app.settings import Settings
from schemas.errors import SettingError
from schemas.link_tokens import LinkTokens


@dataclass(frozen=True)
class TwilioAccount:
    """One account of Twilio: its keys, and the public address of the gateway, which its signatures cover."""

    verifier: TwilioVerifier
    base_url: str

    def list_urls(self, path: str, query: str) -> list[str]:
        """The spellings of the URL that Twilio called; it is never built from what the request says of its host."""
        parts = urlsplit(self.base_url)
        return list_url_spellings(urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") + path, query, parts.fragment)))


@dataclass(frozen=True)
class CallbackKeys:
    """The keys by provider; None or empty for one whose callbacks are not configured."""

    sendgrid: SendGridVerifier | None = None
    twilio: Sequence[TwilioAccount] = ()
    links: LinkTokens | None = None


def load_callback_keys(settings: Settings) -> CallbackKeys:
    """The keys of all accounts. Raises SettingError."""
    return CallbackKeys(_load_sendgrid(settings), list(_load_twilio_accounts(settings)), build_link_tokens(settings.links))


def _load_sendgrid(settings: Settings) -> SendGridVerifier | None:
    keys = [key for section, values in _iterate_accounts(settings, "sendgrid") for key in _check_keys(section, values)]
    return SendGridVerifier(keys) if keys else None


def _check_keys(section: str, values: Mapping[str, Any]) -> list[str]:
    keys = _split(values.get("webhook_public_key", ""))
    try:
        SendGridVerifier(keys)
    except ValueError as error:
        raise SettingError(f"{section}.webhook_public_key", str(error)) from None
    return keys


def _load_twilio_accounts(settings: Settings) -> Iterator[TwilioAccount]:
    for section, values in _iterate_accounts(settings, "twilio"):
        try:
            shared_keys = parse_shared_keys(values.get("webhook_shared_keys", ""))
        except ValueError as error:
            raise SettingError(f"{section}.webhook_shared_keys", str(error)) from None
        tokens, base_url = _split(values.get("auth_token", "")), values.get("callback_base_url", "")
        if base_url and (tokens or shared_keys):
            yield TwilioAccount(TwilioVerifier(tokens, shared_keys), base_url)


def _iterate_accounts(settings: Settings, module: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The sections of a provider's accounts: `providers.twilio` and `providers.twilio-<label>`."""
    for name, values in settings.providers.items():
        if name.partition("-")[0] == module:
            yield f"providers.{name}", values


def _split(text: str) -> list[str]:
    return [part for part in map(str.strip, text.split(",")) if part]
