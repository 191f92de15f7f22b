"""The user gate: explicit addresses, profiles, FCM topics, and nobody at all."""

from typing import Any

import pytest

from agents.router.plan import candidates_of
from schemas.ids import partition_of
from schemas.notification import Notification
from schemas.rules import Profile
from tests.unit.agents.router.policy import POLICY
from tests.unit.agents.router.world import NOW, PARTITIONS, USER, World, notification

NOBODY = "u-nobody"


async def route(world: World, **fields: Any) -> None:
    sent = notification(**fields)
    await world.route(sent, partition=partition_of(sent["user_id"], PARTITIONS))


def reached(world: World) -> list[tuple[str, str]]:
    return [(delivery.channel, delivery.address) for delivery in world.deliveries]


async def test_the_rule_says_the_channels_and_the_profile_the_addresses() -> None:
    world = World()
    await route(world)
    assert reached(world) == [("email", "ada@example.org"), ("push", "phone"), ("push", "tablet")]
    assert world.accepted[0].trace[4].inputs == {"addresses": {"email": 1, "push": 2}}


async def test_the_notification_may_name_channels_and_addresses() -> None:
    world = World()
    await route(world, channels=["email", "sms", "email"], to={"email": ["a@x.org", "b@x.org", "a@x.org"], "push": "ignored"})
    assert reached(world) == [("email", "a@x.org"), ("email", "b@x.org"), ("sms", "+12025550101")]


def test_each_channel_is_in_question_once() -> None:
    wanted = Notification(USER, "order.shipped", channels=["push", "email", "push"])
    assert candidates_of(wanted, POLICY.rules["order.shipped"]) == ("push", "email")


async def test_a_device_that_is_stored_twice_is_reached_once() -> None:
    world = World()
    world.profiles.known[USER] = Profile(USER, True, {"push": ["phone", "tablet", "phone"]})
    await route(world, channels=["push"])
    assert reached(world) == [("push", "phone"), ("push", "tablet")]


async def test_a_channel_without_address_is_left_out_and_noted() -> None:
    world = World()
    world.profiles.known[USER] = Profile(USER, True, {"email": ["ada@example.org"]})
    await route(world)
    assert reached(world) == [("email", "ada@example.org")]
    assert world.accepted[0].trace[4].inputs == {"addresses": {"email": 1}, "without": ["push"]}


@pytest.mark.parametrize(
    ("fields", "known", "ending"),
    [
        ({}, False, ("refused", "unknown_user")),
        ({}, True, ("refused", "no_address")),
        ({"to": {"sms": "+1"}}, False, ("refused", "unknown_user")),  # an address, but on no channel in question
        ({"to": {"email": "a@x.org"}}, False, ("routed", "")),
        ({"type": "nobody.knows"}, True, ("dead", "unknown_type")),
        ({"type": "nobody.knows", "channels": ["email"], "to": {"email": "a@x.org"}}, True, ("dead", "unknown_type")),
    ],
)
async def test_who_cannot_be_reached_is_refused(fields: dict[str, Any], known: bool, ending: tuple[str, str]) -> None:
    world = World()
    world.profiles.known[NOBODY] = Profile(NOBODY, known)
    await route(world, user_id=NOBODY, **fields)
    assert world.outcome == ending
    assert bool(world.deliveries) == (ending[0] == "routed")


async def test_a_user_that_the_store_leaves_out_is_unknown() -> None:
    world = World()
    world.profiles.known.clear()
    await route(world)
    assert world.outcome == ("refused", "unknown_user")


async def test_a_push_topic_is_its_own_address_and_has_no_profile() -> None:
    world = World()
    await route(world, user_id="topic:news", channels=["push", "sms"])
    assert reached(world) == [("push", "topic:news")]
    assert world.profiles.asked == []


async def test_a_push_topic_without_push_cannot_be_reached() -> None:
    world = World()
    await route(world, user_id="topic:news", channels=["sms"])
    assert world.outcome == ("refused", "no_address")


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({}, [[USER]]),
        ({"to": {"email": "a@x.org", "push": "p"}}, [[USER]]),  # for the locale
        ({"to": {"email": "a@x.org", "push": "p"}, "locale": "en"}, []),
        ({"to": {"email": "a@x.org"}, "locale": "en"}, [[USER]]),
        ({"type": "nobody.knows"}, []),
    ],
)
async def test_profiles_are_asked_for_when_they_tell_something(fields: dict[str, Any], asked: list[list[str]]) -> None:
    world = World()
    await route(world, **fields)
    assert world.profiles.asked == asked


async def test_profiles_are_asked_for_once_per_batch() -> None:
    world = World()
    await world.route(notification(), notification(id=None), notification(id=None, expires_at=NOW - 1))
    assert world.profiles.asked == [[USER]]
