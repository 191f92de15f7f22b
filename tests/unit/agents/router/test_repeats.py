"""The idempotency gate: replays say nothing, duplicates are explained."""

from schemas.ids import uuid_hex
from tables.idempotency import claim_key_of, key_of, unpacked
from tests.unit.agents.router.world import HOME, NOW, USER, Read, World, an_id, json, notification

DAY = 86_400


async def test_a_replay_says_and_writes_nothing() -> None:
    world = World()
    await world.route(notification())
    sent, rows = list(world.commit.sent), dict(world.idempotency.rows[HOME])
    await world.route(notification())
    assert (world.commit.sent, world.idempotency.rows[HOME]) == (sent, rows)
    assert len(world.commit.commits) == 1
    assert world.batches[-1].replays == 1


async def test_the_same_notification_at_another_place_is_the_same() -> None:
    world = World()
    await world.route(Read(json(notification()), 5), Read(json(notification()), 6))
    await world.route(Read(json(notification()), 99), topic="notifications.low")
    assert [event.state for event in world.accepted] == ["routed"]
    assert [batch.replays for batch in world.batches] == [1, 1]


async def test_another_one_with_the_key_is_refused_and_told_the_first() -> None:
    world = World()
    await world.route(notification(idempotency_key="k"), notification(id=an_id(2), idempotency_key="k"))
    refused = world.accepted[1]
    assert (refused.id, refused.state, refused.reason, refused.first_id) == (an_id(2), "refused", "duplicate", an_id(1))
    assert refused.trace[-1].inputs["first_id"] == an_id(1)
    assert len({delivery.notification_id for delivery in world.deliveries}) == 1


async def test_a_refused_duplicate_does_not_become_the_first() -> None:
    world = World()
    await world.route(*(notification(id=an_id(number), idempotency_key="k") for number in (1, 2, 3)))
    assert [event.first_id for event in world.accepted] == ["", an_id(1), an_id(1)]


async def test_a_key_is_free_again_after_a_day_of_broker_time() -> None:
    world = World()
    later = Read(json(notification(id=an_id(2, NOW + DAY), idempotency_key="k")), timestamp=int((NOW + DAY + 1) * 1000))
    await world.route(notification(idempotency_key="k"))
    world.now += DAY + 1
    await world.route(later)
    assert [event.state for event in world.accepted] == ["routed", "routed"]


async def test_a_replay_days_later_is_still_one() -> None:
    world = World()
    await world.route(notification())
    world.now += 3 * DAY
    await world.route(notification())
    assert len(world.accepted) == 1


async def test_users_do_not_share_keys() -> None:
    world = World()
    other = "u-43"
    assert HOME == 0 or other != USER
    await world.route(notification(idempotency_key="k"))
    await world.route(notification(id=an_id(2), user_id=USER, idempotency_key="k2"))
    assert [event.state for event in world.accepted] == ["routed", "routed"]


async def test_what_was_refused_or_died_is_a_replay_the_next_time() -> None:
    world = World()
    dead, refused = notification(type="nobody.knows"), notification(id=an_id(2), expires_at=NOW - 1)
    await world.route(dead, refused)
    await world.route(dead, refused)
    assert [event.state for event in world.accepted] == ["dead", "refused"]
    assert world.batches[-1].replays == 2


async def test_the_row_says_which_was_first_and_where() -> None:
    world = World()
    await world.route(Read(json(notification(idempotency_key="k")), 7))
    rows = world.idempotency.rows[HOME]
    first = unpacked(rows[USER.encode() + b"\0k"])
    assert (first.id, first.at, first.lane, first.partition, first.offset) == (an_id(1), NOW, "medium", HOME, 7)
    assert len(uuid_hex(first.id)) == 32


async def test_a_key_is_claimed_before_its_outputs_so_that_after_a_crash_another_lane_finds_the_same_first() -> None:
    world = World()
    first, second = notification(idempotency_key="k"), notification(id=an_id(2), idempotency_key="k")
    await world.route(first)
    del world.idempotency.rows[HOME][key_of(USER, "k")]  # its outputs are out, its row is lost
    await world.route(second, topic="notifications.high")
    await world.route(first)
    assert [(event.id, event.state, event.first_id) for event in world.accepted] == [
        (an_id(1), "routed", ""),
        (an_id(2), "refused", an_id(1)),
        (an_id(1), "routed", ""),
    ]
    assert {delivery.notification_id for delivery in world.deliveries} == {an_id(1)}


async def test_only_a_key_that_others_may_have_is_claimed() -> None:
    world = World()
    await world.route(notification(idempotency_key="k"), notification(id=an_id(2)))
    assert set(world.idempotency.rows[HOME]) == {key_of(USER, "k"), claim_key_of(USER, "k"), key_of(USER, an_id(2))}
    assert world.commit.commits == [(HOME, ["rate_windows", "idempotency"], ["idempotency"])]


async def test_a_claim_of_yesterday_counts_for_nothing() -> None:
    world = World()
    await world.route(notification(idempotency_key="k"))
    del world.idempotency.rows[HOME][key_of(USER, "k")]
    world.now += DAY + 1
    later = Read(json(notification(id=an_id(2, NOW + DAY), idempotency_key="k")), timestamp=int((NOW + DAY + 1) * 1000))
    await world.route(later)
    assert [event.state for event in world.accepted] == ["routed", "routed"]
