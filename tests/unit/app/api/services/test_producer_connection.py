import pytest
from aiokafka.errors import KafkaError

from tests.unit.app.api.services.publisher_harness import MemoryProducer, PublisherHarness, build_record


@pytest.fixture
def producer() -> MemoryProducer:
    return MemoryProducer()


@pytest.mark.parametrize(
    "failing", [MemoryProducer(KafkaError("refused")), MemoryProducer(OSError("no route")), MemoryProducer(partitions=3)]
)
async def test_it_connects_when_kafka_is_available(failing: MemoryProducer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.api.services.producer_connection.RECONNECT_DELAY", 0.0)
    working = MemoryProducer()
    harness = PublisherHarness(failing, working)
    async with harness as publisher:
        assert await harness.connection.get_producer() is working  # type: ignore[comparison-overlap]
        assert await publisher.publish([build_record()]) == [True]
    assert failing.stopped


async def test_a_probe_reports_that_no_broker_answers(producer: MemoryProducer) -> None:
    harness = PublisherHarness(producer)
    async with harness as publisher:
        assert await publisher.probe() == "not connected to Kafka yet"
        await harness.connection.get_producer()
        assert await publisher.probe() == ""
        producer.client.is_answering = False
        assert await publisher.probe() == "no broker answers"
