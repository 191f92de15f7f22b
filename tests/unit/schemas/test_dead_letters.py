"""What is found out about a dead letter when it is stored: id, channel and type."""

import msgspec
import pytest

from schemas.dead_letter import DeadLetter
from schemas.dead_letters import DEAD_LETTER_PREFIX, derive_dead_letter_id, find_channel, find_type
from schemas.history import RecordedDeadLetter
from schemas.ids import is_id, try_parse_time
from schemas.scheduled import Scheduled
from tests.event_builders import NOW


def build_recorded(offset: int = 5, created_at: float = NOW) -> RecordedDeadLetter:
    return RecordedDeadLetter(created_at, "notifications.dlq", 3, offset, DeadLetter("router", "invalid", "", "t", 0, 0))


def test_the_id_has_the_time_of_the_record_and_is_derived_from_its_position() -> None:
    one = derive_dead_letter_id(build_recorded())
    assert is_id(one, DEAD_LETTER_PREFIX)
    assert try_parse_time(one, DEAD_LETTER_PREFIX) == pytest.approx(NOW, abs=0.001)
    assert one == derive_dead_letter_id(build_recorded())
    assert one != derive_dead_letter_id(build_recorded(6))
    assert is_id(derive_dead_letter_id(build_recorded(created_at=-0.001)), DEAD_LETTER_PREFIX), "Kafka's timestamp may be -1"


@pytest.mark.parametrize(
    ("topic", "channel"),
    [
        ("deliveries.email.high", "email"),
        ("shop-deliveries.sms.low", "sms"),
        ("shop.deliveries.push.medium", "push"),
        ("notifications.low", ""),
        ("deliveries.fax.low", ""),
        ("", ""),
    ],
)
def test_the_channel_is_that_of_the_topic(topic: str, channel: str) -> None:
    assert find_channel(topic) == channel


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b'{"type": "order.shipped", "user_id": 7}', "order.shipped"),
        (b'\xef\xbb\xbf{"type": "a"}', "a"),
        (msgspec.json.encode(Scheduled("n", "u", 1.0, "t", msgspec.Raw(b'{"type":"b"}'))), "b"),
        (b'{"type": 7}', ""),
        (b"\xff\x00", ""),
        (b"[" * 100_000, ""),
        (b"{}", ""),
        (None, ""),
        (msgspec.json.encode({"type": "x" * 1000}), "x" * 256),
    ],
)
def test_the_type_is_read_as_far_as_it_can_be(value: bytes | None, found: str) -> None:
    assert find_type(value) == found
