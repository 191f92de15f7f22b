"""Masks leave what tells addresses apart, and nothing that leads to them."""

import msgspec
import pytest

from schemas.masks import mask_address, mask_consent_event, mask_device, mask_suppression, mask_token, mask_user
from schemas.users import ConsentEvent, Device, Suppression, User

TOKEN = "canary" * 30


@pytest.mark.parametrize(
    ("channel", "address", "masked"),
    [
        ("email", "ada.canary@canary.example.org", "a***@c***"),
        ("email", '"a@canary"@example.org', '"***@e***'),
        ("email", "no address canary", "***"),
        ("email", "@canary", "***"),
        ("sms", "+436641234589", "***89"),
        ("sms", "89", "***"),
        ("webhook", "https://shop.example.org/canary?key=canary", "https://shop.example.org/***"),
        ("webhook", "canary", "***"),
        ("push", TOKEN, mask_token(TOKEN)),
        ("carrier-pigeon", "canary", "***"),
        ("email", "", ""),
        ("email", "hmac:" + "0" * 64, "hmac:" + "0" * 64),
    ],
)
def test_each_channel_has_its_mask(channel: str, address: str, masked: str) -> None:
    assert mask_address(channel, address) == masked
    assert "canary" not in masked


def test_two_readings_of_a_token_have_the_same_mask_and_another_token_has_another() -> None:
    assert mask_token(TOKEN) == mask_token(TOKEN) != mask_token(TOKEN + "x")


def test_no_resource_shows_an_address() -> None:
    address = "canary@canary.example.org"
    user = User("u-1", {"email": [address], "sms": ["+43canary89"]}, "de", "", "", {"mail": address}, None, 1, 0.0, 0.0)
    device = Device(TOKEN, "fcm", "ios", None, 0.0)
    suppression = Suppression("sup_1", "email", address, None, "", "manual", "", 0.0, "ada", None, None)
    event = ConsentEvent("cev_1", "u-1", "", "email", address, "suppressed", "", "out", "api", "ada", "manual", 0.0)
    masked = [mask_user(user), mask_device(device), mask_suppression(suppression), mask_consent_event(event)]
    assert b"canary" not in msgspec.json.encode(masked)
    assert (masked[0].id, masked[0].attributes) == ("u-1", {"mail": "***"})  # type: ignore[union-attr]
