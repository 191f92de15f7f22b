"""The keys of callbacks from the settings, of several accounts and while one is replaced."""

from base64 import b64encode
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from twilio.request_validator import RequestValidator

from app.api.services.callback_keys import CallbackKeys, TwilioAccount, load_callback_keys
from app.settings import Settings
from schemas.errors import SettingError
from tests.settings_builders import DEFAULT_SETTINGS

KEYS = [ec.derive_private_key(number, ec.SECP256R1()) for number in (1, 2)]
PUBLIC_KEYS = [b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode() for key in KEYS]
SECRET = b64encode(b"s" * 32).decode()
PATH, QUERY = "/v1/callbacks/twilio", "delivery=dlv_1&attempt=0"


def build_settings(secret: str = "", **providers: dict[str, Any]) -> Settings:
    sections = {name: dict(values) for name, values in DEFAULT_SETTINGS.providers.items()}
    for name, values in providers.items():
        sections.setdefault(name.replace("_", "-"), {}).update(values)
    base_url = "https://herold.example.org" if secret else ""
    links = msgspec.structs.replace(DEFAULT_SETTINGS.links, secret=secret, base_url=base_url)
    return msgspec.structs.replace(DEFAULT_SETTINGS, providers=sections, links=links)


def test_nothing_is_configured_at_first() -> None:
    assert load_callback_keys(DEFAULT_SETTINGS) == CallbackKeys(twilio=[])


def test_several_keys_and_accounts_verify() -> None:
    settings = build_settings(
        sendgrid={"webhook_public_key": f"{PUBLIC_KEYS[0]}, {PUBLIC_KEYS[1]}"},
        twilio={"auth_token": "old,new", "callback_base_url": "https://a.example.org"},
        twilio_backup={"auth_token": "third", "callback_base_url": "https://b.example.org/x"},
    )
    keys = load_callback_keys(settings)
    assert keys.sendgrid is not None
    for key in KEYS:
        assert keys.sendgrid.verify(b64encode(key.sign(b"1[]", ec.ECDSA(SHA256()))), b"1", b"[]")
    for token, base_url in (("old", "https://a.example.org"), ("new", "https://a.example.org"), ("third", "https://b.example.org/x")):
        signature = RequestValidator(token).compute_signature(f"{base_url}{PATH}?{QUERY}", {"a": "b"}).encode()
        assert [account.base_url for account in keys.twilio if accepts(account, signature)] == [base_url]


def accepts(account: TwilioAccount, signature: bytes) -> bool:
    return account.verifier.verify_form(account.list_urls(PATH, QUERY), [("a", "b")], signature)


def test_the_url_has_the_path_and_fragment_of_the_setting_and_the_query_of_the_request() -> None:
    settings = build_settings(twilio={"auth_token": "t", "callback_base_url": "https://a.example.org/base/?x=y#rc=5"})
    (account,) = load_callback_keys(settings).twilio
    assert account.list_urls(PATH, "x=y&delivery=d")[0] == f"https://a.example.org:443/base{PATH}?x=y&delivery=d#rc=5"


def test_a_shared_key_is_enough_and_a_token_without_url_is_not() -> None:
    shared = {"webhook_shared_keys": "k-1:HMAC_SHA256:sesame", "callback_base_url": "https://a.example.org"}
    assert len(load_callback_keys(build_settings(twilio=shared)).twilio) == 1
    assert load_callback_keys(build_settings(twilio={"auth_token": "t"})).twilio == []


def test_links_sign_the_acknowledgements_of_push_messages() -> None:
    assert load_callback_keys(build_settings(SECRET)).links is not None


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"sendgrid": {"webhook_public_key": "AAAA"}}, "providers.sendgrid.webhook_public_key"),
        ({"sendgrid_two": {"webhook_public_key": f"{PUBLIC_KEYS[0]},x"}}, "providers.sendgrid-two.webhook_public_key"),
        ({"twilio": {"webhook_shared_keys": "sesame"}}, "providers.twilio.webhook_shared_keys"),
        ({"secret": "short"}, "links.secret"),
    ],
)
def test_a_bad_key_is_named_and_not_shown(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingError, match=key) as error:
        load_callback_keys(build_settings(**settings))
    assert "sesame" not in str(error.value)
