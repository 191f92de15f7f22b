"""`herold rules simulate` on real servers: recorded notifications, stored profiles, and the rules of a file."""

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from app.admin.topics import apply_topics
from schemas.ids import compute_partition
from tables.postgres.database import Database
from tests.herold_runner import HeroldRunner, build_herold_runner
from tests.settings_builders import build_kafka_section

PARTITIONS = 2
DOCUMENT = """
rules:
  - type: newsletter.weekly
    category: marketing
    priority: high
    channels: [email]
    template: newsletter-weekly
    condition: user.tier == "gold"
  - {type: order.delivered, category: transactional, channels: [email], template: order-delivered}
"""
USERS = ("u-0", "u-1", "u-2")
DATA = {"name": "Ada", "order": "A-1", "headline": "H", "intro": "I", "link": "https://a.example", "place": "home"}


@pytest.fixture
async def herold(tmp_path: Path, database_copy: Database, database_copy_url: str, kafka_url: str, prefix: str) -> HeroldRunner:
    """Three users, one of them gold and one opted out; each has a newsletter and an order in Kafka."""
    for number, user_id in enumerate(USERS):
        tier, email = "gold" if number == 0 else "", json.dumps({"email": [f"u{number}@example.org"], "sms": [f"+1202555010{number}"]})
        await database_copy.fetch("insert into users (id, addresses, tier) values ($1, $2::jsonb, $3) returning id", user_id, email, tier)
    await database_copy.fetch("insert into user_preferences (user_id, category, channel, choice) values ('u-2', '', '', 'out') returning 1")
    await apply_topics(build_kafka_section(kafka_url, prefix, topic_partitions=PARTITIONS))
    async with AIOKafkaProducer(bootstrap_servers=kafka_url) as producer:
        for user_id in USERS:
            for type_ in ("newsletter.weekly", "order.delivered"):
                value = msgspec.json.encode({"user_id": user_id, "type": type_, "data": DATA})
                partition = compute_partition(user_id, PARTITIONS)
                await producer.send_and_wait(f"{prefix}notifications.low", value, user_id.encode(), partition=partition)
    return build_herold_runner(
        HEROLD_HOME=str(tmp_path / "home"),
        DATABASE_URL=database_copy_url,
        KAFKA_BOOTSTRAP_SERVERS=kafka_url,
        HEROLD_KAFKA_TOPIC_PREFIX=prefix,
        HEROLD_KAFKA_TOPIC_PARTITIONS=str(PARTITIONS),
    )


async def run(herold: HeroldRunner, tmp_path: Path, document: str, *arguments: str) -> Any:
    file = tmp_path / "rules.yml"
    file.write_text(document)
    return await asyncio.to_thread(herold, "rules", "simulate", "--rules", str(file), *arguments)


def describe(result: dict[str, Any]) -> str:
    return " ".join([result["state"], result.get("reason") or result["priority"], *result.get("channels", ())])


async def test_the_report_says_what_would_change_and_for_whom(herold: HeroldRunner, tmp_path: Path, database_copy: Database) -> None:
    result = await run(herold, tmp_path, DOCUMENT, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["simulated"], report["skipped"]) == (6, {})
    assert {(describe(one["before"]), describe(one["after"]), one["count"]) for one in report["changes"]} == {
        ("routed low email", "routed high email", 1),
        ("routed low email", "rejected condition", 1),
        ("rejected opted_out", "rejected condition", 1),
        ("routed medium sms", "routed low email", 3),
    }
    assert report["stops"] == [
        {"gate": "consent", "reason": "opted_out", "before": 1, "after": 0},
        {"gate": "rule", "reason": "condition", "before": 0, "after": 2},
    ]
    assert report["channels"] == {"email": {"before": 2, "after": 4}, "sms": {"before": 3, "after": 0}}
    assert all(example.startswith("ntf_") for one in report["changes"] for example in one["examples"])
    assert await database_copy.fetch("select 1 from rule_versions where type = 'order.delivered' and version > 1") == []


async def test_a_text_report_and_the_newest_only(herold: HeroldRunner, tmp_path: Path) -> None:
    result = await run(herold, tmp_path, DOCUMENT, "--limit", "2", "--last", "1h")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("2 notifications since 20")
    assert "routed, medium: sms order-delivered@1  routed, low: email order-delivered@1" in result.stdout
    assert "Rate windows and idempotency keys begin empty." in result.stdout


async def test_a_file_that_could_not_be_applied_is_an_error(herold: HeroldRunner, tmp_path: Path) -> None:
    result = await run(herold, tmp_path, DOCUMENT.replace("user.tier", "user.teir"))
    assert (result.exit_code, "there is no `user.teir`" in result.stderr) == (1, True)
    result = await run(herold, tmp_path, DOCUMENT, "--last", "9d")
    assert "longer than 7 days" in result.stderr
