"""Rows on their way hide stored ones until they have arrived; an overtaken row is not written behind the one that overtook it."""

from app.streaming.commit.pending_rows import PendingRows

STORED: list[bytes | None] = [b"old", None]
KEYS = [b"a", b"b"]


def test_what_is_on_its_way_hides_what_is_stored_on_its_partition_only() -> None:
    expected = PendingRows()
    expected.add(0, {b"a": b"new"})
    assert expected.overlay(0, KEYS, STORED) == [b"new", None]
    assert expected.overlay(1, KEYS, STORED) == STORED


def test_a_row_to_be_removed_is_shown_as_gone() -> None:
    expected = PendingRows()
    expected.add(0, {b"a": None})
    assert expected.overlay(0, KEYS, STORED) == [None, None]


def test_what_has_arrived_is_the_tables_matter() -> None:
    expected, rows = PendingRows(), {b"a": b"new"}
    expected.add(0, rows)
    expected.mark_applied(0, rows)
    assert expected.overlay(0, KEYS, STORED) == STORED


def test_an_older_row_that_arrives_leaves_the_newer_one_shown() -> None:
    expected, older, newer = PendingRows(), {b"a": b"1"}, {b"a": b"2"}
    expected.add(0, older)
    expected.add(0, newer)
    expected.mark_applied(0, older)
    assert expected.overlay(0, KEYS, STORED) == [b"2", None]
    assert expected.select_pending(0, older) == older  # the newer one is not written yet, so this one may be


def test_a_row_overtaken_by_a_written_one_is_not_written_any_more() -> None:
    expected, older, newer = PendingRows(), {b"a": b"1", b"b": b"1"}, {b"a": b"2"}
    expected.add(0, older)
    expected.add(0, newer)
    expected.mark_applied(0, newer)
    assert expected.select_pending(0, older) == {b"b": b"1"}


def test_what_is_forgotten_does_not_come() -> None:
    expected = PendingRows()
    expected.add(0, {b"a": b"new"})
    expected.add(1, {b"a": b"new"})
    expected.clear_partition(0)
    assert expected.overlay(0, KEYS, STORED) == STORED
    assert expected.overlay(1, KEYS, STORED) == [b"new", None]
