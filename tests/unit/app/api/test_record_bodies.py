"""What a delivery said: in plain for who may read it, with its shape only for others, and a reason where it cannot be read."""

from typing import Any

import msgspec
import pytest

from app.api.record_bodies import ERASED, SEALED, RecordedContent, build_content, find_newest_deliveries, mask_content
from app.kafka.notification_records import FoundRecord
from schemas.delivery import Delivery
from schemas.notification_records import DescribedRecord, RecordPosition
from schemas.sealed_records import NO_CONTENT, seal_delivery
from schemas.sealing import Sealer
from tests.delivery_builders import ADDRESSES, build_delivery
from tests.fakes import FakeRecord
from tests.sealers import MemorySealerReader


def build(delivery: Delivery, sealer: Sealer | None = None, **templates: str) -> RecordedContent:
    """The content of a delivery."""
    content = build_content(msgspec.json.encode(delivery), sealer, templates)
    assert content is not None
    return content


def test_a_delivery_is_shown_as_it_was_sent_with_the_template_that_rendered_it() -> None:
    content = build(build_delivery("sms"), sms="order-shipped@3 de")
    assert (content.address, content.template, content.problem) == (ADDRESSES["sms"], "order-shipped@3 de", "")
    assert content.content == {"kind": "sms", "text": "Your order is on its way: 3 € & more"}
    assert content.sms is not None
    assert content.sms.segments == 1
    assert build(build_delivery("email")).sms is None
    assert build_content(b"{}", None, {}) is None


MASKED: dict[Any, dict[str, Any]] = {
    "email": {"kind": "email", "subject": "<10 characters>", "text": "<17 characters>", "html": "<24 characters>"},
    "sms": {"kind": "sms", "text": "<36 characters>"},
    "push": {"kind": "push", "title": "<10 characters>", "body": "<17 characters>", "data": {"order": "<2 characters>"}},
    "webhook": {"kind": "webhook", "type": "<13 characters>", "data": {"order": "<number>", "to": "<3 characters>"}},
}


@pytest.mark.parametrize("channel", MASKED)
def test_the_shape_is_left_under_the_masks_and_no_text_and_no_address(channel: Any) -> None:
    content = build(build_delivery(channel))
    masked = mask_content(content)
    assert masked.content == MASKED[channel]
    assert (masked.size, masked.sms) == (content.size, content.sms)
    assert ADDRESSES[channel] not in msgspec.json.encode(masked).decode()


async def test_a_sealed_one_is_opened_unless_its_user_was_erased() -> None:
    reader = MemorySealerReader()
    plain, sealer = build_delivery("sms"), reader.get("u-1")
    sealed = seal_delivery(plain.address, msgspec.Raw(msgspec.json.encode(plain.content)), plain.id, sealer)
    closed = msgspec.structs.replace(plain, address="", content=NO_CONTENT, sealed=sealed)
    assert build(closed, sealer).content["text"] == "Your order is on its way: 3 € & more"
    assert (build(closed).problem, build(closed).content) == (SEALED, {})
    assert build(closed, MemorySealerReader().get("u-1")).problem == SEALED
    reader.erase("u-1")
    assert build(closed, reader.get("u-1")).problem == ERASED


def test_the_newest_record_of_each_delivery_counts() -> None:
    def find(kind: Any, delivery_id: str, value: bytes) -> FoundRecord:
        return FoundRecord(RecordPosition("t", 0, FakeRecord(0, value=value)), DescribedRecord(kind, delivery_id))

    records = [find("delivery", "a", b"1"), find("delivery", "b", b"2"), find("status", "a", b"3"), find("delivery", "a", b"4")]
    assert find_newest_deliveries(records) == [b"4", b"2"]
