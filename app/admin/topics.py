"""Creates, corrects and checks the topics in Kafka; `herold topics apply` and `herold topics check` print the results."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from app.admin.topic_specs import TopicChange, TopicDescription, TopicMismatch, TopicSpec, build_topic_specs, find_mismatches
from app.connection_settings import KafkaSection
from app.kafka.client_options import build_client_options
from app.kafka.connection_problem import describe_connection_problem
from schemas.errors import TopicMismatchError, UnavailableError

METADATA_TIMEOUT = 30.0  # seconds in which a broker must return what it has created or set
METADATA_POLL_INTERVAL = 0.05  # seconds
LEADER_ELECTION_TIMEOUT = 5.0  # seconds that a starting worker waits for missing topics
LEADER_ELECTION_POLL_INTERVAL = 0.5  # seconds
TOPIC_ALREADY_EXISTS = 36  # Kafka protocol, error codes
DYNAMIC_TOPIC_CONFIG = 1  # Kafka protocol, DescribeConfigs: config_source of a value that is set on the topic itself

APPLY_ADVICE = "run `herold topics apply`: it creates and corrects topics"
UNCORRECTABLE_ADVICE = (
    "partitions are never added, because the records and rows of a user stay on their partition: set `kafka.topic_partitions` to the "
    "existing number, or see docs/kafka.md, section Partitions; add replicas with Kafka's kafka-reassign-partitions"
)


async def check_topics(kafka: KafkaSection, names: Collection[str] | None = None) -> list[TopicMismatch]:
    """The differences between the topics in Kafka and their specifications: of all topics, or of these.

    Raises UnavailableError if Kafka does not answer.
    """
    specs = [spec for spec in build_topic_specs(kafka) if names is None or spec.name in names]
    async with open_admin_client(kafka) as admin:
        descriptions = await _describe_topics(admin, specs)
    return _find_all_mismatches(specs, descriptions)


async def require_topics(kafka: KafkaSection, names: Collection[str] | None = None) -> None:
    """Raises TopicMismatchError with every difference of all topics or of these, UnavailableError if Kafka does not answer.

    Missing topics are checked again for LEADER_ELECTION_TIMEOUT: a topic without leaders cannot be distinguished from a missing one.
    """
    mismatches = await check_topics(kafka, names)
    for _ in range(round(LEADER_ELECTION_TIMEOUT / LEADER_ELECTION_POLL_INTERVAL)):
        if all(mismatch.setting != "missing" for mismatch in mismatches):
            break
        await asyncio.sleep(LEADER_ELECTION_POLL_INTERVAL)
        mismatches = await check_topics(kafka, names)
    if mismatches:
        advice = APPLY_ADVICE if all(mismatch.is_correctable for mismatch in mismatches) else UNCORRECTABLE_ADVICE
        raise TopicMismatchError("\n".join([*map(str, mismatches), advice]))


async def apply_topics(kafka: KafkaSection) -> list[TopicChange]:
    """Create missing topics and correct configurations that differ; a second run changes nothing.

    Raises TopicMismatchError before any change if a topic has another number of partitions or too few replicas, or when Kafka rejects a
    change; UnavailableError if Kafka does not answer. What another client creates meanwhile is corrected or rejected, too: the broker
    acknowledges a change before its metadata contains it.
    """
    specs = list(build_topic_specs(kafka))
    changes: dict[tuple[str, str], TopicChange] = {}
    async with open_admin_client(kafka) as admin:
        try:
            async with asyncio.timeout(METADATA_TIMEOUT):
                while changed := await _apply_once(admin, specs):
                    for change in changed:
                        changes.setdefault((change.topic, change.setting), change)
                    await asyncio.sleep(METADATA_POLL_INTERVAL)
        except TimeoutError:
            names = ", ".join(dict.fromkeys(topic for topic, _ in changes)) or "the topics"
            problem = f"after {METADATA_TIMEOUT:.0f} s Kafka does not show what it was asked for: {names}; try again"
            raise UnavailableError(problem) from None
    return list(changes.values())


async def _apply_once(admin: Any, specs: Sequence[TopicSpec]) -> list[TopicChange]:
    """Ask for what the broker does not show; returns what that is."""
    descriptions = await _describe_topics(admin, specs)
    mismatches = _find_all_mismatches(specs, descriptions)
    _reject_uncorrectable(mismatches)
    created = await _create_topics(admin, [spec for spec in specs if spec.name not in descriptions])
    corrected = await _alter_configs(admin, [mismatch for mismatch in mismatches if mismatch.setting != "missing"], descriptions)
    return created + corrected


def _find_all_mismatches(specs: Sequence[TopicSpec], descriptions: Mapping[str, TopicDescription]) -> list[TopicMismatch]:
    return [mismatch for spec in specs for mismatch in find_mismatches(spec, descriptions.get(spec.name))]


def _reject_uncorrectable(mismatches: Sequence[TopicMismatch]) -> None:
    uncorrectable = [str(mismatch) for mismatch in mismatches if not mismatch.is_correctable]
    if uncorrectable:
        raise TopicMismatchError("\n".join([*uncorrectable, UNCORRECTABLE_ADVICE]))


@asynccontextmanager
async def open_admin_client(kafka: KafkaSection) -> AsyncIterator[Any]:
    """An admin client for an `async with` block. Raises UnavailableError, also from within the block, if Kafka does not answer."""
    options = build_client_options(kafka)
    admin = AIOKafkaAdminClient(**options, client_id="herold-topics")
    try:
        await admin.start()
        yield admin
    except (KafkaError, OSError, TimeoutError) as error:
        raise UnavailableError(f"Kafka at {kafka.bootstrap_servers}: {await describe_connection_problem(options, error)}") from error
    finally:
        await admin.close()


async def _describe_topics(admin: Any, specs: Sequence[TopicSpec]) -> dict[str, TopicDescription]:
    names = {spec.name for spec in specs}
    rows = await admin.describe_topics()
    partitions_by_topic = {row["topic"]: row["partitions"] for row in rows if row["topic"] in names and _has_leaders(row["partitions"])}
    configs = await _describe_configs(admin, list(partitions_by_topic))
    return {
        name: TopicDescription(
            len(partitions),
            min(len(partition["replicas"]) for partition in partitions),
            {key: value for key, value, _ in configs[name]},
            {key: value for key, value, is_dynamic in configs[name] if is_dynamic},
        )
        for name, partitions in partitions_by_topic.items()
    }


def _has_leaders(partitions: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every partition has a leader; a topic that is being created has none yet."""
    return bool(partitions) and all(partition["leader"] >= 0 for partition in partitions)


async def _describe_configs(admin: Any, names: Sequence[str]) -> dict[str, list[tuple[str, str, bool]]]:
    """The configuration of each topic: key, value, and whether the value is set on the topic itself."""
    if not names:
        return {}
    responses = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    configs = {}
    for code, message, _, name, entries in (row for response in responses for row in response.resources):
        _raise_for_error_code(code, f"cannot read the configuration of {name}: {message}")
        configs[name] = [(entry[0], entry[1], entry[3] == DYNAMIC_TOPIC_CONFIG) for entry in entries]
    return configs


async def _create_topics(admin: Any, specs: Sequence[TopicSpec]) -> list[TopicChange]:
    if not specs:
        return []
    new_topics = [NewTopic(spec.name, spec.partitions, spec.replication_factor, topic_configs=dict(spec.configs)) for spec in specs]
    response = await admin.create_topics(new_topics)
    for name, code, message in response.topic_errors:
        if code != TOPIC_ALREADY_EXISTS:  # another client created it at the same time
            _raise_for_error_code(code, f"cannot create {name}: {message}")
    return [TopicChange(spec.name, "created", f"{spec.partitions} partitions") for spec in specs]


async def _alter_configs(
    admin: Any, mismatches: Sequence[TopicMismatch], descriptions: Mapping[str, TopicDescription]
) -> list[TopicChange]:
    """Set the values that differ. AlterConfigs replaces all dynamic values of a topic, so those set by an operator are sent again."""
    resources = []
    for name in dict.fromkeys(mismatch.topic for mismatch in mismatches):
        corrections = {mismatch.setting: mismatch.expected for mismatch in mismatches if mismatch.topic == name}
        resources.append(ConfigResource(ConfigResourceType.TOPIC, name, {**descriptions[name].dynamic_configs, **corrections}))
    for response in await admin.alter_configs(resources) if resources else ():
        for code, message, _, name in response.resources:
            _raise_for_error_code(code, f"cannot correct {name}: {message}")
    return [TopicChange(mismatch.topic, mismatch.setting, mismatch.expected, mismatch.actual) for mismatch in mismatches]


def _raise_for_error_code(code: int, message: str) -> None:
    if code:
        error = for_code(code)
        raise UnavailableError(f"{message} ({error.__name__})") if error.retriable else TopicMismatchError(f"{message} ({error.__name__})")
