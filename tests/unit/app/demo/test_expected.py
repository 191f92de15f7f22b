"""What is expected of a notification follows from the seeded rules, the users and what recipients script."""

from typing import Any

import pytest

from app.demo.expected import addresses, deliveries, end
from tables.postgres.seed import seed_policy, seed_profiles
from twins.scripts import PLAIN, script_of, script_of_number

POLICY, PROFILES = seed_policy(), seed_profiles()


@pytest.mark.parametrize(
    ("notification", "expected"),
    [
        ({"user_id": "u-ada", "type": "order.confirmed"}, ["SENT"]),
        ({"user_id": "u-ada", "type": "order.shipped"}, ["SENT", "SENT", "SENT"]),  # e-mail, and push to two devices
        ({"user_id": "u-ada", "type": "account.otp"}, ["SENT"]),  # the first channel only
        ({"user_id": "u-lise", "type": "order.confirmed"}, []),  # no e-mail address
        ({"user_id": "u-nobody", "type": "order.confirmed"}, []),
        ({"user_id": "u-nobody", "type": "order.confirmed", "to": {"email": "a@example.org"}}, ["SENT"]),
        ({"user_id": "u-ada", "type": "order.shipped", "channels": ["push"]}, ["SENT", "SENT"]),
        ({"user_id": "topic:sale", "type": "promo.sale"}, ["SENT"]),
        ({"user_id": "u-partner-north", "type": "partner.order-webhook"}, ["DELIVERED"]),
        ({"user_id": "x", "type": "account.otp", "to": {"sms": "+15005550004"}}, ["UNSUBSCRIBED opted_out"]),
    ],
)
def test_deliveries_of_a_notification(notification: dict[str, Any], expected: list[str]) -> None:
    assert deliveries(notification, POLICY, PROFILES) == expected


def test_given_addresses_win_over_known_ones() -> None:
    notification = {"user_id": "u-ada", "type": "order.shipped", "to": {"email": ["a@example.org", "b@example.org"]}}
    assert addresses(notification, "email", PROFILES) == ["a@example.org", "b@example.org"]


@pytest.mark.parametrize(
    ("channel", "address", "expected"),
    [
        ("email", "bounce+1@example.org", "FAILED rejected_recipient"),
        ("email", "fail+1@example.org", "FAILED exhausted"),
        ("email", "fail-1+1@example.org", "SENT"),
        ("email", "guest1@example.org", "SENT"),
        ("sms", "+15005551101", "SENT"),
        ("push", "unsubscribed:device-1", "BOUNCED token_dead"),
        ("webhook", "{twins}/hooks/bounce/1", "FAILED endpoint_gone"),
        ("webhook", "{twins}/hooks/throttle-1/1", "DELIVERED"),
    ],
)
def test_how_a_delivery_ends(channel, address: str, expected: str) -> None:
    assert end(channel, address) == expected
    script = script_of_number(address) if channel == "sms" else script_of(address.removeprefix("{twins}/hooks/"))
    assert (script == PLAIN) == (address == "guest1@example.org"), "the twins know the script"
