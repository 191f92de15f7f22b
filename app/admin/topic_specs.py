"""The topics of an installation (schemas/topics.py, and the changelogs of app/topology.py), and how a topic in Kafka differs from them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.connection_settings import KafkaSection
from app.topology import TOPOLOGY
from schemas.lifetimes import HOUR, compute_changelog_retention
from schemas.topics import LOG_APPEND_TIME, TOPICS


@dataclass(frozen=True)
class TopicSpec:
    """A topic as it should be in Kafka; `name` includes the topic prefix."""

    name: str
    partitions: int
    replication_factor: int
    configs: Mapping[str, str]


@dataclass(frozen=True)
class TopicDescription:
    """A topic as it is in Kafka.

    `replication_factor`: the smallest of its partitions. `configs`: all configuration values. `dynamic_configs`: those set on the topic.
    """

    partitions: int
    replication_factor: int
    configs: Mapping[str, str]
    dynamic_configs: Mapping[str, str]


@dataclass(frozen=True)
class TopicMismatch:
    """A difference between a topic and its specification; `setting` is `missing`, `partitions`, `replicas` or a configuration name."""

    topic: str
    setting: str
    expected: str
    actual: str

    @property
    def is_correctable(self) -> bool:
        """Whether `herold topics apply` can correct it without moving or losing records."""
        return self.setting not in ("partitions", "replicas")

    def __str__(self) -> str:
        return f"{self.topic}: {self.setting} is {self.actual}, expected {self.expected}" if self.actual else f"{self.topic}: missing"


@dataclass(frozen=True)
class TopicChange:
    """What `herold topics apply` did to a topic: it created the topic, or set one of its configuration values."""

    topic: str
    setting: str
    new_value: str
    old_value: str = ""

    def __str__(self) -> str:
        if self.old_value:
            return f"{self.topic}: {self.setting} {self.old_value} -> {self.new_value}"
        return f"{self.topic}: created with {self.new_value}"


def build_topic_specs(kafka: KafkaSection) -> Iterator[TopicSpec]:
    """All topics of an installation: those of schemas/topics.py, then the changelogs `<application id>-<table>-changelog`."""
    min_insync = {"min.insync.replicas": str(kafka.min_insync_replicas)}
    configs = {topic.name: topic.kafka_config for topic in TOPICS} | {
        f"{spec.role}-{table}-changelog": build_changelog_configs(ttl) for spec in TOPOLOGY for table, ttl in spec.table_ttls.items()
    }
    for name, config in configs.items():
        yield TopicSpec(kafka.topic_prefix + name, kafka.topic_partitions, kafka.topic_replication_factor, {**config, **min_insync})


def build_changelog_configs(ttl_seconds: int | None) -> dict[str, str]:
    """The configuration of a changelog whose rows have this time to live; None: they do not expire, and only compaction removes them.

    Segments roll hourly, because Kafka cleans closed segments only. The time of the records without expiry is the broker's: a worker that
    does nothing else learns it from there.
    """
    cleaning = {"min.cleanable.dirty.ratio": "0.1", "segment.ms": str(HOUR * 1000)}
    if ttl_seconds is None:
        return {"cleanup.policy": "compact", **LOG_APPEND_TIME, **cleaning}
    return {"cleanup.policy": "compact,delete", "retention.ms": str(compute_changelog_retention(ttl_seconds) * 1000), **cleaning}


def find_mismatches(spec: TopicSpec, description: TopicDescription | None) -> Iterator[TopicMismatch]:
    """The differences of a topic (None: it does not exist). More replicas, longer retention and larger records are no difference."""
    if description is None:
        yield TopicMismatch(spec.name, "missing", f"{spec.partitions} partitions", "")
        return
    if description.partitions != spec.partitions:
        yield TopicMismatch(spec.name, "partitions", str(spec.partitions), str(description.partitions))
    if description.replication_factor < spec.replication_factor:
        yield TopicMismatch(spec.name, "replicas", str(spec.replication_factor), str(description.replication_factor))
    for setting, expected in spec.configs.items():
        actual = description.configs.get(setting, "unset")
        if not _is_config_satisfied(setting, expected, actual):
            yield TopicMismatch(spec.name, setting, expected, actual)


def _is_config_satisfied(setting: str, expected: str, actual: str) -> bool:
    if setting == "cleanup.policy":
        return set(expected.split(",")) == set(actual.replace(" ", "").split(","))
    if setting == "retention.ms":
        return actual == "-1" or _is_at_least(expected, actual)
    if setting == "max.message.bytes":
        return _is_at_least(expected, actual)
    return expected == actual


def _is_at_least(expected: str, actual: str) -> bool:
    return actual.isdecimal() and int(actual) >= int(expected)
