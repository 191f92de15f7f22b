"""The gate recipient: explicit addresses, profiles, FCM topics, and nobody at all."""

from typing import Any

import pytest

from agents.router.routing_plan import select_candidates
from schemas.ids import compute_partition
from schemas.notification import Notification
from schemas.profile import EndpointRef, Profile
from tests.delivery_builders import NO_EMAIL_ADDRESSES
from tests.unit.agents.router.builders import POLICY
from tests.unit.agents.router.harness import NOW, PARTITIONS, USER_ID, RouterHarness, build_notification, make_notification_id

NOBODY = "u-nobody"


async def route(harness: RouterHarness, **fields: Any) -> None:
    notification = build_notification(**fields)
    await harness.route(notification, partition=compute_partition(notification["user_id"], PARTITIONS))


def list_addresses(harness: RouterHarness) -> list[tuple[str, str]]:
    return [(delivery.channel, delivery.address) for delivery in harness.deliveries]


async def test_the_rule_has_the_channels_and_the_profile_the_addresses() -> None:
    harness = RouterHarness()
    await route(harness)
    assert list_addresses(harness) == [("email", "ada@example.org"), ("push", "phone"), ("push", "tablet")]
    assert harness.get_entry("recipient", 0).inputs == {"addresses": {"email": 1, "push": 2}}


async def test_the_notification_may_name_channels_and_addresses() -> None:
    harness = RouterHarness()
    await route(harness, channels=["email", "sms", "email"], to={"email": ["a@x.org", "b@x.org", "a@x.org"], "push": "ignored"})
    assert list_addresses(harness) == [("email", "a@x.org"), ("email", "b@x.org"), ("sms", "+12025550101")]


def test_each_candidate_channel_is_listed_once() -> None:
    wanted = Notification(USER_ID, "order.shipped", channels=["push", "email", "push"])
    assert select_candidates(wanted, POLICY.rules["order.shipped"]) == ("push", "email")


async def test_a_device_that_is_stored_twice_is_reached_once() -> None:
    harness = RouterHarness()
    harness.profiles.profiles[USER_ID] = Profile(USER_ID, True, {"push": ["phone", "tablet", "phone"]})
    await route(harness, channels=["push"])
    assert list_addresses(harness) == [("push", "phone"), ("push", "tablet")]


ORDERS = EndpointRef("whe_1", "https://a.example.org/orders", ["order.*"], is_ordered=True)
INVOICES = EndpointRef("whe_2", "https://a.example.org/invoices", ["invoice.paid"])
OLD = EndpointRef("whe_3", "https://a.example.org/old", [], False)


async def test_an_endpoint_gets_the_types_that_it_takes_and_its_delivery_names_it() -> None:
    harness, own = RouterHarness(), "https://b.example.org/"
    addresses = [own, *(endpoint.url for endpoint in (ORDERS, INVOICES, OLD))]
    harness.profiles.profiles[USER_ID] = Profile(USER_ID, True, {"webhook": addresses}, endpoints=[ORDERS, INVOICES, OLD])
    await route(harness, type="order.shipped", channels=["webhook"])
    assert [(delivery.address, delivery.endpoint_id) for delivery in harness.deliveries] == [(own, ""), (ORDERS.url, "whe_1")]
    assert [delivery.is_ordered for delivery in harness.deliveries] == [False, True]
    inputs = harness.get_entry("recipient", 0).inputs
    assert inputs == {"addresses": {"webhook": 2}, "endpoints": ["whe_2 takes other types", "whe_3 is disabled"]}


async def test_an_explicit_url_has_no_endpoint() -> None:
    harness = RouterHarness()
    harness.profiles.profiles[USER_ID] = Profile(USER_ID, True, {"webhook": [ORDERS.url]}, endpoints=[ORDERS])
    await route(harness, type="order.shipped", channels=["webhook"], to={"webhook": ORDERS.url})
    assert [(delivery.address, delivery.endpoint_id) for delivery in harness.deliveries] == [(ORDERS.url, "")]


async def test_without_an_endpoint_for_the_type_there_is_no_address() -> None:
    harness = RouterHarness()
    harness.profiles.profiles[USER_ID] = Profile(USER_ID, True, {"webhook": [OLD.url]}, endpoints=[OLD])
    await route(harness, type="order.shipped", channels=["webhook"])
    assert harness.last_state == ("rejected", "no_address")
    assert harness.get_entry("recipient", 0).inputs == {"channels": ["webhook"], "endpoints": ["whe_3 is disabled"]}


async def test_a_channel_without_address_is_left_out_and_logged() -> None:
    harness = RouterHarness()
    harness.profiles.profiles[USER_ID] = Profile(USER_ID, True, {"email": ["ada@example.org"]})
    await route(harness)
    assert list_addresses(harness) == [("email", "ada@example.org")]
    assert harness.get_entry("recipient", 0).inputs == {"addresses": {"email": 1}, "without": ["push"]}


@pytest.mark.parametrize(
    ("fields", "known", "expected"),
    [
        ({}, False, ("rejected", "unknown_user")),
        ({}, True, ("rejected", "no_address")),
        ({"to": {"sms": "+1"}}, False, ("rejected", "unknown_user")),  # an address, but on no channel in question
        ({"to": {"email": "a@x.org"}}, False, ("routed", "")),
        ({"type": "nobody.knows"}, True, ("dead", "unknown_type")),
        ({"type": "nobody.knows", "channels": ["email"], "to": {"email": "a@x.org"}}, True, ("dead", "unknown_type")),
    ],
)
async def test_a_user_without_address_is_rejected(fields: dict[str, Any], known: bool, expected: tuple[str, str]) -> None:
    harness = RouterHarness()
    harness.profiles.profiles[NOBODY] = Profile(NOBODY, known)
    await route(harness, user_id=NOBODY, **fields)
    assert harness.last_state == expected
    assert bool(harness.deliveries) == (expected[0] == "routed")


async def test_a_user_that_the_store_leaves_out_is_unknown() -> None:
    harness = RouterHarness()
    harness.profiles.profiles.clear()
    await route(harness)
    assert harness.last_state == ("rejected", "unknown_user")


async def test_a_push_topic_is_its_own_address_and_has_no_profile() -> None:
    harness = RouterHarness()
    await route(harness, user_id="topic:news", channels=["push", "sms"])
    assert list_addresses(harness) == [("push", "topic:news")]
    assert harness.profiles.requested_user_ids == []


async def test_a_push_topic_without_push_cannot_be_reached() -> None:
    harness = RouterHarness()
    await route(harness, user_id="topic:news", channels=["sms"])
    assert harness.last_state == ("rejected", "no_address")


@pytest.mark.parametrize(
    ("fields", "user_ids"),
    [
        ({}, [[USER_ID]]),
        ({"to": {"email": "a@x.org", "push": "p"}}, [[USER_ID]]),  # for the locale
        ({"to": {"email": "a@x.org", "push": "p"}, "locale": "en"}, []),
        ({"to": {"email": "a@x.org"}, "locale": "en"}, [[USER_ID]]),
        ({"type": "nobody.knows"}, []),
    ],
)
async def test_profiles_are_read_only_when_they_are_needed(fields: dict[str, Any], user_ids: list[list[str]]) -> None:
    harness = RouterHarness()
    await route(harness, **fields)
    assert harness.profiles.requested_user_ids == user_ids


async def test_profiles_are_read_once_per_batch() -> None:
    harness = RouterHarness()
    await harness.route(build_notification(), build_notification(id=None), build_notification(id=None, expires_at=NOW - 1))
    assert harness.profiles.requested_user_ids == [[USER_ID]]


@pytest.mark.parametrize("source", ["to", "profile"])
async def test_spellings_of_one_address_are_one_delivery_and_the_log_names_them(source: str) -> None:
    harness = RouterHarness()
    given: dict[Any, list[str]] = {"email": ["Ada@Example.org", "ada@EXAMPLE.org", "bob@bücher.example"], "sms": ["+1 (202) 555-0101"]}
    if source == "to":
        await route(harness, channels=["email", "sms"], to=given)
    else:
        harness.profiles.profiles[USER_ID] = Profile(USER_ID, True, given)
        await route(harness, channels=["email", "sms"])
    assert list_addresses(harness) == [("email", "Ada@example.org"), ("email", "bob@xn--bcher-kva.example"), ("sms", "+12025550101")]
    log = harness.get_entry("recipient", 0)
    assert log.inputs == {"addresses": {"email": 2, "sms": 1}, "duplicates": {f"{source}.email[1]": f"{source}.email[0]"}}


async def test_spellings_of_one_address_are_one_delivery_id() -> None:
    delivery_ids = set()
    for address in ("ada@example.org", "ada@EXAMPLE.org\u200b"):
        harness = RouterHarness()
        await route(harness, channels=["email"], to={"email": address})
        delivery_ids.add(harness.deliveries[0].id)
    assert len(delivery_ids) == 1


@pytest.mark.parametrize("number", ["0170 1234567", "+1 555-0006", "+1 202 555 0101 ext. 5", "call me"])
async def test_an_invalid_address_gives_way_to_the_next_channel(number: str) -> None:
    harness = RouterHarness()
    await route(harness, type="account.otp", data={"code": 1}, to={"sms": number, "email": "ada@example.org"})
    assert list_addresses(harness) == [("email", "ada@example.org")]
    inputs = harness.get_entry("recipient", 0).inputs
    assert (inputs["addresses"], inputs["without"], list(inputs["invalid"])) == ({"email": 1}, ["sms"], ["to.sms"])
    assert number not in inputs["invalid"]["to.sms"]


async def test_an_invalid_explicit_address_is_not_replaced_by_the_stored_one() -> None:
    harness = RouterHarness()
    await route(harness, channels=["email"], to={"email": "ada"})
    assert harness.last_state == ("rejected", "invalid_address")


@pytest.mark.parametrize("address", NO_EMAIL_ADDRESSES)
async def test_what_no_mailbox_has_is_not_sent_to(address: str) -> None:
    harness = RouterHarness()
    await route(harness, channels=["email"], to={"email": address})
    assert harness.last_state == ("rejected", "invalid_address")
    assert not harness.deliveries
    assert "not an e-mail address" in harness.decided_events[0].decision_log[-1].inputs["invalid"]["to.email"]


async def test_without_a_valid_address_the_notification_is_rejected_with_the_reasons() -> None:
    harness = RouterHarness()
    harness.profiles.profiles[USER_ID] = Profile(USER_ID, True, {"push": ["a token"]})
    await route(harness, to={"email": ["ada", "bob@"]})
    assert harness.last_state == ("rejected", "invalid_address")
    inputs = harness.decided_events[0].decision_log[-1].inputs
    assert list(inputs["invalid"]) == ["to.email[0]", "to.email[1]", "profile.push[0]"]


async def test_a_push_topic_with_an_invalid_name_is_rejected() -> None:
    harness = RouterHarness()
    await route(harness, user_id="topic:a/b", channels=["push"])
    assert harness.last_state == ("rejected", "invalid_address")
    assert list(harness.decided_events[0].decision_log[-1].inputs["invalid"]) == ["user_id"]


async def test_an_invalid_address_counts_in_no_window() -> None:
    harness = RouterHarness()
    for number in range(3):  # the limit is two
        fields = {"id": make_notification_id(number), "type": "account.otp", "data": {"code": 1}}
        await route(harness, **fields, to={"sms": "0170 1234567", "email": "ada@example.org"})
    await route(harness, id=make_notification_id(9), type="account.otp", data={"code": 1}, to={"sms": "+49 170 1234567"})
    assert list_addresses(harness)[-1] == ("sms", "+491701234567")
