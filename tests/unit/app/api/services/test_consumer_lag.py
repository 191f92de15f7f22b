import pytest

from app.api.services.consumer_lag import STALL_TIMEOUT, ConsumerLagProbe, GroupLag, StallDetector, compute_lags
from schemas.errors import UnavailableError
from tests.unit.app.api.pipeline.builders import NOW, build_offsets


def test_lag_of_a_partition_without_a_committed_offset_counts_from_its_start() -> None:
    offsets = build_offsets(ends={"notifications.status": (10, 15)}, committed=-1)
    roles = {**offsets.committed, "recorder": {"notifications.status": (7, -1), "notifications.dlq": (10, 10)}}
    lags = compute_lags(offsets._replace(starts={**offsets.starts, "notifications.status": (0, 13)}, committed=roles))
    assert lags["recorder"] == GroupLag(committed=40, lag=5)
    assert lags["router"] == GroupLag(committed=0, lag=60)


async def test_what_cannot_be_read_is_a_problem_until_it_is_read_again() -> None:
    now, is_away = 0.0, True

    async def read_offsets() -> object:
        if is_away:
            raise UnavailableError("away")
        return build_offsets(NOW)

    probe = ConsumerLagProbe(read_offsets, lambda: now)  # type: ignore[arg-type]
    with pytest.raises(UnavailableError):
        await probe.probe()
    assert await probe.probe() == "the offsets of the consumer groups cannot be read"
    now, is_away = 10.0, False
    assert await probe.probe() == ""


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
