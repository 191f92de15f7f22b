"""The rate limit gate: per channel, in any window, counted once, and only what goes out."""

from typing import Any

from schemas.rules import Profile, RateLimit
from tables.rate_windows import used
from tests.unit.agents.router.world import HOME, NOW, USER, World, an_id, notification, policy

SMS = RateLimit("sms", 3, 3600)


def otp(number: int, **fields: Any) -> dict[str, Any]:
    """A one-time code: by SMS, or by e-mail if that does not go."""
    return notification(id=an_id(number), type="account.otp", data={"code": number}, **fields)


def counted(world: World, channel: str = "sms") -> int:
    return used(world.windows.rows.get(HOME, {}).get(f"{USER}\0{channel}".encode()), SMS, world.now)


async def test_a_full_channel_makes_room_for_the_next() -> None:
    world = World()
    await world.route(*(otp(number) for number in range(3)))
    assert [delivery.channel for delivery in world.deliveries] == ["sms", "sms", "email"]
    step = world.accepted[2].trace[5]
    assert (step.verdict, step.reason) == ("pass", "some_limited")
    assert step.inputs == {"sms": {"used": 2, "most": 2, "seconds": 60, "frees_at": NOW + 60}}


async def test_all_channels_full_is_a_refusal_that_says_which_window() -> None:
    world = World()
    await world.route(*(otp(number, channels=["sms"]) for number in range(3)))
    refused = world.accepted[2]
    assert (refused.state, refused.reason) == ("refused", "rate_limited")
    assert refused.trace[-1].inputs["sms"]["frees_at"] == NOW + 60


async def test_a_full_channel_without_address_is_no_hindrance() -> None:
    world = World()
    await world.route(*(otp(number, channels=["sms"]) for number in range(2)))
    world.profiles.known[USER] = Profile(USER, True, {"email": ["ada@example.org"]})
    await world.route(otp(3))
    assert world.outcome == ("routed", "")
    assert world.accepted[-1].trace[5].reason == ""


async def test_every_window_counts() -> None:
    world = World()
    for number in range(5):
        await world.route(otp(number, channels=["sms"]))
        world.now += 61
    assert [event.state for event in world.accepted] == ["routed", "routed", "routed", "refused", "refused"]
    assert world.accepted[-1].trace[-1].inputs["sms"] == {"used": 3, "most": 3, "seconds": 3600, "frees_at": NOW + 3600}


async def test_lanes_share_the_windows() -> None:
    world = World()
    for number, lane in enumerate(("high", "medium", "low")):
        await world.route(otp(number, channels=["sms"]), topic=f"notifications.{lane}")
    assert [event.state for event in world.accepted] == ["routed", "routed", "refused"]


async def test_only_what_goes_out_counts() -> None:
    world = World()
    await world.route(otp(1, channels=["sms", "email"]))  # the first usable is enough
    assert (counted(world), counted(world, "email")) == (1, 0)
    await world.route(otp(2, channels=["sms"]) | {"data": {}})  # dies for want of a variable
    assert world.outcome == ("dead", "missing_variable")
    assert counted(world) == 1


async def test_several_addresses_count_as_one() -> None:
    world = World()
    await world.route(otp(1, channels=["sms"], to={"sms": ["+1", "+2", "+3"]}))
    assert len(world.deliveries) == 3
    assert counted(world) == 1


async def test_a_replay_whose_idempotency_row_was_lost_gets_its_verdict_again_and_counts_once() -> None:
    world = World()
    sent = [otp(number, channels=["sms"]) for number in range(2)]
    await world.route(*sent)
    world.idempotency.rows.clear()
    await world.route(*sent)
    assert [event.state for event in world.accepted] == ["routed"] * 4
    assert len({delivery.id for delivery in world.deliveries}) == 2
    assert counted(world) == 2


async def test_channels_without_limits_are_not_written_down() -> None:
    world = World(policy(limits=()))
    await world.route(notification())
    assert world.windows.rows == {}
    assert world.accepted[0].trace[5].reason == "no_limits"
    assert world.commit.commits == [(HOME, [], ["idempotency"])]


async def test_after_a_crash_a_window_has_no_room_for_another_lane_in_place_of_what_is_out() -> None:
    world = World()
    await world.route(*[otp(number, channels=["sms"]) for number in range(2)])
    world.idempotency.rows.clear()  # outputs are out, rows are lost; windows are claimed before
    await world.route(otp(9, channels=["sms"]), topic="notifications.low")
    await world.route(*[otp(number, channels=["sms"]) for number in range(2)])
    assert [event.state for event in world.accepted] == ["routed", "routed", "refused", "routed", "routed"]
    assert len({delivery.id for delivery in world.deliveries}) == 2


async def test_a_window_that_only_counts_is_no_claim_for_a_replay_would_count_twice() -> None:
    world = World(policy(limits=[RateLimit("email", 1000, 3600), RateLimit("sms", 2, 3600)]))
    await world.route(otp(1, channels=["sms", "email"]), otp(2, channels=["email"]))
    assert world.commit.commits == [(HOME, ["rate_windows"], ["idempotency", "rate_windows"])]
