"""Differences from the specification are found; larger values of an operator are none; uncorrectable ones are marked."""

from dataclasses import replace

import pytest

from app.admin.topic_specs import (
    TopicChange,
    TopicDescription,
    TopicMismatch,
    TopicSpec,
    build_changelog_configs,
    build_topic_specs,
    find_mismatches,
)
from app.topology import TOPOLOGY
from schemas.lifetimes import HOUR
from schemas.topics import TOPICS
from tests.settings_builders import build_kafka_section

HOUR_MS = HOUR * 1000
KAFKA = build_kafka_section("", "t-", topic_partitions=4, topic_replication_factor=3, min_insync_replicas=2)
SPECS = {topic.name: topic for topic in build_topic_specs(KAFKA)}
HIGH_SPEC = SPECS["t-notifications.high"]
MATCHING_DESCRIPTION = TopicDescription(4, 3, HIGH_SPEC.configs, HIGH_SPEC.configs)


def build_description(**settings: str) -> TopicDescription:
    return replace(MATCHING_DESCRIPTION, configs={**HIGH_SPEC.configs, **settings})


def list_mismatches(spec: TopicSpec, description: TopicDescription | None) -> list[tuple[str, str]]:
    return [(mismatch.setting, mismatch.actual) for mismatch in find_mismatches(spec, description)]


def test_every_topic_and_changelog_is_specified_with_the_prefix() -> None:
    changelogs = {f"t-{spec.role}-{table}-changelog" for spec in TOPOLOGY for table in spec.table_ttls}
    assert set(SPECS) == {f"t-{topic.name}" for topic in TOPICS} | changelogs
    assert {f"t-{channel}-attempts-changelog" for channel in ("email", "sms", "push", "webhook")} < changelogs
    assert {"t-router-idempotency-changelog", "t-router-rate_windows-changelog"} < changelogs


@pytest.mark.parametrize("spec", SPECS.values(), ids=lambda spec: spec.name)
def test_every_topic_has_the_partitions_and_replicas_of_the_settings(spec: TopicSpec) -> None:
    assert (spec.partitions, spec.replication_factor, spec.configs["min.insync.replicas"]) == (4, 3, "2")


@pytest.mark.parametrize("hours", [1, 24, 72])
def test_a_changelog_outlives_its_rows_by_two_days(hours: int) -> None:
    configs = build_changelog_configs(hours * 3600)
    assert configs["cleanup.policy"] == "compact,delete"
    assert int(configs["retention.ms"]) >= (hours + 48) * HOUR_MS
    assert int(configs["segment.ms"]) <= HOUR_MS


def test_a_changelog_of_rows_that_do_not_expire_is_only_compacted_and_has_the_brokers_time() -> None:
    configs = SPECS["t-scheduler-due-changelog"].configs
    assert (configs["cleanup.policy"], configs["message.timestamp.type"]) == ("compact", "LogAppendTime")
    assert "retention.ms" not in configs


def test_a_matching_topic_has_no_mismatch() -> None:
    assert list_mismatches(HIGH_SPEC, MATCHING_DESCRIPTION) == []


@pytest.mark.parametrize(
    ("description", "expected"),
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
def test_differences_are_found(description: TopicDescription | None, expected: list[tuple[str, str]]) -> None:
    assert list_mismatches(HIGH_SPEC, description) == expected


def test_the_order_of_a_cleanup_policy_does_not_matter() -> None:
    changelog = SPECS["t-email-attempts-changelog"]
    description = TopicDescription(4, 3, {**changelog.configs, "cleanup.policy": "delete, compact"}, {})
    assert list_mismatches(changelog, description) == []


@pytest.mark.parametrize(
    ("setting", "correctable"), [("missing", True), ("retention.ms", True), ("partitions", False), ("replicas", False)]
)
def test_only_changes_that_move_no_record_are_correctable(setting: str, correctable: bool) -> None:
    assert TopicMismatch("t", setting, "4", "5").is_correctable is correctable


def test_mismatches_and_changes_as_text() -> None:
    assert str(TopicMismatch("t", "missing", "4 partitions", "")) == "t: missing"
    assert str(TopicMismatch("t", "partitions", "4", "5")) == "t: partitions is 5, expected 4"
    assert str(TopicChange("t", "created", "4 partitions")) == "t: created with 4 partitions"
    assert str(TopicChange("t", "retention.ms", "2", "1")) == "t: retention.ms 1 -> 2"
