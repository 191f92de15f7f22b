"""The expected result of a notification follows from the seeded rules and users and from the simulators' stubs."""

from typing import Any

import pytest

from dev.sample.expected_result import compute_delivery_statuses, find_addresses, find_final_status
from dev.simulators.stubs import DEFAULT_STUB, match_number_stub, match_stub
from tables.postgres.seed import load_seed_policy, load_seed_profiles

POLICY, PROFILES = load_seed_policy(), load_seed_profiles()


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
        (
            {"user_id": "x", "type": "courier.waiting", "to": {"push": "bounce:d", "sms": "+12025550101"}},
            ["FAILED invalid_token", "SENT"],
        ),
        ({"user_id": "x", "type": "account.otp", "to": {"sms": "+15005550004"}}, ["UNSUBSCRIBED opted_out"]),
    ],
)
def test_the_statuses_of_the_deliveries_of_a_notification(notification: dict[str, Any], expected: list[str]) -> None:
    assert compute_delivery_statuses(notification, POLICY, PROFILES) == expected


def test_addresses_of_the_notification_override_those_of_the_profile() -> None:
    notification = {"user_id": "u-ada", "type": "order.shipped", "to": {"email": ["a@example.org", "b@example.org"]}}
    assert find_addresses(notification, "email", PROFILES) == ["a@example.org", "b@example.org"]


@pytest.mark.parametrize(
    ("channel", "address", "expected"),
    [
        ("email", "bounce+1@example.org", "FAILED rejected_recipient"),
        ("email", "fail+1@example.org", "FAILED retries_exhausted"),
        ("email", "fail-1+1@example.org", "SENT"),
        ("email", "guest1@example.org", "SENT"),
        ("sms", "+15005551101", "SENT"),
        ("push", "unsubscribed:device-1", "BOUNCED unregistered_token"),
        ("webhook", "{simulators}/hooks/bounce/1", "FAILED endpoint_gone"),
        ("webhook", "{simulators}/hooks/throttle-1/1", "DELIVERED"),
    ],
)
def test_the_final_status_of_a_delivery(channel, address: str, expected: str) -> None:
    assert find_final_status(channel, address) == expected
    stub = match_number_stub(address) if channel == "sms" else match_stub(address.removeprefix("{simulators}/hooks/"))
    assert (stub == DEFAULT_STUB) == (address == "guest1@example.org"), "the simulators have a stub for the address"
