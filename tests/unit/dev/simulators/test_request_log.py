from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from dev.simulators.request_log import RequestLog


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "below" / "requests.jsonl"


@pytest.fixture
def request_log(path: Path) -> Iterator[RequestLog]:
    ledger = RequestLog(path)
    yield ledger
    ledger.close()


def append_entries(ledger: RequestLog, *deliveries: str, status: int = 202, address: str = "a@example.org") -> None:
    """One entry for each."""
    for delivery in deliveries:
        ledger.append(1.5, "sendgrid", delivery, address, status, "")


def parse_seqs(lines: bytes) -> list[int]:
    """The numbers of entries as they are paged out."""
    return [msgspec.json.decode(line)["seq"] for line in lines.splitlines()]


def test_an_entry_is_one_line(request_log: RequestLog, path: Path) -> None:
    append_entries(request_log, "d-1", address='"a\nb"@example.org')
    request_log.flush()
    line = b'{"seq":1,"at":1.5,"provider":"sendgrid","delivery_id":"d-1","address":"\\"a\\nb\\"@example.org","status":202,"fault":""}\n'
    assert path.read_bytes() == line


@pytest.mark.parametrize("after", [0, 1, 1023, 1024, 1025, 2047, 2048, 2049, 2999, 3000, 9999])
def test_pages(request_log: RequestLog, after: int) -> None:
    append_entries(request_log, *(f"d-{number}" for number in range(3000)))
    assert parse_seqs(request_log.read_entries(after, 5)) == list(range(after + 1, min(after + 5, 3000) + 1))


def test_search(request_log: RequestLog) -> None:
    append_entries(request_log, "d-1", "d-2", "d-1")
    append_entries(request_log, "d-1", address="b@example.org")
    assert [entry.seq for entry in request_log.search_entries("d-1", "", 10)] == [1, 3, 4]
    assert [entry.seq for entry in request_log.search_entries("d-1", "", 2)] == [1, 3]
    assert [entry.seq for entry in request_log.search_entries("", "b@example.org", 10)] == [4]
    assert [entry.seq for entry in request_log.search_entries("d-1", "a@example.org", 10)] == [1, 3]
    assert request_log.search_entries("a@example.org", "", 10) == []


def test_a_restart_reads_the_file_back(request_log: RequestLog, path: Path) -> None:
    append_entries(request_log, *(f"d-{number}" for number in range(2000)), "d-0")
    request_log.flush()
    again = RequestLog(path)
    assert [entry.seq for entry in again.replay_entries()] == list(range(1, 2002))
    assert again.build_report() == request_log.build_report()
    append_entries(again, "d-1")
    assert parse_seqs(again.read_entries(1999, 9)) == [2000, 2001, 2002]
    assert again.counts.duplicates == 2
    again.close()


def test_half_a_line_of_a_killed_process_is_cut_off(request_log: RequestLog, path: Path) -> None:
    append_entries(request_log, "d-1")
    request_log.flush()
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:20])
    again = RequestLog(path)
    assert [entry.seq for entry in again.replay_entries()] == [1]
    append_entries(again, "d-2")
    assert parse_seqs(again.read_entries(0, 9)) == [1, 2]
    again.close()


def test_a_file_that_is_no_ledger_is_said_to_be_none(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"seq":1}\n')
    ledger = RequestLog(path)
    with pytest.raises(ValueError, match=r"requests\.jsonl, byte 0, is no entry"):
        list(ledger.replay_entries())
    ledger.close()


def test_reset_begins_anew_and_keeps_the_file_before(request_log: RequestLog, path: Path) -> None:
    append_entries(request_log, "d-1")
    request_log.reset()
    append_entries(request_log, "d-1")
    report = request_log.build_report()
    assert (report["seq"], report["accepted"], report["duplicates"]) == (1, 1, 0)
    assert parse_seqs(path.with_name("requests.jsonl.previous").read_bytes()) == [1]
