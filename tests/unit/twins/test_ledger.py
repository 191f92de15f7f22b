from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from twins.ledger import Ledger


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "below" / "ledger.jsonl"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    ledger = Ledger(path)
    yield ledger
    ledger.close()


def enter(ledger: Ledger, *deliveries: str, status: int = 202, address: str = "a@example.org") -> None:
    """One entry for each."""
    for delivery in deliveries:
        ledger.append(1.5, "sendgrid", delivery, address, status, "")


def numbers(lines: bytes) -> list[int]:
    """The numbers of entries as they are paged out."""
    return [msgspec.json.decode(line)["seq"] for line in lines.splitlines()]


def test_an_entry_is_one_line(ledger: Ledger, path: Path) -> None:
    enter(ledger, "d-1", address='"a\nb"@example.org')
    ledger.write()
    line = b'{"seq":1,"at":1.5,"provider":"sendgrid","delivery":"d-1","address":"\\"a\\nb\\"@example.org","status":202,"fault":""}\n'
    assert path.read_bytes() == line


@pytest.mark.parametrize("after", [0, 1, 1023, 1024, 1025, 2047, 2048, 2049, 2999, 3000, 9999])
def test_pages(ledger: Ledger, after: int) -> None:
    enter(ledger, *(f"d-{number}" for number in range(3000)))
    assert numbers(ledger.entries(after, 5)) == list(range(after + 1, min(after + 5, 3000) + 1))


def test_search(ledger: Ledger) -> None:
    enter(ledger, "d-1", "d-2", "d-1")
    enter(ledger, "d-1", address="b@example.org")
    assert [entry.seq for entry in ledger.search("d-1", "", 10)] == [1, 3, 4]
    assert [entry.seq for entry in ledger.search("d-1", "", 2)] == [1, 3]
    assert [entry.seq for entry in ledger.search("", "b@example.org", 10)] == [4]
    assert [entry.seq for entry in ledger.search("d-1", "a@example.org", 10)] == [1, 3]
    assert ledger.search("a@example.org", "", 10) == []


def test_a_restart_reads_the_file_back(ledger: Ledger, path: Path) -> None:
    enter(ledger, *(f"d-{number}" for number in range(2000)), "d-0")
    ledger.write()
    again = Ledger(path)
    assert [entry.seq for entry in again.replay()] == list(range(1, 2002))
    assert again.report() == ledger.report()
    enter(again, "d-1")
    assert numbers(again.entries(1999, 9)) == [2000, 2001, 2002]
    assert again.tally.duplicates == 2
    again.close()


def test_half_a_line_of_a_killed_process_is_cut_off(ledger: Ledger, path: Path) -> None:
    enter(ledger, "d-1")
    ledger.write()
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:20])
    again = Ledger(path)
    assert [entry.seq for entry in again.replay()] == [1]
    enter(again, "d-2")
    assert numbers(again.entries(0, 9)) == [1, 2]
    again.close()


def test_a_file_that_is_no_ledger_is_said_to_be_none(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"seq":1}\n')
    ledger = Ledger(path)
    with pytest.raises(ValueError, match=r"ledger\.jsonl, byte 0, is no entry"):
        list(ledger.replay())
    ledger.close()


def test_reset_begins_anew_and_keeps_the_file_before(ledger: Ledger, path: Path) -> None:
    enter(ledger, "d-1")
    ledger.reset()
    enter(ledger, "d-1")
    report = ledger.report()
    assert (report["seq"], report["accepted"], report["duplicates"]) == (1, 1, 0)
    assert numbers(path.with_name("ledger.jsonl.before").read_bytes()) == [1]
