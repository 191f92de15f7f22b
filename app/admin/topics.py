"""Creates and checks the topics of the catalogue and the changelogs of the tables; `herold topics apply|check` prints what this returns."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from schemas.enums import CHANNELS
from schemas.errors import TopicMismatchError, UnavailableError
from schemas.policy import MAX_WINDOW_SECONDS
from schemas.topics import define_topics

HOUR_MS = 3_600_000
METADATA_TIMEOUT = 30.0  # seconds that a broker may take to show what it has created or set
METADATA_POLL_INTERVAL = 0.05  # seconds between two looks
LEADER_ELECTION_TIMEOUT = 5.0  # seconds that partitions may be without a leader, before a role is refused its start
LEADER_ELECTION_POLL_INTERVAL = 0.5  # seconds between two looks meanwhile
TOPIC_ALREADY_EXISTS = 36  # Kafka protocol, error codes: TOPIC_ALREADY_EXISTS
DYNAMIC_TOPIC_CONFIG = 1  # Kafka protocol, DescribeConfigs: config_source of a value that was set on the topic itself

# hours that the rows of a table live, by role (design.md section 10); their time is checked on read, the changelog only reclaims space
TABLE_TTL_HOURS: dict[str, dict[str, int]] = {
    "router": {"idempotency": 2 * 24, "rate_windows": MAX_WINDOW_SECONDS // 3600},
    **{str(channel): {"attempts": 72} for channel in CHANNELS},
}
APPLY_ADVICE = "`herold topics apply` creates and corrects topics"
UNCORRECTABLE_ADVICE = (
    "a user's records and state stay on their partition, so the number of partitions is never changed: set `partitions` to what is there, "
    "or move to new topics with another `topic_prefix`; replicas are added with Kafka's own kafka-reassign-partitions"
)


@dataclass(frozen=True)
class TopicSpec:
    """A topic as it should be in Kafka, under its full name."""

    name: str
    partitions: int
    replication_factor: int
    configs: Mapping[str, str]


@dataclass(frozen=True)
class TopicDescription:
    """A topic as it is in Kafka: `replication_factor` of its thinnest partition, all settings, and those set on the topic itself."""

    partitions: int
    replication_factor: int
    configs: Mapping[str, str]
    dynamic_configs: Mapping[str, str]


@dataclass(frozen=True)
class TopicMismatch:
    """How a topic differs from the catalogue: `setting` is `missing`, `partitions`, `replicas` or the setting's name."""

    topic: str
    setting: str
    expected: str
    actual: str

    @property
    def is_correctable(self) -> bool:
        """Whether `apply` can put it right without moving or losing records."""
        return self.setting not in ("partitions", "replicas")

    def __str__(self) -> str:
        return f"{self.topic}: {self.setting} is {self.actual}, wanted {self.expected}" if self.actual else f"{self.topic}: missing"


@dataclass(frozen=True)
class TopicChange:
    """What `apply` did to a topic: created it, or set one of its settings."""

    topic: str
    setting: str
    new_value: str
    old_value: str = ""

    def __str__(self) -> str:
        if self.old_value:
            return f"{self.topic}: {self.setting} {self.old_value} -> {self.new_value}"
        return f"{self.topic}: created with {self.new_value}"


def build_changelog_configs(ttl_hours: int) -> dict[str, str]:
    """The configuration of a changelog whose rows live that long.

    Rows are kept twice as long as they live and at least two days more, so that only a partition without traffic for days is ever emptied:
    Faust 0.15.3 starts such a one at its earliest offset and finds nothing to read, but one that is emptied while it is being read
    holds up that recovery until the worker is started again (Faust issue 597). Segments are closed hourly, or nothing would be cleaned.
    """
    return {
        "cleanup.policy": "compact,delete",
        "retention.ms": str(max(2 * ttl_hours, ttl_hours + 48) * HOUR_MS),
        "min.cleanable.dirty.ratio": "0.1",
        "segment.ms": str(HOUR_MS),
    }


def build_topic_specs(topic_prefix: str, partitions: int, replication_factor: int, min_insync_replicas: int) -> Iterator[TopicSpec]:
    """All topics of an installation: the catalogue, then the changelogs `<app id>-<table>-changelog`."""
    safe = {"min.insync.replicas": str(min_insync_replicas)}
    for topic in define_topics():
        yield TopicSpec(topic_prefix + topic.name, partitions, replication_factor, {**topic.kafka_config, **safe})
    for role, tables in TABLE_TTL_HOURS.items():
        for table, hours in tables.items():
            yield TopicSpec(
                f"{topic_prefix}{role}-{table}-changelog", partitions, replication_factor, {**build_changelog_configs(hours), **safe}
            )


def find_mismatches(spec: TopicSpec, description: TopicDescription | None) -> Iterator[TopicMismatch]:
    """How a topic differs from what is wanted; one that keeps more, longer or larger records is left to its operator."""
    if description is None:
        yield TopicMismatch(spec.name, "missing", f"{spec.partitions} partitions", "")
        return
    if description.partitions != spec.partitions:
        yield TopicMismatch(spec.name, "partitions", str(spec.partitions), str(description.partitions))
    if description.replication_factor < spec.replication_factor:
        yield TopicMismatch(spec.name, "replicas", str(spec.replication_factor), str(description.replication_factor))
    for setting, value in spec.configs.items():
        actual = description.configs.get(setting, "unset")
        if not _is_config_satisfied(setting, value, actual):
            yield TopicMismatch(spec.name, setting, value, actual)


def _is_config_satisfied(setting: str, value: str, actual: str) -> bool:
    if setting == "cleanup.policy":
        return set(value.split(",")) == set(actual.replace(" ", "").split(","))
    if setting == "retention.ms":
        return actual == "-1" or _is_at_least(value, actual)
    if setting == "max.message.bytes":
        return _is_at_least(value, actual)
    return value == actual


def _is_at_least(value: str, actual: str) -> bool:
    return actual.isdecimal() and int(actual) >= int(value)


async def check_topics(
    bootstrap_servers: str, topic_prefix: str, partitions: int, replication_factor: int, min_insync_replicas: int
) -> list[TopicMismatch]:
    """What is wrong with the topics on the brokers `host:port,...`; empty if nothing. Raises Unavailable if Kafka does not answer."""
    topics = list(build_topic_specs(topic_prefix, partitions, replication_factor, min_insync_replicas))
    async with _open_admin_client(bootstrap_servers) as admin:
        found = await _describe_topics(admin, topics)
    return _find_all_mismatches(topics, found)


async def require_topics(
    bootstrap_servers: str, topic_prefix: str, partitions: int, replication_factor: int, min_insync_replicas: int
) -> None:
    """Refuses to start on wrong topics. Raises TopicsWrong with every problem, Unavailable if Kafka does not answer.

    Topics that are missing get a few seconds: one whose leaders are being elected cannot be told from one that is not there.
    """
    wrong = await check_topics(bootstrap_servers, topic_prefix, partitions, replication_factor, min_insync_replicas)
    for _ in range(round(LEADER_ELECTION_TIMEOUT / LEADER_ELECTION_POLL_INTERVAL)):
        if all(problem.setting != "missing" for problem in wrong):
            break
        await asyncio.sleep(LEADER_ELECTION_POLL_INTERVAL)
        wrong = await check_topics(bootstrap_servers, topic_prefix, partitions, replication_factor, min_insync_replicas)
    if wrong:
        raise TopicMismatchError(
            "\n".join([*map(str, wrong), APPLY_ADVICE if all(problem.is_correctable for problem in wrong) else UNCORRECTABLE_ADVICE])
        )


async def apply_topics(
    bootstrap_servers: str, topic_prefix: str, partitions: int, replication_factor: int, min_insync_replicas: int
) -> list[TopicChange]:
    """Creates what is missing and corrects settings that differ; run again, it changes nothing.

    Raises TopicsWrong if a topic has another number of partitions or too few replicas, before any change, or if Kafka refuses one;
    Unavailable if Kafka does not answer.
    """
    topics = list(build_topic_specs(topic_prefix, partitions, replication_factor, min_insync_replicas))
    async with _open_admin_client(bootstrap_servers) as admin:
        found = await _describe_topics(admin, topics)
        wrong = _find_all_mismatches(topics, found)
        _reject_uncorrectable(wrong)
        created = await _create_topics(admin, [topic for topic in topics if topic.name not in found])
        corrected = await _alter_configs(admin, [problem for problem in wrong if problem.setting != "missing"], found)
        if wrong:
            await _wait_until_applied(admin, topics)
    return created + corrected


def _find_all_mismatches(topics: Sequence[TopicSpec], found: Mapping[str, TopicDescription]) -> list[TopicMismatch]:
    return [problem for topic in topics for problem in find_mismatches(topic, found.get(topic.name))]


def _reject_uncorrectable(wrong: Sequence[TopicMismatch]) -> None:
    stuck = [str(problem) for problem in wrong if not problem.is_correctable]
    if stuck:
        raise TopicMismatchError("\n".join([*stuck, UNCORRECTABLE_ADVICE]))


@asynccontextmanager
async def _open_admin_client(bootstrap_servers: str) -> AsyncIterator[Any]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, client_id="herold-topics")
    try:
        await admin.start()
        yield admin
    except (KafkaError, OSError, TimeoutError) as error:
        raise UnavailableError(f"Kafka at {bootstrap_servers}: {error!r}") from error
    finally:
        await admin.close()


async def _describe_topics(admin: Any, topics: Sequence[TopicSpec]) -> dict[str, TopicDescription]:
    names = {topic.name for topic in topics}
    rows = await admin.describe_topics()
    present = {row["topic"]: row["partitions"] for row in rows if row["topic"] in names and _has_leaders(row["partitions"])}
    settings = await _describe_configs(admin, list(present))
    return {
        name: TopicDescription(
            len(parts),
            min(len(part["replicas"]) for part in parts),
            {key: value for key, value, _ in settings[name]},
            {key: value for key, value, own in settings[name] if own},
        )
        for name, parts in present.items()
    }


def _has_leaders(parts: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every partition has a leader: a topic that is being made has none yet."""
    return bool(parts) and all(part["leader"] >= 0 for part in parts)


async def _describe_configs(admin: Any, names: Sequence[str]) -> dict[str, list[tuple[str, str, bool]]]:
    """Per topic: name, value, and whether it was set on the topic itself."""
    if not names:
        return {}
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    settings = {}
    for code, message, _, name, entries in (row for answer in answers for row in answer.resources):
        _raise_for_error_code(code, f"cannot read the settings of {name}: {message}")
        settings[name] = [(entry[0], entry[1], entry[3] == DYNAMIC_TOPIC_CONFIG) for entry in entries]
    return settings


async def _create_topics(admin: Any, topics: Sequence[TopicSpec]) -> list[TopicChange]:
    if not topics:
        return []
    new = [NewTopic(topic.name, topic.partitions, topic.replication_factor, topic_configs=dict(topic.configs)) for topic in topics]
    answer = await admin.create_topics(new)
    for name, code, message in answer.topic_errors:
        if code != TOPIC_ALREADY_EXISTS:  # somebody else was quicker
            _raise_for_error_code(code, f"cannot create {name}: {message}")
    return [TopicChange(topic.name, "created", f"{topic.partitions} partitions") for topic in topics]


async def _wait_until_applied(admin: Any, topics: Sequence[TopicSpec]) -> None:
    """Waits for the broker: it answers before its own view of topics and settings has followed."""
    async with asyncio.timeout(METADATA_TIMEOUT):
        while _find_all_mismatches(topics, await _describe_topics(admin, topics)):  # noqa: ASYNC110 - the broker offers no event for it
            await asyncio.sleep(METADATA_POLL_INTERVAL)


async def _alter_configs(admin: Any, wrong: Sequence[TopicMismatch], found: Mapping[str, TopicDescription]) -> list[TopicChange]:
    """Sets what differs. The request replaces all settings of a topic, so those that an operator has set are sent along."""
    resources = []
    for name in dict.fromkeys(problem.topic for problem in wrong):
        settings = {**found[name].dynamic_configs, **{problem.setting: problem.expected for problem in wrong if problem.topic == name}}
        resources.append(ConfigResource(ConfigResourceType.TOPIC, name, settings))
    for answer in await admin.alter_configs(resources) if resources else ():
        for code, message, _, name in answer.resources:
            _raise_for_error_code(code, f"cannot correct {name}: {message}")
    return [TopicChange(problem.topic, problem.setting, problem.expected, problem.actual) for problem in wrong]


def _raise_for_error_code(code: int, what: str) -> None:
    if code:
        error = for_code(code)
        raise UnavailableError(f"{what} ({error.__name__})") if error.retriable else TopicMismatchError(f"{what} ({error.__name__})")
