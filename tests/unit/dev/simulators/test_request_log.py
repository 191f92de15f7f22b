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
    request_log = RequestLog(path)
    yield request_log
    request_log.close()


def append_entries(request_log: RequestLog, *delivery_ids: str, status: int = 202, address: str = "a@example.org") -> None:
    """Append an entry for each delivery."""
    for delivery_id in delivery_ids:
        request_log.append(1.5, "sendgrid", delivery_id, address, status, "")


def parse_seqs(lines: bytes) -> list[int]:
    """Parse the `seq` of each line."""
    return [msgspec.json.decode(line)["seq"] for line in lines.splitlines()]


def test_an_entry_is_one_json_line(request_log: RequestLog, path: Path) -> None:
    append_entries(request_log, "d-1", address='"a\nb"@example.org')
    request_log.flush()
    line = b'{"seq":1,"at":1.5,"provider":"sendgrid","delivery_id":"d-1","address":"\\"a\\nb\\"@example.org","status":202,"fault":""}\n'
    assert path.read_bytes() == line


@pytest.mark.parametrize("after", [0, 1, 1023, 1024, 1025, 2047, 2048, 2049, 2999, 3000, 9999])
def test_a_page_starts_after_the_given_entry(request_log: RequestLog, after: int) -> None:
    append_entries(request_log, *(f"d-{number}" for number in range(3000)))
    assert parse_seqs(request_log.read_entries(after, 5)) == list(range(after + 1, min(after + 5, 3000) + 1))


def test_a_search_by_delivery_and_address(request_log: RequestLog) -> None:
    append_entries(request_log, "d-1", "d-2", "d-1")
    append_entries(request_log, "d-1", address="b@example.org")
    assert [entry.seq for entry in request_log.search_entries("d-1", "", 10)] == [1, 3, 4]
    assert [entry.seq for entry in request_log.search_entries("d-1", "", 2)] == [1, 3]
    assert [entry.seq for entry in request_log.search_entries("", "b@example.org", 10)] == [4]
    assert [entry.seq for entry in request_log.search_entries("d-1", "a@example.org", 10)] == [1, 3]
    assert request_log.search_entries("a@example.org", "", 10) == []


def test_a_restart_replays_the_file(request_log: RequestLog, path: Path) -> None:
    append_entries(request_log, *(f"d-{number}" for number in range(2000)), "d-0")
    request_log.flush()
    restarted_log = RequestLog(path)
    assert [entry.seq for entry in restarted_log.replay_entries()] == list(range(1, 2002))
    assert restarted_log.build_report() == request_log.build_report()
    append_entries(restarted_log, "d-1")
    assert parse_seqs(restarted_log.read_entries(1999, 9)) == [2000, 2001, 2002]
    assert restarted_log.counts.duplicates == 2
    restarted_log.close()


def test_an_incomplete_line_of_a_killed_process_is_truncated(request_log: RequestLog, path: Path) -> None:
    append_entries(request_log, "d-1")
    request_log.flush()
    complete_lines = path.read_bytes()
    path.write_bytes(complete_lines + complete_lines[:20])
    restarted_log = RequestLog(path)
    assert [entry.seq for entry in restarted_log.replay_entries()] == [1]
    append_entries(restarted_log, "d-2")
    assert parse_seqs(restarted_log.read_entries(0, 9)) == [1, 2]
    restarted_log.close()


def test_a_file_that_is_not_a_request_log_is_an_error(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"seq":1}\n')
    request_log = RequestLog(path)
    with pytest.raises(ValueError, match=r"requests\.jsonl, byte 0: not an entry"):
        list(request_log.replay_entries())
    request_log.close()


def test_a_reset_starts_a_new_file_and_keeps_the_old_one(request_log: RequestLog, path: Path) -> None:
    append_entries(request_log, "d-1")
    request_log.reset()
    append_entries(request_log, "d-1")
    report = request_log.build_report()
    assert (report["seq"], report["accepted"], report["duplicates"]) == (1, 1, 0)
    assert parse_seqs(path.with_name("requests.jsonl.previous").read_bytes()) == [1]
