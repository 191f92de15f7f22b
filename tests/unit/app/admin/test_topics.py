"""What differs from the catalogue is found, what an operator made larger or longer is left, and what cannot be mended is told apart."""

from dataclasses import replace

import pytest

from app.admin.topics import (
    HOUR_MS,
    TABLE_TTL_HOURS,
    TopicChange,
    TopicDescription,
    TopicMismatch,
    TopicSpec,
    build_changelog_configs,
    build_topic_specs,
    find_mismatches,
)
from schemas.topics import define_topics

SPECS = {topic.name: topic for topic in build_topic_specs("t-", 4, 3, 2)}
HIGH_SPEC = SPECS["t-notifications.high"]
MATCHING_DESCRIPTION = TopicDescription(4, 3, HIGH_SPEC.configs, HIGH_SPEC.configs)


def build_description(**settings: str) -> TopicDescription:
    return replace(MATCHING_DESCRIPTION, configs={**HIGH_SPEC.configs, **settings})


def list_mismatches(topic: TopicSpec, there: TopicDescription | None) -> list[tuple[str, str]]:
    return [(problem.setting, problem.actual) for problem in find_mismatches(topic, there)]


def test_every_topic_and_changelog_is_wanted_under_the_prefix() -> None:
    changelogs = {f"t-{role}-{table}-changelog" for role, tables in TABLE_TTL_HOURS.items() for table in tables}
    assert set(SPECS) == {f"t-{topic.name}" for topic in define_topics()} | changelogs
    assert {f"t-{channel}-attempts-changelog" for channel in ("email", "sms", "push", "webhook")} < changelogs
    assert {"t-router-idempotency-changelog", "t-router-rate_windows-changelog"} < changelogs


@pytest.mark.parametrize("topic", SPECS.values(), ids=lambda topic: topic.name)
def test_every_topic_is_as_wide_and_as_safe_as_told(topic: TopicSpec) -> None:
    assert (topic.partitions, topic.replication_factor, topic.configs["min.insync.replicas"]) == (4, 3, "2")


@pytest.mark.parametrize("hours", [1, 24, 72])
def test_a_changelog_outlives_its_rows_by_two_days(hours: int) -> None:
    policy = build_changelog_configs(hours)
    assert policy["cleanup.policy"] == "compact,delete"
    assert int(policy["retention.ms"]) >= (hours + 48) * HOUR_MS
    assert int(policy["segment.ms"]) <= HOUR_MS


def test_a_right_topic_has_no_problem() -> None:
    assert list_mismatches(HIGH_SPEC, MATCHING_DESCRIPTION) == []


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (None, [("missing", "")]),
        (replace(MATCHING_DESCRIPTION, partitions=5), [("partitions", "5")]),
        (replace(MATCHING_DESCRIPTION, replication_factor=2), [("replicas", "2")]),
        (build_description(**{"cleanup.policy": "compact"}), [("cleanup.policy", "compact")]),
        (build_description(**{"retention.ms": "1000"}), [("retention.ms", "1000")]),
        (build_description(**{"max.message.bytes": "1000"}), [("max.message.bytes", "1000")]),
        (build_description(**{"message.timestamp.type": "CreateTime"}), [("message.timestamp.type", "CreateTime")]),
        (build_description(**{"min.insync.replicas": "1"}), [("min.insync.replicas", "1")]),
        (build_description(**{"min.insync.replicas": "3"}), [("min.insync.replicas", "3")]),
        (
            replace(MATCHING_DESCRIPTION, configs={k: v for k, v in HIGH_SPEC.configs.items() if k != "retention.ms"}),
            [("retention.ms", "unset")],
        ),
        # an operator may keep more
        (replace(MATCHING_DESCRIPTION, replication_factor=5), []),
        (build_description(**{"retention.ms": "-1"}), []),
        (build_description(**{"retention.ms": "999999999999"}), []),
        (build_description(**{"max.message.bytes": "99999999"}), []),
        (build_description(**{"segment.bytes": "1000000"}), []),
    ],
)
def test_what_differs_is_found(there: TopicDescription | None, expected: list[tuple[str, str]]) -> None:
    assert list_mismatches(HIGH_SPEC, there) == expected


def test_the_order_of_a_cleanup_policy_does_not_matter() -> None:
    changelog = SPECS["t-email-attempts-changelog"]
    there = TopicDescription(4, 3, {**changelog.configs, "cleanup.policy": "delete, compact"}, {})
    assert list_mismatches(changelog, there) == []


@pytest.mark.parametrize(("what", "mendable"), [("missing", True), ("retention.ms", True), ("partitions", False), ("replicas", False)])
def test_only_what_moves_no_record_is_mended(what: str, mendable: bool) -> None:
    assert TopicMismatch("t", what, "4", "5").is_correctable is mendable


def test_problems_and_changes_read_as_sentences() -> None:
    assert str(TopicMismatch("t", "missing", "4 partitions", "")) == "t: missing"
    assert str(TopicMismatch("t", "partitions", "4", "5")) == "t: partitions is 5, wanted 4"
    assert str(TopicChange("t", "created", "4 partitions")) == "t: created with 4 partitions"
    assert str(TopicChange("t", "retention.ms", "2", "1")) == "t: retention.ms 1 -> 2"
