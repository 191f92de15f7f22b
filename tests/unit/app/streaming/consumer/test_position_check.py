"""A partition continues after its last records, or where a seek put it; every other start is a jump."""

from faust.types import TP

from app.streaming.consumer.position_check import PositionCheck, PositionJump

P, Q = TP("notifications.low", 0), TP("notifications.low", 1)


def test_records_that_follow_each_other_are_no_jump() -> None:
    check = PositionCheck()
    assert check.find_jump(P, 40) is None, "where a new group starts is not known"
    check.record_position(P, 50)
    assert check.find_jump(P, 50) is None
    assert check.find_jump(Q, 7) is None


def test_a_jump_has_a_direction_and_a_count() -> None:
    check = PositionCheck()
    check.expect({P: 50, Q: 50})
    forward, backward = check.find_jump(P, 80), check.find_jump(Q, 0)
    assert forward == PositionJump("notifications.low", 0, 50, 80)
    assert backward == PositionJump("notifications.low", 1, 50, 0)
    assert (forward.direction, forward.offset_count, backward.direction, backward.offset_count) == ("forward", 30, "backward", 50)


def test_after_a_rebalance_a_partition_continues_at_its_commit() -> None:
    check = PositionCheck()
    check.record_position(P, 90)
    check.expect_committed({P: 70, Q: None})
    assert check.find_jump(P, 70) is None
    assert check.find_jump(Q, 0) is None


def test_a_commit_of_this_process_that_is_gone_or_lower_is_a_jump_once() -> None:
    check = PositionCheck()
    check.record_commits({P: 70, Q: 70})
    check.expect_committed({P: None, Q: 60})
    assert check.find_jump(P, 0) == PositionJump("notifications.low", 0, 70, 0)
    assert check.find_jump(Q, 60) == PositionJump("notifications.low", 1, 70, 60)
    check.forget_commits(P)
    check.expect_committed({P: None})
    assert check.find_jump(P, 0) is None


def test_a_later_commit_of_another_worker_is_no_jump() -> None:
    check = PositionCheck()
    check.record_commits({P: 70})
    check.expect_committed({P: 90})
    assert check.find_jump(P, 90) is None


def test_a_commit_that_ends_after_a_jump_back_is_not_expected_later() -> None:
    check = PositionCheck()
    check.record_position(P, 220)
    check.forget_commits(P)
    check.record_position(P, 15)
    check.record_commits({P: 207})
    check.expect_committed({P: 15})
    assert check.find_jump(P, 15) is None
