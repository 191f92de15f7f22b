"""Pending rows hide stored ones until they are applied."""

from app.streaming.commit.pending_rows import PendingRows

STORED: list[bytes | None] = [b"old", None]
KEYS = [b"a", b"b"]


def test_pending_rows_hide_stored_rows_of_their_partition_only() -> None:
    pending = PendingRows()
    pending.add(0, {b"a": b"new"})
    assert pending.overlay(0, KEYS, STORED) == [b"new", None]
    assert pending.overlay(1, KEYS, STORED) == STORED


def test_a_pending_tombstone_hides_the_stored_row() -> None:
    pending = PendingRows()
    pending.add(0, {b"a": None})
    assert pending.overlay(0, KEYS, STORED) == [None, None]


def test_an_applied_row_is_no_longer_pending() -> None:
    pending, rows = PendingRows(), {b"a": b"new"}
    pending.add(0, rows)
    pending.mark_applied(0, rows)
    assert pending.overlay(0, KEYS, STORED) == STORED


def test_an_applied_older_row_leaves_the_newer_one_pending() -> None:
    pending, older, newer = PendingRows(), {b"a": b"1"}, {b"a": b"2"}
    pending.add(0, older)
    pending.add(0, newer)
    pending.mark_applied(0, older)
    assert pending.overlay(0, KEYS, STORED) == [b"2", None]


def test_a_cleared_partition_has_no_pending_rows() -> None:
    pending = PendingRows()
    pending.add(0, {b"a": b"new"})
    pending.add(1, {b"a": b"new"})
    pending.clear_partition(0)
    assert pending.overlay(0, KEYS, STORED) == STORED
    assert pending.overlay(1, KEYS, STORED) == [b"new", None]


def test_the_rows_of_a_prefix_are_those_of_the_user_as_they_are_now() -> None:
    pending, changed = PendingRows(), {b"u\0w1": b"1", b"u\0d1": b"2", b"u2\0w1": b"3"}
    pending.add(0, changed)
    assert pending.select_prefix(0, b"u\0w") == {b"u\0w1": b"1"}
    removal: dict[bytes, bytes | None] = {b"u\0w1": None, b"u\0w2": b"4"}
    pending.add(0, removal)
    assert pending.select_prefix(0, b"u\0w") == removal
    pending.mark_applied(0, removal)
    assert pending.select_prefix(0, b"u\0w") == {}
    assert pending.select_prefix(0, b"u2\0w") == {b"u2\0w1": b"3"}
    pending.clear_partition(0)
    assert pending.select_prefix(0, b"u2\0w") == pending.select_prefix(1, b"u2\0w") == {}
