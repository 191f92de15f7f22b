from app.api.pipeline.bodies import AccountBreaker, Lag, PriorityQueue
from app.api.pipeline.groups import ConsumerGroup
from app.api.pipeline.overview import build_overview
from schemas.worker_reports import TableReport
from tests.unit.app.api.pipeline.builders import (
    BROKEN,
    NOW,
    build_answer,
    build_groups,
    build_offsets,
    build_series,
    build_snapshot,
)


def test_what_waits_is_counted_by_priority() -> None:
    ends = {
        "notifications.high": (12, 10),
        "deliveries.email.high": (13, 10),
        "deliveries.sms.high": (10, 11),
        "deliveries.sms.low": (15, 10),
    }
    overview = build_overview(build_snapshot(series=build_series(build_offsets(NOW - 3, ends), build_offsets(NOW, ends))))
    assert overview.queues == [
        PriorityQueue("high", Lag(2, 3.0), Lag(4, 3.0)),
        PriorityQueue("medium", Lag(0, 0.0), Lag(0, 0.0)),
        PriorityQueue("low", Lag(0, 0.0), Lag(5, 3.0)),
    ]


def test_what_is_held_is_counted_or_half_the_rows() -> None:
    few, many = TableReport("due", 22, 0, [0], [], entry_count=8), TableReport("due", 5000, 0, [1], [])
    answers = [build_answer("scheduler", tables=[few]), build_answer("scheduler", "2", tables=[many])]
    assert build_overview(build_snapshot(answers=answers)).held == 2508
    assert build_overview(build_snapshot(answers=[])).held is None


def test_a_part_that_was_never_known_is_missing_and_the_others_are_there() -> None:
    snapshot = build_snapshot(series=build_series(), groups={}, problems={"offsets": "away"})
    overview = build_overview(snapshot._replace(accounts=snapshot.accounts._replace(value=None, problem="away", as_of=None)))
    assert (overview.queues, overview.breakers) == (None, None)
    assert (overview.sources["kafka"].problem, overview.sources["breakers"].as_of) == ("away", None)
    assert overview.dead_letters is not None
    assert (overview.roles[0].lag, overview.roles[0].workers) == (None, 1)


def test_a_role_counts_its_workers() -> None:
    overview = build_overview(build_snapshot(groups=build_groups(router=ConsumerGroup("Empty", ()))))
    assert [(role.role, role.workers, role.problem) for role in overview.roles][:2] == [("router", 0, "no worker runs"), ("email", 1, "")]


def test_open_breakers_are_listed() -> None:
    assert build_overview(build_snapshot(accounts=[BROKEN])).breakers == [AccountBreaker("sendgrid", "email", "account_fault", NOW + 60)]
    assert build_overview(build_snapshot()).breakers == []
