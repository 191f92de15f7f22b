"""The transport that ties consumer and producer to a Faust app."""

from typing import Any, ClassVar

from faust.transport.drivers import aiokafka as driver

from app.streaming.consumer.batch_consumer import BatchConsumer
from app.streaming.producer import IdempotentProducer
from app.streaming.settings import StreamSettings


class BatchTransport(driver.Transport):
    """Faust's transport over aiokafka with batches; `priorities` gives each consumed topic its rank, 0 for the highest priority."""

    Consumer: ClassVar[type[Any]] = BatchConsumer
    Producer: ClassVar[type[Any]] = IdempotentProducer

    def __init__(self, url: Any, app: Any, settings: StreamSettings) -> None:
        super().__init__(url, app)
        self.settings = settings
        self.topic_priorities: dict[str, int] = {}
