"""Commands against real servers."""

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from click.testing import Result

from schemas.enums import Outcome, State, Status
from schemas.events import DecidedEvent, HistoryEvent, StatusEvent
from schemas.topics import STATUS_TOPIC
from tests.herold_runner import HeroldRunner, build_herold_runner

DECIDED = DecidedEvent("ntf_1", "u-1", State.ROUTED, 1.0, 1.0, "low", "order.shipped")
SENT = StatusEvent("dlv_1", "ntf_1", "u-1", "email", Status.SENT, 1.0, 1.0, outcome=Outcome.ACCEPTED)
OTHER = StatusEvent("dlv_2", "ntf_2", "u-2", "sms", Status.SENT, 1.0, 1.0)


@pytest.fixture
def herold(tmp_path: Path) -> HeroldRunner:
    """Runs `herold` without a state file."""
    return build_herold_runner(HEROLD_HOME=str(tmp_path / "home"), HEROLD_KAFKA_TOPIC_PARTITIONS="2")


def parse_json_output(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_topics_are_created_checked_and_listed(herold: HeroldRunner, kafka_url: str, prefix: str) -> None:
    env = {"KAFKA_BOOTSTRAP_SERVERS": kafka_url, "HEROLD_KAFKA_TOPIC_PREFIX": prefix}
    missing = herold("topics", "check", "--json", **env)
    assert missing.exit_code == 1
    listed = parse_json_output(herold("topics", "list", "--json", **env))
    assert {mismatch["topic"] for mismatch in json.loads(missing.stdout)} == {topic["name"] for topic in listed}
    assert "created" in herold("topics", "apply", **env).stdout
    assert parse_json_output(herold("topics", "apply", "--json", **env)) == []
    assert "all topics match the catalogue" in herold("topics", "check", **env).stdout
    other = herold("topics", "apply", **{**env, "HEROLD_KAFKA_TOPIC_PARTITIONS": "3"})
    assert other.exit_code == 1
    assert "partitions" in other.stderr


def test_tail_prints_the_events_that_match_its_filters(herold: HeroldRunner, kafka_url: str, prefix: str) -> None:
    env = {"KAFKA_BOOTSTRAP_SERVERS": kafka_url, "HEROLD_KAFKA_TOPIC_PREFIX": prefix}
    assert herold("topics", "apply", **env).exit_code == 0
    asyncio.run(produce_events(kafka_url, prefix + STATUS_TOPIC, [DECIDED, OTHER, SENT]))
    lines = herold("tail", "--from-start", "--user", "u-1", "--count", "2", "--json", **env).stdout.splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["decided", "status"]
    shown = herold("tail", "--from-start", "--channel", "sms", "--count", "1", **env)
    assert "ntf_2" in shown.stdout


def test_tail_without_the_topic_exits_with_3(herold: HeroldRunner, kafka_url: str, prefix: str) -> None:
    result = herold("tail", KAFKA_BOOTSTRAP_SERVERS=kafka_url, HEROLD_KAFKA_TOPIC_PREFIX=prefix)
    assert result.exit_code == 3
    assert "herold topics apply" in result.stderr


async def produce_events(kafka_url: str, topic: str, events: list[HistoryEvent]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka_url)
    await producer.start()
    try:
        for event in events:
            await producer.send_and_wait(topic, msgspec.json.encode(event), partition=0)
    finally:
        await producer.stop()


def test_unavailable_kafka_exits_with_4(herold: HeroldRunner) -> None:
    for args in (["topics", "check"], ["topics", "apply"], ["tail"]):
        result = herold(*args, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
        assert result.exit_code == 4
        assert "KAFKA_BOOTSTRAP_SERVERS" in result.stderr


def test_the_database_is_upgraded_and_checked(herold: HeroldRunner, database_url: str) -> None:
    env = {"DATABASE_URL": database_url}
    assert herold("db", "check", **env).exit_code == 1
    revision = parse_json_output(herold("db", "upgrade", "--json", **env))["revision"]
    health = parse_json_output(herold("db", "check", "--json", **env))
    assert (health["revision"], health["problems"]) == (revision, [])
    assert parse_json_output(herold("db", "maintain-partitions", "--json", **env))["partition_days_ahead"] == 7
    assert "days ahead" in herold("db", "check", **env).stdout


def test_unavailable_postgresql_exits_with_4(herold: HeroldRunner) -> None:
    for args in (["db", "check"], ["db", "upgrade"], ["db", "maintain-partitions"]):
        result = herold(*args, DATABASE_URL="postgresql://user:secret@127.0.0.1:1/none")
        assert result.exit_code == 4
        assert "DATABASE_URL" in result.stderr
        assert "secret" not in result.output
