"""Callbacks on a real broker: a 204 means that the events are in Kafka."""

from base64 import b64encode

import msgspec
from aiokafka import AIOKafkaConsumer
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.settings import Settings
from schemas.events import ReceiptEvent
from schemas.ids import compute_partition
from tests.event_builders import build_delivery_ref, make_notification_id
from tests.integration.api.gateway_client import PARTITIONS, UNREACHABLE, build_settings, create_topics, open_client

KEY = ec.derive_private_key(4711, ec.SECP256R1())
PUBLIC_KEY = b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
IDS = [build_delivery_ref(make_notification_id(number)).id for number in range(40)]
EVENTS = [{"event": "delivered", "timestamp": 1_760_000_000, "sg_event_id": f"e-{n}", "delivery_id": id_} for n, id_ in enumerate(IDS)]
BODY = msgspec.json.encode(EVENTS)
HEADERS = {
    "X-Twilio-Email-Event-Webhook-Signature": b64encode(KEY.sign(b"17" + BODY, ec.ECDSA(SHA256()))).decode(),
    "X-Twilio-Email-Event-Webhook-Timestamp": "17",
}


def with_key(settings: Settings) -> Settings:
    sendgrid = {**settings.providers["sendgrid"], "webhook_public_key": PUBLIC_KEY}
    return msgspec.structs.replace(settings, providers={**settings.providers, "sendgrid": sendgrid})


async def test_every_event_is_in_kafka_before_the_answer(kafka_url: str, prefix: str) -> None:
    await create_topics(kafka_url, prefix)
    async with open_client(with_key(build_settings(kafka_url, topic_prefix=prefix))) as client:
        client.headers.pop("authorization", None)
        response = await client.post("/v1/callbacks/sendgrid", content=BODY, headers=HEADERS)
    assert response.status_code == 204
    consumer = AIOKafkaConsumer(f"{prefix}notifications.status", bootstrap_servers=kafka_url, auto_offset_reset="earliest")
    await consumer.start()
    try:
        records = [await consumer.getone() for _ in IDS]
    finally:
        await consumer.stop()
    events = {msgspec.json.decode(record.value, type=ReceiptEvent).delivery_id: record for record in records}
    assert set(events) == set(IDS)
    assert all(record.partition == compute_partition(delivery_id, PARTITIONS) for delivery_id, record in events.items())


async def test_without_kafka_the_answer_asks_for_the_request_again() -> None:
    async with open_client(with_key(build_settings(UNREACHABLE, produce_timeout=0.5))) as client:
        response = await client.post("/v1/callbacks/sendgrid", content=BODY, headers=HEADERS)
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
