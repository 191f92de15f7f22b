"""The table of rights follows the topology, and is printed as commands that Kafka understands."""

import shlex

import pytest

from app.admin.acls import build_commands, describe_denied
from app.kafka.acl_requests import CreateManyAclsRequest
from app.kafka.acls import ADMIN, GATEWAY, AclRule, build_acl_rules, build_role_rules
from app.topology import GATEWAY_SINK_TOPICS, TOPOLOGY
from schemas.topics import TOPICS
from tests.settings_builders import build_kafka_section

KAFKA = build_kafka_section("broker:9092", "p-")
RULES = build_acl_rules(KAFKA)


def find_operations(role: str, resource: str, name: str) -> tuple[str, ...]:
    """What a role may do with a resource."""
    return next((rule.operations for rule in RULES if rule[:3] == (role, resource, f"p-{name}")), ())


@pytest.mark.parametrize("spec", TOPOLOGY, ids=lambda spec: spec.role)
def test_a_role_reads_its_sources_and_writes_its_sinks(spec) -> None:
    topics = {topic.name for topic in TOPICS}
    assert {name for name in topics if "Read" in find_operations(spec.role, "topic", name)} == {*spec.source_topics, *spec.looked_up_topics}
    assert {name for name in topics if "Write" in find_operations(spec.role, "topic", name)} == set(spec.sink_topics)
    for table in spec.tables:
        assert {"Read", "Write"} <= set(find_operations(spec.role, "topic", f"{spec.role}-{table.name}-changelog"))
    groups = [rule.name for rule in build_role_rules(KAFKA, spec.role) if rule.resource == "group"]
    assert groups == [f"p-{spec.role}"]
    assert not [rule for rule in build_role_rules(KAFKA, spec.role) if set(rule.operations) & {"Create", "AlterConfigs"}]


def test_the_gateway_writes_its_sinks_and_reads_every_topic() -> None:
    topics = {topic.name for topic in TOPICS}
    assert {name for name in topics if "Write" in find_operations(GATEWAY, "topic", name)} == set(GATEWAY_SINK_TOPICS)
    assert {name for name in topics if "Read" in find_operations(GATEWAY, "topic", name)} == topics
    assert all(find_operations(GATEWAY, "group", spec.role) == ("Describe",) for spec in TOPOLOGY)


def test_the_administrator_creates_every_topic_and_writes_none() -> None:
    created = {rule.name for rule in build_role_rules(KAFKA, ADMIN) if "Create" in rule.operations}
    assert {f"p-{topic.name}" for topic in TOPICS} < created
    assert "p-router-idempotency-changelog" in created
    assert not [rule for rule in build_role_rules(KAFKA, ADMIN) if "Write" in rule.operations]


def test_commands_have_each_rule_once() -> None:
    principals = {rule.role: f"User:herold {rule.role}" for rule in RULES}
    found = set()
    for command in build_commands(KAFKA, RULES, principals):
        words = shlex.split(command)
        assert words[:6] == ["kafka-acls.sh", "--bootstrap-server", "broker:9092", "--command-config", "admin.properties", "--add"]
        options = list(zip(words[6::2], words[7::2], strict=True))
        operations = [value for name, value in options if name == "--operation"]
        principal = dict(options)["--allow-principal"]
        found |= {
            (principal, name[2:], value, operation) for name, value in options if name in ("--topic", "--group") for operation in operations
        }
    assert found == {(principals[rule.role], rule.resource, rule.name, operation) for rule in RULES for operation in rule.operations}


def test_a_request_has_each_rule_once() -> None:
    request = CreateManyAclsRequest(RULES, {rule.role: "User:u" for rule in RULES})
    assert len(request.creations) == sum(len(rule.operations) for rule in RULES)
    assert request.creations[0] == (2, "p-notifications.high", 3, "User:u", "*", 3, 3)


def test_what_is_denied_names_the_topic_and_what_to_do() -> None:
    denied = [AclRule("router", "topic", f"p-t{number}", ("Read", "Write")) for number in range(7)]
    text = describe_denied("router", denied, "herold-email")
    assert text.startswith("the user herold-email of kafka.security has no right to Read/Write on the topic p-t0, Read/Write on")
    assert "p-t4 and on 2 more, which the role router needs" in text
    assert "`herold topics acls --apply`" in text
    assert describe_denied("router", denied[:1], "").startswith("the user of kafka.security has no right")
