"""notifications.dlq to history."""

from collections.abc import AsyncIterator

from agents.recorder import DeadLetterRecorder
from agents.recorder.dead_letters import decode_dead_letters
from schemas.dead_letter import DeadLetter, encode_headers
from schemas.ports import Batch
from schemas.topics import DEAD_LETTER_TOPIC
from tables.in_memory import MemoryHistory
from tests.event_builders import NOW, FakeRecord, make_notification_id

LETTER = DeadLetter(
    "router", "invalid", "user_id is missing", "notifications.low", 2, 17, b"k", b"{}", notification_id=make_notification_id()
)


async def sleep(seconds: float) -> None:
    """Ends at once."""


def build_batch(*records: FakeRecord) -> Batch:
    return Batch(DEAD_LETTER_TOPIC, 3, records)


def build_record(letter: DeadLetter, offset: int = 5) -> FakeRecord:
    return FakeRecord(offset, letter.value, key=letter.key, headers=tuple(encode_headers(letter)))


def test_a_letter_keeps_what_its_headers_say_and_its_own_place() -> None:
    (each,) = decode_dead_letters(build_batch(build_record(LETTER)))
    assert each.dead_letter == LETTER
    assert (each.topic, each.partition, each.offset, each.created_at) == (DEAD_LETTER_TOPIC, 3, 5, NOW)


def test_a_record_without_headers_is_a_letter_too() -> None:
    (each,) = decode_dead_letters(build_batch(FakeRecord(0, b"\xff")))
    assert (each.dead_letter.reason, each.dead_letter.value) == ("undecodable", b"\xff")


def test_numbers_that_no_column_holds_read_as_unknown() -> None:
    headers = (("source_offset", b"9" * 5000), ("source_partition", b"-1"), ("attempts", b"many"))
    (each,) = decode_dead_letters(build_batch(FakeRecord(0, b"", headers=headers)))
    assert (each.dead_letter.source_offset, each.dead_letter.source_partition, each.dead_letter.attempts) == (-1, -1, 0)


async def test_run_files_every_letter() -> None:
    store = MemoryHistory()

    async def iterate_batches() -> AsyncIterator[Batch]:
        yield build_batch(build_record(LETTER, 5), build_record(LETTER, 6))
        yield build_batch(build_record(LETTER, 6), build_record(LETTER, 7))

    await DeadLetterRecorder(store, sleep, lambda: NOW).run(iterate_batches())
    assert [place[3] for place in store.dead_letters] == [5, 6, 7]
