"""Invalid records between valid ones: each becomes a dead letter with stage, reason and the original bytes; the others are delivered."""

import asyncio
import random
import time
from typing import Any, NamedTuple

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from agents.router.gates.decode import ID_TIME_MISMATCH, REPARTITION_HEADER
from agents.router.gates.repartition import WRONG_PARTITION
from agents.router.gates.rule import UNKNOWN_TYPE
from agents.router.templates.cache import MISSING_VARIABLE, UNKNOWN_TEMPLATE
from dev.stack.stack import ServerUrls
from schemas.dead_letter import DeadLetter, decode_dead_letter
from schemas.delivery import Delivery
from schemas.enums import Reason
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, make_id
from schemas.topics import DEAD_LETTER_TOPIC, MAX_NOTIFICATION_BYTES, get_deliveries_topic, get_notifications_topic
from tests import topic_reader
from tests.cluster import PARTITIONS, HeroldCluster, wait_until
from tests.integration.api.gateway_client import build_settings, open_client

USER_ID = "u-1"
USER_PARTITION = compute_partition(USER_ID, PARTITIONS)
OTHER_PARTITION = (USER_PARTITION + 1) % PARTITIONS
VALID: dict[str, Any] = {"user_id": USER_ID, "type": "account.password-reset", "channels": ["email"], "to": {"email": "a@example.org"}}
VALID |= {"locale": "en", "data": {"name": "Ada", "link": "https://example.org/reset", "minutes": 10}}
encode = msgspec.json.encode


class InvalidRecord(NamedTuple):
    """A record that becomes a dead letter, and the reason."""

    reason: str
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int = USER_PARTITION


def build_invalid_records() -> list[InvalidRecord]:
    """Build an invalid record of each kind."""
    yesterday = make_id(NOTIFICATION_PREFIX, time.time() - 3 * 24 * 3600, 1)
    return [
        InvalidRecord(Reason.UNDECODABLE, b"\xff\xfe\x00 not JSON"),
        InvalidRecord(Reason.UNDECODABLE, b'{"user_id": "u-1", "type": '),
        InvalidRecord(Reason.INVALID, b"[]"),
        InvalidRecord(Reason.INVALID, encode({**VALID, "user_id": 17})),
        InvalidRecord(Reason.INVALID, encode({**VALID, "channels": ["pigeon"]})),
        InvalidRecord(Reason.INVALID, encode({**VALID, "id": "mine-17"})),
        InvalidRecord(Reason.INVALID, encode({"user_id": USER_ID})),
        InvalidRecord(Reason.INVALID, encode({"type": "order.shipped"})),
        InvalidRecord(Reason.TOO_LARGE, encode({**VALID, "data": {"blob": "x" * MAX_NOTIFICATION_BYTES}})),
        InvalidRecord(Reason.NULL_VALUE, None),
        InvalidRecord(ID_TIME_MISMATCH, encode({**VALID, "id": yesterday})),
        InvalidRecord(UNKNOWN_TYPE, encode({**VALID, "type": "nobody.knows"})),
        InvalidRecord(UNKNOWN_TEMPLATE, encode({**VALID, "template": "nobody-knows"})),
        InvalidRecord(MISSING_VARIABLE, encode({**VALID, "data": {}})),
        InvalidRecord(WRONG_PARTITION, encode(VALID), ((REPARTITION_HEADER, b"1"),), OTHER_PARTITION),
        InvalidRecord(Reason.UNDECODABLE, encode(VALID).replace(b"{", b'{"x\xff":1,', 1), (), OTHER_PARTITION),
        InvalidRecord(Reason.TOO_LARGE, encode(VALID), (("a", b""),) * 24_000, OTHER_PARTITION),
    ]


@pytest.mark.slow
async def test_invalid_records_become_dead_letters_and_valid_ones_are_delivered(cluster: HeroldCluster) -> None:
    invalid_records, topic = build_invalid_records(), cluster.prefix + get_notifications_topic("high")
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        await cluster.start_worker("router")
        positions = await produce_interleaved(cluster, topic, invalid_records)
        await wait_until(lambda: has_no_lag(reader, cluster, topic), 150, "the router has committed all records", interval=0.1)
        dead_letters = [
            decode_dead_letter(record.key, record.value, record.headers)
            async for record in reader.read_records([cluster.prefix + DEAD_LETTER_TOPIC])
        ]
        addresses = await read_addresses(reader, cluster.prefix + get_deliveries_topic("email", "high"))
    assert sorted(addresses) == sorted(f"n{number}@example.org" for number in range(2 * len(invalid_records)))
    by_position = {(dead_letter.source_partition, dead_letter.source_offset): dead_letter for dead_letter in dead_letters}
    assert len(dead_letters) == len(by_position) == len(invalid_records)
    for position, record in zip(positions, invalid_records, strict=True):
        dead_letter = by_position[position]
        assert summarize(dead_letter) == ("router", record.reason, topic, record.value), dead_letter.error
        assert dead_letter.error


class InvalidUtf8Name(str):
    """A header name that is encoded as invalid UTF-8, as a client in C may send it."""

    def encode(self, *args: Any) -> bytes:
        return b"\xff\xfe"


@pytest.mark.slow
async def test_a_header_name_that_is_not_utf8_stops_no_partition(cluster: HeroldCluster) -> None:
    topic = cluster.prefix + get_notifications_topic("high")
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as reader:
        await cluster.start_worker("router")
        async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka, compression_type="lz4") as producer:
            for number, partition in enumerate((USER_PARTITION, OTHER_PARTITION)):
                batch = producer.create_batch()
                batch._builder = _DefaultRecordBatchBuilderPy(2, 3, 0, -1, -1, -1, 16_384)  # the one in C encodes names itself
                for name, address in (("a", f"before{number}@example.org"), (InvalidUtf8Name("x"), f"invalid{number}@example.org")):
                    value = encode({**VALID, "to": {"email": address}})
                    batch.append(timestamp=None, key=USER_ID.encode(), value=value, headers=[(name, b"x")])
                await (await producer.send_batch(batch, topic, partition=partition))
            last_value = encode({**VALID, "to": {"email": "last@example.org"}})
            await producer.send_and_wait(topic, last_value, key=USER_ID.encode(), partition=USER_PARTITION)
        emails = cluster.prefix + get_deliveries_topic("email", "high")
        await wait_until(lambda: has_records(reader, emails, 5), 60, "there are five deliveries", interval=0.1)
        addresses = await read_addresses(reader, emails)
    assert sorted(addresses) == sorted(f"{name}@example.org" for name in ("before0", "before1", "invalid0", "invalid1", "last"))


async def has_records(reader: topic_reader.TopicReader, topic: str, minimum: int) -> bool:
    return sum((await reader.get_end_offsets([topic])).values()) >= minimum


async def read_addresses(reader: topic_reader.TopicReader, topic: str) -> list[str]:
    """Read the addresses of all deliveries in a topic."""
    return [msgspec.json.decode(record.value, type=Delivery).address async for record in reader.read_records([topic])]


def summarize(dead_letter: DeadLetter) -> tuple[Any, ...]:
    return dead_letter.stage, dead_letter.reason, dead_letter.source_topic, dead_letter.value


async def produce_interleaved(cluster: HeroldCluster, topic: str, invalid_records: list[InvalidRecord]) -> list[tuple[int, int]]:
    """Produce each invalid record between two valid ones; return the partitions and offsets of the invalid ones.

    The second valid record has a random key and a header without a value, and is on another partition than the user's.
    """
    positions, numbers = [], iter(range(2 * len(invalid_records)))

    def build_valid_value() -> bytes:
        return encode({**VALID, "to": {"email": f"n{next(numbers)}@example.org"}})

    async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka, compression_type="lz4", max_request_size=2**20) as producer:
        for record in invalid_records:
            await producer.send_and_wait(topic, build_valid_value(), key=USER_ID.encode(), partition=USER_PARTITION)
            metadata = await producer.send_and_wait(
                topic, record.value, key=USER_ID.encode(), partition=record.partition, headers=list(record.headers)
            )
            positions.append((metadata.partition, metadata.offset))
            await producer.send_and_wait(
                topic, build_valid_value(), key=random.randbytes(8), partition=OTHER_PARTITION, headers=[("empty", None)]
            )
    return positions


async def has_no_lag(reader: topic_reader.TopicReader, cluster: HeroldCluster, topic: str) -> bool:
    return await reader.compute_lag(f"{cluster.prefix}router", [topic]) == 0


def build_invalid_bodies() -> list[tuple[bytes, int, str]]:
    """Build invalid HTTP bodies, with the expected status and the path of the field."""
    old_id = make_id(NOTIFICATION_PREFIX, time.time() - 3 * 24 * 3600, 1)
    return [
        (b"\xff\xfe\x00 not JSON", 422, "$"),
        (b'{"user_id": "u-1", "type": ', 422, "$"),
        (b"[]", 422, "$"),
        (encode({**VALID, "user_id": 17}), 422, "$.user_id"),
        (encode({**VALID, "channels": ["pigeon"]}), 422, "$.channels[0]"),
        (encode({**VALID, "id": "mine-17"}), 422, "$.id"),
        (encode({**VALID, "id": old_id}), 422, "$.id"),
        (encode({"user_id": USER_ID}), 422, "$.type"),
        (encode({**VALID, "urgency": "high"}), 422, "$.urgency"),
        (encode({"type": "order.shipped"}), 422, "$.user_id"),
        (encode({**VALID, "type": "nobody.knows"}), 422, "$.type"),
        (encode({**VALID, "template": "nobody-knows"}), 422, "$.template"),
        (encode({**VALID, "data": {}}), 422, "$.data"),
        (b"null", 422, "$"),
        (encode({**VALID, "data": {**VALID["data"], "blob": "x" * MAX_NOTIFICATION_BYTES}}), 413, ""),
        (b" " * 9_000_000 + encode(VALID), 413, ""),
    ]


async def test_invalid_bodies_over_http_get_an_error_with_the_path_of_the_field(cluster: HeroldCluster, server_urls: ServerUrls) -> None:
    settings = build_settings(
        server_urls.kafka,
        database_url=server_urls.database,
        redis_url=server_urls.redis,
        topic_prefix=cluster.prefix,
        partitions=PARTITIONS,
    )
    async with open_client(settings) as client, topic_reader.open_topic_reader(server_urls.kafka) as reader:
        for body, status, path in build_invalid_bodies():
            response = await client.post("/v1/notifications", content=body, headers={"content-type": "application/json"})
            assert response.status_code == status, body[:100]
            assert response.headers["content-type"] == "application/problem+json"
            if path:
                assert [error["path"].startswith(path) for error in response.json()["errors"]] == [True], (path, response.text)
        assert (await client.post("/v1/notifications", json=VALID)).status_code == 202
        assert await count_notifications(reader, cluster) == 1


async def count_notifications(reader: topic_reader.TopicReader, cluster: HeroldCluster) -> int:
    topics = [cluster.prefix + get_notifications_topic(priority) for priority in ("high", "medium", "low")]
    return sum((await reader.get_end_offsets(topics)).values())
