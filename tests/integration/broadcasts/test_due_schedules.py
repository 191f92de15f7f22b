"""Runs of due schedules in PostgreSQL: each starts once, whichever workers look for it and whatever ends them."""

import asyncio
from collections.abc import Callable
from itertools import count

import pytest

from agents.schedules.run_times import plan_runs
from schemas.ids import make_id
from schemas.schedules import DueSchedule, RunPlan, StartedRuns
from tables.postgres.database import Database
from tables.postgres.due_schedules import PostgresDueSchedules

UUID = "0199c82cc00070008000000000000001"
INSERT = """
    insert into schedules (id, name, cron, time_zone, missed, notification, priority, user_ids, rate, next_run_at, created_by)
    values ($1, gen_random_uuid()::text, '*/5 * * * *', 'UTC', 'all', '{"type": "t"}', 'low', '{a,b}', 7,
        now() - make_interval(secs => $2), 'ada')
"""
RUNS = "select extract(epoch from run_at)::float8 as at from broadcasts order by run_at"
SCHEDULE = (
    "select state, extract(epoch from next_run_at)::float8 as next, extract(epoch from last_run_at)::float8 as last, version from schedules"
)

Plan = Callable[[DueSchedule, float], RunPlan]


class Killed(Exception):
    """Ends a worker within its transaction."""


def build_store(database: Database) -> PostgresDueSchedules:
    numbers = count()
    return PostgresDueSchedules(database, lambda prefix: make_id(prefix, 1_795_849_200.0 + next(numbers), id(numbers)))


async def start(database: Database, plan: Plan = plan_runs, limit: int = 50) -> list[StartedRuns]:
    return await build_store(database).start_runs(plan, limit)


async def list_runs(database: Database) -> list[float]:
    return [row["at"] for row in await database.fetch(RUNS)]


async def test_a_run_is_a_broadcast_and_the_schedule_moves_on(database_copy: Database) -> None:
    await database_copy.fetch(INSERT, UUID, 700.0)
    (before,) = await database_copy.fetch(SCHEDULE)
    (started,) = await start(database_copy)
    assert started.schedule_id == f"sch_{UUID}"
    assert len(started.broadcast_ids) == len(started.plan.run_times) in (3, 4)
    (row,) = await database_copy.fetch("select * from broadcasts order by run_at limit 1")
    assert (row["schedule_id"].hex, row["user_ids"], row["priority"], row["rate"], row["created_by"]) == (UUID, ["a", "b"], "low", 7, "ada")
    assert (row["state"], row["notification"], row["run_at"].timestamp()) == ("pending", '{"type": "t"}', before["next"])
    (after,) = await database_copy.fetch(SCHEDULE)
    assert (after["state"], after["next"], after["last"]) == ("active", started.plan.next_run_at, started.plan.run_times[-1])
    assert after["version"] == before["version"], "a run is no change"
    assert await start(database_copy) == []
    assert 0 < (await build_store(database_copy).get_wait() or 0.0) <= 300


async def test_several_workers_start_each_run_once(database_copy: Database) -> None:
    for number in range(20):
        await database_copy.fetch(INSERT, f"{UUID[:-2]}{number:02}", 1000.0)
    started = await asyncio.gather(*(start(database_copy, limit=3) for _ in range(8)))
    assert all(len(some) <= 3 for some in started), "the others are left to the other workers"
    while some := await start(database_copy):
        started.append(some)
    names = [runs.schedule_id for some in started for runs in some]
    assert sorted(names) == sorted(set(names))
    assert len(names) == 20
    runs = await database_copy.fetch("select schedule_id, run_at, count(*) from broadcasts group by 1, 2")
    assert {row["count"] for row in runs} == {1}
    assert len(runs) == sum(len(one.plan.run_times) for some in started for one in some)


async def test_a_worker_that_ends_within_a_run_leaves_it_whole(database_copy: Database) -> None:
    await database_copy.fetch(INSERT, UUID, 700.0)
    await database_copy.fetch(INSERT, f"{UUID[:-1]}2", 600.0)
    (before, _) = await database_copy.fetch(SCHEDULE + " order by id")

    def plan_once(schedule: DueSchedule, now: float) -> RunPlan:
        if not schedule.id.endswith("1"):
            raise Killed
        return plan_runs(schedule, now)

    with pytest.raises(Killed):
        await start(database_copy, plan_once)
    assert await list_runs(database_copy) == []
    assert (await database_copy.fetch(SCHEDULE + " order by id"))[0] == before
    assert len(await start(database_copy)) == 2


async def test_a_run_that_exists_is_not_started_again(database_copy: Database) -> None:
    await database_copy.fetch(INSERT, UUID, 700.0)
    (first,) = await start(database_copy)
    await database_copy.fetch(f"update schedules set next_run_at = to_timestamp({first.plan.run_times[0]})")
    (second,) = await start(database_copy)
    assert set(second.plan.run_times) >= set(first.plan.run_times)
    runs = await list_runs(database_copy)
    assert len(runs) == len(set(runs))
    assert second.broadcast_ids == [] or second.plan.run_times[-1] > first.plan.run_times[-1]


async def test_a_schedule_without_a_next_run_ends(database_copy: Database) -> None:
    await database_copy.fetch(INSERT, UUID, 700.0)
    await start(database_copy, lambda schedule, _: RunPlan([schedule.next_run_at], None))
    (after,) = await database_copy.fetch(SCHEDULE)
    assert (after["state"], after["next"]) == ("ended", None)
    assert await build_store(database_copy).get_wait() is None
