"""Rows on their way hide stored ones until they have arrived; an overtaken row is not written behind the one that overtook it."""

from app.streaming.expected import Expected

STORED: list[bytes | None] = [b"old", None]
KEYS = [b"a", b"b"]


def test_what_is_on_its_way_hides_what_is_stored_on_its_partition_only() -> None:
    expected = Expected()
    expected.expect(0, {b"a": b"new"})
    assert expected.shown(0, KEYS, STORED) == [b"new", None]
    assert expected.shown(1, KEYS, STORED) == STORED


def test_a_row_to_be_removed_is_shown_as_gone() -> None:
    expected = Expected()
    expected.expect(0, {b"a": None})
    assert expected.shown(0, KEYS, STORED) == [None, None]


def test_what_has_arrived_is_the_tables_matter() -> None:
    expected, rows = Expected(), {b"a": b"new"}
    expected.expect(0, rows)
    expected.arrived(0, rows)
    assert expected.shown(0, KEYS, STORED) == STORED


def test_an_older_row_that_arrives_leaves_the_newer_one_shown() -> None:
    expected, older, newer = Expected(), {b"a": b"1"}, {b"a": b"2"}
    expected.expect(0, older)
    expected.expect(0, newer)
    expected.arrived(0, older)
    assert expected.shown(0, KEYS, STORED) == [b"2", None]
    assert expected.still(0, older) == older  # the newer one is not written yet, so this one may be


def test_a_row_overtaken_by_a_written_one_is_not_written_any_more() -> None:
    expected, older, newer = Expected(), {b"a": b"1", b"b": b"1"}, {b"a": b"2"}
    expected.expect(0, older)
    expected.expect(0, newer)
    expected.arrived(0, newer)
    assert expected.still(0, older) == {b"b": b"1"}


def test_what_is_forgotten_does_not_come() -> None:
    expected = Expected()
    expected.expect(0, {b"a": b"new"})
    expected.expect(1, {b"a": b"new"})
    expected.forget(0)
    assert expected.shown(0, KEYS, STORED) == STORED
    assert expected.shown(1, KEYS, STORED) == [b"new", None]
