"""Faust's configuration comes from the stream settings alone."""

from pathlib import Path

import pytest

from app.streaming.faust_config import build_conf
from schemas.ids import compute_partition
from tests.unit.app.streaming.app_builder import build_app, build_settings


def test_the_environment_does_not_override_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PRODUCER_ACKS": "0", "BROKER_URL": "kafka://elsewhere:1", "WEB_BIND": "0.0.0.0", "TOPIC_PARTITIONS": "99"}.items():
        monkeypatch.setenv(name, value)
    conf = build_app(tmp_path).conf
    assert (conf.producer_acks, conf.web_bind, conf.topic_partitions) == (-1, "127.0.0.1", 4)
    assert [str(url) for url in conf.broker] == ["kafka://127.0.0.1:1"]


def test_bootstrap_servers_are_separated_by_commas(tmp_path: Path) -> None:
    app = build_app(tmp_path, bootstrap_servers="one:1,two:2")
    assert [str(url) for url in app.conf.broker] == ["kafka://one:1", "kafka://two:2"]


def test_the_producer_is_idempotent_and_partitions_as_compute_partition_does(tmp_path: Path) -> None:
    app = build_app(tmp_path)
    assert app.transport.Producer._settings_extra(None) == {"acks": "all", "enable_idempotence": True}  # type: ignore[arg-type]
    users = [f"u-{number}" for number in range(50)]
    select_partition = app.conf.producer_partitioner
    assert [select_partition(user.encode(), [0, 1, 2, 3], []) for user in users] == [compute_partition(user, 4) for user in users]


@pytest.mark.parametrize(("port", "is_enabled"), [(0, False), (6099, True)])
def test_the_web_server_starts_only_with_a_port_and_without_table_views(tmp_path: Path, port: int, is_enabled: bool) -> None:
    app = build_app(tmp_path, web_port=port)
    app.conf.web_enabled = True  # what the worker command does
    assert app.boot_strategy._should_enable_web() is is_enabled
    assert not app.conf.web_tables_enabled
    assert not app.conf.web_router_enabled


@pytest.mark.parametrize(("session_timeout", "heartbeat_interval"), [(15.0, 3.0), (9.0, 3.0), (6.0, 2.0)])
def test_the_heartbeat_interval_is_at_most_a_third_of_the_session(
    tmp_path: Path, session_timeout: float, heartbeat_interval: float
) -> None:
    conf = build_conf(build_settings(tmp_path, session_timeout=session_timeout))
    assert conf["broker_heartbeat_interval"] == heartbeat_interval
