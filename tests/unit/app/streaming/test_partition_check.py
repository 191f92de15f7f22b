"""A worker does not start on, and ends when a topic has another number of partitions than it was built for."""

from types import SimpleNamespace

import pytest
from faust.types import TP

from app.streaming import partition_check
from app.streaming.partition_check import PartitionCheck, find_partition_problems, require_partition_counts
from schemas.errors import HeroldError, TopicMismatchError, UnavailableError

TOPICS = ["notifications.low", "notifications.status", "router-idempotency-changelog"]
ASSIGNED = {TP("notifications.low", 0), TP("notifications.low", 3)}


@pytest.mark.parametrize(
    ("partition_counts", "problems"),
    [
        ({"a": 4, "b": 4}, []),
        ({"a": 4, "b": 4, "other": 9}, []),
        ({"a": 4}, ["b: missing"]),
        ({"a": 4, "b": 8}, ["b: 8 partitions, expected 4 (kafka.topic_partitions)"]),
        ({}, ["a: missing", "b: missing"]),
    ],
)
def test_topics_that_are_missing_or_have_another_partition_count_are_reported(
    partition_counts: dict[str, int], problems: list[str]
) -> None:
    assert find_partition_problems(["a", "b"], 4, partition_counts) == problems


def test_wrong_topics_raise_an_error_with_advice() -> None:
    require_partition_counts(["a"], 4, {"a": 4})
    with pytest.raises(TopicMismatchError, match=r"a: 8 partitions, expected 4 \(kafka.topic_partitions\)\n`herold topics apply`"):
        require_partition_counts(["a"], 4, {"a": 8})


class Harness:
    """A check of an app with 4 partitions. `brokers`: what the producer reads, one after the other, the last one for ever."""

    def __init__(self, *brokers: dict[str, int] | None, group: dict[str, int] | None = None) -> None:
        self.brokers, self.errors = list(brokers), list[HeroldError]()
        app = SimpleNamespace(
            settings=SimpleNamespace(topic_partitions=4),
            source_topics=TOPICS[:1],
            should_stop=False,
            get_required_topics=lambda: TOPICS,
            producer=self,
            consumer=SimpleNamespace(topic_partitions=(group or {}).get),
        )
        self.check = PartitionCheck(app, lambda error, _: self.errors.append(error))  # type: ignore[arg-type]

    async def fetch_partition_counts(self, topics: list[str]) -> dict[str, int] | None:
        """The next of `brokers`."""
        assert topics == TOPICS
        return self.brokers.pop(0) if len(self.brokers) > 1 else self.brokers[0]


@pytest.fixture(autouse=True)
def no_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the checks follow each other at once."""
    monkeypatch.setattr(partition_check, "METADATA_RETRY_INTERVAL", 0.0)
    monkeypatch.setattr(partition_check, "CHECK_INTERVAL", 0.0)


@pytest.mark.parametrize("counts", [dict.fromkeys(TOPICS, 4), {}])
async def test_records_are_processed_with_the_configured_counts(counts: dict[str, int]) -> None:
    harness = Harness(counts, group={"notifications.low": 4})
    assert await harness.check.check_assignment({*ASSIGNED, TP("a-topic-of-which-the-broker-knows-nothing", 0)})
    assert not harness.errors


@pytest.mark.parametrize("topic", TOPICS)
async def test_a_raised_source_sink_or_changelog_stops_the_worker_at_an_assignment(topic: str) -> None:
    harness = Harness({**dict.fromkeys(TOPICS, 4), topic: 6})
    assert not await harness.check.check_assignment(ASSIGNED)
    (error,) = harness.errors
    assert isinstance(error, TopicMismatchError)
    assert f"{topic}: 6 partitions, expected 4 (kafka.topic_partitions)" in str(error)
    assert "docs/kafka.md" in str(error)


async def test_what_only_the_group_knows_counts() -> None:
    harness = Harness(dict.fromkeys(TOPICS, 4), group={"notifications.low": 6})
    assert not await harness.check.check_assignment(ASSIGNED)
    harness = Harness(dict.fromkeys(TOPICS, 4))
    assert not await harness.check.check_assignment({TP("notifications.low", 4)})
    assert "notifications.low: 5 partitions" in str(harness.errors[0])


async def test_an_assignment_waits_for_a_broker_that_answers() -> None:
    harness = Harness(None, None, dict.fromkeys(TOPICS, 4))
    assert await harness.check.check_assignment(ASSIGNED)
    harness = Harness(None)
    assert not await harness.check.check_assignment(ASSIGNED)
    assert isinstance(harness.errors[0], UnavailableError)


async def test_the_periodic_check_ends_with_a_raised_topic_and_ignores_an_outage() -> None:
    harness = Harness(dict.fromkeys(TOPICS, 4), None, {TOPICS[0]: 4}, {**dict.fromkeys(TOPICS, 4), TOPICS[1]: 8})
    await harness.check.check_periodically()
    (error,) = harness.errors
    assert "notifications.status: 8 partitions, expected 4" in str(error)
