"""Commands against real servers."""

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer
from click.testing import Result

from schemas.status import Accepted, Status, StatusEvent
from schemas.topics import STATUS
from schemas.words import Outcome, State, StatusName
from tests.integration.cli.conftest import Herold
from tests.integration.twins.process import TwinProcess

ACCEPTED = Accepted("ntf_1", "u-1", State.ROUTED, 1.0, 1.0, "low", "order.shipped")
SENT = Status("dlv_1", "ntf_1", "u-1", "email", StatusName.SENT, 1.0, 1.0, outcome=Outcome.ACCEPTED)
OTHER = Status("dlv_2", "ntf_2", "u-2", "sms", StatusName.SENT, 1.0, 1.0)


def json_of(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_topics_are_made_checked_and_listed(herold: Herold, kafka_url: str, prefix: str) -> None:
    env = {"KAFKA_BOOTSTRAP_SERVERS": kafka_url, "HEROLD_HEROLD_TOPIC_PREFIX": prefix}
    missing = herold("topics", "check", "--json", **env)
    assert missing.exit_code == 1
    listed = json_of(herold("topics", "list", "--json", **env))
    assert {one["topic"] for one in json.loads(missing.stdout)} == {one["name"] for one in listed}
    assert "created" in herold("topics", "apply", **env).stdout
    assert json_of(herold("topics", "apply", "--json", **env)) == []
    assert "all topics are right" in herold("topics", "check", **env).stdout
    other = herold("topics", "apply", **{**env, "HEROLD_HEROLD_PARTITIONS": "3"})
    assert other.exit_code == 1
    assert "partitions" in other.stderr


def test_tail_shows_what_is_said_of_a_user(herold: Herold, kafka_url: str, prefix: str) -> None:
    env = {"KAFKA_BOOTSTRAP_SERVERS": kafka_url, "HEROLD_HEROLD_TOPIC_PREFIX": prefix}
    assert herold("topics", "apply", **env).exit_code == 0
    asyncio.run(said(kafka_url, prefix + STATUS, [ACCEPTED, OTHER, SENT]))
    lines = herold("tail", "--from-start", "--user", "u-1", "--count", "2", "--json", **env).stdout.splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["accepted", "status"]
    shown = herold("tail", "--from-start", "--channel", "sms", "--count", "1", **env)
    assert "ntf_2" in shown.stdout


def test_tail_without_the_topic_is_3(herold: Herold, kafka_url: str, prefix: str) -> None:
    result = herold("tail", KAFKA_BOOTSTRAP_SERVERS=kafka_url, HEROLD_HEROLD_TOPIC_PREFIX=prefix)
    assert result.exit_code == 3
    assert "herold topics apply" in result.stderr


async def said(kafka: str, topic: str, events: list[StatusEvent]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        for event in events:
            await producer.send_and_wait(topic, msgspec.json.encode(event), partition=0)
    finally:
        await producer.stop()


def test_kafka_that_is_away_is_4(herold: Herold) -> None:
    for words in (["topics", "check"], ["topics", "apply"], ["tail"]):
        result = herold(*words, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
        assert result.exit_code == 4
        assert "KAFKA_BOOTSTRAP_SERVERS" in result.stderr


def test_the_database_is_upgraded_and_checked(herold: Herold, database_url: str) -> None:
    env = {"DATABASE_URL": database_url}
    assert herold("db", "check", **env).exit_code == 1
    revision = json_of(herold("db", "upgrade", "--json", **env))["revision"]
    health = json_of(herold("db", "check", "--json", **env))
    assert (health["revision"], health["problems"]) == (revision, [])
    assert json_of(herold("db", "partitions", "--json", **env))["days_ahead"] == 7
    assert "days ahead" in herold("db", "check", **env).stdout


def test_postgresql_that_is_away_is_4(herold: Herold) -> None:
    for words in (["db", "check"], ["db", "upgrade"], ["db", "partitions"]):
        result = herold(*words, DATABASE_URL="postgresql://user:secret@127.0.0.1:1/none")
        assert result.exit_code == 4
        assert "DATABASE_URL" in result.stderr
        assert "secret" not in result.output


def test_the_ledger_is_counted_and_searched(herold: Herold, tmp_path: Path) -> None:
    twins = TwinProcess(tmp_path / "ledger.log")
    try:
        assert json_of(herold("ledger", "--url", twins.origin, "--json"))["requests"] == 0
        assert "requests" in herold("ledger", "--url", twins.origin).stdout
        assert json_of(herold("ledger", "--url", twins.origin, "--address", "a@example.org", "--json")) == []
        assert "no such request" in herold("ledger", "--url", twins.origin, "--delivery", "dlv_1").stdout
    finally:
        twins.end()
