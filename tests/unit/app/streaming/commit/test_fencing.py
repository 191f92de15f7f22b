"""The fence lets a worker write only in the group's generation, and waits for the coordinator's response before it decides."""

import pytest

from app.streaming.commit.fencing import GenerationFence
from schemas.errors import PartitionFencedError
from tests.unit.app.streaming.fake_membership import FakeMembership

SESSION_TIMEOUT = 15.0


def build_fence(membership: FakeMembership, now: float = 1.0) -> GenerationFence:
    return GenerationFence(lambda: membership, session_timeout=SESSION_TIMEOUT, monotonic=lambda: now, retry_interval=0)


async def test_the_current_generation_passes() -> None:
    await build_fence(FakeMembership()).require_current(7)


@pytest.mark.parametrize(
    ("current", "confirmed"),
    [
        (7, 8),  # the group has a new generation, and this worker has no new assignment yet
        (8, 8),  # this worker already works in the next generation
        (7, -1),  # the group no longer knows this member
    ],
)
async def test_another_generation_is_fenced(current: int, confirmed: int) -> None:
    with pytest.raises(PartitionFencedError, match="generation 7 is over"):
        await build_fence(FakeMembership(current, confirmed)).require_current(7)


async def test_require_current_waits_for_a_silent_coordinator_and_returns_after_a_heartbeat() -> None:
    membership = FakeMembership()
    reads: list[None] = []

    def confirm_at_the_third_read() -> None:
        reads.append(None)
        if len(reads) == 3:
            membership.heartbeat_at = 100.0

    membership.on_generation_read = confirm_at_the_third_read
    await build_fence(membership, now=100.0).require_current(7)
    assert len(reads) >= 3


async def test_a_silent_coordinator_that_has_removed_this_member_fences_it() -> None:
    membership = FakeMembership()
    reads: list[None] = []

    def remove_member_at_the_third_read() -> None:
        reads.append(None)
        if len(reads) == 3:
            membership.confirmed_generation = -1

    membership.on_generation_read = remove_member_at_the_third_read
    with pytest.raises(PartitionFencedError):
        await build_fence(membership, now=100.0).require_current(7)


def test_partitions_and_generation_are_those_of_the_membership() -> None:
    membership = FakeMembership(partitions={2})
    assert build_fence(membership).is_assigned(2)
    assert not build_fence(membership).is_assigned(1)
    assert build_fence(membership).get_generation() == 7
