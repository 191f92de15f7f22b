"""What each role may do in Kafka: one table of topics and consumer groups, from the topology; `herold topics acls` prints and applies it.

No role has a transactional id: producers are idempotent, for which the right to write a topic is enough since Kafka 3.0.
"""

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from app.connection_settings import KafkaSection
from app.topology import GATEWAY_SINK_TOPICS, TOPOLOGY, RoleSpec
from schemas.topics import TOPICS

Resource = Literal["topic", "group"]
Operation = Literal["Read", "Write", "Create", "Describe", "DescribeConfigs", "AlterConfigs"]

GATEWAY: Final = "gateway"
ADMIN: Final = "admin"
"""Who runs `herold topics apply`, `check` and `tail`."""


class AclRule(NamedTuple):
    """What a role may do with one topic or group; `name` has the topic prefix. Read and Write imply Describe."""

    role: str
    resource: Resource
    name: str
    operations: tuple[Operation, ...]


def build_acl_rules(kafka: KafkaSection) -> list[AclRule]:
    """All rules of an installation, role by role."""
    rules: list[AclRule] = []
    for spec in TOPOLOGY:
        rules += _build_worker_rules(spec, kafka.topic_prefix)
    rules += _build_gateway_rules(kafka.topic_prefix)
    return [*rules, *_build_admin_rules(kafka.topic_prefix)]


def build_role_rules(kafka: KafkaSection, role: str) -> list[AclRule]:
    """The rules of one role."""
    return [rule for rule in build_acl_rules(kafka) if rule.role == role]


def list_changelogs(spec: RoleSpec) -> list[str]:
    """The changelogs of a role without the topic prefix."""
    return [f"{spec.role}-{table.name}-changelog" for table in spec.tables]


def _build_worker_rules(spec: RoleSpec, prefix: str) -> Iterator[AclRule]:
    changelogs = list_changelogs(spec)
    for topic in dict.fromkeys((*spec.source_topics, *spec.sink_topics, *spec.looked_up_topics, *changelogs)):
        operations: list[Operation] = []
        if topic in spec.source_topics or topic in spec.looked_up_topics or topic in changelogs:
            operations.append("Read")
        if topic in spec.sink_topics or topic in changelogs:
            operations.append("Write")
        yield AclRule(spec.role, "topic", prefix + topic, (*operations, "DescribeConfigs"))  # configurations are checked at a start
    yield AclRule(spec.role, "group", prefix + spec.role, ("Read",))


def _build_gateway_rules(prefix: str) -> Iterator[AclRule]:
    for topic in (topic.name for topic in TOPICS):  # it shows what happens now, and the records of a notification
        yield AclRule(GATEWAY, "topic", prefix + topic, ("Read", "Write") if topic in GATEWAY_SINK_TOPICS else ("Read",))
    for spec in TOPOLOGY:  # the lag in the readiness
        yield AclRule(GATEWAY, "group", prefix + spec.role, ("Describe",))


def _build_admin_rules(prefix: str) -> Iterator[AclRule]:
    changelogs = [changelog for spec in TOPOLOGY for changelog in list_changelogs(spec)]
    for topic in (*(topic.name for topic in TOPICS), *changelogs):
        yield AclRule(ADMIN, "topic", prefix + topic, ("Create", "Read", "DescribeConfigs", "AlterConfigs"))
