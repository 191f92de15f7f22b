"""An app has an agent for each priority, bounded tables, and start-up checks."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.streaming.application import add_agents, add_table
from app.streaming.consumer.fetch_scheduling import PriorityLimits
from schemas.ports import BatchHandle
from tests.unit.app.streaming.app_builder import build_app

PRIORITIES = ["notifications.high", "notifications.medium", "notifications.low"]


async def run(batches: AsyncIterator[BatchHandle]) -> None:
    async for handle in batches:
        handle.ack()


def test_one_agent_for_each_priority_with_an_actor_for_each_partition(tmp_path: Path) -> None:
    app = build_app(tmp_path)
    add_agents(app, PRIORITIES, run)
    assert list(app.agents) == [f"t-router.{topic}" for topic in PRIORITIES]
    assert all(agent.isolated_partitions for agent in app.agents.values())
    assert app.transport.topic_priorities == {"notifications.high": 0, "notifications.medium": 1, "notifications.low": 2}
    assert app.source_topics == PRIORITIES


def test_more_topics_than_priority_limits_are_rejected(tmp_path: Path) -> None:
    app = build_app(tmp_path, priority_limits=(PriorityLimits(1, 1, 1, 1, 1),))
    with pytest.raises(ValueError, match="3 topics, but only 1 priority limits"):
        add_agents(app, PRIORITIES, run)


def test_required_topics_are_sources_sinks_and_changelogs(tmp_path: Path) -> None:
    app = build_app(tmp_path)
    add_agents(app, PRIORITIES[:1], run)
    app.sink_topics.append("notifications.status")
    add_table(app, "seen")
    assert app.get_required_topics() == ["notifications.high", "notifications.status", "t-router-seen-changelog"]


def test_changelogs_that_the_app_may_create_are_not_required(tmp_path: Path) -> None:
    app = build_app(tmp_path, topic_allow_declare=True)
    add_table(app, "seen")
    assert app.get_required_topics() == []


async def test_the_start_runs_its_checks_and_creates_the_data_directory_with_its_parents(tmp_path: Path) -> None:
    app = build_app(tmp_path)
    checked: list[str] = []

    async def check() -> None:
        assert not app.settings.datadir.exists()
        checked.append("topics")

    app.startup_checks.append(check)
    await app.on_first_start()
    assert checked == ["topics"]
    assert app.settings.datadir.is_dir()


async def test_a_check_that_fails_stops_the_start(tmp_path: Path) -> None:
    app = build_app(tmp_path)

    async def check() -> None:
        raise RuntimeError("wrong")

    app.startup_checks.append(check)
    with pytest.raises(RuntimeError):
        await app.on_first_start()
    assert not app.settings.datadir.exists()


def test_tables_are_bounded_and_recover_by_few_large_batches(tmp_path: Path) -> None:
    table = add_table(build_app(tmp_path), "seen")
    assert 1 < table.recovery_buffer_size <= 10  # Faust never pauses a changelog whose buffer is 1
    assert table.partitions == 4
    assert set(table.options) >= {"block_cache_size", "write_buffer_size", "max_write_buffer_number"}


def test_tables_do_not_share_their_options(tmp_path: Path) -> None:
    app = build_app(tmp_path)
    first, second = add_table(app, "one"), add_table(app, "two")
    first.options.pop("driver")  # as Faust's store does
    assert second.options["driver"] == "rocksdict"


async def test_the_heap_is_frozen_at_the_first_rebalance_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    freezes: list[int] = []
    monkeypatch.setattr("app.streaming.application.freeze_heap", lambda: freezes.append(1))
    app = build_app(tmp_path)
    for _ in range(3):
        await app.on_rebalance_complete.send()
    assert freezes == [1]
