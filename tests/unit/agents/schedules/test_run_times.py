"""When schedules run, also against a plain enumeration of all minutes."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.schedules.run_times import MAX_RUNS_AT_ONCE, MISSED_AFTER, find_next_run, iterate_runs, plan_runs
from schemas.schedules import DueSchedule, MissedRuns, RunPlan, Timing

DAY = 86_400.0
START = datetime(2026, 3, 2, tzinfo=UTC).timestamp()  # a Monday
CRONS = st.sampled_from(["* * * * *", "*/7 * * * *", "0 8 * * 1-5", "30 2 * * *", "15,45 3-5 * * *", "0 0 1 * *"])


def build(cron: str, next_run_at: float, missed: MissedRuns = "once", **timing: float | str) -> DueSchedule:
    return DueSchedule("sch_1", "news", Timing(cron, **{"time_zone": "UTC", **timing}), missed, next_run_at)  # type: ignore[arg-type]


def test_a_run_is_at_the_local_time_of_the_zone() -> None:
    timing = Timing("0 8 * * *", "Europe/Vienna", START)
    runs = iterate_runs(timing, START)
    texts = [datetime.fromtimestamp(next(runs), ZoneInfo("Europe/Vienna")).isoformat() for _ in range(28)]
    assert (texts[0], texts[-1]) == ("2026-03-02T08:00:00+01:00", "2026-03-29T08:00:00+02:00")


def test_both_ends_are_included() -> None:
    timing = Timing("0 * * * *", "UTC", START + 3600, START + 3 * 3600)
    assert list(iterate_runs(timing, 0.0)) == [START + 3600, START + 7200, START + 10_800]
    assert find_next_run(timing, START + 10_800) is None
    assert find_next_run(Timing("0 * * * *", "UTC", START + 0.5), 0.0) == START + 3600


def test_a_run_that_is_on_time_starts_and_the_next_one_is_in_the_future() -> None:
    for policy in ("skip", "once", "all"):
        assert plan_runs(build("0 8 * * *", START + 8 * 3600, policy), START + 8 * 3600 + 5) == RunPlan(
            [START + 8 * 3600], START + 32 * 3600
        )


@pytest.mark.parametrize(("missed", "runs", "skipped"), [("skip", [], 3), ("once", [2], 2), ("all", [0, 1, 2], 0)])
def test_missed_runs(missed: MissedRuns, runs: list[int], skipped: int) -> None:
    plan = plan_runs(build("0 8 * * *", START + 8 * 3600, missed), START + 2 * DAY + 12 * 3600)
    assert plan == RunPlan([START + number * DAY + 8 * 3600 for number in runs], START + 3 * DAY + 8 * 3600, skipped)


def test_a_run_that_is_on_time_stands_for_those_that_were_missed() -> None:
    plan = plan_runs(build("0 8 * * *", START + 8 * 3600, "once"), START + DAY + 8 * 3600 + 10)
    assert plan.run_times == [START + DAY + 8 * 3600]


def test_the_last_run_before_the_end_is_the_last() -> None:
    plan = plan_runs(build("0 8 * * *", START + 8 * 3600, end_at=START + DAY), START + 40 * DAY)
    assert plan == RunPlan([START + 8 * 3600], None)


@given(
    cron=CRONS,
    missed=st.sampled_from(["skip", "once", "all"]),
    zone=st.sampled_from(["UTC", "Europe/Vienna", "Asia/Kathmandu"]),
    days=st.floats(0, 20),
    delay=st.floats(0, 12 * DAY),
)
def test_the_plan_is_that_of_all_minutes(cron: str, missed: MissedRuns, zone: str, days: float, delay: float) -> None:
    timing = Timing(cron, zone)
    first = find_next_run(timing, START + days * DAY)
    assert first is not None
    now = first + delay
    plan = plan_runs(build(cron, first, missed, time_zone=zone), now)
    times, at = [], first
    while at <= now:
        times.append(at)
        at = find_next_run(timing, at) or 0.0
    on_time = [at for at in times if at >= now - MISSED_AFTER]
    expected = {"skip": on_time, "once": on_time or times[-1:], "all": times[-MAX_RUNS_AT_ONCE:]}[missed]
    assert plan.run_times == expected
    assert plan.next_run_at == at
    assert plan.skipped_count <= len(times) - len(expected)
    assert plan.skipped_count == len(times) - len(expected) or len(times) > MAX_RUNS_AT_ONCE


def test_years_of_missed_minutes_cost_little() -> None:
    plan = plan_runs(build("* * * * *", START, "all"), START + 3 * 365 * DAY)
    assert len(plan.run_times) == MAX_RUNS_AT_ONCE
    assert plan.run_times[-1] == START + 3 * 365 * DAY
