"""Tests of the recorder of notifications.dlq."""

from agents.recorder import DeadLetterRecorder
from agents.recorder.dead_letters import decode_dead_letters
from schemas.dead_letter import DeadLetter, encode_headers
from schemas.ports import Batch
from schemas.topics import DEAD_LETTER_TOPIC
from tests.event_builders import NOW, make_notification_id
from tests.fakes import FakeRecord
from tests.memory_stores import MemoryHistory
from tests.recorder_batches import ignore_failure, record_batches

DEAD_LETTER = DeadLetter(
    "router", "invalid", "user_id is missing", "notifications.low", 2, 17, b"k", b"{}", notification_id=make_notification_id()
)


async def sleep(seconds: float) -> None:
    """Return at once."""


def build_batch(*records: FakeRecord) -> Batch:
    return Batch(DEAD_LETTER_TOPIC, 3, records)


def build_record(dead_letter: DeadLetter, offset: int = 5) -> FakeRecord:
    return FakeRecord(offset, key=dead_letter.key, value=dead_letter.value, headers=tuple(encode_headers(dead_letter)))


def test_a_dead_letter_has_the_values_of_its_headers_and_its_own_offset() -> None:
    (recorded,) = decode_dead_letters(build_batch(build_record(DEAD_LETTER)))
    assert recorded.dead_letter == DEAD_LETTER
    assert (recorded.topic, recorded.partition, recorded.offset, recorded.created_at) == (DEAD_LETTER_TOPIC, 3, 5, NOW)


def test_a_record_without_headers_becomes_a_dead_letter() -> None:
    (recorded,) = decode_dead_letters(build_batch(FakeRecord(0, value=b"\xff")))
    assert (recorded.dead_letter.reason, recorded.dead_letter.value) == ("undecodable", b"\xff")


def test_numbers_that_no_column_can_hold_are_replaced() -> None:
    headers = (("source_offset", b"9" * 5000), ("source_partition", b"-1"), ("attempts", b"many"))
    (recorded,) = decode_dead_letters(build_batch(FakeRecord(0, value=b"", headers=headers)))
    assert (recorded.dead_letter.source_offset, recorded.dead_letter.source_partition, recorded.dead_letter.attempts) == (-1, -1, 0)


async def test_every_dead_letter_is_recorded() -> None:
    store = MemoryHistory()
    recorder = DeadLetterRecorder(store, sleep, lambda: NOW, lambda event: None, ignore_failure, linger=0.0)
    await record_batches(
        recorder,
        build_batch(build_record(DEAD_LETTER, 5), build_record(DEAD_LETTER, 6)),
        build_batch(build_record(DEAD_LETTER, 6), build_record(DEAD_LETTER, 7)),
    )
    assert [key[3] for key in store.dead_letters] == [5, 6, 7]
