"""A worker writes only while its generation is the group's, and waits for the coordinator's word rather than guess."""

import pytest

from app.streaming.ownership import Ownership
from schemas.errors import PartitionLost
from tests.unit.app.streaming.members import MembersTwin

SESSION = 15.0


def ownership(members: MembersTwin, now: float = 1.0) -> Ownership:
    return Ownership(members, session=SESSION, now=lambda: now, pause=0)


async def test_the_current_generation_passes() -> None:
    await ownership(MembersTwin()).check(7)


@pytest.mark.parametrize(
    ("current", "coordinator"),
    [
        (7, 8),  # the group has moved on, this worker has not been told its partitions yet
        (8, 8),  # this worker works in the next generation already
        (7, -1),  # the group no longer knows this member
    ],
)
async def test_another_generation_loses_the_partition(current: int, coordinator: int) -> None:
    with pytest.raises(PartitionLost, match="generation 7 is over"):
        await ownership(MembersTwin(current, coordinator)).check(7)


async def test_a_silent_coordinator_is_waited_for_and_a_heartbeat_lets_go_on() -> None:
    members = MembersTwin()
    asked: list[None] = []

    def answer_at_the_third_question() -> None:
        asked.append(None)
        if len(asked) == 3:
            members.heard = 100.0

    members.asked = answer_at_the_third_question
    await ownership(members, now=100.0).check(7)
    assert len(asked) >= 3


async def test_a_silent_coordinator_that_has_given_this_member_up_loses_the_partition() -> None:
    members = MembersTwin()
    asked: list[None] = []

    def give_up_at_the_third_question() -> None:
        asked.append(None)
        if len(asked) == 3:
            members.coordinator = -1

    members.asked = give_up_at_the_third_question
    with pytest.raises(PartitionLost):
        await ownership(members, now=100.0).check(7)


def test_partitions_and_generation_are_the_members() -> None:
    members = MembersTwin(partitions={2})
    assert ownership(members).owns(2)
    assert not ownership(members).owns(1)
    assert ownership(members).generation() == 7
