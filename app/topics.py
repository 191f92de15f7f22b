"""Creates and checks the topics of the catalogue and the changelogs of the tables; `herold topics apply|check` prints what this returns."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from schemas.errors import TopicsWrong, Unavailable
from schemas.rules import LONGEST_WINDOW
from schemas.topics import catalogue
from schemas.words import CHANNELS

HOUR_MS = 3_600_000
VISIBLE_AFTER = 30.0  # seconds that a broker may take to show what it has created or set
LOOK_AGAIN = 0.05  # seconds between two looks
ELECTED_AFTER = 5.0  # seconds that partitions may be without a leader, before a role is refused its start
LOOK_AGAIN_LATER = 0.5  # seconds between two looks meanwhile
TOPIC_EXISTS = 36  # Kafka protocol, error codes: TOPIC_ALREADY_EXISTS
SET_ON_TOPIC = 1  # Kafka protocol, DescribeConfigs: config_source of a value that was set on the topic itself

# hours that the rows of a table live, by role (design.md section 10); their time is checked on read, the changelog only reclaims space
STATE: dict[str, dict[str, int]] = {
    "router": {"idempotency": 2 * 24, "rate_windows": LONGEST_WINDOW // 3600},
    **{str(channel): {"attempts": 72} for channel in CHANNELS},
}
ADVICE = "`herold topics apply` creates and corrects topics"
STUCK = (
    "a user's records and state stay on their partition, so the number of partitions is never changed: set `partitions` to what is there, "
    "or move to new topics with another `topic_prefix`; replicas are added with Kafka's own kafka-reassign-partitions"
)


@dataclass(frozen=True)
class Wanted:
    """A topic as it should be in Kafka, under its full name."""

    name: str
    partitions: int
    replication: int
    policy: Mapping[str, str]


@dataclass(frozen=True)
class Found:
    """A topic as it is in Kafka: `replicas` of its thinnest partition, all settings, and those set on the topic itself."""

    partitions: int
    replicas: int
    settings: Mapping[str, str]
    own: Mapping[str, str]


@dataclass(frozen=True)
class Problem:
    """How a topic differs from the catalogue: `what` is `missing`, `partitions`, `replicas` or the setting's name."""

    topic: str
    what: str
    wanted: str
    found: str

    @property
    def mendable(self) -> bool:
        """Whether `apply` can put it right without moving or losing records."""
        return self.what not in ("partitions", "replicas")

    def __str__(self) -> str:
        return f"{self.topic}: {self.what} is {self.found}, wanted {self.wanted}" if self.found else f"{self.topic}: missing"


@dataclass(frozen=True)
class Change:
    """What `apply` did to a topic: created it, or set one of its settings."""

    topic: str
    what: str
    wanted: str
    found: str = ""

    def __str__(self) -> str:
        return f"{self.topic}: {self.what} {self.found} -> {self.wanted}" if self.found else f"{self.topic}: created with {self.wanted}"


def changelog_policy(hours: int) -> dict[str, str]:
    """The configuration of a changelog whose rows live that long.

    Rows are kept twice as long as they live and at least two days more, so that only a partition without traffic for days is ever emptied:
    Faust 0.15.3 starts such a one at its earliest offset and finds nothing to read, but one that is emptied while it is being read
    holds up that recovery until the worker is started again (Faust issue 597). Segments are closed hourly, or nothing would be cleaned.
    """
    return {
        "cleanup.policy": "compact,delete",
        "retention.ms": str(max(2 * hours, hours + 48) * HOUR_MS),
        "min.cleanable.dirty.ratio": "0.1",
        "segment.ms": str(HOUR_MS),
    }


def wanted(prefix: str, partitions: int, replication: int, min_isr: int) -> Iterator[Wanted]:
    """All topics of an installation: the catalogue, then the changelogs `<app id>-<table>-changelog`."""
    safe = {"min.insync.replicas": str(min_isr)}
    for topic in catalogue():
        yield Wanted(prefix + topic.name, partitions, replication, {**topic.policy, **safe})
    for role, tables in STATE.items():
        for table, hours in tables.items():
            yield Wanted(f"{prefix}{role}-{table}-changelog", partitions, replication, {**changelog_policy(hours), **safe})


def problems(topic: Wanted, found: Found | None) -> Iterator[Problem]:
    """How a topic differs from what is wanted; one that keeps more, longer or larger records is left to its operator."""
    if found is None:
        yield Problem(topic.name, "missing", f"{topic.partitions} partitions", "")
        return
    if found.partitions != topic.partitions:
        yield Problem(topic.name, "partitions", str(topic.partitions), str(found.partitions))
    if found.replicas < topic.replication:
        yield Problem(topic.name, "replicas", str(topic.replication), str(found.replicas))
    for setting, value in topic.policy.items():
        actual = found.settings.get(setting, "unset")
        if not _satisfies(setting, value, actual):
            yield Problem(topic.name, setting, value, actual)


def _satisfies(setting: str, value: str, actual: str) -> bool:
    if setting == "cleanup.policy":
        return set(value.split(",")) == set(actual.replace(" ", "").split(","))
    if setting == "retention.ms":
        return actual == "-1" or _at_least(value, actual)
    if setting == "max.message.bytes":
        return _at_least(value, actual)
    return value == actual


def _at_least(value: str, actual: str) -> bool:
    return actual.isdecimal() and int(actual) >= int(value)


async def check(kafka: str, prefix: str, partitions: int, replication: int, min_isr: int) -> list[Problem]:
    """What is wrong with the topics on the brokers `host:port,...`; empty if nothing. Raises Unavailable if Kafka does not answer."""
    topics = list(wanted(prefix, partitions, replication, min_isr))
    async with _admin(kafka) as admin:
        found = await _found(admin, topics)
    return _all_problems(topics, found)


async def demand(kafka: str, prefix: str, partitions: int, replication: int, min_isr: int) -> None:
    """Refuses to start on wrong topics. Raises TopicsWrong with every problem, Unavailable if Kafka does not answer.

    Topics that are missing get a few seconds: one whose leaders are being elected cannot be told from one that is not there.
    """
    wrong = await check(kafka, prefix, partitions, replication, min_isr)
    for _ in range(round(ELECTED_AFTER / LOOK_AGAIN_LATER)):
        if all(problem.what != "missing" for problem in wrong):
            break
        await asyncio.sleep(LOOK_AGAIN_LATER)
        wrong = await check(kafka, prefix, partitions, replication, min_isr)
    if wrong:
        raise TopicsWrong("\n".join([*map(str, wrong), ADVICE if all(problem.mendable for problem in wrong) else STUCK]))


async def apply(kafka: str, prefix: str, partitions: int, replication: int, min_isr: int) -> list[Change]:
    """Creates what is missing and corrects settings that differ; run again, it changes nothing.

    Raises TopicsWrong if a topic has another number of partitions or too few replicas, before any change, or if Kafka refuses one;
    Unavailable if Kafka does not answer.
    """
    topics = list(wanted(prefix, partitions, replication, min_isr))
    async with _admin(kafka) as admin:
        found = await _found(admin, topics)
        wrong = _all_problems(topics, found)
        _refuse_what_cannot_be_mended(wrong)
        created = await _create(admin, [topic for topic in topics if topic.name not in found])
        corrected = await _correct(admin, [problem for problem in wrong if problem.what != "missing"], found)
        if wrong:
            await _until_right(admin, topics)
    return created + corrected


def _all_problems(topics: Sequence[Wanted], found: Mapping[str, Found]) -> list[Problem]:
    return [problem for topic in topics for problem in problems(topic, found.get(topic.name))]


def _refuse_what_cannot_be_mended(wrong: Sequence[Problem]) -> None:
    stuck = [str(problem) for problem in wrong if not problem.mendable]
    if stuck:
        raise TopicsWrong("\n".join([*stuck, STUCK]))


@asynccontextmanager
async def _admin(kafka: str) -> AsyncIterator[Any]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka, client_id="herold-topics")
    try:
        await admin.start()
        yield admin
    except (KafkaError, OSError, TimeoutError) as error:
        raise Unavailable(f"Kafka at {kafka}: {error!r}") from error
    finally:
        await admin.close()


async def _found(admin: Any, topics: Sequence[Wanted]) -> dict[str, Found]:
    names = {topic.name for topic in topics}
    rows = await admin.describe_topics()
    present = {row["topic"]: row["partitions"] for row in rows if row["topic"] in names and _led(row["partitions"])}
    settings = await _settings(admin, list(present))
    return {
        name: Found(
            len(parts),
            min(len(part["replicas"]) for part in parts),
            {key: value for key, value, _ in settings[name]},
            {key: value for key, value, own in settings[name] if own},
        )
        for name, parts in present.items()
    }


def _led(parts: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every partition has a leader: a topic that is being made has none yet."""
    return bool(parts) and all(part["leader"] >= 0 for part in parts)


async def _settings(admin: Any, names: Sequence[str]) -> dict[str, list[tuple[str, str, bool]]]:
    """Per topic: name, value, and whether it was set on the topic itself."""
    if not names:
        return {}
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    settings = {}
    for code, message, _, name, entries in (row for answer in answers for row in answer.resources):
        _refuse(code, f"cannot read the settings of {name}: {message}")
        settings[name] = [(entry[0], entry[1], entry[3] == SET_ON_TOPIC) for entry in entries]
    return settings


async def _create(admin: Any, topics: Sequence[Wanted]) -> list[Change]:
    if not topics:
        return []
    new = [NewTopic(topic.name, topic.partitions, topic.replication, topic_configs=dict(topic.policy)) for topic in topics]
    answer = await admin.create_topics(new)
    for name, code, message in answer.topic_errors:
        if code != TOPIC_EXISTS:  # somebody else was quicker
            _refuse(code, f"cannot create {name}: {message}")
    return [Change(topic.name, "created", f"{topic.partitions} partitions") for topic in topics]


async def _until_right(admin: Any, topics: Sequence[Wanted]) -> None:
    """Waits for the broker: it answers before its own view of topics and settings has followed."""
    async with asyncio.timeout(VISIBLE_AFTER):
        while _all_problems(topics, await _found(admin, topics)):  # noqa: ASYNC110 - the broker offers no event for it
            await asyncio.sleep(LOOK_AGAIN)


async def _correct(admin: Any, wrong: Sequence[Problem], found: Mapping[str, Found]) -> list[Change]:
    """Sets what differs. The request replaces all settings of a topic, so those that an operator has set are sent along."""
    resources = []
    for name in dict.fromkeys(problem.topic for problem in wrong):
        settings = {**found[name].own, **{problem.what: problem.wanted for problem in wrong if problem.topic == name}}
        resources.append(ConfigResource(ConfigResourceType.TOPIC, name, settings))
    for answer in await admin.alter_configs(resources) if resources else ():
        for code, message, _, name in answer.resources:
            _refuse(code, f"cannot correct {name}: {message}")
    return [Change(problem.topic, problem.what, problem.wanted, problem.found) for problem in wrong]


def _refuse(code: int, what: str) -> None:
    if code:
        error = for_code(code)
        raise Unavailable(f"{what} ({error.__name__})") if error.retriable else TopicsWrong(f"{what} ({error.__name__})")
