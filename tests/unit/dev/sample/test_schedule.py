"""Lines are spaced evenly, and a late line is due at once."""

from dev.sample.schedule import SubmissionSchedule


class FakeTime:
    """A clock that advances while something sleeps."""

    def __init__(self) -> None:
        self.now = 50.0

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def test_lines_are_due_at_a_steady_rate() -> None:
    time = FakeTime()
    schedule, due_at = SubmissionSchedule(4.0, lambda: time.now, time.sleep), []
    for number in range(1, 6):
        await schedule.wait_until_due(number)
        due_at.append(time.now)
    assert due_at == [50.0, 50.25, 50.5, 50.75, 51.0]


async def test_a_delay_does_not_move_the_schedule() -> None:
    time = FakeTime()
    schedule = SubmissionSchedule(4.0, lambda: time.now, time.sleep)
    await schedule.wait_until_due(1)
    time.now += 0.6
    await schedule.wait_until_due(2)
    assert time.now == 50.6
    await schedule.wait_until_due(4)
    assert time.now == 50.75


async def test_lines_over_kafka_and_http_share_one_schedule() -> None:
    time = FakeTime()
    schedule = SubmissionSchedule(4.0, lambda: time.now, time.sleep)
    await schedule.wait_until_due(3)
    assert time.now == 50.5, "the first line that is asked for need not be line 1"
