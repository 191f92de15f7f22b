"""A Kafka broker with one empty partition that answers OffsetFetch requests from a script."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any

from aiokafka.protocol.admin import ApiVersionResponse_v0
from aiokafka.protocol.api import RequestHeader_v1, ResponseHeader_v0
from aiokafka.protocol.commit import OffsetFetchResponse_v3
from aiokafka.protocol.coordination import FindCoordinatorResponse_v0
from aiokafka.protocol.metadata import MetadataResponse_v1
from aiokafka.protocol.offset import OffsetResponse_v1
from aiokafka.structs import TopicPartition

PARTITION = TopicPartition("notifications.high", 0)
Answer = tuple[Sequence[tuple[int, int, str, int]], int]  # partitions (number, offset, metadata, error), and the error of the response
VERSIONS = {18: 0, 3: 1, 10: 0, 9: 3, 2: 1, 1: 4}  # the one version of each API
OFFSET_FETCH, FETCH = 9, 1


class ScriptedBroker:
    """Gives one answer of the script after the other, the last one for ever; fetches are not answered."""

    def __init__(self, *answers: Answer) -> None:
        self.remaining: list[Answer] = list(answers)
        self.port = 0

    def respond(self, api_key: int) -> Any:
        """The response to a request."""
        if api_key == OFFSET_FETCH:
            partitions, error_code = self.remaining.pop(0) if len(self.remaining) > 1 else self.remaining[0]
            return OffsetFetchResponse_v3(0, [(PARTITION.topic, partitions)] if partitions else [], error_code)
        return {
            18: lambda: ApiVersionResponse_v0(0, [(key, version, version) for key, version in VERSIONS.items()]),
            3: lambda: MetadataResponse_v1([(0, "127.0.0.1", self.port, None)], 0, [(0, PARTITION.topic, False, [(0, 0, 0, [0], [0])])]),
            10: lambda: FindCoordinatorResponse_v0(0, 0, "127.0.0.1", self.port),
            2: lambda: OffsetResponse_v1([(PARTITION.topic, [(PARTITION.partition, 0, -1, 0)])]),
        }[api_key]()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of a connection."""
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(4), "big")
                api_key, _, correlation_id, _ = _decode_header(await reader.readexactly(size))
                if api_key != FETCH:
                    body = ResponseHeader_v0(correlation_id).encode() + self.respond(api_key).encode()
                    writer.write(len(body).to_bytes(4, "big") + body)
        except asyncio.IncompleteReadError:
            writer.close()


def _decode_header(raw: bytes) -> Iterator[Any]:
    data = BytesIO(raw)
    return iter([field.decode(data) for field in RequestHeader_v1.SCHEMA.fields])


@asynccontextmanager
async def open_broker(*answers: Answer) -> AsyncIterator[ScriptedBroker]:
    """A broker on a port of its own."""
    broker = ScriptedBroker(*answers)
    async with await asyncio.start_server(broker.serve, "127.0.0.1", 0) as server:
        broker.port = server.sockets[0].getsockname()[1]
        yield broker
