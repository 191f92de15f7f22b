from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from app.api.services.consumer_lag import STALL_TIMEOUT, GroupLag, StallDetector, compute_lag

ONE, TWO = TopicPartition("t", 0), TopicPartition("t", 1)


def test_what_was_not_committed_waits_from_the_start() -> None:
    committed = {ONE: OffsetAndMetadata(7, ""), TWO: OffsetAndMetadata(-1, "")}
    assert compute_lag([ONE, TWO], committed, {ONE: 0, TWO: 3}, {ONE: 10, TWO: 5}) == GroupLag(committed=10, lag=5)
    assert compute_lag([TWO], {}, {TWO: 3}, {TWO: 3}) == GroupLag(committed=3, lag=0)


def test_a_role_is_stuck_when_records_wait_and_none_is_read() -> None:
    now = 0.0
    progress = StallDetector(lambda: now)
    assert progress.describe_stalled_roles({"router": GroupLag(5, 3)}) == ""
    now = STALL_TIMEOUT
    assert progress.describe_stalled_roles({"router": GroupLag(5, 3)}) == "", "not yet"
    now = STALL_TIMEOUT + 1
    assert (
        progress.describe_stalled_roles({"router": GroupLag(5, 4), "email": GroupLag(0, 0)})
        == "router: 4 records wait, none was read for 31 s"
    )
    assert progress.describe_stalled_roles({"router": GroupLag(6, 4)}) == "", "it moves again"


def test_a_role_without_work_is_not_stuck() -> None:
    now = 0.0
    progress = StallDetector(lambda: now)
    progress.describe_stalled_roles({"router": GroupLag(5, 0)})
    now = 10 * STALL_TIMEOUT
    assert progress.describe_stalled_roles({"router": GroupLag(5, 0)}) == ""
    now += 1
    assert progress.describe_stalled_roles({"router": GroupLag(5, 1)}) == "", "the waiting has just begun"
