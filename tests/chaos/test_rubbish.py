"""Bad input between good: each becomes a dead letter with stage, reason and the original bytes, and the next record goes on."""

import asyncio
import random
import time
from typing import Any, NamedTuple

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from agents.router.gates.decode import ID_TIME_MISMATCH
from agents.router.gates.repartition import REPARTITION_HEADER, WRONG_PARTITION
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

USER = "u-1"
HOME = compute_partition(USER, PARTITIONS)
ELSEWHERE = (HOME + 1) % PARTITIONS
GOOD: dict[str, Any] = {"user_id": USER, "type": "account.password-reset", "channels": ["email"], "to": {"email": "a@example.org"}}
GOOD |= {"locale": "en", "data": {"name": "Ada", "link": "https://example.org/reset", "minutes": 10}}
encode = msgspec.json.encode


class Bad(NamedTuple):
    """A record that must die, and why."""

    reason: Reason
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int = HOME


def bad() -> list[Bad]:
    """One of each kind."""
    yesterday = make_id(NOTIFICATION_PREFIX, time.time() - 3 * 24 * 3600, 1)
    return [
        Bad(Reason.UNDECODABLE, b"\xff\xfe\x00 not JSON"),
        Bad(Reason.UNDECODABLE, b'{"user_id": "u-1", "type": '),
        Bad(Reason.INVALID, b"[]"),
        Bad(Reason.INVALID, encode({**GOOD, "user_id": 17})),
        Bad(Reason.INVALID, encode({**GOOD, "channels": ["pigeon"]})),
        Bad(Reason.INVALID, encode({**GOOD, "id": "mine-17"})),
        Bad(Reason.INVALID, encode({"user_id": USER})),
        Bad(Reason.INVALID, encode({"type": "order.shipped"})),
        Bad(Reason.TOO_LARGE, encode({**GOOD, "data": {"blob": "x" * MAX_NOTIFICATION_BYTES}})),
        Bad(Reason.NULL_VALUE, None),
        Bad(ID_TIME_MISMATCH, encode({**GOOD, "id": yesterday})),
        Bad(UNKNOWN_TYPE, encode({**GOOD, "type": "nobody.knows"})),
        Bad(UNKNOWN_TEMPLATE, encode({**GOOD, "template": "nobody-knows"})),
        Bad(MISSING_VARIABLE, encode({**GOOD, "data": {}})),
        Bad(WRONG_PARTITION, encode(GOOD), ((REPARTITION_HEADER, b"1"),), ELSEWHERE),
        Bad(Reason.UNDECODABLE, encode(GOOD).replace(b"{", b'{"x\xff":1,', 1), (), ELSEWHERE),
        Bad(Reason.TOO_LARGE, encode(GOOD), (("a", b""),) * 24_000, ELSEWHERE),
    ]


@pytest.mark.slow
async def test_rubbish_over_kafka_is_buried_and_what_is_between_is_delivered(cluster: HeroldCluster) -> None:
    rubbish, topic = bad(), cluster.prefix + get_notifications_topic("high")
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as log:
        await cluster.start_worker("router")
        places = await interleave(cluster, topic, rubbish)
        await wait_until(lambda: all_read(log, cluster, topic), 150, "the router having acknowledged everything", interval=0.1)
        letters = [
            decode_dead_letter(one.key, one.value, one.headers) async for one in log.read_records([cluster.prefix + DEAD_LETTER_TOPIC])
        ]
        delivered = [
            msgspec.json.decode(one.value, type=Delivery).address
            async for one in log.read_records([cluster.prefix + get_deliveries_topic("email", "high")])
        ]
    assert sorted(delivered) == sorted(f"n{number}@example.org" for number in range(2 * len(rubbish)))
    found = {(letter.source_partition, letter.source_offset): letter for letter in letters}
    assert len(letters) == len(found) == len(rubbish)
    for place, one in zip(places, rubbish, strict=True):
        assert summary(found[place]) == ("router", one.reason, topic, one.value), found[place].error
        assert found[place].error


class Name(str):
    """The name of a header, written as bytes that are no text, as any client in C may do."""

    def encode(self, *given: Any) -> bytes:
        return b"\xff\xfe"


@pytest.mark.slow
async def test_a_header_whose_name_is_no_text_stops_no_partition(cluster: HeroldCluster) -> None:
    topic = cluster.prefix + get_notifications_topic("high")
    async with asyncio.timeout(300), topic_reader.open_topic_reader(cluster.urls.kafka) as log:
        await cluster.start_worker("router")
        async with AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka, compression_type="lz4") as producer:
            for number, partition in enumerate((HOME, ELSEWHERE)):
                batch = producer.create_batch()
                batch._builder = _DefaultRecordBatchBuilderPy(2, 3, 0, -1, -1, -1, 16_384)  # the one in C reads names as text itself
                for name, address in (("a", f"before{number}@example.org"), (Name("odd"), f"odd{number}@example.org")):
                    value = encode({**GOOD, "to": {"email": address}})
                    batch.append(timestamp=None, key=USER.encode(), value=value, headers=[(name, b"x")])
                await (await producer.send_batch(batch, topic, partition=partition))
            behind = encode({**GOOD, "to": {"email": "behind@example.org"}})
            await producer.send_and_wait(topic, behind, key=USER.encode(), partition=HOME)
        emails = cluster.prefix + get_deliveries_topic("email", "high")
        await wait_until(lambda: said(log, emails, 5), 60, "five deliveries", interval=0.1)
        found = [msgspec.json.decode(one.value, type=Delivery).address async for one in log.read_records([emails])]
    assert sorted(found) == sorted(f"{name}@example.org" for name in ("before0", "before1", "odd0", "odd1", "behind"))


async def said(log: topic_reader.TopicReader, topic: str, many: int) -> bool:
    return sum((await log.get_end_offsets([topic])).values()) >= many


def summary(letter: DeadLetter) -> tuple[Any, ...]:
    return letter.stage, letter.reason, letter.source_topic, letter.value


async def interleave(stand: HeroldCluster, topic: str, rubbish: list[Bad]) -> list[tuple[int, int]]:
    """Write each bad record between two good ones; the bad ones' places.

    The second good one is on a wrong partition, under a wrong key, with a header that has no value.
    """
    places, numbers = [], iter(range(2 * len(rubbish)))

    def good() -> bytes:
        return encode({**GOOD, "to": {"email": f"n{next(numbers)}@example.org"}})

    async with AIOKafkaProducer(bootstrap_servers=stand.urls.kafka, compression_type="lz4", max_request_size=2**20) as producer:
        for one in rubbish:
            await producer.send_and_wait(topic, good(), key=USER.encode(), partition=HOME)
            written = await producer.send_and_wait(topic, one.value, key=USER.encode(), partition=one.partition, headers=list(one.headers))
            places.append((written.partition, written.offset))
            await producer.send_and_wait(topic, good(), key=random.randbytes(8), partition=ELSEWHERE, headers=[("trace", None)])
    return places


async def all_read(log: topic_reader.TopicReader, stand: HeroldCluster, topic: str) -> bool:
    return await log.compute_lag(f"{stand.prefix}router", [topic]) == 0


def refused() -> list[tuple[bytes, int, str]]:
    """The same over HTTP: body, status, and the path of the field."""
    later = make_id(NOTIFICATION_PREFIX, time.time() - 3 * 24 * 3600, 1)
    return [
        (b"\xff\xfe\x00 not JSON", 422, "$"),
        (b'{"user_id": "u-1", "type": ', 422, "$"),
        (b"[]", 422, "$"),
        (encode({**GOOD, "user_id": 17}), 422, "$.user_id"),
        (encode({**GOOD, "channels": ["pigeon"]}), 422, "$.channels[0]"),
        (encode({**GOOD, "id": "mine-17"}), 422, "$.id"),
        (encode({**GOOD, "id": later}), 422, "$.id"),
        (encode({"user_id": USER}), 422, "$.type"),
        (encode({**GOOD, "urgency": "high"}), 422, "$.urgency"),
        (encode({"type": "order.shipped"}), 422, "$.user_id"),
        (encode({**GOOD, "type": "nobody.knows"}), 422, "$.type"),
        (encode({**GOOD, "template": "nobody-knows"}), 422, "$.template"),
        (encode({**GOOD, "data": {}}), 422, "$.data"),
        (b"null", 422, "$"),
        (encode({**GOOD, "data": {**GOOD["data"], "blob": "x" * MAX_NOTIFICATION_BYTES}}), 413, ""),
        (b" " * 9_000_000 + encode(GOOD), 413, ""),
    ]


async def test_rubbish_over_http_is_refused_with_the_fields_path(cluster: HeroldCluster, server_urls: ServerUrls) -> None:
    url, given = (
        "/v1/notifications",
        build_settings(server_urls.kafka, server_urls.database, server_urls.redis, topic_prefix=cluster.prefix, partitions=PARTITIONS),
    )
    async with open_client(given) as client, topic_reader.open_topic_reader(server_urls.kafka) as log:
        for body, status, path in refused():
            answer = await client.post(url, content=body, headers={"content-type": "application/json"})
            assert answer.status_code == status, body[:100]
            assert answer.headers["content-type"] == "application/problem+json"
            if path:
                assert [error["path"].startswith(path) for error in answer.json()["errors"]] == [True], (path, answer.text)
        assert (await client.post(url, json=GOOD)).status_code == 202
        assert await written(log, cluster) == 1


async def written(log: topic_reader.TopicReader, stand: HeroldCluster) -> int:
    topics = [stand.prefix + get_notifications_topic(priority) for priority in ("high", "medium", "low")]
    return sum((await log.get_end_offsets(topics)).values())
