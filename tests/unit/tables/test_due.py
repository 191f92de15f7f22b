"""The keys of the table due sort by priority, then by time; everything else finds its way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.enums import PRIORITIES, Priority
from tables import due

priorities = st.sampled_from(PRIORITIES)
times = st.integers(0, 253_402_300_799_999)  # milliseconds, to the year 9999
names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=4)


@given(st.lists(st.tuples(priorities, times, names, names), min_size=2, max_size=20))
def test_keys_sort_by_priority_and_time(entries: list[tuple[Priority, int, str, str]]) -> None:
    by_key = sorted(entries, key=lambda entry: due.encode_entry_key(*entry))
    assert [(PRIORITIES.index(priority), at) for priority, at, _, _ in by_key] == sorted(
        (PRIORITIES.index(priority), at) for priority, at, _, _ in entries
    )


@given(priorities, times, names, names)
def test_an_entry_key_has_its_time_its_user_and_its_index_key(priority: Priority, at: int, user: str, entry_id: str) -> None:
    key = due.encode_entry_key(priority, at, user, entry_id)
    assert (due.decode_due_ms(key), due.get_user_key(key)) == (at, user.encode())
    assert due.convert_to_index_key(key) == due.encode_index_key(user, entry_id)
    assert due.encode_entry_key(priority, at) <= key < due.encode_entry_key(priority, at + 1) < due.encode_entry_limit(priority)


@given(priorities, times, st.integers(0, 2**32 - 1))
def test_an_index_row_is_decoded_as_it_was_encoded(priority: Priority, at: int, resume_count: int) -> None:
    row = due.IndexRow(priority, at, resume_count)
    assert due.decode_index_row(due.encode_index_row(row)) == row


def test_other_rows_are_decoded_as_they_were_encoded() -> None:
    assert due.get_scheduled(due.encode_entry_row(b"{}")) == b"{}"
    assert due.decode_position(due.encode_position(due.Position(7, 8))) == due.Position(7, 8)
    assert due.decode_released_until(due.encode_released_until(9)) == 9
    assert (due.decode_released_until(None), due.decode_position(None)) == (0, due.Position(-1, -1))


def test_a_row_of_another_version_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a row"):
        due.get_scheduled(b"\2{}")


def test_no_row_expires() -> None:
    with pytest.raises(TypeError, match="do not expire"):
        due.read_time(b"")
