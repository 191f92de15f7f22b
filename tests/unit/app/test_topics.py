"""What differs from the catalogue is found, what an operator made larger or longer is left, and what cannot be mended is told apart."""

from dataclasses import replace

import pytest

from app.topics import HOUR_MS, STATE, Change, Found, Problem, Wanted, changelog_policy, problems, wanted
from schemas.topics import catalogue

ALL = {topic.name: topic for topic in wanted("t-", 4, 3, 2)}
HIGH = ALL["t-notifications.high"]
RIGHT = Found(4, 3, HIGH.policy, HIGH.policy)


def found(**settings: str) -> Found:
    return replace(RIGHT, settings={**HIGH.policy, **settings})


def whats(topic: Wanted, there: Found | None) -> list[tuple[str, str]]:
    return [(problem.what, problem.found) for problem in problems(topic, there)]


def test_every_topic_and_changelog_is_wanted_under_the_prefix() -> None:
    changelogs = {f"t-{role}-{table}-changelog" for role, tables in STATE.items() for table in tables}
    assert set(ALL) == {f"t-{topic.name}" for topic in catalogue()} | changelogs
    assert {f"t-{channel}-attempts-changelog" for channel in ("email", "sms", "push", "webhook")} < changelogs
    assert {"t-router-idempotency-changelog", "t-router-rate_windows-changelog"} < changelogs


@pytest.mark.parametrize("topic", ALL.values(), ids=lambda topic: topic.name)
def test_every_topic_is_as_wide_and_as_safe_as_told(topic: Wanted) -> None:
    assert (topic.partitions, topic.replication, topic.policy["min.insync.replicas"]) == (4, 3, "2")


@pytest.mark.parametrize("hours", [1, 24, 72])
def test_a_changelog_outlives_its_rows_by_two_days(hours: int) -> None:
    policy = changelog_policy(hours)
    assert policy["cleanup.policy"] == "compact,delete"
    assert int(policy["retention.ms"]) >= (hours + 48) * HOUR_MS
    assert int(policy["segment.ms"]) <= HOUR_MS


def test_a_right_topic_has_no_problem() -> None:
    assert whats(HIGH, RIGHT) == []


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (None, [("missing", "")]),
        (replace(RIGHT, partitions=5), [("partitions", "5")]),
        (replace(RIGHT, replicas=2), [("replicas", "2")]),
        (found(**{"cleanup.policy": "compact"}), [("cleanup.policy", "compact")]),
        (found(**{"retention.ms": "1000"}), [("retention.ms", "1000")]),
        (found(**{"max.message.bytes": "1000"}), [("max.message.bytes", "1000")]),
        (found(**{"message.timestamp.type": "CreateTime"}), [("message.timestamp.type", "CreateTime")]),
        (found(**{"min.insync.replicas": "1"}), [("min.insync.replicas", "1")]),
        (found(**{"min.insync.replicas": "3"}), [("min.insync.replicas", "3")]),
        (replace(RIGHT, settings={k: v for k, v in HIGH.policy.items() if k != "retention.ms"}), [("retention.ms", "unset")]),
        # an operator may keep more
        (replace(RIGHT, replicas=5), []),
        (found(**{"retention.ms": "-1"}), []),
        (found(**{"retention.ms": "999999999999"}), []),
        (found(**{"max.message.bytes": "99999999"}), []),
        (found(**{"segment.bytes": "1000000"}), []),
    ],
)
def test_what_differs_is_found(there: Found | None, expected: list[tuple[str, str]]) -> None:
    assert whats(HIGH, there) == expected


def test_the_order_of_a_cleanup_policy_does_not_matter() -> None:
    changelog = ALL["t-email-attempts-changelog"]
    there = Found(4, 3, {**changelog.policy, "cleanup.policy": "delete, compact"}, {})
    assert whats(changelog, there) == []


@pytest.mark.parametrize(("what", "mendable"), [("missing", True), ("retention.ms", True), ("partitions", False), ("replicas", False)])
def test_only_what_moves_no_record_is_mended(what: str, mendable: bool) -> None:
    assert Problem("t", what, "4", "5").mendable is mendable


def test_problems_and_changes_read_as_sentences() -> None:
    assert str(Problem("t", "missing", "4 partitions", "")) == "t: missing"
    assert str(Problem("t", "partitions", "4", "5")) == "t: partitions is 5, wanted 4"
    assert str(Change("t", "created", "4 partitions")) == "t: created with 4 partitions"
    assert str(Change("t", "retention.ms", "2", "1")) == "t: retention.ms 1 -> 2"
