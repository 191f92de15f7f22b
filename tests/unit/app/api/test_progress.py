from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from app.api.progress import PATIENCE, Lag, Progress, lag_of

ONE, TWO = TopicPartition("t", 0), TopicPartition("t", 1)


def test_what_was_not_committed_waits_from_the_start() -> None:
    committed = {ONE: OffsetAndMetadata(7, ""), TWO: OffsetAndMetadata(-1, "")}
    assert lag_of([ONE, TWO], committed, {ONE: 0, TWO: 3}, {ONE: 10, TWO: 5}) == Lag(read=10, waiting=5)
    assert lag_of([TWO], {}, {TWO: 3}, {TWO: 3}) == Lag(read=3, waiting=0)


def test_a_role_is_stuck_when_records_wait_and_none_is_read() -> None:
    now = 0.0
    progress = Progress(lambda: now)
    assert progress.trouble({"router": Lag(5, 3)}) == ""
    now = PATIENCE
    assert progress.trouble({"router": Lag(5, 3)}) == "", "not yet"
    now = PATIENCE + 1
    assert progress.trouble({"router": Lag(5, 4), "email": Lag(0, 0)}) == "router: 4 records wait, none was read for 31 s"
    assert progress.trouble({"router": Lag(6, 4)}) == "", "it moves again"


def test_a_role_without_work_is_not_stuck() -> None:
    now = 0.0
    progress = Progress(lambda: now)
    progress.trouble({"router": Lag(5, 0)})
    now = 10 * PATIENCE
    assert progress.trouble({"router": Lag(5, 0)}) == ""
    now += 1
    assert progress.trouble({"router": Lag(5, 1)}) == "", "the waiting has just begun"
