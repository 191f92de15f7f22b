"""A worker writes only while its generation is the group's, and waits for the coordinator's word rather than guess."""

import pytest

from app.streaming.commit.fencing import GenerationFence
from schemas.errors import PartitionFencedError
from tests.unit.app.streaming.fake_membership import FakeMembership

SESSION_TIMEOUT = 15.0


def build_fence(members: FakeMembership, now: float = 1.0) -> GenerationFence:
    return GenerationFence(members, session_timeout=SESSION_TIMEOUT, monotonic=lambda: now, retry_interval=0)


async def test_the_current_generation_passes() -> None:
    await build_fence(FakeMembership()).require_current(7)


@pytest.mark.parametrize(
    ("current", "coordinator"),
    [
        (7, 8),  # the group has moved on, this worker has not been told its partitions yet
        (8, 8),  # this worker works in the next generation already
        (7, -1),  # the group no longer knows this member
    ],
)
async def test_another_generation_loses_the_partition(current: int, coordinator: int) -> None:
    with pytest.raises(PartitionFencedError, match="generation 7 is over"):
        await build_fence(FakeMembership(current, coordinator)).require_current(7)


async def test_a_silent_coordinator_is_waited_for_and_a_heartbeat_lets_go_on() -> None:
    members = FakeMembership()
    asked: list[None] = []

    def answer_at_the_third_question() -> None:
        asked.append(None)
        if len(asked) == 3:
            members.heartbeat_at = 100.0

    members.on_generation_read = answer_at_the_third_question
    await build_fence(members, now=100.0).require_current(7)
    assert len(asked) >= 3


async def test_a_silent_coordinator_that_has_given_this_member_up_loses_the_partition() -> None:
    members = FakeMembership()
    asked: list[None] = []

    def give_up_at_the_third_question() -> None:
        asked.append(None)
        if len(asked) == 3:
            members.confirmed_generation = -1

    members.on_generation_read = give_up_at_the_third_question
    with pytest.raises(PartitionFencedError):
        await build_fence(members, now=100.0).require_current(7)


def test_partitions_and_generation_are_the_members() -> None:
    members = FakeMembership(partitions={2})
    assert build_fence(members).is_assigned(2)
    assert not build_fence(members).is_assigned(1)
    assert build_fence(members).get_generation() == 7
