"""An app is what its settings say, whatever the environment holds, and agents are attached priority by priority."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.streaming.application import add_agents, add_table, build_batch_committer
from app.streaming.consumer.priority_selector import PriorityLimits
from schemas.ids import compute_partition
from schemas.ports import Batch, BatchHandle
from tests.unit.app.streaming.app_builder import build_app

PRIORITIES = ["notifications.high", "notifications.medium", "notifications.low"]


async def run(batches: AsyncIterator[Batch]) -> None:
    async for _ in batches:
        pass


async def run_manual_ack(batches: AsyncIterator[BatchHandle]) -> None:
    async for held in batches:
        held.ack()


def test_the_environment_does_not_override_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PRODUCER_ACKS": "0", "BROKER_URL": "kafka://elsewhere:1", "WEB_BIND": "0.0.0.0", "TOPIC_PARTITIONS": "99"}.items():
        monkeypatch.setenv(name, value)
    conf = build_app(tmp_path).conf
    assert (conf.producer_acks, conf.web_bind, conf.topic_partitions) == (-1, "127.0.0.1", 4)
    assert [str(url) for url in conf.broker] == ["kafka://127.0.0.1:1"]


def test_several_brokers_are_given_by_comma(tmp_path: Path) -> None:
    from app.streaming.application import build_stream_app
    from app.streaming.settings import StreamSettings

    app = build_stream_app(StreamSettings(app_id="t", bootstrap_servers="one:1,two:2", datadir=tmp_path))
    assert [str(url) for url in app.conf.broker] == ["kafka://one:1", "kafka://two:2"]


def test_the_producer_is_safe_and_places_records_where_all_of_ours_do(tmp_path: Path) -> None:
    app = build_app(tmp_path)
    assert app.transport.Producer._settings_extra(None) == {"acks": "all", "enable_idempotence": True}  # type: ignore[arg-type]
    users = [f"u-{number}" for number in range(50)]
    place = app.conf.producer_partitioner
    assert [place(user.encode(), [0, 1, 2, 3], []) for user in users] == [compute_partition(user, 4) for user in users]


@pytest.mark.parametrize(("port", "served"), [(0, False), (6099, True)])
def test_the_web_is_served_only_where_a_port_is_given_and_never_shows_tables(tmp_path: Path, port: int, served: bool) -> None:
    app = build_app(tmp_path, web_port=port)
    app.conf.web_enabled = True  # what the worker command does
    assert app.boot_strategy._should_enable_web() is served
    assert not app.conf.web_tables_enabled
    assert not app.conf.web_router_enabled


def test_one_agent_for_each_priority_with_an_actor_for_each_partition(tmp_path: Path) -> None:
    app = build_app(tmp_path)
    add_agents(app, PRIORITIES, run)
    assert list(app.agents) == [f"t-router.{topic}" for topic in PRIORITIES]
    assert all(agent.isolated_partitions for agent in app.agents.values())
    assert app.transport.topic_priorities == {"notifications.high": 0, "notifications.medium": 1, "notifications.low": 2}
    assert app.source_topics == PRIORITIES


def test_held_batches_are_attached_the_same_way(tmp_path: Path) -> None:
    app = build_app(tmp_path)
    add_agents(app, PRIORITIES, run_manual_ack, manual_ack=True)
    assert list(app.agents) == [f"t-router.{topic}" for topic in PRIORITIES]


def test_more_priorities_than_rules_are_refused(tmp_path: Path) -> None:
    app = build_app(tmp_path, priority_limits=(PriorityLimits(1, 1, 1, 1, 1),))
    with pytest.raises(ValueError, match="3 topics, but only 1 priority limits"):
        add_agents(app, PRIORITIES, run)


def test_topics_needed_are_inputs_outputs_and_changelogs(tmp_path: Path) -> None:
    app = build_app(tmp_path)
    add_agents(app, PRIORITIES[:1], run)
    app.sink_topics.append("notifications.status")
    add_table(app, "seen")
    assert app.get_required_topics() == ["notifications.high", "notifications.status", "t-router-seen-changelog"]


def test_changelogs_that_the_app_may_create_need_not_be_there(tmp_path: Path) -> None:
    app = build_app(tmp_path, topic_allow_declare=True)
    add_table(app, "seen")
    assert app.get_required_topics() == []


async def test_the_start_runs_its_checks_and_makes_the_data_directory_with_its_parents(tmp_path: Path) -> None:
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


def test_a_commit_is_made_before_the_worker_starts(tmp_path: Path) -> None:
    build_batch_committer(build_app(tmp_path))  # nothing is asked of consumer or producer yet
