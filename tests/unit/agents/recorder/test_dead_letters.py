"""notifications.dlq to history."""

from collections.abc import AsyncIterator

from agents.recorder import DeadLetterRecorder
from agents.recorder.dead_letters import filed
from schemas.deadletter import DeadLetter, headers_of
from schemas.ports import Batch
from schemas.topics import DEAD_LETTERS
from tables.memory import MemoryHistory
from tests.history import NOW, Written, notification_id

LETTER = DeadLetter("router", "invalid", "user_id is missing", "notifications.low", 2, 17, b"k", b"{}", notification_id=notification_id())


async def pause(seconds: float) -> None:
    """Ends at once."""


def letters(*records: Written) -> Batch:
    return Batch(DEAD_LETTERS, 3, records)


def written(letter: DeadLetter, offset: int = 5) -> Written:
    return Written(offset, letter.value, key=letter.key, headers=tuple(headers_of(letter)))


def test_a_letter_keeps_what_its_headers_say_and_its_own_place() -> None:
    (each,) = filed(letters(written(LETTER)))
    assert each.letter == LETTER
    assert (each.topic, each.partition, each.offset, each.at) == (DEAD_LETTERS, 3, 5, NOW)


def test_a_record_without_headers_is_a_letter_too() -> None:
    (each,) = filed(letters(Written(0, b"\xff")))
    assert (each.letter.reason, each.letter.value) == ("undecodable", b"\xff")


def test_numbers_that_no_column_holds_read_as_unknown() -> None:
    headers = (("offset", b"9" * 5000), ("partition", b"-1"), ("attempts", b"many"))
    (each,) = filed(letters(Written(0, b"", headers=headers)))
    assert (each.letter.offset, each.letter.partition, each.letter.attempts) == (-1, -1, 0)


async def test_run_files_every_letter() -> None:
    store = MemoryHistory()

    async def batches() -> AsyncIterator[Batch]:
        yield letters(written(LETTER, 5), written(LETTER, 6))
        yield letters(written(LETTER, 6), written(LETTER, 7))

    await DeadLetterRecorder(store, pause, lambda: NOW).run(batches())
    assert [place[3] for place in store.letters] == [5, 6, 7]
