import pytest
from aiokafka import TopicPartition
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.structs import OffsetAndMetadata

from app.api.services.consumer_lag import STALL_TIMEOUT, GroupLag, StallDetector, compute_lag

FIRST, SECOND = TopicPartition("t", 0), TopicPartition("t", 1)


def test_lag_of_a_partition_without_a_committed_offset_counts_from_its_start() -> None:
    committed = {FIRST: OffsetAndMetadata(7, ""), SECOND: OffsetAndMetadata(-1, "")}
    assert compute_lag([FIRST, SECOND], committed, {FIRST: 0, SECOND: 3}, {FIRST: 10, SECOND: 5}) == GroupLag(committed=10, lag=5)


def test_a_missing_offset_is_not_taken_for_no_commit() -> None:
    with pytest.raises(GroupCoordinatorNotAvailableError, match="1 partitions"):
        compute_lag([FIRST, SECOND], {FIRST: OffsetAndMetadata(7, "")}, {FIRST: 0, SECOND: 3}, {FIRST: 10, SECOND: 5})


def test_a_role_is_stalled_when_records_wait_and_none_is_committed() -> None:
    now = 0.0
    detector = StallDetector(lambda: now)
    assert detector.describe_stalled_roles({"router": GroupLag(5, 3)}) == ""
    now = STALL_TIMEOUT
    assert detector.describe_stalled_roles({"router": GroupLag(5, 3)}) == "", "the timeout has not passed"
    now = STALL_TIMEOUT + 1
    assert (
        detector.describe_stalled_roles({"router": GroupLag(5, 4), "email": GroupLag(0, 0)})
        == "router: 4 records are waiting, none was committed for 31 s"
    )
    assert detector.describe_stalled_roles({"router": GroupLag(6, 4)}) == "", "a record was committed"


def test_a_role_without_lag_is_not_stalled() -> None:
    now = 0.0
    detector = StallDetector(lambda: now)
    detector.describe_stalled_roles({"router": GroupLag(5, 0)})
    now = 10 * STALL_TIMEOUT
    assert detector.describe_stalled_roles({"router": GroupLag(5, 0)}) == ""
    now += 1
    assert detector.describe_stalled_roles({"router": GroupLag(5, 1)}) == "", "the timeout starts with the lag"
